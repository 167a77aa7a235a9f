"""The table shows what the filter lets through, and says in words where it stands."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from waiting import until

import brocap_nb as bn
from brocap_nb.log._search import Filter
from brocap_nb.widgets._log_table import LogTable, exchange_row, table_of


@pytest.fixture
def table(used: bn.Client) -> Iterator[LogTable]:
    shown = LogTable(used.log, rows=5)
    yield shown
    shown.close()


def provoke(client: bn.Client, kind: str = "NoSuchTask") -> None:
    with contextlib.suppress(bn.ApiError):
        client.create_task(bn.RawTask({"type": kind}))


def words(table: LogTable) -> str:
    return str(table._place.value)


def test_an_empty_log_says_so(table: LogTable) -> None:
    assert "No request has been made yet" in words(table)
    assert table.newer.disabled
    assert table.older.disabled


def test_it_follows_the_log_newest_first(table: LogTable, used: bn.Client) -> None:
    for _ in range(6):
        used.get_balance()
    provoke(used)
    until(lambda: "Rows 1 to 5 of 7" in words(table))
    assert "ERROR_TASK_NOT_SUPPORTED" in table.list.texts[0]
    assert "✗ api error" in table.list.texts[0]
    assert "✓ ok" in table.list.texts[1]
    table.older.click()
    assert "Rows 6 to 7 of 7" in words(table)
    assert len(table.list.texts) == 2
    assert table.older.disabled
    table.newer.click()
    assert "Rows 1 to 5 of 7" in words(table)


def test_an_older_page_stands_still_while_rows_come(table: LogTable, used: bn.Client) -> None:
    for _ in range(7):
        used.get_balance()
    until(lambda: "of 7" in words(table))
    table.older.click()
    before = table.list.texts
    for _ in range(3):
        used.get_balance()
    until(lambda: "3 came meanwhile" in words(table))
    assert table.list.texts == before
    table.newer.click()
    assert "of 10" in words(table)


def test_filters_are_offered_as_methods_and_codes_come(table: LogTable, used: bn.Client) -> None:
    assert len(table.method.options) == 1
    used.get_balance()
    provoke(used)
    until(lambda: len(table.error_code.options) == 2)
    assert [value for _, value in table.method.options] == ["", "getBalance", "createTask"]
    table.method.value = "getBalance"
    assert len(table.list.texts) == 1
    assert "1 to 1 of 1, newest first; the log has 2" in words(table)
    table.outcome.value = "api_error"
    assert "No row fits the filters; the log has 2." in words(table)
    table.clear.click()
    assert not table.wanted
    assert len(table.list.texts) == 2


def test_a_text_is_looked_for_in_the_bodies_too(table: LogTable, used: bn.Client) -> None:
    provoke(used, "PenguinTask")
    provoke(used, "OwlTask")
    table.text.value = "penguin"
    until(lambda: "1 to 1 of 1" in words(table))
    provoke(used, "PENGUIN")
    until(lambda: "1 to 2 of 2" in words(table))
    table.text.value = "no such thing"
    until(lambda: "No row fits" in words(table))


def test_a_task_that_is_no_number_is_told_and_the_rows_stay(
    table: LogTable, used: bn.Client
) -> None:
    provoke(used)
    until(lambda: table.list.texts)
    table.task_id.value = "first"
    assert "Task is &#x27;first&#x27;; expected the number" in table._report.value
    assert table.task_id.value == "first"
    assert len(table.list.texts) == 1
    table.task_id.value = "1"
    assert table._report.value == ""
    assert table.list.texts == []


def test_a_filter_can_be_set_from_outside(table: LogTable, used: bn.Client) -> None:
    table.show_only(Filter(error_code="ERROR_NEVER_SEEN", task_id=5, text="x"))
    assert table.error_code.value == "ERROR_NEVER_SEEN"
    assert (table.task_id.value, table.text.value) == ("5", "x")
    assert table.wanted == Filter(error_code="ERROR_NEVER_SEEN", task_id=5, text="x")
    table.show_only(Filter())
    assert not table.wanted


def test_a_click_tells_the_exchange(used: bn.Client) -> None:
    opened: list[str] = []
    table = LogTable(used.log, opened=opened.append)
    used.get_balance()
    until(lambda: table.list.texts)
    table.list.click(used.log[-1].exchange_id)
    assert opened == [used.log[-1].exchange_id]
    table.close()
    assert not used.log._listeners


def test_what_fails_while_it_draws_is_shown(table: LogTable, used: bn.Client) -> None:
    table.list.show = lambda rows: 1 / 0  # type: ignore[method-assign, assignment]
    used.get_balance()
    until(lambda: "ZeroDivisionError" in table._report.value)


def test_a_request_without_an_answer_is_under_way_only_in_its_own_session() -> None:
    log = bn.ExchangeLog(":memory:")
    begun = log.begin(method="getBalance", url="http://127.0.0.1", request="{}", request_bytes=2)
    assert "… under way" in exchange_row(begun, own=True).text
    assert exchange_row(begun, own=True).kind == "plain"
    assert "✗ no response" in exchange_row(begun, own=False).text


def test_the_static_table_has_the_newest_rows_as_text(used: bn.Client) -> None:
    assert "No request" in table_of(used.log)
    provoke(used, "<i>")
    used.get_balance()
    shown = table_of(used.log)
    assert shown.index("getBalance") < shown.index("ERROR_TASK_NOT_SUPPORTED")
