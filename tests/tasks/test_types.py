"""Tasks: the documented JSON goes out, wrong input gets sentences, and any task comes back."""

from __future__ import annotations

import base64
import os
import re
from datetime import timedelta
from functools import reduce
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from pictures import noise
from pydantic import ConfigDict, field_validator

import brocap_nb as bn

QUESTION = "Pick the image that is the correct way up"
ADDRESS = "https://i.postimg.cc/s2ZDrHXy/fc1.jpg"
PAGE = "https://example.com/login"
PICTURE = noise(300, 200)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


IMAGE: dict[str, Any] = {"image_urls": [ADDRESS], "question": QUESTION}
TOKEN: dict[str, Any] = {"website_url": PAGE, "website_public_key": "K"}
ASKED = {"type": "ComplexImageTask", "class": "funcaptcha", "metadata": {"Task": QUESTION}}
AGENT = {"userAgent": "Mozilla/5.0", "websiteURL": PAGE}
SERVICE = {"funcaptchaApiJSSubdomain": "mine-api.funcaptcha.com", "data": '{"blob":"x"}'}
DOCUMENTED: list[dict[str, Any]] = [
    {**ASKED, "imageUrls": [ADDRESS], **AGENT},
    {**ASKED, "imagesBase64": [b64(PICTURE)]},
    {"type": "FunCaptchaTaskProxyless", "websitePublicKey": "K", **AGENT, **SERVICE},
    {"type": "Any", "": "ä", "clientKey": "mine", "x": [1, None, {"y": 1.5}]},
    {"type": 5},
]


def test_a_task_is_the_documented_json() -> None:
    by_address, by_content, token, raw, odd = tasks = list(map(bn.task_from_wire, DOCUMENTED))
    assert [task.to_wire() for task in tasks] == DOCUMENTED
    # blanks around an address are taken off
    rest: dict[str, Any] = {"user_agent": "Mozilla/5.0", "website_url": f"\n{PAGE}\t"}
    service = {"funcaptcha_api_js_subdomain": "mine-api.funcaptcha.com", "data": '{"blob":"x"}'}
    image = {**IMAGE, "image_urls": [f" {ADDRESS}\n"]}
    assert bn.ComplexImageTask(**image, **rest) == by_address
    assert bn.ComplexImageTask.from_image(PICTURE, QUESTION) == by_content
    assert bn.FunCaptchaTaskProxyless(website_public_key="K", **rest, **service) == token
    assert (by_address.pictures(), by_content.pictures()) == ([], [PICTURE])
    assert (token.type, raw.type, odd.type) == ("FunCaptchaTaskProxyless", "Any", None)
    assert bn.RawTask({**DOCUMENTED[3], "x": (1, None, {"y": 1.5})}) == raw
    for task in tasks:
        with pytest.raises(ValueError, match="frozen"):
            task.anything = "x"  # type: ignore[attr-defined]


GOOD = b64(bytes(100))


def embedded(text: str) -> dict[str, Any]:
    return {"images_base64": [text], "question": QUESTION}


# fields of a picture's or a token's task, the field that is named, and what its sentence says
WRONG: list[tuple[dict[str, Any], str, str]] = [
    (embedded(b64(bytes(99))), "imagesBase64", "99 bytes.* 100 to 500,000. Check"),
    (embedded(b64(bytes(500_001))), "imagesBase64", "500,001 bytes.* or save it smaller, as JPEG"),
    (embedded(f"data:image/png;base64,{GOOD}"), "imagesBase64", "64.0. is not .*`data:`.* Remove"),
    (embedded(f"{GOOD[:40]} {GOOD[40:]}"), "imagesBase64", "is not base64. Expected.*from_image"),
    ({"question": QUESTION}, "imageUrls", "0 pictures; expected one.* Choose one picture"),
    (embedded(GOOD) | IMAGE, "imageUrls", "1 addresses and imagesBase64 1 .*other field left out"),
    ({**IMAGE, "image_urls": [ADDRESS] * 2}, "imageUrls", "2 addresses.*one picture for each task"),
    ({**IMAGE, "image_urls": ["fc1.jpg"]}, "imageUrls", "'fc1.jpg'; expected an address.* Write"),
    ({**IMAGE, "image_urls": ADDRESS}, "imageUrls", "is of type str; expected a list. Change"),
    ({**IMAGE, "question": ""}, "metadata.Task", "is empty; expected a text. Fill it in"),
    ({"metadata": {"Task": "x", "Taks": ""}}, "metadata.Taks", "not a field.* Did you mean Task.?"),
    ({**IMAGE, "class": "hcaptcha"}, "class", "'hcaptcha'; expected 'funcaptcha'"),
    ({**IMAGE, "userAgnet": "x"}, "userAgnet", "not a field of Com.* mean userAgent.?.*RawTask"),
    ({**IMAGE, "zzzz": 1}, "zzzz", "is not a field.*The fields are: class, imageUrls.*RawTask"),
    ({**IMAGE, "website_url": "http://a:99999"}, "websiteURL", "'http://a:99999'; .*Write"),
    ({"website_public_key": "K"}, "websiteURL", "is missing.*Address of the page.*Fill it in"),
    ({**TOKEN, "data": {"blob": "x"}}, "data", "data is not JSON .*not dict.* a JSON .*json.dumps"),
]


