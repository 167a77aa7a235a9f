"""What views share: one log and one sandbox per kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from brocap_nb import session
from brocap_nb.widgets import Console


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(session, "_log", None)
    yield
    session._users.clear()
    session._stop()


def test_there_is_one_log_and_it_is_that_of_the_working_directory(tmp_path: Path) -> None:
    log = session.shared_log()
    assert session.shared_log() is log
    assert log.folder == tmp_path / "brocap_log"


def test_the_sandbox_runs_until_its_last_user_let_go() -> None:
    first, second = object(), object()
    sandbox = session.acquire_sandbox(first)
    assert session.acquire_sandbox(second) is sandbox
    session.release_sandbox(first)
    assert "stopped" not in repr(sandbox)
    session.release_sandbox(second)
    assert "stopped" in repr(sandbox)
    other = session.acquire_sandbox(first)
    assert other is not sandbox
    assert "stopped" not in repr(other)


def test_a_console_uses_both() -> None:
    console = Console()
    assert console.log is session.shared_log()
    assert console.target.sandbox() is session.acquire_sandbox(console.target)
    console.close()
