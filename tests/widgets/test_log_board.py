"""Errors, rows and an exchange, joined: a click on one leads to the next."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest
from waiting import until

import brocap_nb as bn
from brocap_nb.widgets import LogBoard


def test_from_a_bar_to_its_rows_to_one_exchange(used: bn.Client) -> None:
    board = LogBoard(used.log, client=lambda: used)
    for body in ({"type": "NoSuchTask"}, {}):
        with contextlib.suppress(bn.ApiError):
            used.create_task(bn.RawTask(body))
    used.get_balance()
    until(lambda: len(board.errors.list.texts) == 2)
    board.errors.list.click("ERROR_NO_SUCH_METHOD")
    assert len(board.table.list.texts) == 1
    exchange_id = used.log[1].exchange_id
    board.table.list.click(exchange_id)
    assert board.exchange.exchange_id == exchange_id
    assert board._opened.layout.display == ""
    assert board.table.list.texts[0].startswith("▸")
    board.exchange.shut.click()
    assert board._opened.layout.display == "none"
    assert not board.table.list.texts[0].startswith("▸")
    board.errors.list.click("ERROR_NO_SUCH_METHOD")
    assert len(board.table.list.texts) == 3
    board.close()
    assert not used.log._listeners


def test_a_saved_notebook_without_widget_state_shows_the_rows(used: bn.Client) -> None:
    used.get_balance()
    board = LogBoard(used.log)
    bundle = board._repr_mimebundle_()
    assert "getBalance" in bundle["text/html"]
    assert "LogBoard" in bundle["text/plain"]
    board.close()
    assert bundle.keys() - board._repr_mimebundle_() == {"application/vnd.jupyter.widget-view+json"}


def test_a_class_is_followed_and_each_row_says_whose_it_is(
    sandbox: bn.Sandbox, tmp_path: Path
) -> None:
    board = LogBoard(bn.ExchangeLog(tmp_path / "*"))
    assert "No request has been made yet" in board.table._place.value
    for name in ("alice", "bob"):
        log = bn.ExchangeLog(tmp_path / name)
        with (
            bn.Client(sandbox.key, base_url=sandbox.url, log=log) as client,
            contextlib.suppress(bn.ApiError),
        ):
            client.create_task(bn.RawTask({"type": f"TaskOf{name.title()}"}))
    until(lambda: len(board.table.list.texts) == 2)
    until(lambda: len(board.errors.list.texts) == 1)
    assert [text.split()[-1] for text in board.table.list.texts] == ["bob", "alice"]
    board.table.list.click(next(iter(board.table.list._lines)))
    assert "TaskOfBob" in board.exchange._bodies.value
    board.view.value = "tasks"
    assert len(board.tasks.list.texts) == 2
    (follower,) = [t for t in threading.enumerate() if t.name == "brocap-nb follower"]
    board.close()
    follower.join(30)
    assert not follower.is_alive()


def test_a_view_that_was_hidden_shows_what_came_meanwhile(used: bn.Client) -> None:
    board = LogBoard(used.log)
    views = (board.table, board.errors)
    for view in views:
        view.layout.display = "none"
    with contextlib.suppress(bn.ApiError):
        used.create_task(bn.RawTask({"type": "NoSuchTask"}))
    for view in views:
        view.layout.display = None
        assert len(view.list.texts) == 1
    board.close()


def test_what_is_no_log_is_a_sentence() -> None:
    with pytest.raises(bn.InvalidInputError, match="type str; expected an ExchangeLog"):
        LogBoard("brocap_log")  # type: ignore[arg-type]
