"""Pieces of static HTML: no text becomes markup."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brocap_nb import _html

EVIL = """<script>alert(1)</script>"><img src=x onerror=alert(1)>'&amp;"""
PIECES = {
    "text": _html.text,
    "heading": _html.heading,
    "code": _html.code,
    "badge": _html.badge,
    "good badge": lambda s: _html.badge(s, good=True),
    "label of a fact": lambda s: _html.facts([(s, "")]),
    "alt of a picture": lambda s: _html.picture(b"x", "image/png", s),
    "header of a table": lambda s: _html.table([s], []),
    "caption of a table": lambda s: _html.table([], [], caption=f"-{s}"),
    "title of a card": _html.card,
    "name in a tree": lambda s: _html.tree(json.dumps({f"-{s}": 1})),
    "no tree": lambda s: _html.tree(f"<{s}"),
}


class Reader(HTMLParser):
    """Collects tags, attributes and text as a browser would read them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, str | None] = {}
        self.seen = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(attrs)

    def handle_data(self, data: str) -> None:
        self.seen += data


@pytest.mark.parametrize("piece", PIECES)
@settings(deadline=None)
@given(st.text(max_size=40) | st.just(EVIL))
def test_a_text_stays_a_text(piece: str, text: str) -> None:
    plain, given_text = Reader(PIECES[piece]("x")), Reader(PIECES[piece](text))
    assert given_text.tags - plain.tags <= ({"span"} if "$" in text else set())
    assert plain.tags <= given_text.tags
    assert given_text.attributes.keys() == plain.attributes.keys()
    held = given_text.seen + (given_text.attributes.get("alt") or "")
    newlines = str.maketrans({"\r": "\n"})
    assert text.translate(newlines) in held.translate(newlines)


def test_no_script_from_any_piece() -> None:
    for make in PIECES.values():
        assert "<script" not in make(EVIL)
        assert "<img src=x" not in make(EVIL)


def test_a_sign_stands_beside_the_colour() -> None:
    assert "✓" in _html.badge("x", good=True)
    assert "✗" in _html.badge("x", good=False)


def test_pretty_indents_json_and_leaves_the_rest() -> None:
    assert _html.pretty('{"a":[1,"ä"]}') == '{\n  "a": [\n    1,\n    "ä"\n  ]\n}'
    assert _html.pretty("<html>") == "<html>"


def test_pretty_cuts_what_no_page_should_keep() -> None:
    assert _html.pretty("é" * 50, limit=20) == "é" * 20 + "… (30 more characters)"
    shown = _html.pretty(json.dumps({"file": "QUJD" * 100_000, "note": "stays"}))
    assert len(shown) < 200
    assert "400,000 characters of base64" in shown
    assert "stays" in shown


@settings(deadline=None)
@given(st.text(max_size=60) | st.binary(max_size=40).map(repr) | st.just('"\\ud800"'))
def test_pretty_takes_anything_and_can_be_sent(text: str) -> None:
    _html.pretty(text).encode()
    _html.pretty(json.dumps(text)).encode()


def test_pretty_survives_nesting() -> None:
    for depth in (100, 900, 100_000):
        assert len(_html.pretty("[" * depth + "]" * depth)) <= 100_100


def test_a_tree_marks_what_is_meant_and_shows_the_way_to_it() -> None:
    body = {"clientKey": "k", "task": {"metadata": {"a": {"b": {"Task": "Pick"}}}}}
    path = "task.metadata.a.b.Task"
    shown = _html.tree(json.dumps(body), marked=[path])
    assert shown.count("look here") == 1
    assert "&quot;Pick&quot; <span" in shown
    assert shown.count("<details open>") == shown.count("<details") == 5
    folded = _html.tree(json.dumps(body))
    assert "look here" not in folded
    assert folded.count("<details open>") == 3
    assert "look here" not in _html.tree(json.dumps(body), marked=["task.meta", "a.b.Task"])


def test_a_tree_of_much_says_how_much() -> None:
    shown = _html.tree(json.dumps({"list": list(range(250)), "text": "x" * 900}))
    assert "250 items" in shown
    assert "… 150 more" in shown
    assert "(902 characters)" in shown


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.text(max_size=9) | st.floats(),
        lambda j: st.lists(j) | st.dictionaries(st.text(max_size=9), j),
        max_leaves=9,
    )
)
def test_a_tree_takes_any_json_and_can_be_sent(value: object) -> None:
    _html.tree(json.dumps(value), marked=["a"]).encode()


@settings(deadline=None)
@given(st.text(max_size=40) | st.just(EVIL))
def test_a_text_in_a_tree_stays_a_text(text: str) -> None:
    plain, shown = (Reader(_html.tree(json.dumps([one]))) for one in ("x", text))
    assert shown.tags == plain.tags
    spelled = json.dumps(text, ensure_ascii=False)
    assert spelled.encode("utf-8", "backslashreplace").decode() in shown.seen


def test_a_tree_survives_nesting() -> None:
    for depth in (100, 900, 100_000):
        _html.tree("[" * depth + "]" * depth)
    _html.tree('["\\ud800", {"\\udfff": 1}]').encode()


def test_nothing_is_loaded_from_elsewhere() -> None:
    html = "".join(make("x") for make in PIECES.values())
    assert "http" not in html.replace("data:image/png", "")
    assert "<style" not in html


def test_long_base64_is_cut_and_almost_long_base64_is_not() -> None:
    almost = f"{'A' * 4095}." * 300
    assert _html.pretty(almost, limit=len(almost)) == almost
    assert len(_html.pretty(f"{'A' * 4096}=", limit=10_000)) < 100
