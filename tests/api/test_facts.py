"""The catalogue of error codes against the service's pages, and its help in one wording."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

import brocap_nb as bn
from brocap_nb.api._facts import AGAIN, again, method_of
from brocap_nb.log._tables import ErrorTable

# Copied from the service's public pages, in their order and spelling.
PAGE_TEXT = """
ERROR_KEY_DOES_NOT_EXIST ERROR_ZERO_BALANCE ERROR_TOO_BIG_CAPTCHA_FILESIZE
ERROR_ZERO_CAPTCHA_FILESIZE ERROR_NO_SUCH_CAPCHA_ID WRONG_CAPTCHA_ID ERROR_CAPTCHA_UNSOLVABLE
CAPTCHA_NOT_READY ERROR_IP_NOT_ALLOWED ERROR_IP_BANNED ERROR_IP_BLOCKED ERROR_NO_SUCH_METHOD
ERROR_TOO_MUCH_REQUESTS ERROR_DOMAIN_NOT_ALLOWED ERROR_TOKEN_EXPIRED ERROR_NO_SLOT_AVAILABLE
ERROR_RECAPTCHA_INVALID_SITEKEY ERROR_RECAPTCHA_INVALID_DOMAIN ERROR_RECAPTCHA_TIMEOUT
ERROR_PROXY_CONNECT_REFUSED ERROR_PROXY_BANNED ERROR_TASK_NOT_SUPPORTED ERROR_TASK_ABSENT
"""
PAGES = PAGE_TEXT.split()


def test_the_catalogue_is_what_the_pages_list_and_carries_its_own_help() -> None:
    assert list(bn.CATALOGUE) == PAGES
    for code, entry in bn.CATALOGUE.items():
        assert (bn.explain(code), entry.code) == (entry, code)
        assert entry.meaning != entry.remedy
        for sentence in (entry.meaning, entry.remedy):
            assert sentence.endswith(".")
            assert sentence[0].isupper()
            assert len(sentence.split()) >= 4
        assert "not in" not in entry.source


def test_an_unknown_code_is_kept_and_explained() -> None:
    for code in ("ERROR_BRAND_NEW", "", "error_zero_balance", "<b>"):
        entry = bn.explain(code)
        assert (entry.code, entry.retryable) == (code, False)
        assert "do not list this code" in entry.meaning
        assert "not in the public API pages" in entry.source


def test_a_method_is_known_by_its_address() -> None:
    for verb, url, method in (
        ("POST", "https://api.brocapgpt.com/createTask", "createTask"),
        ("POST", "http://127.0.0.1:8080/hub/getBalance/?x=1", "getBalance"),
        ("POST", "http://[::1]:1/getTaskResult", "getTaskResult"),
        ("GET", "http://localhost/createTask", "GET /createTask"),
        ("POST", "https://brocapgpt.com.other.example/createTask", "POST /createTask"),
        ("POST", "https://notbrocapgpt.com", "POST /"),
    ):
        assert method_of(verb, url) == method


def test_what_the_service_says_is_told_where_it_differs_from_the_meaning() -> None:
    entry = bn.explain("ERROR_ZERO_BALANCE")
    assert "the service says" not in dict(entry.facts("the account has no money"))
    assert dict(entry.facts("Pay first."))["the service says"] == "Pay first."
    assert "The service says: Pay first. Look" in entry.sentence("Pay first.")
    assert entry.sentence(None) == entry.sentence("") == entry.sentence(entry.meaning)


@pytest.mark.parametrize("code", ["ERROR_ZERO_BALANCE", "ERROR_NO_SLOT_AVAILABLE"])
def test_every_place_says_the_same_of_a_code(code: str) -> None:
    entry = bn.explain(code)
    exchange = bn.Exchange(
        exchange_id="s-1",
        started_at=datetime(2026, 1, 2, tzinfo=UTC),
        session="s",
        method="createTask",
        outcome=bn.Outcome.API_ERROR,
        error_code=code,
        error_description="Said by it.",
        http_status=402,
        task_id=9,
    )
    error = str(bn.ApiError(exchange))
    for part in ("The service says: Said by it. ", "HTTP 402", "task 9", "s-1"):
        assert part in error
    row = {"error_code": code, "meaning": entry.meaning, "remedy": entry.remedy, "example": "s-1"}
    counts = {"count": 1, "share": 1.0, "tasks": 0, "retryable": entry.retryable}
    times = {"first_seen": exchange.started_at, "last_seen": exchange.started_at}
    table = ErrorTable([{**row, **counts, **times}])
    told = [
        error,
        str(table),
        table._repr_html_(),
        *entry._repr_mimebundle_().values(),
        *exchange._repr_mimebundle_().values(),
    ]
    for text in told:
        plain = " ".join(re.sub("<[^>]*>", " ", text.replace("<wbr>", "")).split())
        for part in (code, entry.meaning, entry.remedy, again(entry.retryable)):
            assert part in plain
        assert AGAIN in plain.lower()
        assert again(not entry.retryable) not in plain
