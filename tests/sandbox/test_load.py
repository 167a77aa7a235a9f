"""Many clients at once for a few seconds: nothing is lost or mixed up. No time is asserted."""

from __future__ import annotations

import importlib
import threading
from collections import Counter
from pathlib import Path

import pytest

from brocap_nb.sandbox._server import Sandbox

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
CLIENTS = 32


@pytest.mark.skipif(not BENCHMARKS.exists(), reason="they are not part of this archive")
def test_every_client_gets_its_own_answers(monkeypatch: pytest.MonkeyPatch, full: bool) -> None:
    seconds = 4.0 if full else 1.5
    monkeypatch.syspath_prepend(BENCHMARKS)
    benchmark = importlib.import_module("sandbox_load")
    tallies = [benchmark.Tally() for _ in range(CLIENTS)]
    lines: list[str] = []
    with Sandbox(speed=50, balance=1e6, log=lines.append) as sandbox:
        threads = [
            threading.Thread(
                target=benchmark.client, args=(sandbox.url, sandbox.key, seconds, number, tally)
            )
            for number, tally in enumerate(tallies)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        kept = len(sandbox._rules._tasks)
    assert benchmark.check(tallies, CLIENTS) == []
    created = sum(tally.created for tally in tallies)
    assert min(tally.answered for tally in tallies) > 0
    # the sandbox's own lines tell the same story
    methods = Counter(line.split()[1] for line in lines)
    assert methods["createTask"] == created == kept
    assert methods["getTaskResult"] == sum(tally.requests for tally in tallies) - created
