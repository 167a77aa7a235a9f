"""Fixtures: a key, a log of its own for each test, and a peer on a real socket."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import settings
from peer import Peer

import brocap_nb as bn
from brocap_nb.sandbox import _shared
from brocap_nb.tasks import _pictures, _types


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="the sizes of the nightly run")


def pytest_configure(config: pytest.Config) -> None:
    # no test is about time, whatever else the machine is doing
    examples = 200 if config.getoption("--full") else 40
    settings.register_profile("untimed", deadline=None, max_examples=examples)
    settings.load_profile("untimed")


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
    """No test leaves a log or a task type, finds a key, or shares a sandbox or pictures."""
    _pictures._recent.clear()
    monkeypatch.setattr(_types, "_registry", dict(_types._registry))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BROCAP_CLIENT_KEY", raising=False)
    monkeypatch.delenv("BROCAP_LOG", raising=False)
    _shared.shared_log.cache_clear()
    yield
    if _shared._sandbox is not None:
        _shared._sandbox.stop()


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The notebooks' runs; a test begins what it needs."""
    from lessons import Runs

    runs = Runs(tmp_path_factory.mktemp("lessons"))
    yield runs
    runs.close()


FIRST: Final = ("lessons", "lab", "fronts")
"""The groups that take longest begin: at the end both workers have small files to share."""


def group_of(nodeid: str) -> str:
    """Runs of notebooks, or a browser, servers and their pages, are shared; else it is the file."""
    file, _, test = nodeid.partition("::")
    if file.endswith(("test_notebooks.py", "test_pages.py")):
        return "lessons"
    if "/browser/" not in file:
        return file
    elsewhere = file.endswith(("test_app.py", "test_paper.py"))
    return "fronts" if elsewhere or "[notebook" in test or "[voila" in test else "lab"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> tuple[int, bool]:
        group = group_of(item.nodeid)
        number = FIRST.index(group) if group in FIRST else len(FIRST)
        return number, "test_pages.py" in item.nodeid  # they show notebooks that were run

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A group's tests run in one process, one after the other."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    scheduling: Any = LoadFileScheduling(config, log)
    scheduling._split_scope = group_of
    return scheduling
