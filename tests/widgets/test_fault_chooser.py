"""The section that makes the sandbox fail, without a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from waiting import until

from brocap_nb.api._errors import RequestConnectionError
from brocap_nb.client._client import Client
from brocap_nb.log import ExchangeLog
from brocap_nb.sandbox._server import Sandbox
from brocap_nb.widgets import Console, _target
from brocap_nb.widgets._fault_chooser import FaultChooser


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
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


def test_it_is_folded_until_it_is_opened(log: ExchangeLog) -> None:
    chooser = FaultChooser(lambda: 1 / 0, log)  # type: ignore[arg-type, return-value]
    assert chooser.children == (chooser.opened,)
    assert chooser.opened.description == "▸ Make it fail"
    chooser.opened.value = True
    assert chooser.children[-1].layout.display != "none"
    assert chooser.opened.description == "▾ Make it fail"


def test_every_fault_is_offered_and_explained(chooser: FaultChooser, sandbox: Sandbox) -> None:
    assert tuple(name for _, name in chooser.fault.options) == sandbox.faults.names
    explained = set()
    for name in sandbox.faults.names:
        chooser.fault.value = name
        explained.add(chooser._what.value)
    assert len(explained) == len(sandbox.faults.names)


def test_an_order_is_told_happens_and_is_gone(
    chooser: FaultChooser, sandbox: Sandbox, log: ExchangeLog
) -> None:
    assert "No failure is planned" in chooser._pending.value
    assert chooser.clear.disabled
    chooser.method.value = "getBalance"
    chooser.times.value = "2"
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


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("often", "expected a whole number"),
        ("", "is empty; expected a whole number"),
        ("0", "from 1 to 1,000,000"),
        ("9" * 500, "from 1 to 1,000,000"),
    ],
)
def test_a_number_that_is_none_gets_a_sentence_and_stays(
    chooser: FaultChooser, sandbox: Sandbox, typed: str, sentence: str
) -> None:
    chooser.times.value = typed
    chooser.order.click()
    assert sentence in chooser._report.value
    assert chooser.times.value == typed
    assert sandbox.faults.waiting == ()
    chooser.times.value = "1"
    chooser.order.click()
    assert chooser._report.layout.display == "none"


def test_a_sandbox_that_was_stopped_gets_a_sentence(log: ExchangeLog) -> None:
    chooser = FaultChooser(lambda: 1 / 0, log)  # type: ignore[arg-type, return-value]
    chooser.opened.value = True
    chooser.order.click()
    assert "ZeroDivisionError" in chooser._report.value
    chooser.close()


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
        assert console.faults.layout.display == ""
        console.close()
        for client, hidden in ((here, False), (elsewhere, True)):
            console = Console(client, sandbox=sandbox)
            assert (console.faults.layout.display == "none") is hidden
            console.close()
