"""Requests, tasks, errors and an exchange, joined: a click on one leads to the next."""

from __future__ import annotations

import contextlib
import html
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from waiting import until

import brocap_nb as bn
from brocap_nb.api._facts import CATALOGUE
from brocap_nb.log._search import Filter
from brocap_nb.sandbox._recipes import RECIPES
from brocap_nb.widgets import LogBoard, _exchange_view
from brocap_nb.widgets._exchange_view import name_of
from brocap_nb.widgets._rows import row_of
from brocap_nb.widgets._target import TargetChooser

UNKNOWN = "ERROR_TASK_NOT_SUPPORTED"
PROVOKED = {recipe.code for recipe in RECIPES}


@pytest.fixture
def board(used: bn.Client, sandbox: bn.Sandbox) -> Iterator[LogBoard]:
    """That of a Console."""
    target = TargetChooser(used.log, client=used, sandbox=sandbox, live=False)
    shown = LogBoard(used.log, target=target)
    yield shown
    shown.close()
    target.close()
    assert not used.log._listeners


def fail(client: bn.Client, kind: str | None = "NoSuchTask") -> None:
    with contextlib.suppress(bn.ExchangeError):
        client.create_task(bn.RawTask({} if kind is None else {"type": kind}))


def told(board: LogBoard) -> str:
    return str(board.place.value)


def click(board: LogBoard, key: str) -> None:
    board.list._buttons[key].click()


def hidden(widget: object) -> bool:
    return widget.layout.display == "none"  # type: ignore[attr-defined, no-any-return]


def test_it_follows_the_log_and_shows_more_of_it(board: LogBoard, used: bn.Client) -> None:
    assert "No request has been made yet" in told(board)
    for _ in range(11):
        used.get_balance()
    fail(used)
    until(lambda: "Rows 1 to 10 of 12" in told(board))
    assert board.list.texts[0].split()[1:] == [
        *("createTask", "200", str(round(used.log[-1].elapsed_ms or 0))),
        *("✗", "api_error", UNKNOWN),
    ]
    assert board.list.texts[1].split()[-2:] == ["✓", "ok"]
    board.more.click()
    assert "Rows 1 to 12 of 12" in told(board)
    assert hidden(board.more)
    used.get_balance()
    until(lambda: "Rows 1 to 13 of 13" in told(board))
    board.method.value = "getBalance"
    assert "Rows 1 to 10 of 12" in told(board)
    assert not hidden(board.more)


def test_filters_are_offered_as_methods_and_codes_come(board: LogBoard, used: bn.Client) -> None:
    assert len(board.method.options) == 1
    used.get_balance()
    fail(used)
    until(lambda: len(board.error_code.options) == 2)
    assert [value for _, value in board.method.options] == ["", "getBalance", "createTask"]
    assert hidden(board.clear)
    board.method.value = "getBalance"
    assert len(board.list.texts) == 1
    assert "1 to 1 of 1, newest first; the log has 2" in told(board)
    board.outcome.value = "api_error"
    assert "No row fits the filters; the log has 2." in told(board)
    board.clear.click()
    assert not board._search.wanted
    assert len(board.list.texts) == 2


def test_a_text_is_looked_for_in_the_bodies_too(board: LogBoard, used: bn.Client) -> None:
    fail(used, "PenguinTask")
    fail(used, "OwlTask")
    board.text.value = "penguin"
    until(lambda: "1 to 1 of 1" in told(board))
    fail(used, "PENGUIN")
    until(lambda: "1 to 2 of 2" in told(board))
    board.text.value = "no such thing"
    until(lambda: "No row fits" in told(board))
    board.text.value = "Task 12"
    assert board._search.wanted == Filter(task_id=12)
    board.show_only(wanted := Filter(error_code=UNKNOWN, task_id=5))
    assert (board.error_code.value, board.text.value) == (UNKNOWN, "task 5")
    assert board._search.wanted == wanted


def test_the_polls_of_a_task_are_folded_into_its_row(
    board: LogBoard, used: bn.Client, sandbox: bn.Sandbox
) -> None:
    board.view.value = "tasks"
    assert "No task has been created yet" in told(board)
    puzzle = sandbox.puzzles[0]
    run = used.submit(bn.ComplexImageTask.from_image(puzzle.data, question=puzzle.question))
    run.result(60)
    fail(used)
    until(lambda: "newest 2 of 2" in told(board))
    failed, ready = [text.split() for text in board.list.texts]
    assert failed[1:] == ["✗", "failed", "0", "NoSuchTask", UNKNOWN]
    assert ready[1:5] == [str(run.task_id), "✓", "ready", str(run.polls)]
    assert ready[-1] == "ComplexImageTask"

    # a click shows the timeline and leads to the requests
    click(board, used.log[0].exchange_id)
    assert "data:image/svg+xml" in board.about.value
    board.show_requests.click()
    assert board.view.value == "requests"
    assert board.text.value == f"task {run.task_id}"
    assert len(board.list.texts) == run.polls + 1

    # of a task that was refused there is the exchange alone
    board.view.value = "tasks"
    click(board, used.log[-1].exchange_id)
    assert UNKNOWN in board.about.value
    assert hidden(board.show_requests)


