"""Rows, tasks, errors and an exchange, joined: a click on one leads to the next."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from waiting import until

import brocap_nb as bn
from brocap_nb.widgets import LogBoard, _exchange_view
from brocap_nb.widgets._exchange_view import name_of


def test_a_row_is_opened_marked_and_shut(used: bn.Client) -> None:
    board = LogBoard(used.log, client=lambda: used)
    used.get_balance()
    until(lambda: board.list.texts)
    exchange_id = used.log[-1].exchange_id
    board.list.click(exchange_id)
    assert board.exchange.exchange_id == exchange_id
    assert board.exchange.layout.display == ""
    assert board.list.texts[0].startswith("▸")
    board.exchange.shut.click()
    assert board.exchange.layout.display == "none"
    assert not board.list.texts[0].startswith("▸")
    board.close()
    assert not used.log._listeners


def test_the_open_tab_stays_when_errors_come_and_an_other_shows_what_it_missed(
    used: bn.Client,
) -> None:
    board = LogBoard(used.log)
    for tab in ("tasks", "errors", "requests"):
        board.view.value = tab
        with contextlib.suppress(bn.ApiError):
            used.create_task(bn.RawTask({"type": "NoSuchTask"} if tab == "tasks" else {}))
        count = 1 if tab == "tasks" else 2
        until(lambda count=count: board.view.options[2][0] == f"Errors ({count})")
        assert board.view.value == tab
        assert (board.filters.layout.display != "none") == (tab == "requests")
    until(lambda: len(board.list.texts) == 3)
    board.close()


def test_a_saved_notebook_without_widget_state_shows_the_rows(used: bn.Client) -> None:
    used.get_balance()
    board = LogBoard(used.log)
    bundle = board._repr_mimebundle_()
    assert "getBalance" in bundle["text/html"].replace("<wbr>", "")
    assert "LogBoard" in bundle["text/plain"]
    board.close()
    assert "getBalance" in board._repr_mimebundle_()["text/html"].replace("<wbr>", "")


def test_the_log_is_spelled_as_the_notebook_can_run_it(
    used: bn.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, object] = {"_": used, "other": 1}
    monkeypatch.setattr(_exchange_view, "get_ipython", lambda: SimpleNamespace(user_ns=names))
    board = LogBoard(used.log)
    assert name_of(used.log) == ""
    assert "DataFrame" not in board._frame.text.value
    assert eval(name_of(bn.ExchangeLog(tmp_path))).folder == tmp_path
    names["bn"] = bn
    assert name_of(bn.ExchangeLog(tmp_path)) == f'bn.ExchangeLog("{tmp_path.as_posix()}")'
    for name, thing in (("client", used), ("kept", used.log), ("board", board)):
        names[name] = thing
        assert eval(name_of(used.log), names) is used.log
    board._ipython_display_()
    assert "board.log.frame()" in board._frame.text.value
    used.get_balance()
    board.exchange.show_exchange(used.log[-1].exchange_id)
    assert f'board.log["{used.log[-1].exchange_id}"]' in board.exchange._entry.text.value
    board.close()


def test_a_class_is_followed_and_each_row_says_whose_it_is(
    sandbox: bn.Sandbox, tmp_path: Path
) -> None:
    before = set(threading.enumerate())  # of other tests
    board = LogBoard(bn.ExchangeLog(tmp_path / "*"))
    assert "No request has been made yet" in board.place.value
    for name in ("alice", "bob"):
        log = bn.ExchangeLog(tmp_path / name)
        with (
            bn.Client(sandbox.key, base_url=sandbox.url, log=log) as client,
            contextlib.suppress(bn.ApiError),
        ):
            client.create_task(bn.RawTask({"type": f"TaskOf{name.title()}"}))
    until(lambda: len(board.list.texts) == 2)
    assert [text.split()[-1] for text in board.list.texts] == ["bob", "alice"]
    board.list.children[1].click()
    assert "TaskOfBob" in board.exchange._bodies.value
    (follower,) = {t for t in threading.enumerate() if t.name == "brocap-nb follower"} - before
    board.close()
    follower.join(30)
    assert not follower.is_alive()


def test_what_fails_while_it_draws_is_shown(used: bn.Client) -> None:
    board = LogBoard(used.log)
    board.list.show = lambda rows: 1 / 0  # type: ignore[method-assign, assignment]
    used.get_balance()
    until(lambda: "ZeroDivisionError" in board._report.value)
    board.close()


def test_what_is_no_log_is_a_sentence() -> None:
    with pytest.raises(bn.InvalidInputError, match="type str; expected an ExchangeLog"):
        LogBoard("brocap_log")  # type: ignore[arg-type]
