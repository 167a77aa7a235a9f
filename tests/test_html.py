"""Pieces of static HTML: no text becomes markup."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brocap_nb import _html

EVIL = """<script>alert(1)</script>"><img src=x onerror=alert(1)>'&amp;"""
PIECES: dict[str, Callable[[str], str]] = {
    "text": _html.text,
    "code": _html.code,
    "badge": _html.badge,
    "good badge": lambda s: _html.badge(s, good=True),
    "label of a fact": lambda s: _html.facts([(s, "")]),
    "alt of a picture": lambda s: _html.picture(b"x", "image/png", s),
    "header of a table": lambda s: _html.table([s], []),
    "caption of a table": lambda s: _html.table([], [], caption=f"-{s}"),
    "title of a card": _html.card,
}


class Reader(HTMLParser):
    """Collects tags, attributes and text as a browser would read them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.seen = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {tag, *(f"{name}=" for name, _ in attrs)}
        self.seen += dict(attrs).get("alt") or ""

    def handle_data(self, data: str) -> None:
        self.seen += data


@pytest.mark.parametrize("piece", PIECES)
@given(st.text(max_size=40) | st.just(EVIL))
def test_a_text_stays_a_text(piece: str, text: str) -> None:
    plain, given_text = Reader(PIECES[piece]("x")), Reader(PIECES[piece](text))
    assert plain.names <= given_text.names
    assert given_text.names - plain.names <= ({"span"} if "$" in text else set())
    newlines = str.maketrans({"\r": "\n"})
    assert text.translate(newlines) in given_text.seen.translate(newlines)


def test_pretty_takes_anything_and_can_be_sent_and_indents_json() -> None:
    assert _html.pretty('{"a":[1,"ä"]}') == '{\n  "a": [\n    1,\n    "ä"\n  ]\n}'
    for odd in ("<html>", '"\\ud800"', "\ud800", *("[" * n + "]" * n for n in (900, 100_000))):
        assert len(_html.pretty(odd).encode()) <= 100_100
    almost = f"{'A' * 4095}." * 300
    assert _html.pretty(almost, limit=len(almost)) == almost
    assert len(_html.pretty(f"{'A' * 4096}=", limit=10_000)) < 100


def test_a_plain_text_fits_80_columns_and_cuts_no_word() -> None:
    words = "A sentence of many words that goes on and on until it is wider than a terminal. " * 3
    address, longer = f"http://127.0.0.1/{'x' * 55}", "x" * 100
    body = _html.pretty(json.dumps({"text": words, "address": address}))
    facts = [("short", "x"), ("a label with words", words), ("address", address)]
    plain = _html.describe("Title", facts, ("body", body))["text/plain"]
    assert max(map(len, plain.split("\n"))) <= 80
    assert (" ".join(plain.split()).count(words.strip()), plain.count(address)) == (2, 2)
    assert longer in _html.describe("Title", [("name", longer)])["text/plain"]
