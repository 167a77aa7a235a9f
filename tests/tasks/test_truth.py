"""A task has one truth: however it came to be, all that is made of it says the same."""

from __future__ import annotations

import base64
import copy
import io
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import noise
from PIL import Image
from pydantic import BaseModel, SecretBytes

import brocap_nb as bn
from brocap_nb.api._body import with_labels
from brocap_nb.api._secrets import Secret
from brocap_nb.tasks import _types

FILES = [noise(60 + n, 40) for n in range(2)]
PICTURES = [base64.b64encode(data).decode() for data in FILES]
KEY = "0123456789abcdef0123456789abcdef"
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


class Listed(bn.Task, register=False):
    numbers: list[int]
    note: str | bool | int | None = None


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_types._registry, "Listed", Listed)


def built(draw: Callable[[Any], Any]) -> bn.Task:
    """A task of one of the types, built in one of the ways."""
    data, leaf = draw(st.sampled_from(FILES)), words | st.integers(0, 1) | st.booleans() | st.none()
    Path("owl.png").write_bytes(data)
    sources = st.sampled_from([data, "owl.png", Path("owl.png"), Image.open(io.BytesIO(data))])
    address, text = "https://example.com/1.png", base64.b64encode(data).decode()
    image, members = bn.ComplexImageTask, st.dictionaries(words, leaf | st.lists(leaf), max_size=3)
    ways: list[Callable[[], bn.Task]] = [
        lambda: image.from_image(draw(sources), draw(words)),
        lambda: image(image_urls=[address], question=draw(words), user_agent=draw(words)),
        lambda: image(images_base64=[text], question=draw(words)),
        lambda: Listed(numbers=draw(st.lists(st.integers(), max_size=3)), note=draw(leaf)),
        lambda: bn.RawTask(draw(members)),
    ]
    return draw(st.sampled_from(ways))()


def change(draw: Callable[[Any], Any], task: bn.Task) -> bn.Task:
    """The task, or what a user makes of it; it was looked at before."""
    repr(task), task.wire_body, task.to_wire(), task._repr_mimebundle_()
    new: dict[str, Any] = {"note": draw(st.booleans() | st.integers(0, 1))}
    if isinstance(task, bn.ComplexImageTask):
        new = {"question": draw(words)}
    ways: list[Callable[[bn.Task], bn.Task]] = [
        lambda task: task,
        lambda task: task.model_copy(update=new),
        lambda task: pickle.loads(pickle.dumps(task)),
        copy.deepcopy,
        lambda task: bn.task_from_wire(json.loads(json.dumps(task.to_wire()))),
    ]
    if sys.version_info >= (3, 13):
        ways.append(lambda task: copy.replace(task, **new))
    if isinstance(task, Listed) and draw(st.booleans()):
        task.numbers.append(draw(st.integers(-9, 9)))
        return task
    return draw(st.sampled_from(ways))(task)


@given(st.data())
def test_all_that_is_made_of_a_task_says_the_same(data: st.DataObject) -> None:
    task = built(data.draw)
    for _ in range(data.draw(st.integers(0, 3))):
        task = change(data.draw, task)
    sent = task.wire_body.wire(Secret(KEY)).decode()
    assert json.loads(sent) == task.to_wire()
    assert json.dumps(task.to_wire()) == sent, "True is not 1"
    labelled = json.loads(with_labels(sent)[0])
    assert json.loads(task.wire_body.text) == labelled
    assert bn.task_from_wire(json.loads(sent)).to_wire() == task.to_wire()
    assert [base64.b64encode(d).decode() for d in task.pictures()] == list(
        getattr(task, "images_base64", None) or ()
    )
    if isinstance(task, bn.ComplexImageTask):
        assert task.to_wire()["metadata"] == {"Task": task.question}
    elif isinstance(task, Listed):
        assert task.to_wire()["numbers"] == task.numbers


def test_a_copy_is_checked() -> None:
    task = bn.ComplexImageTask(image_urls=["https://example.com/a.png"], question="Pick")
    with pytest.raises(bn.InvalidTaskError, match=r"metadata.Task is empty"):
        task.model_copy(update={"question": ""})
    other = task.model_copy(update={"image_urls": None, "images_base64": [PICTURES[0]]})
    assert other == bn.ComplexImageTask(images_base64=[PICTURES[0]], question="Pick")


class Plain(BaseModel):
    number: float = 1.0


class Open(bn.Task, register=False):
    plain: Plain | None = None
    anything: Any = None
    table: dict[str, Any] | None = None
    secret: SecretBytes | None = None


def test_what_json_cannot_have_is_told_when_the_task_is_built() -> None:
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"plain": {"number": float("nan")}}, "plain.number", "plain.number is nan. Expected"),
        ({"anything": float("inf")}, "anything", "anything is inf. Expected"),
        ({"anything": [{"x": -float("inf")}]}, "anything.x", "anything.x is -inf. Expected"),
        ({"anything": {"\ud800": 1}}, "", "is not JSON.*surrogates not allowed. Expected"),
        ({"anything": object()}, "", "is not JSON.*Convert the value"),
        ({"secret": SecretBytes(b"\xff")}, "", "is not JSON.*utf-8"),
    ]
    for fields, field, said in wrong:
        with pytest.raises(bn.InvalidTaskError, match=said) as caught:
            Open(**fields)
        assert caught.value.problems[0].field == field


def test_half_of_a_character_is_json_and_a_list_that_is_spoilt_later_is_told() -> None:
    task = Open(anything=["\ud800"], table={"\udfff": 1})
    assert task.to_wire() == {"type": "Open", "anything": ["\ud800"], "table": {"\udfff": 1}}
    task.anything.append(float("nan"))
    with pytest.raises(bn.InvalidTaskError, match="anything is nan"):
        task.to_wire()
