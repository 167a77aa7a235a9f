"""Task objects: what `createTask` is given.

A task type is a class. Its fields are the API's fields, its checks refuse what the service
would refuse, and `to_wire()` is the JSON object that is sent.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import copy
import difflib
import inspect
import itertools
import json
import linecache
import math
import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    RootModel,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic import Field as Field
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from brocap_nb import _html
from brocap_nb.api._body import Body, decode_base64, embedded_picture, shorten_labels
from brocap_nb.api._errors import InvalidInputError, InvalidTaskError, Problem
from brocap_nb.api._secrets import SecretText
from brocap_nb.tasks import _pictures
from brocap_nb.tasks._code import python_source

_OWN: Final = frozenset({"pictures", "to_python", "to_wire", "wire_body"})

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
    if known is None or not all(isinstance(field, str) for field in body):
        return RawTask(body)
    return known(**{name: value for name, value in body.items() if name != "type"})


def _is_fixed(value: Any) -> bool:
    """Whether nothing in a value can change: no list, no dict, no object of somebody else."""
    if isinstance(value, _Strict):
        return not value.model_extra and all(map(_is_fixed, vars(value).values()))
    if type(value) is tuple:
        return all(map(_is_fixed, value))
    return value is None or type(value) in (str, int, float, bool)


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are written alike: True is not 1 here, and members have an order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(map(_same, one.values(), other.values()))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)


def _cell_docstrings(kind: type) -> dict[str, str]:
    """The docstrings under the fields of a class of a notebook, where pydantic finds none."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__") != kind.__module__:
        frame = frame.f_back
    found: dict[str, str] = {}
    if frame is None:
        return found
    with contextlib.suppress(SyntaxError, ValueError):  # a file that changed meanwhile
        tree = ast.parse("".join(linecache.getlines(frame.f_code.co_filename)))
        classes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
        begun = [n for n in classes if n.name == kind.__name__ and n.lineno <= frame.f_lineno]
        # a cell may define it twice: the one that runs is the last that has begun
        for pair in itertools.pairwise(max(begun, key=lambda node: node.lineno).body):
            match pair:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(ast.Constant(str(text))):
                    found[name] = inspect.cleandoc(text)
    return found


class _Strict(BaseModel):
    """Frozen, camelCase on the wire, unknown fields refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        allow_inf_nan=False,
        defer_build=True,  # building a model's checks takes longer than the rest of the import
        extra="forbid",
        frozen=True,
        populate_by_name=True,
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

    @classmethod
    def __pydantic_init_subclass__(
        cls, *, wire_type: str | None = None, register: bool = True, **kwargs: Any
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.wire_type = wire_type or cls.__name__
        for hidden in _OWN.intersection(cls.model_fields):
            raise InvalidTaskError(
                f"{cls.__name__} has a field named {hidden}, which every task already has; "
                f"expected another name. Write it as api_{hidden}: … = "
                f'Field(alias="{to_camel(hidden)}").',
                field=hidden,
            )
        if cls.__module__ == "__main__" and cls.model_config.get("use_attribute_docstrings"):
            helps = _cell_docstrings(cls)
            for name, info in cls.model_fields.items():
                info.description = info.description or helps.get(name)
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
        return {"type": self.wire_type, **self._json()}

    def _json(self) -> dict[str, Any]:
        """The fields as they are sent, each secret as a `SecretText`."""
        try:
            dumped = self.model_dump(mode="json", by_alias=True)
        except (TypeError, ValueError) as error:
            raise _not_json("", f"{type(self).__name__} is not JSON: {str(error)[:200]}") from None
        sent: dict[str, Any] = _as_sent(dumped, self)
        return sent

    @property
    def wire_body(self) -> Body:
        """The task's JSON in pieces, always that of its fields: made again when they changed."""
        made: tuple[dict[str, Any] | None, Body] | None = getattr(self, "_made", None)
        if made is not None and made[0] is None:
            return made[1]
        wire = self.to_wire()
        if made is None or not _same(made[0], wire):
            made = (None if _is_fixed(self) else wire, Body.of(wire))
            object.__setattr__(self, "_made", made)
        return made[1]

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

    def _body_text(self) -> str:
        """The JSON as a person reads it: indented, pictures as labels."""
        return _html.pretty(shorten_labels(self.wire_body.text), limit=6_000)

    def _measured(self) -> list[tuple[str, _pictures.ImageFacts]]:
        """What can be said of each picture."""
        return [(f"picture {n}", _pictures.inspect(d)) for n, d in enumerate(self.pictures(), 1)]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        shown = [
            _html.picture(
                small.data,
                small.media_type,
                f"Picture {index} of the task",
                size=(small.width, small.height),
            )
            for index, small in enumerate(_pictures.thumbnails(self.pictures()), 1)
            if small is not None
        ]
        html = _html.card(
            self.type or "Task without a type",
            *shown,
            _html.facts(
                (name, _html.badge(str(facts), good=facts.problem is None))
                for name, facts in self._measured()
            ),
            _html.code(self._body_text()),
        )
        return _html.bundle(html, str(self))

    def __str__(self) -> str:
        lines = [f"{name}: {facts}" for name, facts in self._measured()]
        return "\n".join([*lines, self._body_text()])

    def __getstate__(self) -> dict[Any, Any]:
        if self.wire_body.hides:
            raise TypeError(
                "A task that holds a secret is not pickled, since the file would show it: build "
                "the task anew where it is needed."
            )
        return super().__getstate__()

    def __repr__(self) -> str:
        body = shorten_labels(self.wire_body.text)
        body = body if len(body) <= 2_000 else f"{body[:2_000]}… ({len(body):,} characters)"
        return f"{type(self).__name__}({body})"


