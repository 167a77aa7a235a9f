"""A class, and many clients of a sandbox: nothing is lost, mixed up or told twice. Not timed."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import brocap_nb as bn

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
STUDENTS, CLIENTS = 3, 32


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    if not BENCHMARKS.exists():
        pytest.skip("they are not part of this archive")
    monkeypatch.syspath_prepend(BENCHMARKS)  # the students' processes import it by its name, too


@pytest.mark.parametrize("own_folders", [False, True], ids=["one folder", "a folder each"])
def test_a_class_at_once(tmp_path: Path, own_folders: bool) -> None:
    benchmark = importlib.import_module("classroom")
    held = benchmark.lesson(tmp_path, STUDENTS, 3.0, own_folders=own_folders)
    assert benchmark.check(held, STUDENTS) == []
    assert all(one.answered and one.codes for one in held.seen)
    assert len(held.log.frame()["session"].unique()) == STUDENTS


def test_every_client_gets_its_own_answers(full: bool) -> None:
    seconds = 4.0 if full else 1.5
    lines: list[str] = []
    benchmark: Any = importlib.import_module("sandbox_load")
    tallies = [benchmark.Tally() for _ in range(CLIENTS)]
    with bn.Sandbox(speed=50, balance=1e6, log=lines.append) as sandbox:
        given = [(sandbox.url, sandbox.key, seconds, *one) for one in enumerate(tallies)]
        threads = [Thread(target=benchmark.client, args=one) for one in given]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert benchmark.check(tallies, CLIENTS) == []
    assert min(tally.answered for tally in tallies) > 0
    created = sum(tally.created for tally in tallies)
    asked = sum(tally.requests for tally in tallies) - created
    # the sandbox's own lines tell the same story
    told = Counter(line.split()[1] for line in lines)
    assert (told["createTask"], told["getTaskResult"]) == (created, asked)
