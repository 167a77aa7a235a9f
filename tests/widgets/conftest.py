"""A sandbox, and a client whose exchanges go into a log in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import ipywidgets
import pytest

import brocap_nb as bn
from brocap_nb.log import ExchangeLog


@pytest.fixture(scope="module")
def sandbox() -> Iterator[bn.Sandbox]:
    with bn.Sandbox(speed=20) as running:
        yield running


@pytest.fixture
def used(sandbox: bn.Sandbox) -> Iterator[bn.Client]:
    """A client of the sandbox."""
    with bn.Client(sandbox.key, base_url=sandbox.url, log=ExchangeLog(":memory:")) as client:
        yield client


@pytest.fixture(scope="session")
def models() -> Callable[[], int]:
    """Says how many widgets there are, less the layouts, which are shared."""
    states = ipywidgets.Widget.get_manager_state
    return lambda: sum("layout" in one["state"] for one in states()["state"].values())
