"""Every public object shows itself without a kernel: as HTML and as plain text, without the key."""

from __future__ import annotations

import secrets

import pytest

import brocap_nb as bn
from brocap_nb.widgets import LogBoard


def test_each_shows_itself_and_does_not_weigh_much() -> None:
    evil = bn.RawTask({"type": "<script>"})
    key, log = secrets.token_hex(16), bn.ExchangeLog(":memory:")
    with (
        bn.Sandbox(speed=20) as sandbox,
        bn.Client(sandbox.key, base_url=sandbox.url, log=log) as client,
        bn.Client(key, base_url=sandbox.url, log=log) as stranger,
    ):
        puzzle = sandbox.puzzles[1]
        task = bn.ComplexImageTask.from_image(puzzle.data, question=puzzle.question)
        created = client.create_task(task)
        run = client.submit(task)
        result = run.result(60)
        balance = client.get_balance()
        with pytest.raises(bn.ApiError):
            stranger.create_task(evil)
        console, board = bn.Console(stranger, sandbox=sandbox), LogBoard(log)
        for thing, word in (
            (task, "Pick the penguin"),
            (evil, "&lt;script&gt;"),
            (created, "CreatedTask"),
            (result, "tile"),
            (balance, "Balance"),
            (run, "ready"),
            (log[-1], "&lt;script&gt;"),
            (log, "ERROR_KEY_DOES_NOT_EXIST"),
            (sandbox, "Pick the penguin"),
            (puzzle, "Pick the penguin"),
            (stranger, "http://127.0.0.1"),
            (bn.CallbackListener(), "not started"),
            (bn.explain("ERROR_ZERO_BALANCE"), "no money"),
            (console, "Run this cell to use it"),
            (board, "ERROR_KEY_DOES_NOT_EXIST"),
        ):
            shown = thing._repr_mimebundle_()
            assert word in shown["text/html"].replace("<wbr>", "")
            assert shown["text/plain"].strip()
            assert "object at 0x" not in shown["text/plain"]
            assert key not in str(shown)
            assert "<script" not in shown["text/html"]
            assert len(str(shown)) < (120_000 if thing is sandbox else 60_000)
        console.close()
        board.close()
