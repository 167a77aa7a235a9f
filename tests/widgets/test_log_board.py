"""Errors, rows and an exchange, joined: a click on one leads to the next."""

from __future__ import annotations

import contextlib

from widgets.waiting import until

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
    exchange_id = used.log[2].exchange_id
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
    assert bundle is not None
    assert "getBalance" in bundle["text/html"]
    assert "LogBoard" in bundle["text/plain"]
    board.close()
