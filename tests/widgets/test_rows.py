"""Rows that can be opened: known by their keys, and cheap to change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from brocap_nb.widgets._kit import close_all
from brocap_nb.widgets._rows import Row, RowList


def rows(*keys: str) -> list[Row]:
    return [Row(key, f"line \t{key}") for key in keys]


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), max_size=6))
def test_what_was_shown_before_does_not_matter_and_rows_that_go_are_closed(
    models: Callable[[], int], shown: list[list[str]]
) -> None:
    opened: list[str] = []
    lines = RowList(opened.append)
    empty = models()
    for keys in shown:
        lines.show(rows(*keys))
        lines.mark("a")
        assert [text[0] == "▸" for text in lines.texts] == [key == "a" for key in keys]
        opened.clear()
        for button in lines.children[1:]:
            button.click()
        assert opened == keys == [text.split()[-1] for text in lines.texts]
        assert models() == empty + len(keys)
    close_all(lines)


def test_only_what_changes_is_sent() -> None:
    lines = RowList(print)
    lines.show(rows("a", "b", "c"))
    sent: list[Any] = []
    for widget in (lines, *lines.children):
        widget.observe(sent.append, ["children", "description", "_dom_classes"])
    lines.show(rows("a", "b", "c"))
    assert sent == []
    lines.show([Row("a", "other", "good"), *rows("b", "c")])
    assert {change["name"] for change in sent} == {"description", "_dom_classes"}
    assert {change["owner"] for change in sent} == {lines.children[1]}
    buttons = {*lines.children}
    lines.show(rows("d", "a", "b"))  # a new row costs no new widget
    assert {*lines.children} == buttons