# Your own types have docstrings for help. The built-in ones, and Task itself, do without: to read
# docstrings pydantic searches the source of every loaded module, a tenth of this package's import.
Task.model_config["use_attribute_docstrings"] = True
_DESCRIBED: Final = ConfigDict(use_attribute_docstrings=False)


def _clean_page(url: str | None) -> str | None:
    return None if url is None else _pictures.clean_address(url, "websiteURL")


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

    model_config = _DESCRIBED
    typical_wait = (0.3, 6.0)

    task_class: Literal["funcaptcha"] = Field(
        "funcaptcha",
        alias="class",
        description="The picture's family; `funcaptcha` is the only documented one.",
    )
    image_urls: tuple[str, ...] | None = Field(
        None, description="Address of the picture (one), if imagesBase64 is absent."
    )
    images_base64: tuple[str, ...] | None = Field(
        None,
        alias="imagesBase64",
        description="The picture's file in base64, no `data:` prefix, if imageUrls is absent.",
    )
    metadata: ComplexImageMetadata = Field(
        description="What the service is told about the picture."
    )
    user_agent: str | None = Field(
        None, description="The User-Agent with which the service loads imageUrls."
    )
    website_url: str | None = Field(
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
            InvalidTaskError: the picture or a field would not be taken by the service.
            InvalidImageError: the picture cannot be read, or is none that the service takes.
        """
        data = _pictures.read(source)
        rest = {"question": question, "user_agent": user_agent, "website_url": website_url}
        if (url := _pictures.address_in(source)) is not None:
            if sentence := _pictures.check_size(len(data)):
                raise InvalidTaskError(sentence, field="imageUrls")
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

    @field_validator("image_urls")
    @classmethod
    def _check_urls(cls, urls: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if urls is not None and len(urls) != 1:
            raise InvalidTaskError(
                f"imageUrls has {len(urls)} addresses; expected a list with a single one. Create "
                "one task for each picture.",
                field="imageUrls",
            )
        return urls and tuple(_pictures.clean_address(url, "imageUrls") for url in urls)

    @field_validator("images_base64")
    @classmethod
    def _check_base64(cls, texts: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for index, text in enumerate(texts or ()):
            try:
                data = _picture_file(text)
            except ValueError as error:
                raise InvalidTaskError(
                    f"imagesBase64[{index}] {error}", field="imagesBase64"
                ) from None
            if sentence := _pictures.check_size(len(data), f"The picture in imagesBase64[{index}]"):
                raise InvalidTaskError(sentence, field="imagesBase64")
        return texts

    _check_page = field_validator("website_url")(_clean_page)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [one for one in (self.image_urls, self.images_base64) if one is not None]
        if len(given) == 1 and given[0]:
            return self
        found = "There is no picture: neither imageUrls nor imagesBase64 has one"
        if len(given) == 2:
            found = "Both imageUrls and imagesBase64 are given"
        raise InvalidTaskError(
            f"{found}; expected exactly one of them. Choose one picture; "
            "ComplexImageTask.from_image(…) puts it where it belongs.",
            field="imageUrls",
        )


class FunCaptchaTaskProxyless(Task):
    """A token for a page with this public key.

    >>> bn.FunCaptchaTaskProxyless(website_url="https://e.org", website_public_key="6").to_wire()
    {'type': 'FunCaptchaTaskProxyless', 'websiteURL': 'https://e.org', 'websitePublicKey': '6'}
    """

    model_config = _DESCRIBED
    typical_wait = (10.0, 30.0)

    website_url: str = Field(alias="websiteURL", description="Address of the page.")
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

    _check_page = field_validator("website_url")(_clean_page)

    @field_validator("data", mode="before")
    @classmethod
    def _check_data(cls, data: Any) -> Any:
        if data is None:
            return None
        try:
            json.loads(data)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidTaskError(
                f"data is not JSON ({error}); expected a JSON document as a string, such as "
                '"{\\"blob\\":\\"…\\"}". Pass json.dumps(your_value), or leave it out.',
                field="data",
            ) from None
        return data


class RawTask(Task, register=False):
    """Any JSON object, sent as it is. Nothing is checked but that it is JSON.

    >>> client.create_task(bn.RawTask({"type": "NoSuchTask"}))
    Traceback (most recent call last):
    brocap_nb.ApiError: ERROR_TASK_NOT_SUPPORTED: ...
    """

    model_config = _DESCRIBED

    text: str = Field(description="The object as JSON.")

    def __init__(self, body: Mapping[str, Any]) -> None:
        if not isinstance(body, Mapping):
            raise InvalidTaskError(
                f"RawTask got a {type(body).__name__}; expected a JSON object. Pass a dict, "
                'such as {"type": "MyTask"}.'
            )
        try:
            text = json.dumps(dict(body), allow_nan=False)
            if json.loads(text) != _lists(body):
                raise TypeError("a key is not a string")
        except (TypeError, ValueError, RecursionError) as error:
            raise _not_json("", f"The object is not JSON: {error}") from None
        super().__init__(text=text)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        return type(self)({**self.to_wire(), **(update or {})})

    @property
    def type(self) -> str | None:
        name = self.to_wire().get("type")
        return name if isinstance(name, str) else None

    def to_wire(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.text)
        return body


def _picture_file(text: str) -> bytes:
    """The bytes of a base64 text: of a picture that was met before, without decoding it again."""
    known = embedded_picture(text)
    return decode_base64(text) if known is None else known.data


# --- what is sent ---------------------------------------------------------------------------


def _as_sent(dumped: Any, value: Any, place: str = "") -> Any:
    """What pydantic made of a value for JSON, with the secrets for which it has asterisks.

    A field that is None is left out, unless that would mean another value.
    """
    if hasattr(value, "get_secret_value"):
        hidden = dumped == str(value) or not str(dumped).strip("*")
        return _secret_text(value.get_secret_value(), place) if hidden else dumped
    for number in (value, dumped):
        if isinstance(number, float) and not math.isfinite(number):
            raise _not_json(place, f"{place} is {number}")
    if isinstance(value, RootModel):
        return _as_sent(dumped, value.root, place)
    below = f"{place}." if place else ""
    if isinstance(dumped, dict) and (fields := _fields_of(type(value))):
        # a dataclass has no other names
        names = {getattr(f, "serialization_alias", "") or n: n for n, f in fields.items()}
        held = {key: getattr(value, names.get(key) or key, at) for key, at in dumped.items()}
        return {
            key: _as_sent(inner, held[key], below + key)
            for key, inner in dumped.items()
            if held[key] is not None or key not in names or fields[names[key]].default is not None
        }
    if isinstance(dumped, dict) and isinstance(value, Mapping) and len(dumped) == len(value):
        # pydantic would spoil half of a character in a key
        keys = [held if type(held) is str else key for key, held in zip(dumped, value, strict=True)]
        parts = zip(keys, dumped.values(), value.values(), strict=True)
        return {key: _as_sent(inner, held, f"{below}{key}") for key, inner, held in parts}
    if isinstance(dumped, list) and isinstance(value, Collection) and len(dumped) == len(value):
        return [_as_sent(inner, item, place) for inner, item in zip(dumped, value, strict=True)]
    return dumped


def _fields_of(kind: Any) -> Mapping[str, Any]:
    """The fields of a model or a dataclass."""
    found = getattr(kind, "__pydantic_fields__", None) or getattr(kind, "__dataclass_fields__", {})
    return dict(found)


def _secret_text(secret: Any, place: str) -> SecretText:
    with contextlib.suppress(UnicodeDecodeError):
        if isinstance(secret, (str, bytes)):
            return SecretText(secret if isinstance(secret, str) else secret.decode())
    raise _not_json(
        place, f"{place} is a secret of type {type(secret).__name__}, not a text in UTF-8"
    )


def _not_json(field: str, what: str) -> InvalidTaskError:
    return InvalidTaskError(
        f"{what}. Expected texts, finite numbers, booleans, None, lists and dicts with string "
        "keys, as JSON has them. Convert the value in question.",
        field=field,
    )


def _lists(value: Any) -> Any:
    """A value with its tuples as lists, as JSON gives them back."""
    if isinstance(value, Mapping):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, (list, tuple)) else value


# --- what is wrong --------------------------------------------------------------------------

_GIVEN: Final = {"str": "a string", "int": "a number", "float": "a number", "bool": "a boolean"}
_WANTED: Final = {"integer": "an integer", "tuple": "a list", "dictionary": "an object"}
_WORDS: Final = re.compile(
    r"Input should be a valid (string|number|boolean|list|integer|tuple|dict\w+)"
)


def _sentence(model: type[BaseModel], details: ErrorDetails) -> Problem:
    """Turn one of pydantic's errors into the sentence that a person is shown."""
    kind, given, loc = details["type"], details.get("input"), [*details["loc"]]
    context = details.get("ctx", {})
    message = details["msg"].removeprefix("Value error, ").rstrip(".")
    fields: dict[Any, Any] = {}
    place: Any = model
    for at, part in enumerate(loc):  # by the names on the wire
        known = _fields_of(place)
        fields = {info.alias or name: info for name, info in known.items()}
        if isinstance(part, str) and part in known:
            loc[at] = part = known[part].alias or part
        place = fields[part].annotation if part in fields else None
    helps = {name: info.description or "" for name, info in fields.items()}
    field = ".".join(part for part in loc if isinstance(part, str))
    if isinstance(error := context.get("error"), InvalidInputError):
        field = error.problems[0].field or field
        said = str(error)
    elif kind == "missing":
        about = f" ({hint})" if (hint := helps.get(str(loc[-1]), "").rstrip(".")) else ""
        said = f"{field} is missing; it is required{about}. Fill it in."
    elif kind == "extra_forbidden":
        lower = {name.lower(): name for name in helps}
        near = difflib.get_close_matches(str(loc[-1]).lower(), lower, 1, 0.5)
        advice = f"Did you mean {lower[near[0]]}? " if near else ""
        named = f"The fields are: {', '.join(helps)}. " if helps else ""
        said = f"{field} is not a field of {model.__name__}. {advice}{named}"
        said += "To send it all the same, use RawTask."
    elif kind == "string_too_short" and not given:
        said = f"{field} is empty; expected a text. Fill it in."
    elif kind == "literal_error":
        shown = _pictures.quoted(given) if isinstance(given, str) else str(given)[:80]
        said = f"{field} is {shown}; expected {context['expected']}."
    elif wanted := _WORDS.match(message):
        expected = _WANTED.get(wanted[1], f"a {wanted[1]}")
        got = _GIVEN.get(type(given).__name__, f"a {type(given).__name__}")
        where = "".join(f"[{part}]" for part in loc if isinstance(part, int))
        said = f"{field}{where} is {got}; expected {expected}. Change the value's type."
    else:
        said = f"{field}: {message}. Change the value." if field else f"{message}."
    return Problem(field, said)
