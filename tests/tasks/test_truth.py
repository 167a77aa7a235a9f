"""A task has one truth: however it came to be, all that is made of it says the same."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peer import Peer, http
from pictures import noise

import brocap_nb as bn
from brocap_nb.api._body import with_labels
from brocap_nb.api._secrets import Secret
from brocap_nb.tasks import _types

PICTURES = [base64.b64encode(noise(60 + n, 40)).decode() for n in range(2)]
KEY = "0123456789abcdef0123456789abcdef"
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@pytest.fixture(scope="module", autouse=True)
def listed() -> Iterator[type[bn.Task]]:
    class Listed(bn.Task):
        numbers: list[int]
        note: str | bool | int | None = None

    globals()["Listed"] = Listed  # pickle looks for it here
    Listed.__qualname__ = "Listed"
    yield Listed
    del _types._registry["Listed"]


@st.composite
def fields_of_pictures(draw: st.DrawFn) -> dict[str, Any]:
    source: dict[str, Any] = (
        {"images_base64": [draw(st.sampled_from(PICTURES))]}
        if draw(st.booleans())
        else {"image_urls": [f"https://example.com/{draw(st.integers(0, 99))}.png"]}
    )
    return {**source, "question": draw(words), "user_agent": draw(st.none() | words)}


def built(draw: Callable[[Any], Any]) -> bn.Task:
    """A task of one of three types."""
    kind = draw(st.sampled_from(["picture", "listed", "raw"]))
    if kind == "picture":
        return bn.ComplexImageTask(**draw(fields_of_pictures()))
    if kind == "raw":
        leaf = words | st.integers(-5, 5) | st.booleans() | st.none()
        members = st.dictionaries(words, leaf | st.lists(leaf, max_size=2), max_size=3)
        return bn.RawTask(draw(members))
    numbers = draw(st.lists(st.integers(-9, 9), max_size=3))
    return Listed(numbers=numbers, note=draw(st.none() | st.booleans() | st.integers(0, 1) | words))  # type: ignore[name-defined]  # noqa: F821


def change(draw: Callable[[Any], Any], task: bn.Task) -> bn.Task:
    """The task, or what a user makes of it; it was looked at before."""
    repr(task), task.wire_body, task.to_wire(), task._repr_mimebundle_()
    how = draw(
        st.sampled_from(["as it is", "update", "replace", "pickle", "deep", "wire", "mutated"])
    )
    if how == "pickle":
        return pickle.loads(pickle.dumps(task))  # type: ignore[no-any-return]
    if how == "deep":
        return copy.deepcopy(task)
    if how == "wire":
        return bn.task_from_wire(json.loads(json.dumps(task.to_wire())))
    if how == "mutated" and isinstance(task, globals()["Listed"]):
        task.numbers.append(draw(st.integers(-9, 9)))  # type: ignore[attr-defined]
        return task
    if how in ("update", "replace"):
        new: dict[str, Any] = (
            {"question": draw(words)}
            if isinstance(task, bn.ComplexImageTask)
            else {"note": draw(st.booleans() | st.integers(0, 1))}
        )
        if how == "replace" and sys.version_info >= (3, 13):
            return copy.replace(task, **new)
        return task.model_copy(update=new)
    return task


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
    elif isinstance(task, globals()["Listed"]):
        assert task.to_wire()["numbers"] == task.numbers  # type: ignore[attr-defined]


def test_a_copy_of_a_task_that_was_shown_sends_the_copy(client: bn.Client, peer: Peer) -> None:
    peer.say(http(b'{"errorId": 0, "taskId": 1}'))
    task = bn.ComplexImageTask.from_image(noise(), question="Pick the owl")
    client.create_task(task)
    client.create_task(task.model_copy(update={"question": "Pick the penguin"}))
    sent = [json.loads(body)["task"]["metadata"]["Task"] for _, body in peer.requests]
    logged = [json.loads(e.request)["task"]["metadata"]["Task"] for e in client.log.exchanges()]
    assert sent == logged == ["Pick the owl", "Pick the penguin"]


def test_a_copy_is_checked_and_its_question_is_its_metadata() -> None:
    task = bn.ComplexImageTask(image_urls=["https://example.com/a.png"], question="Pick")
    with pytest.raises(bn.InvalidTaskError, match=r"metadata.Task is empty"):
        task.model_copy(update={"question": ""})
    with pytest.raises(bn.InvalidTaskError, match="Did you mean"):
        task.model_copy(update={"websiteUrl": "https://example.com"})
    other = task.model_copy(update={"image_urls": None, "images_base64": [PICTURES[0]]})
    assert other.to_wire()["imagesBase64"] == [PICTURES[0]]
    assert "imageUrls" not in other.to_wire()
