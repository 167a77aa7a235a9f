"""A small class for a few seconds: nothing is lost, mixed up or told twice. No time is asserted."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
STUDENTS = 3


@pytest.mark.skipif(not BENCHMARKS.exists(), reason="they are not part of this archive")
@pytest.mark.parametrize("own_folders", [False, True], ids=["one folder", "a folder each"])
def test_a_class_at_once(
    tmp_path: Path, own_folders: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)  # the students' processes import it by its name, too
    benchmark = importlib.import_module("classroom")
    held = benchmark.lesson(tmp_path, STUDENTS, 3.0, own_folders=own_folders)
    assert benchmark.check(held, STUDENTS) == []
    assert all(one.answered and one.codes for one in held.seen)
    assert len(held.log.frame()["session"].unique()) == STUDENTS
