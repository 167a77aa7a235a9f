"""Requests, tasks, errors and an exchange in full: a click on one leads to the next."""

from __future__ import annotations

import contextlib
import dataclasses
import html
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pictures import noise
from waiting import until

import brocap_nb as bn
from brocap_nb.widgets import LogBoard, _exchange_view, _kit
from brocap_nb.widgets._exchange_view import name_of
from brocap_nb.widgets._rows import row_of

UNKNOWN = "ERROR_TASK_NOT_SUPPORTED"


@pytest.fixture
def board(used: bn.Client, sandbox: bn.Sandbox) -> Iterator[LogBoard]:
    console = bn.Console(used, sandbox=sandbox)
    console.board.filters.opened.value = True
    yield console.board
    console.close()
    assert not used.log._listeners


def fail(client: bn.Client, kind: str | None = "NoSuchTask") -> str:
    """The id of a refused request."""
    with contextlib.suppress(bn.ExchangeError):
        client.create_task(bn.RawTask({} if kind is None else {"type": kind}))
    return client.log[-1].exchange_id


def told(widget: Any) -> str:
    """All texts that are in a widget."""
    inner = [told(one) for one in getattr(widget, "children", ())]
    return " ".join([str(getattr(widget, "value", "")), *inner])


def click(board: LogBoard, number: int) -> None:
    board.list.children[1 + number].click()


def texts(board: LogBoard) -> list[str]:
    return [button.description for button in board.list.children[1:]]


def hidden(widget: Any) -> bool:
    return widget.layout is _kit.shown(False)


def test_it_follows_the_log_and_shows_more_of_it(board: LogBoard, used: bn.Client) -> None:
    for _ in range(11):
        used.get_balance()
    fail(used)
    until(lambda: "Rows 1 to 10 of 12" in board.place.value)
    words = ["createTask", "200", f"{used.log[-1].elapsed_ms:.0f}", "✗", "api_error", UNKNOWN]
    assert texts(board)[0].split()[1:] == words
    board.more.click()
    assert hidden(board.more)
    used.get_balance()
    until(lambda: "Rows 1 to 13 of 13" in board.place.value)
    board.method.value = "getBalance"
    assert "Rows 1 to 10 of 12" in board.place.value
    assert not hidden(board.more)


def test_filters_are_offered_as_methods_and_codes_come(board: LogBoard, used: bn.Client) -> None:
    fail(used, "PenguinTask")
    until(lambda: len(board.method.options) == 2)
    assert [value for _, value in board.error_code.options] == ["", *bn.CATALOGUE]
    board.outcome.value = "ok"
    assert "No row fits the filters; the log has 1." in board.place.value
    board.clear.click()
    board.text.value = "penguin"  # it is looked for in the bodies too
    fail(used, "PENGUIN")
    until(lambda: "1 to 2 of 2" in board.place.value)


def test_the_polls_of_a_task_are_folded_into_its_row(
    board: LogBoard, used: bn.Client, sandbox: bn.Sandbox
) -> None:
    board.view.value = "tasks"
    assert "No task has been created yet" in board.place.value
    puzzle = sandbox.puzzles[0]
    run = used.submit(bn.ComplexImageTask.from_image(puzzle.data, question=puzzle.question))
    run.result(60)
    fail(used)
    until(lambda: "newest 2 of 2" in board.place.value)
    failed, ready = [text.split() for text in texts(board)]
    assert failed[1:] == ["✗", "failed", "0", "NoSuchTask", UNKNOWN]
    assert ready[1:5] == [str(run.task_id), "✓", "ready", str(run.polls)]
    click(board, 1)
    assert "data:image/svg+xml" in board.about.value
    assert (board.view.value, board.text.value) == ("requests", f"task {run.task_id}")
    assert len(texts(board)) == run.polls + 1
    board.view.value = "tasks"
    click(board, 0)  # of a task that was refused there is the exchange alone
    assert UNKNOWN in board.exchange._shown.value
    assert hidden(board.details)


def test_each_code_has_a_row_that_says_all_and_leads_to_its_requests(
    board: LogBoard, used: bn.Client, sandbox: bn.Sandbox
) -> None:
    board.view.value = "errors"
    assert "Nothing has gone wrong so far" in board.place.value
    for kind in ("NoSuchTask", "NoSuchTask", None):
        fail(used, kind)
    sandbox.faults.next("getBalance", "http_503")
    with contextlib.suppress(bn.ExchangeError):
        used.get_balance()
    until(lambda: len(texts(board)) == 3)
    entry = bn.explain(UNKNOWN)
    for number, words in (
        (0, f"{UNKNOWN} · 2 times · same request again? No, change it first"),
        (0, f"{entry.meaning} {entry.remedy}".replace("`", "")),
        (0, used.log[1].exchange_id),
        (1, "ERROR_NO_SUCH_METHOD · 1 time "),
        (2, "http_error · "),
    ):
        assert words in texts(board)[number]
    for number, control, count in ((0, board.error_code, 2), (2, board.outcome, 1)):
        board.view.value = "errors"
        click(board, number)
        assert control.value in (UNKNOWN, "http_error")
        assert len(texts(board)) == count
        assert hidden(board.details) is hidden(board.provoke) is (number == 2)
        assert ("it is about" in board.about.value) is (number == 0)
        click(board, 0)
        assert "it is about" not in board.about.value  # it is said once


