"""Every public object shows itself without a kernel: as HTML and as plain text, without the key."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

import brocap_nb as bn
from brocap_nb.widgets import LogBoard

KEY = secrets.token_hex(16)


@pytest.fixture(scope="module")
def things() -> Iterator[dict[str, Any]]:
    log = bn.ExchangeLog(":memory:")
    with (
        bn.Sandbox(speed=20) as sandbox,
        bn.Client(sandbox.key, base_url=sandbox.url, log=log) as c,
    ):
        puzzle = sandbox.puzzles[1]
        task = bn.ComplexImageTask.from_image(puzzle.data, question=puzzle.question)
        created = c.create_task(task)
        run = c.submit(task)
        result = run.result(60)
        with bn.Client(KEY, base_url=sandbox.url, log=log) as stranger:
            with pytest.raises(bn.ApiError):
                stranger.get_balance()
            console, board = bn.Console(stranger, sandbox=sandbox), LogBoard(log)
            yield {
                "task": task,
                "raw task": bn.RawTask({"type": "x"}),
                "created": created,
                "result": result,
                "balance": c.get_balance(),
                "submission": run,
                "exchange": log[-1],
                "log": log,
                "sandbox": sandbox,
                "client": stranger,
                "listener": bn.CallbackListener(),
                "error code": bn.explain("ERROR_ZERO_BALANCE"),
                "console": console,
                "board": board,
            }
            console.close()
            board.close()


WORDS = {
    "task": "Pick the penguin",
    "raw task": "&quot;x&quot;",
    "created": "CreatedTask",
    "result": "tile",
    "balance": "Balance",
    "submission": "ready",
    "exchange": "getBalance",
    "log": "ERROR_KEY_DOES_NOT_EXIST",
    "sandbox": "Pick the penguin",
    "client": "http://127.0.0.1",
    "listener": "not started",
    "error code": "no money",
    "console": "Run this cell to use it",
    "board": "ERROR_KEY_DOES_NOT_EXIST",
}


@pytest.mark.parametrize("name", WORDS)
def test_it_shows_itself_and_does_not_weigh_much(things: dict[str, Any], name: str) -> None:
    shown = things[name]._repr_mimebundle_()
    assert WORDS[name] in shown["text/html"].replace("<wbr>", "")
    assert shown["text/plain"].strip()
    assert "object at 0x" not in shown["text/plain"]
    assert KEY not in str(shown)
    assert len(str(shown)) < 60_000 or name == "sandbox"  # eight pictures
