"""What views share: one log and one sandbox per kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from brocap_nb.sandbox import _shared


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(_shared, "_log", None)
    yield
    for user in list(_shared._users):
        _shared._users.discard(user)
    _shared.release_sandbox(None)


def test_there_is_one_log_and_it_is_that_of_the_working_directory(tmp_path: Path) -> None:
    log = _shared.shared_log()
    assert _shared.shared_log() is log
    assert log.folder == tmp_path / "brocap_log"


def test_the_sandbox_runs_until_its_last_user_let_go() -> None:
    first, second = object(), object()
    sandbox = _shared.acquire_sandbox(first)
    assert _shared.acquire_sandbox(second) is sandbox
    _shared.release_sandbox(first)
    assert "stopped" not in repr(sandbox)
    _shared.release_sandbox(second)
    assert "stopped" in repr(sandbox)
    other = _shared.acquire_sandbox(first)
    assert other is not sandbox
    assert "stopped" not in repr(other)
