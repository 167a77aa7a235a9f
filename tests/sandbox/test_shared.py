"""What views share: one log and one sandbox per kernel."""

from __future__ import annotations

from pathlib import Path

import brocap_nb as bn
from brocap_nb.sandbox._shared import shared_log, shared_sandbox
from brocap_nb.widgets import Console


def test_there_is_one_log_and_it_is_that_of_the_working_directory(tmp_path: Path) -> None:
    log = shared_log()
    assert shared_log() is log
    assert log.folder == tmp_path / "brocap_log"


def test_there_is_one_sandbox_and_another_one_if_somebody_stops_it() -> None:
    console, sandbox = Console(log=bn.ExchangeLog(":memory:")), shared_sandbox()
    assert console.target.client().base_url == sandbox.url
    console.close()
    assert shared_sandbox() is sandbox
    assert "stopped" not in repr(sandbox)
    sandbox.stop()
    assert "stopped" not in repr(shared_sandbox())
