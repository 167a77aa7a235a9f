"""One exception tree, as it is drawn at the top of the module."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

import brocap_nb as bn
from brocap_nb import errors

NAMES = [
    name
    for name in errors.__all__
    if isinstance(getattr(errors, name), type) and issubclass(getattr(errors, name), Exception)
]


@pytest.mark.parametrize("name", NAMES)
def test_every_exception_derives_from_one_and_is_public(name: str) -> None:
    assert issubclass(getattr(errors, name), bn.BroCapError)
    assert getattr(bn, name) is getattr(errors, name)


def test_every_exception_of_the_module_is_listed() -> None:
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert defined == set(NAMES)


def test_the_drawing_is_the_tree() -> None:
    drawn: dict[str, list[str]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([│├└─ ]*)([A-Z]\w+)(?: \((\w+)\))?(?: {2,}.*)?$", line)
        if found is None or not hasattr(errors, found[2]):
            continue
        depth = len(found[1]) // 4
        above[depth:] = [found[2]]
        drawn[found[2]] = [above[depth - 1] if depth else "Exception", *filter(None, [found[3]])]
    real = {name: [base.__name__ for base in getattr(errors, name).__bases__] for name in NAMES}
    assert drawn == real


def exchange(**fields: object) -> bn.Exchange:
    known = {
        "exchange_id": "s-1",
        "started_at": datetime(2026, 1, 2, tzinfo=UTC),
        "session": "s",
        "method": "getTaskResult",
    }
    return bn.Exchange(**{**known, **fields})  # type: ignore[arg-type]


def test_an_api_error_says_what_it_means_and_what_to_do() -> None:
    code = "ERROR_ZERO_BALANCE"
    error = errors.ApiError(
        exchange(error_code=code, error_description="No money.", http_status=402, task_id=9)
    )
    text = str(error)
    entry = bn.CATALOGUE[code]
    expected = [code, entry.meaning, entry.remedy, "No money.", "HTTP 402", "task 9", "s-1"]
    assert [part for part in expected if part not in text] == []
    assert ".." not in text
    assert (error.task_id, error.http_status, error.exchange_id) == (9, 402, "s-1")


def test_an_api_error_without_a_code_is_told_as_such() -> None:
    assert "no error code" in str(errors.ApiError(exchange(http_status=200)))


def test_an_input_error_lists_its_problems() -> None:
    problems = [errors.Problem("a", "First."), errors.Problem("b", "Second.")]
    error = errors.InvalidInputError(problems)
    assert [str(problem) for problem in error.problems] == str(error).split("\n")
    alone = errors.InvalidTaskError("Only.", field="c")
    assert alone.problems == (errors.Problem("c", "Only."),)


def test_a_missing_exchange_reads_as_a_sentence() -> None:
    assert str(errors.ExchangeNotFoundError("There is none.")) == "There is none."
