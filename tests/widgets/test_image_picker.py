"""A picture comes from where its user may take it from, and is told in words."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import ipywidgets
import pytest
from peer import Peer, http
from pictures import noise
from waiting import until

from brocap_nb.sandbox._server import Sandbox
from brocap_nb.widgets._picture import ImagePicker

PICTURE = noise()


def load(picker: ImagePicker, url: str) -> None:
    """Press the button and wait for the end of it."""
    picker.by_address.opened.value = True
    picker.address.value = url
    picker.load.click()
    until(lambda: picker._load is None)


def said(picker: ImagePicker) -> str:
    return str(picker._said.value)


def came(picker: ImagePicker, content: Any, *buffers: bytes) -> None:
    """What the browser's message does."""
    picker.zone._handle_custom_msg(content, [memoryview(one) for one in buffers])


def test_a_pasted_picture_is_chosen_and_no_widget_keeps_it() -> None:
    before = set(ipywidgets.Widget.get_manager_state()["state"])
    changes: list[bytes | None] = []
    picker = ImagePicker(changed=lambda: changes.append(picker.data))
    data = PICTURE + bytes(200_000)
    came(picker, {"name": "<b>owl</b>.png, the first of 2 files"}, data)
    states = ipywidgets.Widget.get_manager_state()["state"]
    assert len(repr([state for name, state in states.items() if name not in before])) < 40_000
    assert changes == [data]
    assert picker.wire_fields().keys() == {"imagesBase64"}
    assert "&lt;b&gt;owl&lt;/b&gt;.png, the first of 2 files, sent as a file" in said(picker)
    for name in (None, "", "x" * 500):
        came(picker, {"name": name}, PICTURE)
        assert ("x" * 80 if name else "The picture") + ", sent as" in said(picker)


TOLD: list[tuple[Any, list[bytes], str]] = [
    ({"text": "<only> words"}, [], "What came is no picture, and as an address it is"),
    ({"text": ""}, [], "What came is no picture"),
    ({"text": "ftp://a/b"}, [], "expected an address that starts with http://"),
    ({"text": "data:image/png;base64,@"}, [], "its base64 is damaged or cut off"),
    ({"name": "a.png"}, [b"<svg/>" * 40], "a.png is an SVG drawing, not"),
    ({"name": "b.png"}, [bytes(10_000_001)], "b.png cannot be taken; expected a picture"),
    ({"name": "folder"}, [], "of at most 10,000,000 bytes, and no folder"),
    *((odd, [], "cannot be taken") for odd in (None, 1, [], {}, {"text": 5})),
]


def test_what_came_and_is_no_picture_is_told_and_the_choice_before_it_stays() -> None:
    picker = ImagePicker()
    for content, buffers, sentence in TOLD:
        came(picker, {"name": "fox.png"}, PICTURE)
        assert "alert" not in said(picker)
        came(picker, content, *buffers)
        assert sentence in said(picker)
        assert 'role="alert"' in said(picker)
        assert "<only>" not in said(picker)
        assert picker.data == PICTURE


@pytest.mark.parametrize("allow", [None, False, True])
def test_an_address_of_this_machine_is_refused_until_it_is_allowed(
    allow: bool | None, sandbox: Sandbox, peer: Peer
) -> None:
    peer.say(http(PICTURE))
    puzzle = sandbox.puzzles[2]
    picker = ImagePicker(allow_private=allow, samples=lambda: sandbox.puzzles)
    picker.complete()
    load(picker, puzzle.url)  # the sandbox's own is always allowed
    assert (picker.data, picker.url) == (puzzle.data, puzzle.url)
    came(picker, {"text": f" {peer.url}/a.png\n"})  # the same host, another port
    assert (picker.private.layout is None) is (allow is None)
    if allow is None:  # a person settles it
        load(picker, picker.address.value)
        assert "127.0.0.1 is this machine itself" in said(picker)
        assert (peer.requests, picker.data) == ([], puzzle.data)
        picker.private.value = True
    else:  # who made the page has settled it
        picker.private.set_state({"value": True})  # what a page can do by hand
    load(picker, f"{peer.url}/a.png")
    assert picker.data == (puzzle.data if allow is False else PICTURE)
    assert len(peer.requests) == (allow is not False)
    if allow is None:
        picker.private.value = False  # what is remembered is not given out either
        load(picker, f"{peer.url}/a.png")
        assert "are refused" in said(picker)


def test_what_is_no_picture_is_refused_wherever_it_is_from(peer: Peer) -> None:
    page, what = b"<html><title>Log in</title></html>", "is a web page (HTML), not a picture"
    peer.say(http(page))
    picker = ImagePicker(allow_private=True)

    def data_address(content: bytes) -> None:
        load(picker, f" data:image/png;base64,{base64.b64encode(content).decode()}\n")
        assert picker.address.value == ""  # no widget keeps it

    def upload(content: bytes) -> None:  # the core widget, where the zone does not run
        file = {"name": "y" * 200, "type": "", "size": 9, "last_modified": datetime.now(UTC)}
        picker.upload.value = ({**file, "content": memoryview(content)},)
        assert picker.upload.value == ()

    def address(content: bytes) -> None:
        load(picker, f"{peer.url}/login/{'x' * 200}" if content is page else "a.png")

    for take in (upload, data_address, address):
        take(PICTURE)
        assert picker.wire_fields().keys() == {"imagesBase64"}
        take(page)
        assert what in said(picker)
        assert len(said(picker)) < 600
        assert picker.data == PICTURE
