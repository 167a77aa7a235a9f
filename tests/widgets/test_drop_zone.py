"""A picture comes as a message's buffer, is looked at again, and is in no state."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pictures import noise

from brocap_nb.widgets._image_picker import DropZone


class Heard:
    """A zone, and what it told."""

    def __init__(self) -> None:
        self.pictures: list[tuple[bytes, str]] = []
        self.addresses: list[str] = []
        self.zone = DropZone(
            lambda data, name: self.pictures.append((data, name)), self.addresses.append
        )

    def send(self, content: Any, *buffers: bytes) -> None:
        """What the browser's message does."""
        self.zone._handle_custom_msg(content, [memoryview(b) for b in buffers])


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_a_picture_is_taken_and_is_in_no_state(heard: Heard) -> None:
    data = noise()
    heard.send({"kind": "picture", "name": "owl.png"}, data)
    assert heard.pictures == [(data, "owl.png")]
    state = {k: v for k, v in heard.zone.get_state().items() if not k.startswith("_")}
    assert len(json.dumps(state, default=repr)) < 1_000
    assert "owl" not in repr(state)


def test_an_address_is_told(heard: Heard) -> None:
    heard.send({"kind": "address", "url": "https://example.com/a.png"})
    assert heard.addresses == ["https://example.com/a.png"]


def test_what_is_wrong_is_what_the_latest_message_says(heard: Heard) -> None:
    heard.send({"problem": "“only words” is no picture and no address."})
    assert heard.zone.problem == "“only words” is no picture and no address."
    note = {"kind": "picture", "name": "a.png", "problem": "2 files came. It is a.png."}
    heard.send(note, b"<svg/>" * 40)
    assert heard.zone.problem.startswith("2 files came. It is a.png. a.png is an SVG drawing, not")
    heard.send({"kind": "picture", "name": "owl.png"}, noise())
    assert heard.zone.problem == ""
    heard.zone.max_bytes = 1_000_000
    heard.send({"kind": "picture", "name": "owl.png"}, noise() + bytes(2_000_000))
    assert "owl.png has 2,00" in heard.zone.problem
    assert [name for _, name in heard.pictures] == ["owl.png"]


@pytest.mark.parametrize(
    "content",
    [
        *(None, 1, [], {}, {"kind": "picture"}, {"kind": "address"}, {"kind": "address", "url": 5}),
        *({"kind": "address", "url": url} for url in ("ftp://a/b", "javascript:1")),
        {"kind": "address", "url": "http://a/" + "x" * 4_000},
        {"problem": 5},
    ],
    ids=lambda content: repr(content)[:40],
)
def test_other_messages_change_nothing(content: Any, heard: Heard) -> None:
    heard.send(content)
    assert (heard.pictures, heard.addresses, heard.zone.problem) == ([], [], "")


def test_a_name_is_only_a_name(heard: Heard) -> None:
    for name in (None, 5, "", "x" * 500):
        heard.send({"kind": "picture", "name": name}, noise())
    assert [name for _, name in heard.pictures] == ["The file"] * 3 + ["x" * 80]
