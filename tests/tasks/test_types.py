"""Tasks: the documented JSON goes out, wrong input gets sentences, and any task comes back."""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from peer import Peer, http
from pictures import noise
from PIL import Image
from pydantic import field_validator

import brocap_nb as bn
from brocap_nb.tasks import _types
from brocap_nb.tasks._types import ComplexImageMetadata

QUESTION = "Pick the image that is the correct way up"
ADDRESS = "https://i.postimg.cc/s2ZDrHXy/fc1.jpg"
PAGE = "https://example.com/login"
PICTURE = noise(300, 200)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


@pytest.fixture(autouse=True)
def _registry() -> Iterator[None]:
    """A type that a test defines is gone after it."""
    before = dict(_types._registry)
    yield
    _types._registry.clear()
    _types._registry.update(before)


# --- what goes out ------------------------------------------------------------------------


IMAGE: dict[str, Any] = {"image_urls": [ADDRESS], "question": QUESTION}
TOKEN: dict[str, Any] = {"website_url": PAGE, "website_public_key": "K"}
ASKED = {"type": "ComplexImageTask", "class": "funcaptcha", "metadata": {"Task": QUESTION}}
AGENT = {"userAgent": "Mozilla/5.0", "websiteURL": PAGE}
SERVICE = {"funcaptchaApiJSSubdomain": "mine-api.funcaptcha.com", "data": '{"blob":"x"}'}
ANY = {"type": "Any", "": "ä", "clientKey": "mine"}


@pytest.mark.parametrize(
    ("documented", "task"),
    [
        (
            {**ASKED, "imageUrls": [ADDRESS], **AGENT},
            bn.ComplexImageTask(
                **{**IMAGE, "image_urls": [f" {ADDRESS}\n"]},
                user_agent="Mozilla/5.0",
                website_url=f"{PAGE}\t",
            ),
        ),
        (
            {**ASKED, "imagesBase64": [b64(PICTURE)]},
            bn.ComplexImageTask.from_image(PICTURE, QUESTION),
        ),
        (
            {"type": "FunCaptchaTaskProxyless", "websitePublicKey": "K", **AGENT, **SERVICE},
            bn.FunCaptchaTaskProxyless(
                **{**TOKEN, "website_url": f"\n{PAGE}"},
                user_agent="Mozilla/5.0",
                funcaptcha_api_js_subdomain="mine-api.funcaptcha.com",
                data='{"blob":"x"}',
            ),
        ),
        ({**ANY, "x": [1, None, {"y": 1.5}]}, bn.RawTask({**ANY, "x": (1, None, {"y": 1.5})})),
        ({"type": 5}, bn.RawTask({"type": 5})),
    ],
)
def test_a_task_is_the_documented_json(documented: dict[str, Any], task: bn.Task) -> None:
    assert task.to_wire() == documented
    assert bn.task_from_wire(documented) == task
    assert task.type == (None if documented["type"] == 5 else documented["type"])
    assert task.pictures() == ([PICTURE] if "imagesBase64" in documented else [])
    with pytest.raises(ValueError, match="frozen"):
        task.anything = "x"  # type: ignore[attr-defined]


# --- what is refused ----------------------------------------------------------------------


class InAList(bn.Task, register=False):
    items: list[ComplexImageMetadata]


GOOD = b64(bytes(100))


def embedded(text: str) -> dict[str, Any]:
    return {"images_base64": [text], "question": QUESTION}


def asked(**fields: Any) -> dict[str, Any]:
    return {"image_urls": [ADDRESS], **fields}


