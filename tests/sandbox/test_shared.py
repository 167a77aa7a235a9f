"""What views share: one log and one sandbox per kernel."""

from __future__ import annotations

from pathlib import Path

from brocap_nb.sandbox._shared import shared_log, shared_sandbox


def test_there_is_one_log_and_it_is_that_of_the_working_directory(tmp_path: Path) -> None:
    log = shared_log()
    assert shared_log() is log
    assert log.folder == tmp_path / "brocap_log"


def test_there_is_one_sandbox_and_another_one_if_somebody_stops_it() -> None:
    sandbox = shared_sandbox()
    assert shared_sandbox() is sandbox
    sandbox.stop()
    assert "stopped" not in repr(shared_sandbox())
