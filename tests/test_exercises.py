"""Exercises: what is said to which answer."""

from __future__ import annotations

import sys
from typing import Any

import numpy
import pandas as pd
import pytest

import brocap_nb as bn
from brocap_nb.exercises import exercise


@exercise
def pair(first: Any, second: Any) -> object:
    """The first is smaller."""
    return "They are texts." if isinstance(first, str) else first < second


@exercise
def count(answer: int) -> object:
    """Count the rows."""
    return "That is half of them." if answer == 4 else answer == 8


@exercise
def word(answer: str, where: tuple[int, int]) -> object:
    """Say where it stands."""
    return answer == "ok" and where == (1, 2)


def test_an_answer_gets_the_verdict_and_the_best_hint() -> None:
    for answers in ((...,), (), (1, ...), ([...],), ((1, ...),), ({...},), ({"a": ...},)):
        feedback = pair(*answers)
        assert (feedback.verdict, bool(feedback)) == ("not answered yet", False)
        assert "three dots" in feedback.sentence
    assert pair(1, 2)
    assert str(pair(1, 2)) == "right"
    assert str(pair(2, 1)) == "not yet right\nYour answer: 2, 1\nThe first is smaller."
    fails = pair(object(), 3)
    assert "with it the check met TypeError: " in fails.sentence
    assert fails.sentence.endswith("The first is smaller.")
    for answer, sign in ((3, "✓ right"), (..., "not answered yet")):
        assert sign in pair(1, answer)._repr_mimebundle_()["text/html"]
    feedback = pair("<b>3</b>", 3)
    bundle = feedback._repr_mimebundle_()
    for part in ("&lt;b&gt;3", "✗ not yet right", "They are texts."):
        assert part in bundle["text/html"]
    assert "<b>" not in bundle["text/html"]
    assert bundle["text/plain"] == str(feedback)


def test_a_right_answer_in_another_form_is_right_and_a_wrong_kind_is_said_first() -> None:
    column = pd.Series([8])
    for answer in (8, 8.0, " 8 ", [8], (8,), {8}, column, column.iloc[0], numpy.array(8)):
        assert count(answer).verdict == "right"
    assert str(count([4])).endswith("That is half of them.")
    assert count(8.5).sentence == "Your answer: 8.5\nCount the rows."
    for where in ((1, 2), [1, 2], numpy.array([1, 2]), pd.Series([1, 2])):
        assert word(" ok\n", where)
    for wrong, what in (
        (pd.Series(range(8)), "a Series of 8 values"),
        (pd.DataFrame({"a": [1, 2]}), "a DataFrame of 2 rows"),
        ([1, 2], "a list of 2 values"),
        ("eight", "a text"),
        (True, "True"),
        (None, "None"),
        (object(), "an object"),
    ):
        told = f"Your answer is {what}; expected one number."
        assert told in count(wrong).sentence
        assert str(count(wrong)).startswith("not yet right\n")
        assert str(count(wrong)).endswith("\nCount the rows.")
    for other in ("12", 1, pd.DataFrame({"a": [1], "b": [2]})):
        assert "expected several values" in word("ok", other).sentence
    assert "is a number; expected a text" in word(1, (1, 2)).sentence


def test_a_name_that_is_missing_sends_to_the_cells_above_and_a_missing_hint_is_refused() -> None:
    @exercise
    def later(answer: Any) -> object:
        """Count the rows."""
        return answer() == len(frame_of_a_cell_above)  # type: ignore[name-defined] # noqa: F821

    assert "run that cell first" in later(int).sentence
    with pytest.raises(SystemExit):  # it goes through, as Ctrl-C does
        later(sys.exit)
    with pytest.raises(bn.InvalidInputError, match="<lambda> has no docstring"):
        exercise(lambda answer: answer == 1)
