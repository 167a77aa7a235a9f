"""The parts of the views: what is shared, drawn seldom, sent again only if it changed, and told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting import until

import brocap_nb as bn
from brocap_nb.widgets import LogBoard, TaskForm, _kit
from brocap_nb.widgets._rows import Row, RowList


def test_a_widget_has_no_layout_until_it_is_hidden_and_showing_one_shows_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_kit, "_layouts", {})
    one, other = _kit.HTML("a"), _kit.Button(description="b")
    _kit.show(one, True)
    assert (one.layout, one.style, other.layout, other.style) == (None, None, None, None)
    for widget in (one, other):
        _kit.show(widget, False)
    assert one.layout is other.layout
    _kit.show(one, True)
    assert (one.layout.display, other.layout.display) == (None, "none")
    assert _kit.View().layout is not _kit.View().layout  # a user may lay one out
    for gone in (other.layout, other):  # as Widget.close_all() does: it is made anew
        gone.close()
    assert _kit.HTML("c", layout=_kit.shown(False)).layout.comm is not None


def test_a_form_and_a_board_have_their_look_in_a_layout_of_ones_own_too() -> None:
    for block in (TaskForm(bn.ComplexImageTask), LogBoard(bn.ExchangeLog(":memory:")).widget):
        look = [part for part in block.children if "<style>" in getattr(part, "value", "")]
        assert (len(look), block._dom_classes[-1]) == (1, "brocap")


def test_a_burst_of_changes_is_drawn_a_few_times_and_the_last_one_for_sure() -> None:
    seen: list[int] = []
    state = [0]
    refresh = _kit.Refresh(lambda: seen.append(state[0]), interval=0.01)
    for state[0] in range(1, 1001):
        refresh.request()
    until(lambda: seen[-1:] == [1000])
    assert len(seen) < 1000
    refresh.close()
    refresh.request()
    assert refresh._timer is None


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), max_size=6))
def test_what_was_shown_before_does_not_matter_and_rows_that_go_are_closed(
    models: Callable[[], int], shown: list[list[str]]
) -> None:
    opened: list[str] = []
    lines = RowList(opened.append)
    empty = models()
    for keys in shown:
        lines.show([Row(key, f"line \t{key}") for key in keys])
        lines.mark("a")
        texts = [button.description for button in lines.children[1:]]
        assert [text[0] == "▸" for text in texts] == [key == "a" for key in keys]
        opened.clear()
        for button in lines.children[1:]:
            button.click()
        assert opened == keys == [text.split()[-1] for text in texts]
        assert models() == empty + len(keys)
    _kit.close_all(lines)


def test_what_is_raised_is_shown_as_text_without_secrets_and_ctrl_c_goes_through() -> None:
    report = _kit.Report(lambda text: text.replace("hunter2", "<secret>"))
    for error, told in (
        (bn.InvalidInputError("A is b; expected c."), "A is b; expected c."),
        (ZeroDivisionError("by <b>nought</b>"), "ZeroDivisionError: by &lt;b&gt;nought&lt;/b&gt;."),
        (ValueError("hunter2 is wrong"), "ValueError: &lt;secret&gt; is wrong."),
    ):
        with report.catching():
            raise error
        assert told in report.value
        assert 'role="alert"' in report.value
    report.tell("the key is hunter2")
    assert "the key is &lt;secret&gt;" in report.value
    report.clear()
    assert report.value == ""
    with pytest.raises(KeyboardInterrupt), report.catching():
        raise KeyboardInterrupt
