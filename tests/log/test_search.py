"""Finding rows: whatever is asked for, a page has what a plain look at the frame would find."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import brocap_nb as bn
from brocap_nb import ExchangeLog
from brocap_nb.log._search import CHUNK, EVERYTHING, Filter, Page, Search

METHODS = ("createTask", "getTaskResult", "getBalance")
CODES = ("ERROR_ZERO_BALANCE", "CAPTCHA_NOT_READY", None)


def write(log: ExchangeLog, code: str | None = None, **fields: Any) -> bn.Exchange:
    """One exchange; it stays under way if its response is None."""
    fields = {"method": "getBalance", "request": "{}", "response": "{}", **fields}
    response = fields.pop("response")
    begun = log.begin(url="http://127.0.0.1", request_bytes=2, **fields)
    if response is not None:
        finish(log, begun, response, code)
    return begun


def finish(log: ExchangeLog, begun: bn.Exchange, response: str, code: str | None = None) -> None:
    outcome = bn.Outcome.OK if code is None else bn.Outcome.API_ERROR
    log.finish(dataclasses.replace(begun, outcome=outcome, error_code=code, response=response))


def page_of(search: Search, size: int = 10_000) -> Page:
    page = search.page(size)
    assert page is not None
    return page


def ids(log: ExchangeLog, wanted: Filter = EVERYTHING, size: int = 10_000) -> list[str]:
    return [one.exchange_id for one in page_of(Search(log, wanted), size).exchanges]


def test_a_page_is_newest_first_and_knows_how_many_there_are_and_can_be_stopped() -> None:
    log, text = ExchangeLog(":memory:"), Filter(text="x")
    assert Search(log, text).page(10) == Page((), 0, 0)
    made = [write(log).exchange_id for _ in range(25)]
    for size in (10, 25, 30):
        assert ids(log, size=size) == made[::-1][:size]
        assert page_of(Search(log), size)[1:] == (25, 25)
    assert Search(log, text).page(5, stopped=lambda: True) is None
    assert Search(log, Filter(method="getBalance")).page(5, stopped=lambda: True) is not None


rows = st.fixed_dictionaries(
    {
        "method": st.sampled_from(METHODS),
        "code": st.sampled_from(CODES),
        "task_id": st.sampled_from([None, 1, 2]),
        "request": st.sampled_from(['{"a": "Owl"}', "{}"]),
        "response": st.sampled_from(['{"b": "OWLS"}', "{}", None]),
    }
)
filters = st.builds(
    Filter,
    outcome=st.sampled_from([None, "ok", "api_error", "no_response", "timeout"]),
    method=st.sampled_from([None, *METHODS, "never"]),
    error_code=st.sampled_from([*CODES, "NEVER"]),
    task_id=st.sampled_from([None, 1, 3]),
    text=st.sampled_from(["", "owl", "zero_bal", "getb", "nothing of this"]),
)


@given(st.lists(rows, max_size=12), filters)
def test_a_filter_finds_what_a_look_at_the_frame_finds(
    written: list[dict[str, Any]], wanted: Filter
) -> None:
    log = ExchangeLog(":memory:")
    for row in written:
        write(log, **row)
    expected = []
    for row in log.frame().astype(object).to_dict("records"):
        plain = all(
            getattr(wanted, name) in (None, row[name])
            for name in ("outcome", "method", "error_code", "task_id")
        )
        texts = " ".join(str(value) for name, value in row.items() if name != "started_at")
        if plain and wanted.text in texts.lower():
            expected.append(row["exchange_id"])
    assert ids(log, wanted) == expected[::-1]


def test_a_search_goes_on_as_the_log_grows_and_answers_come() -> None:
    log = ExchangeLog(":memory:")
    search = Search(log, Filter(text="penguin"))
    waiting = [write(log, response=None) for _ in range(2)]
    assert search.page(5) == Page((), 0, 2)
    write(log, request='{"q": "Penguin"}')
    for begun, answer in zip(waiting, ("a penguin", "an owl"), strict=True):
        finish(log, begun, f'{{"found": "{answer}"}}')
        page = page_of(search, 5)
        assert (page.found, page.rows) == (2, 3)
        assert page.exchanges[-1].exchange_id == waiting[0].exchange_id


def test_other_sessions_and_their_dead_requests_are_found_too(tmp_path: Path) -> None:
    other = ExchangeLog(tmp_path)
    for number in range(CHUNK + 7):  # more than are read at a stretch, none of them answered
        write(other, request=f'{{"n": "dead {number}."}}', response=None)
    log = ExchangeLog(tmp_path)
    own = write(log, request='{"n": "dead 0. again"}')
    assert ids(log, Filter(text="dead 0.")) == [own.exchange_id, f"{other.session}-1"]
    assert len(ids(log, Filter(text="dead"))) == CHUNK + 8
    for path in tmp_path.glob("*.jsonl"):  # a folder that was deleted is no error
        path.unlink()
    assert page_of(Search(log, Filter(text="dead"))).rows == 1