def test_each_code_has_a_row_that_says_all_and_leads_to_its_requests(
    board: LogBoard, used: bn.Client, sandbox: bn.Sandbox
) -> None:
    board.view.value = "errors"
    assert "Nothing has gone wrong so far" in told(board)
    for kind in ("NoSuchTask", "NoSuchTask", None):
        fail(used, kind)
    sandbox.faults.next("getBalance", "http_503")
    with contextlib.suppress(bn.ExchangeError):
        used.get_balance()
    until(lambda: "Errors (3)" in list(board.view._options_labels))
    first, second, broken = board.list.texts
    entry = bn.explain(UNKNOWN)
    assert f"{UNKNOWN} · 2 times · same request again? No, change it first" in first
    assert entry.meaning in first
    assert "task.type" in first
    assert used.log[1].exchange_id in first
    assert "ERROR_NO_SUCH_METHOD · 1 time " in second
    assert "http_error · " in broken

    click(board, UNKNOWN)
    assert board.list.texts[0].startswith("▸")
    assert "in the sandbox" in board.about.value
    assert entry.meaning not in board.about.value  # it is said once
    assert board.any_code.value == UNKNOWN
    click(board, UNKNOWN)
    assert board.about.value == ""
    assert board.any_code.value == ""  # so that it can be chosen there
    for key, control, count in ((UNKNOWN, board.error_code, 2), ("http_error", board.outcome, 1)):
        board.view.value = "errors"
        click(board, key)
        board.show_requests.click()
        assert control.value == key
        assert len(board.list.texts) == count


def test_every_documented_code_can_be_looked_up(board: LogBoard) -> None:
    board.view.value = "errors"
    for code, entry in CATALOGUE.items():
        board.any_code.value = code
        assert html.escape(entry.meaning.split("`")[0]) in board.about.value
        assert hidden(board.show_requests)
        assert hidden(board.provoke) == (code not in PROVOKED)


def test_a_code_is_provoked_and_a_failure_told() -> None:
    log = bn.ExchangeLog(":memory:")
    with bn.Sandbox(speed=20) as sandbox:
        target = TargetChooser(log, sandbox=sandbox, live=False)
        board = LogBoard(log, target=target)
        board.view.value = "errors"
        board.any_code.value = "ERROR_ZERO_BALANCE"
        board.provoke.click()
        until(lambda: "Done" in board._report.value)
        until(lambda: "ERROR_ZERO_BALANCE" in " ".join(board.list.texts))
        until(lambda: not board.provoke.disabled)
    board.provoke.click()  # the sandbox has stopped
    until(lambda: "brocap-problem" in board._report.value)
    until(lambda: not board.provoke.disabled)
    board.close()
    target.close()


def test_a_row_is_opened_marked_and_shut(board: LogBoard, used: bn.Client) -> None:
    used.get_balance()
    until(lambda: board.list.texts)
    exchange_id = used.log[-1].exchange_id
    click(board, exchange_id)
    assert board.exchange.exchange_id == exchange_id
    assert not hidden(board.exchange)
    assert board.list.texts[0].startswith("▸")
    for tab in ("errors", "requests"):
        board.view.value = tab
    assert board.list.texts[0].startswith("▸")
    board.exchange.shut.click()
    assert hidden(board.exchange)
    assert not board.list.texts[0].startswith("▸")


def test_the_open_tab_stays_when_errors_come_and_an_other_shows_what_it_missed(
    board: LogBoard, used: bn.Client
) -> None:
    for tab, count in (("tasks", 1), ("errors", 2), ("requests", 2)):
        board.view.value = tab
        fail(used, "NoSuchTask" if tab == "tasks" else None)
        until(lambda count=count: board.view._options_labels[2] == f"Errors ({count})")
        assert board.view.value == tab
        assert hidden(board.filters) == (tab != "requests")
    until(lambda: len(board.list.texts) == 3)


def test_a_saved_notebook_without_widget_state_shows_the_rows(used: bn.Client) -> None:
    used.get_balance()
    board = LogBoard(used.log)
    for close in (board.close, lambda: None):
        bundle = board._repr_mimebundle_()
        assert "getBalance" in bundle["text/html"].replace("<wbr>", "")
        assert "LogBoard" in bundle["text/plain"]
        close()


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
    for name in ("alice", "bob"):
        log = bn.ExchangeLog(tmp_path / name)
        with bn.Client(sandbox.key, base_url=sandbox.url, log=log) as client:
            fail(client, f"TaskOf{name.title()}")
    until(lambda: len(board.list.texts) == 2)
    assert [text.split()[-1] for text in board.list.texts] == ["bob", "alice"]
    board.list.children[1].click()
    assert "TaskOfBob" in board.exchange._shown.value
    (follower,) = {t for t in threading.enumerate() if t.name == "brocap-nb follower"} - before
    board.close()
    follower.join(30)
    assert not follower.is_alive()


def test_what_fails_while_it_draws_is_shown(board: LogBoard, used: bn.Client) -> None:
    board.list.show = lambda *_: 1 / 0  # type: ignore[method-assign, assignment]
    used.get_balance()
    until(lambda: "ZeroDivisionError" in board._report.value)


def test_what_is_no_log_is_a_sentence() -> None:
    with pytest.raises(bn.InvalidInputError, match="type str; expected an ExchangeLog"):
        LogBoard("brocap_log")  # type: ignore[arg-type]


def test_a_request_without_an_answer_is_under_way_only_in_its_own_session() -> None:
    log = bn.ExchangeLog(":memory:")
    begun = log.begin(method="getBalance", url="http://127.0.0.1", request="{}", request_bytes=2)
    assert "… under way" in row_of(begun, log.session).text
    assert row_of(begun, log.session).kind == "plain"
    assert "✗ no_response" in row_of(begun, "another").text
