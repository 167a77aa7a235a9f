"""Fixtures: a key, a log of its own for each test, and a peer on a real socket."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from peer import Peer

import brocap_nb as bn
from brocap_nb.sandbox import _shared

# no test is about time, whatever else the machine is doing
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="the sizes of the nightly run")


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether a test of many takes as many as it is made for, or a third of them."""
    return bool(request.config.getoption("--full"))


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def key() -> str:
    return secrets.token_hex(16)


@pytest.fixture
def log(tmp_path: Path) -> bn.ExchangeLog:
    return bn.ExchangeLog(tmp_path / "log")


@pytest.fixture
def client(peer: Peer, key: str, log: bn.ExchangeLog) -> Iterator[bn.Client]:
    with bn.Client(key, base_url=peer.url, log=log, timeout=0.5) as client:
        yield client


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test leaves a log, finds a key or shares a sandbox with another test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BROCAP_CLIENT_KEY", raising=False)
    monkeypatch.delenv("BROCAP_LOG", raising=False)
    monkeypatch.setattr(_shared, "_log", None)
    yield
    if _shared._sandbox is not None:
        _shared._sandbox.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests run in one process; those that drive a browser in two groups.

    A group shares a browser and its servers. One begins with the Console, which takes the longest.
    """
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            if "/browser/" not in file:
                return file
            in_lab = ("console", "forms", "log_board", "pictures", "submissions")
            return "lab" if any(f"test_{name}.py" in file for name in in_lab) else "all fronts"

    config.option.loadscopereorder = False
    return Scheduling(config, log)
