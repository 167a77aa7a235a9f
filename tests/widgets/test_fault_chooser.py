"""The section that makes the sandbox fail, without a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from waiting import until

from brocap_nb.api._errors import ApiError, RequestConnectionError
from brocap_nb.api._facts import CATALOGUE
from brocap_nb.client._client import Client
from brocap_nb.log import ExchangeLog
from brocap_nb.sandbox._server import Sandbox
from brocap_nb.widgets import Console, _target
from brocap_nb.widgets._target import FaultChooser, provoke


@pytest.fixture
def log() -> ExchangeLog:
    return ExchangeLog(":memory:")


@pytest.fixture
def chooser(sandbox: Sandbox, log: ExchangeLog) -> Iterator[FaultChooser]:
    shown = FaultChooser(lambda: sandbox, log)
    shown.opened.value = True
    yield shown
    shown.close()
    sandbox.faults.clear()


def test_it_is_folded_and_what_fails_is_told(log: ExchangeLog) -> None:
    chooser = FaultChooser(lambda: 1 / 0, log)  # type: ignore[arg-type, return-value]
    assert chooser.children == (chooser.opened,)
    for opened in (True, False):
        chooser.opened.value = opened
        assert (chooser.children[-1].layout.display != "none") is opened
    chooser.order.click()
    assert "ZeroDivisionError" in chooser._report.value
    chooser.close()


def test_an_order_is_told_happens_and_is_gone(
    chooser: FaultChooser, sandbox: Sandbox, log: ExchangeLog
) -> None:
    assert tuple(name for _, name in chooser.fault.options) == sandbox.faults.names
    chooser.method.value, chooser.times.value = "getBalance", 2
    chooser.order.click()
    assert sandbox.faults.waiting == (("getBalance", "reset", 2),)
    assert "The connection is reset before a byte of the answer." in chooser._pending.value
    with Client(sandbox.key, base_url=sandbox.url, log=log) as client:
        for told in ("The next 2 requests", "The next request"):
            until(lambda told=told: f"{told} of <code>getBalance</code>" in chooser._pending.value)
            with pytest.raises(RequestConnectionError):
                client.get_balance()
        until(lambda: "getBalance, connection_error. No failure" in chooser._pending.value)
        client.get_balance()
    for fault in ("http_500", "empty_body"):
        chooser.fault.value = fault
        chooser.order.click()
    told = chooser._pending.value
    assert told.index("http_500") < told.index("empty_body")
    chooser.clear.click()
    assert sandbox.faults.waiting == ()
    assert "No failure is planned" in chooser._pending.value
    assert chooser.clear.disabled


def test_only_the_sandbox_is_made_to_fail(sandbox: Sandbox, log: ExchangeLog) -> None:
    for url, choice, hidden in (
        (sandbox.url, _target.GIVEN, False),
        ("http://127.0.0.1:9", _target.GIVEN, True),
        (sandbox.url, _target.LIVE, True),
        (sandbox.url, _target.SANDBOX, False),
    ):
        with Client(sandbox.key, base_url=url, log=log) as client:
            console = Console(client, sandbox=sandbox)
            console.target.choice.value = choice
            assert (console.faults.layout.display == "none") is hidden
            console.close()


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_code_is_provoked_and_recorded(code: str, sandbox: Sandbox, log: ExchangeLog) -> None:
    exchange = provoke(code, sandbox, log)
    assert exchange.error_code == code
    assert log.errors()["error_code"].tolist() == [code]
    assert exchange.exchange_id == log[-1].exchange_id


def test_a_ban_that_was_earned_before_is_lifted_and_a_fault_is_told(
    sandbox: Sandbox, log: ExchangeLog
) -> None:
    with Client("0" * 32, base_url=sandbox.url, log=log) as stranger:
        for _ in range(12):
            with pytest.raises(ApiError):
                stranger.get_balance()
    assert log[-1].error_code == "ERROR_IP_BANNED"
    assert provoke("ERROR_ZERO_BALANCE", sandbox, log).error_code == "ERROR_ZERO_BALANCE"
    sandbox.faults.next("getBalance", "reset")
    with pytest.raises(RequestConnectionError):
        provoke("ERROR_KEY_DOES_NOT_EXIST", sandbox, log)
