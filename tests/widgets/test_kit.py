"""Widgets share what is alike, and changing one changes no other."""

from __future__ import annotations

import threading

import brocap_nb as bn
from brocap_nb.widgets import LogBoard, _kit


def test_what_is_alike_is_one_and_hiding_one_hides_no_other() -> None:
    one, other, wide = _kit.HTML("a"), _kit.VBox(), _kit.HTML("b", layout={"width": "7px"})
    assert one.layout is other.layout
    assert one.layout is not wide.layout
    assert one.style is wide.style
    _kit.show(one, False)
    assert (one.layout.display, other.layout.display) == ("none", None)
    _kit.show(one, True)
    assert one.layout is other.layout
    for gone in (wide.layout, wide):  # as Widget.close_all() does: it is made anew
        gone.close()
    assert _kit.HTML("c", layout={"width": "7px"}).layout.comm is not None


def test_a_user_lays_a_view_out_and_no_other_moves() -> None:
    first, second = (LogBoard(bn.ExchangeLog(":memory:")) for _ in range(2))
    first.widget.layout.width = "50%"
    assert second.widget.layout.width is None
    for board in (first, second):
        board.close()


def test_a_burst_of_changes_is_drawn_a_few_times_and_the_last_one_for_sure() -> None:
    seen: list[int] = []
    state, drawn = [0], threading.Event()

    def draw() -> None:
        seen.append(state[0])
        if state[0] == 1000:
            drawn.set()

    refresh = _kit.Refresh(draw, interval=0.01)
    for number in range(1, 1001):
        state[0] = number
        refresh.request()
    assert drawn.wait(30)
    assert len(seen) < 1000
    refresh.close()
    refresh.request()
    assert refresh._timer is None
