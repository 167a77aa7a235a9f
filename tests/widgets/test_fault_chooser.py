"""The section that makes the sandbox fail, without a browser."""

from __future__ import annotations

import pytest
from waiting import until

import brocap_nb as bn
from brocap_nb.widgets._target import FaultChooser, provoke


def test_an_order_is_told_happens_and_is_gone(sandbox: bn.Sandbox, log: bn.ExchangeLog) -> None:
    chooser = FaultChooser(lambda: sandbox, log)
    chooser.opened.value = True
    assert tuple(name for _, name in chooser.fault.options) == sandbox.faults.names
    chooser.method.value, chooser.times.value = "getBalance", 2
    chooser.order.click()
    assert "The next 2 requests of <code>getBalance</code>" in chooser._pending.value
    with bn.Client(sandbox.key, base_url=sandbox.url, log=log) as client:
        for told in ("The next request of", "getBalance, connection_error. No failure"):
            with pytest.raises(bn.RequestConnectionError):
                client.get_balance()
            until(lambda told=told: told in chooser._pending.value)
        client.get_balance()
    chooser.fault.value = "empty_body"
    chooser.order.click()
    assert "empty_body" in chooser._pending.value
    chooser.clear.click()
    assert sandbox.faults.waiting == ()
    assert "No failure is planned" in chooser._pending.value
    chooser.close()


@pytest.mark.parametrize("code", bn.CATALOGUE)
def test_a_code_is_provoked(code: str, sandbox: bn.Sandbox, log: bn.ExchangeLog) -> None:
    assert provoke(code, sandbox, log) == log[-1]
    assert log.errors()["error_code"].tolist() == [code]


def test_a_ban_that_was_earned_before_is_lifted(sandbox: bn.Sandbox, log: bn.ExchangeLog) -> None:
    with bn.Client("0" * 32, base_url=sandbox.url, log=log) as stranger:
        for _ in range(12):
            with pytest.raises(bn.ApiError):
                stranger.get_balance()
    assert log[-1].error_code == "ERROR_IP_BANNED"
    assert provoke("ERROR_ZERO_BALANCE", sandbox, log).error_code == "ERROR_ZERO_BALANCE"
