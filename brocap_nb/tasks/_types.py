"""Task objects: what `createTask` is given. A task type is a class."""

from __future__ import annotations

import base64
import binascii
import copy
import difflib
import inspect
import json
import math
import re
from collections.abc import Collection, Mapping
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Field
from pydantic.alias_generators import to_camel
from pydantic.functional_validators import AfterValidator, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticSerializationError, to_jsonable_python

from brocap_nb import _html
from brocap_nb.api._body import Body, embedded_picture, shorten_labels
from brocap_nb.api._errors import InvalidInputError, InvalidTaskError, Problem
from brocap_nb.api._secrets import SecretText
from brocap_nb.tasks import _pictures
from brocap_nb.tasks._code import python_source
from brocap_nb.tasks._pictures import clean_address

_registry: dict[str, type[Task]] = {}


def task_types() -> Mapping[str, type[Task]]:
    """Return the registered task types by their `type` on the wire, built-in ones first.

    >>> list(bn.task_types())
    ['ComplexImageTask', 'FunCaptchaTaskProxyless']
    """
    return MappingProxyType(_registry)


def task_from_wire(body: Mapping[str, Any]) -> Task:
    """Return the task object of a JSON object: of its registered type, else a `RawTask`.

    >>> bn.task_from_wire({"type": "NewTask", "websiteURL": "https://example.com"})
    RawTask({"type": "NewTask", "websiteURL": "https://example.com"})

    Raises:
        InvalidTaskError: the type is registered and the fields do not fit it.
    """
    name = body.get("type") if isinstance(body, Mapping) else None
    known = _registry.get(name) if isinstance(name, str) else None
    if known is None:
        return RawTask(body)
    return known(**{str(name): value for name, value in body.items() if name != "type"})


def _is_fixed(value: Any) -> bool:
    """Whether nothing in a value can change: no list, no dict, no object of somebody else."""
    if isinstance(value, _Strict):
        return not value.model_extra and all(map(_is_fixed, vars(value).values()))
    if type(value) is tuple:
        return all(map(_is_fixed, value))
    return value is None or type(value) in (str, int, float, bool)