@pytest.mark.parametrize(("fields", "field", "said"), WRONG)
def test_wrong_input_gets_a_sentence(fields: dict[str, Any], field: str, said: str) -> None:
    kind: type[bn.Task] = bn.FunCaptchaTaskProxyless
    if not fields.keys() & TOKEN.keys() - {"website_url"}:
        kind = bn.ComplexImageTask
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
    deep = [reduce(lambda inner, _: [inner], range(levels), [0]) for levels in (600, 900, 100_000)]
    wrong: list[Any] = [[1], "{}", {"x": float("nan")}, {"x": b""}, *({"x": x} for x in deep)]
    for body in (*wrong, {"type": "ComplexImageTask", 5: 6}):
        with pytest.raises(bn.InvalidTaskError, match=r"not JSON|Convert the value|5 is not a"):
            bn.task_from_wire(body)
    assert isinstance(bn.task_from_wire({"type": ["ComplexImageTask"]}), bn.RawTask)


def test_an_own_type_takes_five_lines_and_more_for_checks_of_its_own() -> None:
    class HCaptchaTask(bn.Task):
        website_url: str = bn.Field(alias="websiteURL")
        "Address of the page."
        website_key: str
        "The page's public key."

        @field_validator("website_key")
        @classmethod
        def _check(cls, key: str) -> str:
            if len(key) > 3:
                raise bn.InvalidTaskError("websiteKey is long; expected 3 letters. Choose less.")
            return key

    task = HCaptchaTask(website_url=PAGE, website_key="K")
    expected = {"type": "HCaptchaTask", "websiteURL": PAGE, "websiteKey": "K"}
    assert task.to_wire() == expected
    assert bn.task_from_wire(expected) == task
    with pytest.raises(bn.InvalidTaskError, match=r"The page's public key"):
        HCaptchaTask(website_url=PAGE)
    with pytest.raises(bn.InvalidTaskError, match=r"^websiteKey is long.* Choose less\.$") as told:
        HCaptchaTask(website_url=PAGE, websiteKey="long")
    assert told.value.problems[0].field == "websiteKey"
    names = ["ComplexImageTask", "FunCaptchaTaskProxyless", "HCaptchaTask"]
    assert list(bn.task_types()) == names
    with pytest.raises(TypeError):
        bn.task_types()["X"] = bn.Task  # type: ignore[index]


@pytest.mark.filterwarnings("ignore:Field name")
def test_an_own_type_may_have_our_names_and_replace_another_and_none_may_be_meant() -> None:
    class ImageToTextTask(bn.Task):
        model_config = ConfigDict(ser_json_timedelta="float")
        body: str
        type: str = "ImageToTextTask"
        wait: timedelta = timedelta(minutes=1)

    task: bn.Task = ImageToTextTask(body=b64(PICTURE))
    assert task.to_wire() == {"type": "ImageToTextTask", "body": b64(PICTURE), "wait": 60.0}
    assert task.pictures() == [PICTURE]
    with pytest.raises(ValueError, match="'pictures' conflicts with member"):

        class Gallery(bn.Task):
            pictures: list[str]

    class Mine(bn.Task, wire_type="ImageToTextTask"):
        language: str | None = "en"
        required: int | None
        absent: str | None = None

    task = Mine(language=None, required=None)
    assert task.to_wire() == {"type": "ImageToTextTask", "language": None, "required": None}
    assert bn.task_from_wire(task.to_wire()) == task


CELL = """
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


def test_the_docstring_under_a_field_is_its_help_in_a_notebook_too() -> None:
    """There a class has no file, and pydantic finds no source."""
    shell = InteractiveShell()
    shell.run_cell(CELL).raise_error()
    fields = shell.user_ns["CellTask"].model_fields.values()
    assert [info.description for info in fields] == ["What is written.", "Its own.", None]


def test_the_display_is_small_and_has_no_file() -> None:
    for files in ([PICTURE], [noise(400, 300)] * 4, [os.urandom(500_000)], [PICTURE[:5000]]):
        task = bn.ComplexImageTask(images_base64=[*map(b64, files)], question=f"{QUESTION} <b>")
        shown = task._repr_mimebundle_()
        assert sum(len(text.encode()) for text in shown.values()) <= 60_000
        assert not any(b64(files[0])[:5000] in text for text in (*shown.values(), repr(task)))
        for part in ('alt="Picture 1 of the task"', "PNG 300 x 200", "inside the limits"):
            assert part in shown["text/html"] or files != [PICTURE]
        assert "<b>" not in shown["text/html"]