# a picture's fields, the field that is named, and what its sentence says
WRONG_PICTURES: list[tuple[dict[str, Any], str, str]] = [
    (embedded(b64(bytes(99))), "imagesBase64", "99 bytes.* 100 to 500,000. Check"),
    (embedded(b64(bytes(500_001))), "imagesBase64", "500,001 bytes.*500,000. Make it smaller"),
    (
        embedded(f"data:image/png;base64,{GOOD}"),
        "imagesBase64",
        "64.0. is not .*`data:` prefix.* Remove",
    ),
    (embedded(f"{GOOD[:40]} {GOOD[40:]}"), "imagesBase64", "is not base64. Expected.*from_image"),
    ({"question": QUESTION}, "imageUrls", "0 pictures; expected one.* Choose one picture"),
    (embedded(GOOD) | IMAGE, "imageUrls", "1 addresses and imagesBase64 1 .*other field left out"),
    ({**IMAGE, "image_urls": [ADDRESS] * 2}, "imageUrls", "2 addresses.*one picture for each task"),
    ({**IMAGE, "image_urls": ["fc1.jpg"]}, "imageUrls", "'fc1.jpg'; expected an address.* Write"),
    ({**IMAGE, "image_urls": ["http://a b/"]}, "imageUrls", "'http://a b/'; expected an address"),
    ({**IMAGE, "image_urls": ADDRESS}, "imageUrls", "is of type str; expected a list. Change"),
    (asked(), "metadata", "metadata is missing; it is required"),
    (asked(question=""), "metadata.Task", "is empty; expected a text. Fill it in"),
    (asked(metadata="x"), "metadata", "is of type str; expected an object"),
    (asked(metadata={"Task": "x", "Taks": "x"}), "metadata.Taks", "Did you mean Task.?"),
    ({**IMAGE, "class": "hcaptcha"}, "class", "'hcaptcha'; expected 'funcaptcha'"),
    ({**IMAGE, "userAgnet": "x"}, "userAgnet", "not a field of Com.* mean userAgent.?.*RawTask"),
    ({**IMAGE, "zzzz": 1}, "zzzz", "is not a field.*The fields are: class, imageUrls.*RawTask"),
    ({**IMAGE, "website_url": "http://a:99999"}, "websiteURL", "'http://a:99999'; .*Write"),
]
WRONG_TOKENS: list[tuple[dict[str, Any], str, str]] = [
    ({"website_public_key": "K"}, "websiteURL", "is missing.*Address of the page.*Fill it in"),
    ({**TOKEN, "data": {"blob": "x"}}, "data", "data is not JSON .*not dict.* a JSON .*json.dumps"),
    ({**TOKEN, "data": "{blob: x}"}, "data", "data is not JSON .*JSON document as a string.*dumps"),
]
WRONG: list[tuple[type[bn.Task], dict[str, Any], str, str]] = [
    *((bn.ComplexImageTask, *wrong) for wrong in WRONG_PICTURES),
    *((bn.FunCaptchaTaskProxyless, *wrong) for wrong in WRONG_TOKENS),
    (InAList, {"items": [{"Taks": "x"}]}, "items.Taks", "items.Taks is not a field of InAList"),
]


@pytest.mark.parametrize(("kind", "fields", "field", "said"), WRONG)
def test_wrong_input_gets_a_sentence_at_its_field(
    kind: type[bn.Task], fields: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(bn.InvalidTaskError) as caught:
        kind(**fields)
    (found,) = [problem for problem in caught.value.problems if problem.field == field]
    assert re.search(said, found.sentence)
    assert found.sentence.endswith(".")
    assert found.sentence in str(caught.value)
    assert len(str(caught.value)) < 700, "no input is repeated at length"
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_what_is_no_json_object_is_refused_and_all_problems_are_told_at_once() -> None:
    with pytest.raises(bn.InvalidTaskError) as caught:
        bn.FunCaptchaTaskProxyless(website_url="x", nope=1)
    assert {p.field for p in caught.value.problems} == {"websiteURL", "websitePublicKey", "nope"}
    wrong: list[Any] = [[1], "{}", {"x": float("nan")}, {"x": b""}]
    for body in (*wrong, {"type": "ComplexImageTask", 5: 6}):
        with pytest.raises(bn.InvalidTaskError, match=r"not JSON|5 is not a field"):
            bn.task_from_wire(body)
    assert isinstance(bn.task_from_wire({"type": ["ComplexImageTask"]}), bn.RawTask)


# --- from_image ---------------------------------------------------------------------------


def test_from_image_takes_a_path_bytes_or_a_pil_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "owl.png").write_bytes(PICTURE)
    for source in (str(tmp_path / "owl.png"), tmp_path / "owl.png", "~/owl.png", PICTURE):
        assert bn.ComplexImageTask.from_image(source, QUESTION).pictures() == [PICTURE]
    with Image.open(tmp_path / "owl.png") as image:
        task = bn.ComplexImageTask.from_image(image, question=QUESTION)
        with Image.open(io.BytesIO(task.pictures()[0])) as again:
            assert again.tobytes() == image.tobytes()


def test_from_image_looks_at_an_address_and_sends_the_address(peer: Peer) -> None:
    peer.say(http(PICTURE, content_type="image/png"))
    url = f"{peer.url}/owl.png"
    task = bn.ComplexImageTask.from_image(url, QUESTION)
    assert task.to_wire()["imageUrls"] == [url]
    assert "imagesBase64" not in task.to_wire()
    assert task.pictures() == [PICTURE]
    assert len(peer.requests) == 1
    assert "<img" in task._repr_mimebundle_()["text/html"]
    peer.say(http(PICTURE[:99]))
    for source in (f"{peer.url}/small", PICTURE[:99]):
        with pytest.raises(bn.InvalidTaskError, match="99 bytes"):
            bn.ComplexImageTask.from_image(source, QUESTION)


# --- own types ----------------------------------------------------------------------------


