"""One exception tree, as it is drawn at the top of the module."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime

import brocap_nb as bn
from brocap_nb.api import _errors

KINDS = [
    one for one in vars(_errors).values() if isinstance(one, type) and issubclass(one, Exception)
]
PROBLEMS = [_errors.Problem("a", "First."), _errors.Problem("b", "Second.")]
WHEN, CODE = datetime(2026, 1, 2, tzinfo=UTC), "ERROR_ZERO_BALANCE"
EXCHANGE = bn.Exchange(
    exchange_id="s-1", started_at=WHEN, session="s", method="createTask", error_code=CODE, task_id=9
)
ASKED: list[tuple[type[Exception], tuple[object, ...]]] = [
    (bn.ApiError, (EXCHANGE,)),
    (bn.ExchangeError, ("It's a sentence.", EXCHANGE)),
    (bn.WaitError, ("It's a sentence.", 9)),
    (bn.InvalidInputError, (PROBLEMS,)),
    (bn.BroCapError, ("It's a sentence.",)),
]


def made(kind: type[Exception]) -> Exception:
    """An exception with everything that its class asks for."""
    error = kind(*next(given for base, given in ASKED if issubclass(kind, base)))
    error.add_note("A note.")
    return error


def told(error: BaseException) -> object:
    return type(error), str(error), error.args, vars(error)


def test_an_exception_is_public_and_arrives_whole_in_a_copy_and_in_another_process() -> None:
    for kind in KINDS:
        assert issubclass(getattr(bn, kind.__name__), bn.BroCapError)
        error = made(kind)
        pickled = [pickle.loads(pickle.dumps(error, protocol)) for protocol in (0, 5)]
        for one in (*pickled, copy.copy(error), copy.deepcopy(error)):
            assert told(one) == told(error)
        if isinstance(error, bn.InvalidInputError):
            assert [str(problem) for problem in error.problems] == str(error).split("\n")
