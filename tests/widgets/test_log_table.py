"""The table shows what the filter lets through, and says in words where it stands."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from waiting import until

import brocap_nb as bn
from brocap_nb.log._search import Filter
from brocap_nb.widgets import LogBoard
from brocap_nb.widgets._lenses import table_of
from brocap_nb.widgets._rows import row_of


@pytest.fixture
def table(used: bn.Client) -> Iterator[LogBoard]:
    board = LogBoard(used.log)
    yield board
    board.close()


def provoke(client: bn.Client, kind: str = "NoSuchTask") -> None:
    with contextlib.suppress(bn.ApiError):
        client.create_task(bn.RawTask({"type": kind}))


def words(table: LogBoard) -> str:
    return str(table.place.value)


def test_it_follows_the_log_and_an_older_page_stands_still(
    table: LogBoard, used: bn.Client
) -> None:
    assert "No request has been made yet" in words(table)
    for _ in range(11):
        used.get_balance()
    provoke(used)
    until(lambda: "Rows 1 to 10 of 12" in words(table))
    assert table.list.texts[0].split()[1:] == [
        *("createTask", "200", str(round(used.log[-1].elapsed_ms or 0))),
        *("✗", "api_error", "ERROR_TASK_NOT_SUPPORTED"),
    ]
    assert table.list.texts[1].split()[-2:] == ["✓", "ok"]
    assert table.newer.disabled
    table.older.click()
    before = table.list.texts
    assert "Rows 11 to 12 of 12" in words(table)
    assert table.older.disabled
    for _ in range(3):
        used.get_balance()
    until(lambda: "3 came meanwhile" in words(table))
    assert table.list.texts == before
    table.newer.click()
    assert "Rows 1 to 10 of 15" in words(table)


def test_filters_are_offered_as_methods_and_codes_come(table: LogBoard, used: bn.Client) -> None:
    assert len(table.method.options) == 1
    used.get_balance()
    provoke(used)
    until(lambda: len(table.error_code.options) == 2)
    assert [value for _, value in table.method.options] == ["", "getBalance", "createTask"]
    assert table.clear.layout.display == "none"
    table.method.value = "getBalance"
    assert len(table.list.texts) == 1
    assert "1 to 1 of 1, newest first; the log has 2" in words(table)
    table.outcome.value = "api_error"
    assert "No row fits the filters; the log has 2." in words(table)
    table.clear.click()
    assert not table._pages.wanted
    assert len(table.list.texts) == 2


def test_a_text_is_looked_for_in_the_bodies_too(table: LogBoard, used: bn.Client) -> None:
    provoke(used, "PenguinTask")
    provoke(used, "OwlTask")
    table.text.value = "penguin"
    until(lambda: "1 to 1 of 1" in words(table))
    provoke(used, "PENGUIN")
    until(lambda: "1 to 2 of 2" in words(table))
    table.text.value = "no such thing"
    until(lambda: "No row fits" in words(table))
    table.text.value = "Task 12"
    assert table._pages.wanted == Filter(task_id=12)


def test_a_filter_can_be_set_from_outside(table: LogBoard, used: bn.Client) -> None:
    provoke(used)
    table.text.value = "x"
    wanted = Filter(error_code="ERROR_TASK_NOT_SUPPORTED", task_id=5)
    table.show_only(wanted)
    assert (table.error_code.value, table.text.value) == (wanted.error_code, "task 5")
    assert table._pages.wanted == wanted


def test_a_request_without_an_answer_is_under_way_only_in_its_own_session() -> None:
    log = bn.ExchangeLog(":memory:")
    begun = log.begin(method="getBalance", url="http://127.0.0.1", request="{}", request_bytes=2)
    assert "… under way" in row_of(begun, log.session).text
    assert row_of(begun, log.session).kind == "plain"
    assert "✗ no_response" in row_of(begun, "another").text


def test_the_static_table_has_the_newest_rows_as_text(used: bn.Client) -> None:
    assert "No request" in table_of(used.log)
    provoke(used, "<i>")
    used.get_balance()
    shown = table_of(used.log)
    assert shown.index("getBalance") < shown.index("ERROR_TASK_NOT_SUPPORTED")
