"""The views say in words what they show, and survive what does not fit."""

from __future__ import annotations

import threading

import pytest

from brocap_nb._html import words
from brocap_nb.widgets._kit import Refresh
from brocap_nb.widgets._picture_view import answer_in_words


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ([False, True, False], "tile 2 of 3"),
        ([True, False, True], "tiles 1, 3 of 3"),
        ([False, False], "none of the 2 tiles"),
    ],
)
def test_an_answer_in_words(answer: list[bool], told: str) -> None:
    assert answer_in_words(answer) == told


def test_words_are_escaped_and_backticks_are_code() -> None:
    assert words("a `b` <i>`<u>`") == "a <code>b</code> &lt;i&gt;<code>&lt;u&gt;</code>"


def test_a_burst_of_changes_is_drawn_a_few_times_and_the_last_one_for_sure() -> None:
    seen: list[int] = []
    state, drawn = [0], threading.Event()

    def draw() -> None:
        seen.append(state[0])
        if state[0] == 1000:
            drawn.set()

    refresh = Refresh(draw, interval=0.01)
    for number in range(1, 1001):
        state[0] = number
        refresh.request()
    assert drawn.wait(30)
    assert len(seen) < 1000
    refresh.close()
    refresh.request()
    assert refresh._timer is None
