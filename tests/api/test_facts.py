"""The catalogue of error codes against the service's pages, and its help in one wording."""

from __future__ import annotations

import json
import re

import pytest
from peer import Peer, http

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


def test_an_unknown_code_is_kept_and_what_the_service_says_is_told_where_it_differs() -> None:
    for code in ("ERROR_BRAND_NEW", "", "error_zero_balance", "<b>"):
        entry = bn.explain(code)
        assert (entry.code, entry.retryable) == (code, False)
        assert "do not list this code" in entry.meaning
    entry = bn.explain("ERROR_ZERO_BALANCE")
    assert "the service says" not in dict(entry.facts("the account has no money"))
    assert dict(entry.facts("Pay first."))["the service says"] == "Pay first."
    assert entry.sentence(None) == entry.sentence("") == entry.sentence(entry.meaning)


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


def test_every_place_says_the_same_of_a_code(client: bn.Client, peer: Peer) -> None:
    for code in ("ERROR_ZERO_BALANCE", "ERROR_NO_SLOT_AVAILABLE"):
        entry = bn.explain(code)
        answer = {"errorId": 1, "errorCode": code, "errorDescription": "Said by it."}
        peer.say(http(json.dumps(answer).encode(), 402))
        with pytest.raises(bn.ApiError) as caught:
            client.get_task_result(9)
        error, exchange = str(caught.value), client.log[-1]
        for part in ("The service says: Said by it. ", "HTTP 402", "task 9", exchange.exchange_id):
            assert part in error
        table = ErrorTable(client.log.errors().query("error_code == @code").to_dict("records"))
        shown = [*entry._repr_mimebundle_().values(), *exchange._repr_mimebundle_().values()]
        for text in (error, str(table), table._repr_html_(), *shown):
            plain = " ".join(re.sub("<[^>]*>", " ", text.replace("<wbr>", "")).split())
            for part in (code, entry.meaning, entry.remedy, again(entry.retryable)):
                assert part in plain
            assert AGAIN in plain.lower()
            assert again(not entry.retryable) not in plain
