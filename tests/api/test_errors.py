"""One exception tree, as it is drawn at the top of the module."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime

import pytest

import brocap_nb as bn
from brocap_nb.api import _errors


def tree(kind: type[bn.BroCapError]) -> Iterator[type[bn.BroCapError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from tree(below)


KINDS = [*tree(bn.BroCapError)]


def test_every_exception_is_in_one_tree_and_public() -> None:
    ours = [one for one in vars(_errors).values() if isinstance(one, type)]
    assert {one for one in ours if issubclass(one, Exception)} == {*KINDS}
    assert all(getattr(bn, kind.__name__) is kind for kind in KINDS)


PROBLEMS = [_errors.Problem("a", "First."), _errors.Problem("b", "Second.")]
EXCHANGE = bn.Exchange(
    exchange_id="s-1",
    started_at=datetime(2026, 1, 2, tzinfo=UTC),
    session="s",
    method="createTask",
    error_code="ERROR_ZERO_BALANCE",
    task_id=9,
)
ASKED: list[tuple[type[bn.BroCapError], tuple[object, ...]]] = [
    (bn.ApiError, (EXCHANGE,)),
    (bn.ExchangeError, ("It's a sentence.", EXCHANGE)),
    (bn.WaitError, ("It's a sentence.", 9)),
    (bn.InvalidInputError, (PROBLEMS,)),
    (bn.BroCapError, ("It's a sentence.",)),
]


def made(kind: type[bn.BroCapError]) -> bn.BroCapError:
    """An exception with everything that its class asks for."""
    error = kind(*next(given for base, given in ASKED if issubclass(kind, base)))
    error.add_note("A note.")
    return error


def told(error: BaseException | None) -> object:
    assert error is not None
    return type(error), str(error), error.args, vars(error)


def fail(kind: type[bn.BroCapError]) -> None:
    raise made(kind)


def test_an_exception_arrives_whole_in_a_copy_and_from_another_process() -> None:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as executor, spawn.Pool(1) as pool:
        found = [executor.submit(fail, kind) for kind in KINDS]
        waiting = [pool.apply_async(fail, [kind]) for kind in KINDS]
        for kind, first, second in zip(KINDS, found, waiting, strict=True):
            error = made(kind)
            with pytest.raises(kind) as caught:
                second.get(60)
            pickled = [pickle.loads(pickle.dumps(error, protocol)) for protocol in (0, 5)]
            copies = [*pickled, copy.copy(error), copy.deepcopy(error)]
            for one in (first.exception(60), caught.value, *copies):
                assert told(one) == told(error)
            if isinstance(error, bn.InvalidInputError):
                assert [str(problem) for problem in error.problems] == str(error).split("\n")
