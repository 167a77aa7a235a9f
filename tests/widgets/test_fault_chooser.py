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
from brocap_nb.widgets._fault_chooser import FaultChooser, provoke


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(speed=20) as running:
        yield running


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
    chooser.opened.value = True
    assert chooser.children[-1].layout.display != "none"
    assert chooser.opened.description == "▾ Make it fail"
    chooser.order.click()
    assert "ZeroDivisionError" in chooser._report.value
    chooser.opened.value = False
    assert chooser.children[-1].layout.display == "none"
    chooser.close()


def test_an_order_is_told_happens_and_is_gone(
    chooser: FaultChooser, sandbox: Sandbox, log: ExchangeLog
) -> None:
    assert tuple(name for _, name in chooser.fault.options) == sandbox.faults.names
    assert "No failure is planned" in chooser._pending.value
    assert chooser.clear.disabled
    chooser.method.value = "getBalance"
    chooser.times.value = 2
    chooser.order.click()
    assert sandbox.faults.waiting == (("getBalance", "reset", 2),)
    told = chooser._pending.value
    assert "The next 2 requests of <code>getBalance</code>" in told
    assert "The connection is reset before a byte of the answer." in told
    with Client(sandbox.key, base_url=sandbox.url, log=log) as client:
        with pytest.raises(RequestConnectionError):
            client.get_balance()
        until(lambda: "The next request of <code>getBalance</code>" in chooser._pending.value)
        with pytest.raises(RequestConnectionError):
            client.get_balance()
        until(lambda: "No failure is planned" in chooser._pending.value)
        client.get_balance()


def test_orders_are_listed_in_sequence_and_cleared(chooser: FaultChooser, sandbox: Sandbox) -> None:
    for fault in ("http_500", "empty_body"):
        chooser.fault.value = fault
        chooser.order.click()
    told = chooser._pending.value
    assert told.index("http_500") < told.index("empty_body")
    assert not chooser.clear.disabled
    chooser.clear.click()
    assert sandbox.faults.waiting == ()
    assert "No failure is planned" in chooser._pending.value


def test_only_the_sandbox_is_made_to_fail(sandbox: Sandbox, log: ExchangeLog) -> None:
    with (
        Client(sandbox.key, base_url=sandbox.url, log=log) as here,
        Client(sandbox.key, base_url="http://127.0.0.1:9", log=log) as elsewhere,
    ):
        console = Console(sandbox=sandbox, log=log)
        assert console.faults.layout.display != "none"
        console.target.choice.value = _target.LIVE
        assert console.faults.layout.display == "none"
        console.target.choice.value = _target.SANDBOX
        assert console.faults.layout.display != "none"
        console.close()
        for client, hidden in ((here, False), (elsewhere, True)):
            console = Console(client, sandbox=sandbox)
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
