"""Exercises: what is said to which answer."""

from __future__ import annotations

from typing import Any

import numpy
import pandas as pd
import pytest

import brocap_nb as bn
from brocap_nb.exercises import exercise


@exercise
def three(answer: Any) -> object:
    """One more than two."""
    if answer == "3":
        return "That is a text; give a number."
    return answer == 3


@exercise
def pair(first: Any, second: Any) -> object:
    """The first is smaller."""
    return first < second


@pytest.mark.parametrize(
    "answers", [(...,), (), (1, ...), ([...],), ((1, ...),), ({...},), ({"a": ...},)]
)
def test_dots_are_no_answer(answers: tuple[object, ...]) -> None:
    feedback = pair(*answers)
    assert feedback.verdict == "not answered yet"
    assert not feedback
    assert "three dots" in feedback.sentence


def test_an_answer_gets_the_verdict_and_the_best_hint() -> None:
    assert three(3)
    assert str(three(3)) == "right"
    assert not three(4)
    assert str(three(4)) == "not yet right\nYour answer: 4\nOne more than two."
    assert three("3").sentence.endswith("\nThat is a text; give a number.")
    assert pair(1, 2)
    assert "Your answer: 2, 1\n" in str(pair(2, 1))


def test_a_check_that_fails_is_told_of_and_the_hint_comes() -> None:
    feedback = pair(object(), 3)
    assert feedback.verdict == "not yet right"
    assert "with it the check met TypeError: " in feedback.sentence
    assert feedback.sentence.endswith("The first is smaller.")


@exercise
def count(answer: int) -> object:
    """Count the rows."""
    return "That is half of them." if answer == 4 else answer == 8


@exercise
def word(answer: str, where: tuple[int, int]) -> object:
    """Say where it stands."""
    return answer == "ok" and where == (1, 2)


def test_a_right_answer_in_another_form_is_right() -> None:
    column = pd.Series([8])
    for answer in (8, 8.0, " 8 ", [8], (8,), {8}, column, column.iloc[0]):
        assert count(answer).verdict == "right"
    assert count(numpy.array(8))
    assert str(count([4])).endswith("That is half of them.")
    assert count(8.5).sentence == "Your answer: 8.5\nCount the rows."
    for where in ((1, 2), [1, 2], numpy.array([1, 2]), pd.Series([1, 2])):
        assert word(" ok\n", where)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (pd.Series(range(8)), "Your answer is a Series of 8 values; expected one number."),
        (pd.DataFrame({"a": [1, 2]}), "Your answer is a DataFrame of 2 rows; expected one number."),
        ([1, 2], "Your answer is a list of 2 values; expected one number."),
        ("eight", "Your answer is a text; expected one number."),
        (True, "Your answer is True; expected one number."),
        (None, "Your answer is None; expected one number."),
        (object(), "Your answer is an object; expected one number."),
    ],
)
def test_a_wrong_kind_of_answer_is_said_first(answer: object, said: str) -> None:
    feedback = count(answer)
    assert feedback.verdict == "not yet right"
    assert said in feedback.sentence
    assert feedback.sentence.endswith("\nCount the rows.")


def test_several_values_are_no_text_and_no_table() -> None:
    for other in ("12", 1, pd.DataFrame({"a": [1], "b": [2]})):
        assert "expected several values" in word("ok", other).sentence
    assert "is a number; expected a text" in word(1, (1, 2)).sentence


def test_a_name_that_is_missing_sends_the_learner_to_the_cells_above() -> None:
    @exercise
    def later(answer: object) -> object:
        """Count the rows."""
        return answer == len(frame_of_a_cell_above)  # type: ignore[name-defined] # noqa: F821

    assert "run that cell first" in later(1).sentence


def test_an_interrupt_gets_through() -> None:
    @exercise
    def slow(answer: Any) -> object:
        """Take your time."""
        return answer()

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        slow(interrupted)


def test_an_exercise_without_a_hint_is_refused() -> None:
    with pytest.raises(bn.InvalidInputError, match="mute has no docstring"):

        @exercise
        def mute(answer: object) -> object:
            return answer == 1


def test_html_is_escaped_and_says_the_same() -> None:
    bundle = three("<b>3</b>")._repr_mimebundle_()
    assert "&lt;b&gt;3" in bundle["text/html"]
    assert "<b>" not in bundle["text/html"]
    assert "✗ not yet right" in bundle["text/html"]
    assert "One more than two." in bundle["text/html"]
    assert bundle["text/plain"] == str(three("<b>3</b>"))
    for answer, sign in ((3, "✓ right"), (..., "not answered yet")):
        assert sign in three(answer)._repr_mimebundle_()["text/html"]
