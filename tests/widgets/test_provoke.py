"""Every documented code can be met on purpose."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import brocap_nb as bn
from brocap_nb.api._facts import CATALOGUE
from brocap_nb.widgets._provoke import provoke


@pytest.fixture(scope="module")
def sandbox() -> Iterator[bn.Sandbox]:
    with bn.Sandbox(speed=20) as running:
        yield running


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_code_is_provoked_and_recorded(code: str, sandbox: bn.Sandbox) -> None:
    log = bn.ExchangeLog(":memory:")
    exchange = provoke(code, sandbox, log)
    assert exchange.error_code == code
    assert log.errors()["error_code"].tolist() == [code]
    assert exchange.exchange_id == log[-1].exchange_id


def test_a_ban_that_was_earned_before_does_not_stand_in_the_way(sandbox: bn.Sandbox) -> None:
    log = bn.ExchangeLog(":memory:")
    with bn.Client("0" * 32, base_url=sandbox.url, log=log) as stranger:
        for _ in range(12):
            with pytest.raises(bn.ApiError):
                stranger.get_balance()
    assert log[-1].error_code == "ERROR_IP_BANNED"
    assert provoke("ERROR_ZERO_BALANCE", sandbox, log).error_code == "ERROR_ZERO_BALANCE"


def test_a_fault_that_was_ordered_is_told(sandbox: bn.Sandbox) -> None:
    log = bn.ExchangeLog(":memory:")
    sandbox.faults.next("getBalance", "reset")
    with pytest.raises(bn.RequestConnectionError):
        provoke("ERROR_KEY_DOES_NOT_EXIST", sandbox, log)
    assert len(log) == 1