class _Strict(BaseModel):
    """Frozen, camelCase on the wire, unknown fields refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        allow_inf_nan=False,
        defer_build=True,  # building a model's checks takes longer than the rest of the import
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        protected_namespaces=(re.compile("(pictures|to_python|to_wire|wire_body)$"),),
    )


class Task(_Strict):
    """A task of one type. Subclass it to define a type; the fields are the API's fields.

    It is registered under its class's name, which is also its `type` on the wire, or under
    `class MyTask(Task, wire_type="…")`. Field names become camelCase on the wire.

    >>> class PageTask(bn.Task):
    ...     website_url: str = bn.Field(alias="websiteURL")
    >>> PageTask(website_url="https://example.com").to_wire()
    {'type': 'PageTask', 'websiteURL': 'https://example.com'}
    """

    __slots__ = ("_made",)  # what a slot holds is neither copied nor pickled nor compared

    wire_type: ClassVar[str] = ""
    """The value of `type` on the wire."""
    typical_wait: ClassVar[tuple[float, float] | None] = None
    """How long a result usually takes, in seconds (from, to), or None if nobody says."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__()  # the keywords are for the hook below
        if cls.__module__ == "__main__":  # pydantic would not find the docstrings of a cell
            frame = inspect.currentframe()
            while frame is not None and frame.f_globals.get("__name__") != "__main__":
                frame = frame.f_back
            if frame is not None:
                inspect.modulesbyfile[inspect.getabsfile(frame)] = "__main__"

    @classmethod
    def __pydantic_init_subclass__(
        cls, *, wire_type: str | None = None, register: bool = True, **kwargs: Any
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.wire_type = wire_type or cls.__name__
        if register:
            _registry[cls.wire_type] = cls

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
            _ = self.wire_body  # what cannot be sent is told now, and a picture hashed at hand
        except ValidationError as error:
            problems = [_sentence(type(self), details) for details in error.errors()]
        except InvalidTaskError as error:
            problems = [*error.problems]
        except RecursionError:
            problems = [*_not_json("", f"{type(self).__name__} is nested too deeply").problems]
        else:
            return
        del fields  # a traceback that shows locals would show its passwords
        # outside the handler: the cause would repeat the whole input, pictures included
        raise InvalidTaskError(problems)

    @property
    def type(self) -> str | None:
        """The value of `type` on the wire; None for a raw object without one."""
        return self.wire_type

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object that is sent as `task`; absent optional fields are left out.

        A pydantic `SecretStr` or `SecretBytes` stands in it as it is sent, and its repr is a label.

        >>> bn.RawTask({"type": "NewTask", "depth": 2}).to_wire()
        {'type': 'NewTask', 'depth': 2}

        Raises:
            InvalidTaskError: a value is nothing that JSON can have.
        """
        try:
            held = self.model_dump(by_alias=True)
            dumped = self.model_dump(mode="json", by_alias=True)
            chosen = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
            return {"type": self.wire_type, **_as_sent(dumped, held, chosen)}
        except (PydanticSerializationError, UnicodeError) as error:
            raise _not_json("", f"{type(self).__name__} is not JSON: {str(error)[:200]}") from None

    @property
    def wire_body(self) -> Body:
        """The task's JSON in pieces; made once, unless something in the task can change."""
        made: Body | None = getattr(self, "_made", None)
        if made is None:
            made = Body.of(self.to_wire())
            if _is_fixed(self):
                object.__setattr__(self, "_made", made)
        return made

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with fields changed, checked as if built anew; `copy.replace` does too.

        >>> task.model_copy(update={"question": "Pick the penguin"}).question
        'Pick the penguin'
        """
        given = copy.deepcopy(self) if deep else self
        kept = {name: getattr(given, name) for name in self.model_fields_set}
        return type(self)(**{**kept, **(update or {})})

    def to_python(self) -> str:
        """Return Python code that builds this task, in the variable `task`.

        A long picture is read from a file and a secret from an environment variable.

        >>> print(bn.RawTask({"type": "NewTask", "depth": 2}).to_python())
        import brocap_nb as bn
        <BLANKLINE>
        task = bn.RawTask({'type': 'NewTask', 'depth': 2})
        """
        return python_source(self)

    def pictures(self) -> list[bytes]:
        """Return the files of the task's pictures, as far as they are known here.

        >>> len(task.pictures())
        1
        """
        return [picture.data for picture in self.wire_body.pictures]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        files = self.pictures()
        measured = enumerate(map(_pictures.inspect, files), 1)
        facts = [(f"picture {n}", (str(one), not one.problem)) for n, one in measured]
        body = _html.pretty(shorten_labels(self.wire_body.text), limit=6_000)
        title, shown = self.type or "Task without a type", "Picture {} of the task"
        return _html.describe(title, facts, ("JSON", body), images=_pictures.images(files, shown))

    def __getstate__(self) -> dict[Any, Any]:
        if self.wire_body.hidden:
            raise TypeError(
                "A task that holds a secret is not pickled, since the file would show it: build "
                "the task anew where it is needed."
            )
        return super().__getstate__()

    def __repr__(self) -> str:
        body = shorten_labels(self.wire_body.text)
        body = body if len(body) <= 2_000 else f"{body[:2_000]}… ({len(body):,} characters)"
        return f"{type(self).__name__}({body})"

    __str__ = __repr__


_Page: TypeAlias = Annotated[str, AfterValidator(partial(clean_address, what="websiteURL"))]
_Picture: TypeAlias = Annotated[str, AfterValidator(partial(clean_address, what="imageUrls"))]


class ComplexImageMetadata(_Strict):
    """What the service is told about the picture."""

    task: str = Field(
        alias="Task",
        min_length=1,
        description="The question, in English, for example `Pick the penguin`.",
    )


class ComplexImageTask(Task):
    """A picture of several tiles and a question about it (class `funcaptcha`).

    >>> bn.ComplexImageTask(
    ...     image_urls=["https://example.com/birds.png"], question="Pick the penguin"
    ... ).to_wire()
    {'type': 'ComplexImageTask', 'class': 'funcaptcha', 'imageUrls': [...], 'metadata': {...}}
    """

    typical_wait = (0.3, 6.0)

    task_class: Literal["funcaptcha"] = Field(
        "funcaptcha",
        alias="class",
        description="The picture's family; `funcaptcha` is the only documented one.",
    )
    image_urls: tuple[_Picture, ...] | None = Field(
        None, description="Address of the picture (one), if imagesBase64 is absent."
    )
    images_base64: tuple[str, ...] | None = Field(
        None, description="The picture's file in base64, no `data:` prefix, if imageUrls is absent."
    )
    metadata: ComplexImageMetadata = Field(description="What is asked about the picture.")
    user_agent: str | None = Field(
        None, description="The User-Agent with which the service loads imageUrls."
    )
    website_url: _Page | None = Field(
        None, alias="websiteURL", description="The page the picture belongs to."
    )

    @classmethod
    def from_image(
        cls,
        source: _pictures.ImageSource,
        question: str,
        *,
        user_agent: str | None = None,
        website_url: str | None = None,
    ) -> Self:
        """Build the task of one picture; an address is loaded once, and is sent as `imageUrls`.

        >>> bn.ComplexImageTask.from_image(sandbox.puzzles[0].data, question="Pick the owl")
        ComplexImageTask({"type": "ComplexImageTask", "class": "funcaptcha",
            "imagesBase64": ["<image/png ... bytes sha256:...>"],
            "metadata": {"Task": "Pick the owl"}})

        Args:
            source: a path, an http(s) or `data:` address, base64, the file's bytes, or an image
                of PIL or IPython.
            question: what is asked about it, in English.

        Raises:
            InvalidInputError: the picture cannot be read, or the service would not take the task.
        """
        data, url = _pictures.read(source), _pictures.address_in(source)
        if url and (sentence := _pictures.check_size(len(data))):
            raise InvalidTaskError(sentence, field="imageUrls")
        rest = {"question": question, "user_agent": user_agent, "website_url": website_url}
        if url:
            return cls(image_urls=(url,), **rest)
        return cls(images_base64=(base64.b64encode(data).decode("ascii"),), **rest)

    @property
    def question(self) -> str:
        """What is asked about the picture."""
        return self.metadata.task

    def pictures(self) -> list[bytes]:
        if self.images_base64 is not None:
            return [_picture_file(text) for text in self.images_base64]
        return [d for url in self.image_urls or () if (d := _pictures.fetched(url)) is not None]

    @model_validator(mode="before")
    @classmethod
    def _question_is_metadata(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and "question" in fields:
            fields = {**fields, "metadata": {"Task": fields["question"]}}
            del fields["question"]
        return fields

    @field_validator("images_base64")
    @classmethod
    def _check_base64(cls, texts: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for index, text in enumerate(texts or ()):
            name = f"imagesBase64[{index}]"
            try:
                wrong = _pictures.check_size(len(_picture_file(text)), f"The picture in {name}")
            except ValueError:
                wrong = (
                    f"{name} is not base64. Expected the picture file's bytes in standard base64, "
                    "without a `data:` prefix, spaces or line breaks. Remove them, or let "
                    "ComplexImageTask.from_image(…) make it for you."
                )
            if wrong:
                raise InvalidTaskError(wrong)
        return texts

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        urls, texts = self.image_urls, self.images_base64
        if texts if urls is None else (len(urls) == 1 and texts is None):
            return self
        raise InvalidTaskError(
            f"imageUrls has {len(urls or ())} addresses and imagesBase64 {len(texts or ())} "
            "pictures; expected one address, or pictures, and the other field left out. Choose one "
            "picture for each task; ComplexImageTask.from_image(…) puts it where it belongs.",
            field="imageUrls",
        )


class FunCaptchaTaskProxyless(Task):
    """A token for a page with this public key.

    >>> bn.FunCaptchaTaskProxyless(website_url="https://e.org", website_public_key="6").to_wire()
    {'type': 'FunCaptchaTaskProxyless', 'websiteURL': 'https://e.org', 'websitePublicKey': '6'}
    """

    typical_wait = (10.0, 30.0)

    website_url: _Page = Field(alias="websiteURL", description="Address of the page.")
    website_public_key: str = Field(
        min_length=1,
        description="The page's public key, for example `69A21A01-CC7B-B9C6-0F9A-E7FA06677FFC`.",
    )
    funcaptcha_api_js_subdomain: str | None = Field(
        None,
        alias="funcaptchaApiJSSubdomain",
        description="Service subdomain, for example `mywebsite-api.funcaptcha.com`.",
    )
    data: str | None = Field(
        None, description='Extra data: a JSON document as a string, for example `{"blob": "…"}`.'
    )
    user_agent: str | None = Field(None, description="The browser's User-Agent.")

    @field_validator("data", mode="before")
    @classmethod
    def _check_data(cls, data: Any) -> Any:
        try:
            json.loads("null" if data is None else data)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidTaskError(
                f"data is not JSON ({error}); expected a JSON document as a string, such as "
                '"{\\"blob\\":\\"…\\"}". Pass json.dumps(your_value), or leave it out.'
            ) from None
        return data


class RawTask(Task, register=False):
    """Any JSON object, sent as it is. Nothing is checked but that it is JSON.

    >>> client.create_task(bn.RawTask({"type": "NoSuchTask"}))
    Traceback (most recent call last):
    brocap_nb.ApiError: ERROR_TASK_NOT_SUPPORTED: ...
    """

    text: str = Field(description="The object as JSON.")

    def __init__(self, body: Mapping[str, Any]) -> None:
        try:
            if not isinstance(body, Mapping):
                raise TypeError(f"a {type(body).__name__} is no JSON object")
            text = json.dumps(dict(body), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise _not_json("", f"RawTask got what is not JSON: {error}") from None
        super().__init__(text=text)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        return type(self)({**self.to_wire(), **(update or {})})

    @property
    def type(self) -> str | None:
        name = self.to_wire().get("type")
        return name if isinstance(name, str) else None

    def to_wire(self) -> dict[str, Any]:
        return dict(json.loads(self.text))


# Your own types have docstrings for help. The built-in ones, and Task itself, do without: to read
# docstrings pydantic searches the source of every loaded module, a tenth of this package's import.
Task.model_config["use_attribute_docstrings"] = True


def _picture_file(text: str) -> bytes:
    """The bytes of a base64 text: of a picture that was met before, without decoding it again."""
    known = embedded_picture(text)
    return binascii.a2b_base64(text, strict_mode=True) if known is None else known.data


# --- what is sent ---------------------------------------------------------------------------


def _as_sent(dumped: Any, held: Any, chosen: Any, place: str = "") -> Any:
    """What pydantic made of a value for JSON, with the secrets for which it has asterisks."""
    if hasattr(held, "get_secret_value") and not str(dumped).strip("*"):  # else its owner shows it
        return SecretText(to_jsonable_python(held.get_secret_value()))
    for number in (held, dumped):
        if isinstance(number, float) and not math.isfinite(number):
            raise _not_json(place, f"{place} is {number}")
    given = chosen if type(chosen) is type(dumped) else dumped
    if isinstance(dumped, dict) and isinstance(held, Mapping) and len(held) == len(dumped):
        below = f"{place}." if place else ""
        return {  # pydantic would spoil half of a character in a key
            key if type(key) is str else name: _as_sent(
                inner, value, given.get(name, inner), f"{below}{name}"
            )
            for (name, inner), (key, value) in zip(dumped.items(), held.items(), strict=True)
            if inner is not None or name in given  # without it a default would mean another value
        }
    if isinstance(dumped, list) and isinstance(held, Collection) and len(held) == len(dumped):
        return [_as_sent(*three, place) for three in zip(dumped, held, given, strict=True)]
    return dumped


def _not_json(field: str, what: str) -> InvalidTaskError:
    return InvalidTaskError(
        f"{what}. Expected texts, finite numbers, booleans, None, lists and dicts, such as "
        '{"type": "MyTask"}, as JSON has them. Convert the value in question.',
        field=field,
    )


# --- what is wrong --------------------------------------------------------------------------

_IN_JSON: Final = {"valid tuple": "list", "a valid dictionary": "an object", "valid ": ""}


def _sentence(model: type[BaseModel], details: ErrorDetails) -> Problem:
    """Turn one of pydantic's errors into the sentence that a person is shown."""
    kind, given, loc = details["type"], details.get("input"), [*details["loc"]]
    context = details.get("ctx", {})
    message = details["msg"].removeprefix("Value error, ").rstrip(".")
    helps: dict[str, str] = {}
    place: Any = model
    for at, part in enumerate(loc):  # by the names on the wire
        known = getattr(place, "model_fields", {})
        helps = {info.alias or name: info.description or "" for name, info in known.items()}
        info = known.get(part) or next((i for i in known.values() if i.alias == part), None)
        loc[at] = (info and info.alias) or part
        place = info and info.annotation
    field, last = ".".join(part for part in loc if isinstance(part, str)), str(["", *loc][-1])
    if isinstance(error := context.get("error"), InvalidInputError):
        field = error.problems[0].field or field
        said = str(error)
    elif kind == "missing":
        about = f" ({hint})" if (hint := helps.get(last, "").rstrip(".")) else ""
        said = f"{field} is missing; it is required{about}. Fill it in."
    elif kind == "extra_forbidden":
        lower = {name.lower(): name for name in helps}
        near = difflib.get_close_matches(last.lower(), lower, 1, 0.5)
        advice = f"Did you mean {lower[near[0]]}? " if near else ""
        named = f"The fields are: {', '.join(helps)}. " if helps else ""
        said = f"{field} is not a field of {model.__name__}. {advice}{named}"
        said += "To send it all the same, use RawTask."
    elif kind == "string_too_short" and not given:
        said = f"{field} is empty; expected a text. Fill it in."
    elif kind == "literal_error" or kind.endswith("_type"):
        where = "".join(f"[{part}]" for part in loc if isinstance(part, int))
        typed = f"of type {type(given).__name__}"
        shown = _pictures.quoted(given) if kind == "literal_error" else typed
        expected = message.removeprefix("Input should be ").partition(" or instance of")[0]
        for python, word in _IN_JSON.items():
            expected = expected.replace(python, word)
        said = f"{field}{where} is {shown}; expected {expected}. Change the value."
    else:
        said = f"{field}: {message}. Change the value." if field else f"{message}."
    return Problem(field, said)