def test_every_code_can_be_looked_up_and_provoked_and_a_failure_is_told() -> None:
    with bn.Sandbox(speed=20) as sandbox:
        console = bn.Console(sandbox=sandbox, log=bn.ExchangeLog(":memory:"))
        board = console.board
        board.filters.opened.value = True
        for code, entry in bn.CATALOGUE.items():
            board.error_code.value = code
            assert html.escape(entry.meaning.split("`")[0]) in board.about.value
            assert not hidden(board.provoke)
        board.clear.click()
        assert hidden(board.details)
        board.error_code.value = "ERROR_ZERO_BALANCE"
        board.provoke.click()
        until(lambda: "Done" in told(board.widget))
        until(lambda: "ERROR_ZERO_BALANCE" in " ".join(texts(board)))
        until(lambda: not board.provoke.disabled)
    board.provoke.click()  # the sandbox has stopped
    until(lambda: "brocap-problem" in told(board.widget))
    until(lambda: not board.provoke.disabled)
    console.close()


def test_a_row_and_a_tab_stay_open_while_others_come(board: LogBoard, used: bn.Client) -> None:
    used.get_balance()
    until(lambda: texts(board))
    click(board, 0)
    assert board.exchange.exchange_id == used.log[-1].exchange_id
    for tab, count in (("tasks", 1), ("errors", 2), ("requests", 2)):
        board.view.value = tab
        fail(used, "NoSuchTask" if tab == "tasks" else None)
        until(lambda count=count: board.view._options_labels[2] == f"Errors ({count})")
        assert board.view.value == tab
        assert hidden(board.filters) == (tab != "requests")
    until(lambda: len(texts(board)) == 4)
    assert texts(board)[-1].startswith("▸")
    board.exchange.shut.click()
    assert hidden(board.exchange)
    assert not texts(board)[-1].startswith("▸")


def test_the_log_is_spelled_as_the_notebook_can_run_it(
    used: bn.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, object] = {"_": used, "other": 1}
    monkeypatch.setattr(_exchange_view, "get_ipython", lambda: SimpleNamespace(user_ns=names))
    board, on_disk = LogBoard(used.log), bn.ExchangeLog(tmp_path)
    assert name_of(used.log) == ""
    with pytest.raises(bn.InvalidInputError, match="type str; expected an ExchangeLog"):
        LogBoard("brocap_log")  # type: ignore[arg-type]
    assert eval(name_of(on_disk)).folder == tmp_path
    names["bn"] = bn
    assert name_of(on_disk) == f'bn.ExchangeLog("{tmp_path.as_posix()}")'
    for name, thing in (("client", used), ("kept", used.log), ("board", board)):
        names[name] = thing
        assert eval(name_of(used.log), names) is used.log
    used.get_balance()
    board._ipython_display_()
    click(board, 0)
    for text in ("board.log.frame()", f'board.log["{used.log[-1].exchange_id}"]'):
        assert text in told(board.widget)
    board.close()  # its static form is still there
    assert "getBalance" in board._repr_mimebundle_()["text/html"].replace("<wbr>", "")


def test_a_row_is_under_way_only_in_its_own_session_and_says_whose_it_is() -> None:
    log = bn.ExchangeLog(":memory:")
    begun = log.begin(method="getBalance", url="http://127.0.0.1", request="{}", request_bytes=2)
    assert "… under way" in row_of(begun, log.session).text
    assert row_of(begun, log.session).kind == "plain"
    assert "✗ no_response" in row_of(begun, "another").text
    ours = dataclasses.replace(begun, session="bob/abc")
    assert row_of(ours, log.session).text.endswith(" bob")


def test_it_is_shown_with_its_meaning_its_small_picture_and_as_code(
    board: LogBoard, used: bn.Client
) -> None:
    view = board.exchange
    view.show_exchange(fail(used, "<img src=x>"))
    view.python.click()
    meaning = html.escape(bn.explain(UNKNOWN).meaning)
    parts = ("Check the spelling", "Content-Type", "requests.request", "BROCAP_CLIENT_KEY")
    for text in (meaning, "&lt;img src=x&gt;", *parts):
        assert text in told(view)
    for text in ("<img src=x>", used._secret.reveal()):
        assert text not in told(view)
    used.create_task(bn.ComplexImageTask.from_image(noise(200, 100), question="Pick"))
    view.show_exchange(used.log[-1].exchange_id)
    assert "requests.request" not in told(view)
    view.curl.click()  # it is too long for a notebook
    call = f"log.to_curl(&quot;{view.exchange_id}&quot;)"
    for text in ("data:image/", "&lt;image/png", call):
        assert text in told(view)
    assert len(told(view)) < 27_000
    view.show_exchange("nobody-1")
    assert "has no exchange &#x27;nobody-1&#x27;" in told(view)


def test_what_may_be_billed_is_sent_again_after_a_question(used: bn.Client) -> None:
    console = bn.Console(used)
    view = console.board.exchange
    view.show_exchange(fail(used))
    view.again.click()
    assert view.again.description == "Send it: it may be billed"
    assert len(used.log) == 1
    view.again.click()
    until(lambda: "Sent again as exchange" in told(view))
    assert used.log[1].exchange_id in told(view)
    until(lambda: not view.again.disabled)
    used.get_balance()
    view.show_exchange(used.log[-1].exchange_id)
    view.again.click()  # a balance costs nothing
    until(lambda: len(used.log) == 4)
    until(lambda: not view.again.disabled)
    console.target.choice.value = "live"
    view.again.click()
    assert "No client key is set" in told(view)
    assert not view.again.disabled
    console.close()