def test_an_own_type_takes_five_lines() -> None:
    class HCaptchaTask(bn.Task):
        website_url: str = bn.Field(alias="websiteURL")
        "Address of the page."
        website_key: str
        "The page's public key."

    task = HCaptchaTask(website_url=PAGE, website_key="K")
    expected = {"type": "HCaptchaTask", "websiteURL": PAGE, "websiteKey": "K"}
    assert task.to_wire() == expected
    assert bn.task_from_wire(expected) == task
    with pytest.raises(bn.InvalidTaskError, match=r"The page's public key"):
        HCaptchaTask(website_url=PAGE)
    names = ["ComplexImageTask", "FunCaptchaTaskProxyless", "HCaptchaTask"]
    assert list(bn.task_types()) == names
    with pytest.raises(TypeError):
        bn.task_types()["X"] = bn.Task  # type: ignore[index]


@pytest.mark.filterwarnings("ignore:Field name")
def test_a_field_of_ones_own_may_have_a_name_of_ours() -> None:
    class ImageToTextTask(bn.Task):
        body: str
        type: str = "ImageToTextTask"

    task = ImageToTextTask(body=b64(PICTURE))
    assert task.to_wire() == {"type": "ImageToTextTask", "body": b64(PICTURE)}
    assert task.pictures() == [PICTURE]
    with pytest.raises(bn.InvalidTaskError, match=r"api_pictures: … = Field\(alias=\"pictures\"\)"):

        class Gallery(bn.Task):
            pictures: list[str]


def test_a_type_defined_again_replaces_the_first_and_none_may_mean_something() -> None:
    class Old(bn.Task, wire_type="Their.Name"):
        a: int

    class Mine(bn.Task, wire_type="Their.Name"):
        language: str | None = "en"
        required: int | None
        absent: str | None = None

    task = Mine(language=None, required=None)
    assert task.to_wire() == {"type": "Their.Name", "language": None, "required": None}
    assert bn.task_from_wire(task.to_wire()) == task


def test_the_docstring_under_a_field_is_its_help_in_a_notebook_too() -> None:
    """There a class has no file, and pydantic finds no source."""
    cell = """
import brocap_nb as bn

class CellTask(bn.Task):
    text: str
    "The first one, which is defined anew below."

if True:
    class CellTask(bn.Task):
        text: str
        "What is written."
        number: int = bn.Field(1, description="Its own.")
        "Not this."
        plain: int = 2
"""
    shell = InteractiveShell()
    shell.run_cell(cell).raise_error()
    fields = shell.user_ns["CellTask"].model_fields
    helps = {name: info.description for name, info in fields.items()}
    assert helps == {"text": "What is written.", "number": "Its own.", "plain": None}


def test_a_check_of_ones_own_raises_a_sentence_for_its_field() -> None:
    class DeepTask(bn.Task, register=False):
        depth: int = bn.Field(1, alias="howDeep")

        @field_validator("depth")
        @classmethod
        def _check(cls, depth: int) -> int:
            raise bn.InvalidTaskError("howDeep is above 3; expected 1 to 3. Choose less.")

    with pytest.raises(bn.InvalidTaskError, match=r"^howDeep is above 3.* Choose less\.$") as told:
        DeepTask(howDeep=4)
    assert told.value.problems[0].field == "howDeep"


# --- how it looks -------------------------------------------------------------------------


def test_the_display_is_small_and_has_neither_file_nor_markup_of_others() -> None:
    evil = "<script>alert(1)</script>"
    for files in ([PICTURE], [noise(400, 300)] * 4, [os.urandom(500_000)], [PICTURE[:5000]]):
        task = bn.ComplexImageTask(
            images_base64=list(map(b64, files)), question=QUESTION, user_agent=evil
        )
        shown = task._repr_mimebundle_()
        assert set(shown) == {"text/plain", "text/html"}
        assert sum(len(text.encode()) for text in shown.values()) <= 60_000
        for text in (*shown.values(), repr(task), str(task)):
            assert b64(files[0])[:5000] not in text
        assert all(QUESTION in text for text in shown.values())
        for part in ('alt="Picture 1 of the task"', "PNG 300 x 200", "inside the limits"):
            assert part in shown["text/html"] or files != [PICTURE]
        assert "<script" not in shown["text/html"]
    raw = bn.RawTask({"type": evil, evil: evil})
    assert "<script" not in raw._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("levels", [600, 900, 100_000])
def test_json_that_is_nested_too_deeply_is_refused_with_a_sentence(levels: int) -> None:
    deep: list[Any] = []
    for _ in range(levels):
        deep = [deep]
    with pytest.raises(bn.InvalidTaskError, match="Convert the value in question"):
        bn.RawTask({"type": "Deep", "list": deep})
