"""A small class for a few seconds: nothing is lost, mixed up or told twice. No time is asserted."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "classroom.py"
STUDENTS = 3
SECONDS = 3.0


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    if not BENCHMARK.exists():
        pytest.skip("The benchmarks are not part of this archive.")
    spec = importlib.util.spec_from_file_location("classroom", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["classroom"] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The students' processes import the module by its name."""
    monkeypatch.syspath_prepend(str(BENCHMARK.parent))


@pytest.mark.parametrize("own_folders", [False, True], ids=["one folder", "a folder each"])
def test_a_class_at_once(benchmark: ModuleType, tmp_path: Path, own_folders: bool) -> None:
    held = benchmark.lesson(tmp_path, STUDENTS, SECONDS, own_folders=own_folders)
    assert benchmark.check(held, STUDENTS) == []
    assert all(one.answered and one.codes for one in held.seen)
    assert len(held.log.frame()["session"].unique()) == STUDENTS

    # what is wrong would be told
    held.seen[0].wrong.append("an answer of another")
    held.seen[1].tasks = held.seen[0].tasks
    held.heard.codes["x-1"] = "ERROR_ZERO_BALANCE"
    held.heard.ended += Counter({"x-1": 1})
    held.seen[0].attempts += 1
    held.seen[2].codes["x-2"] = "ERROR_ZERO_BALANCE"
    assert benchmark.check(held, STUDENTS + 1) == [
        "an answer of another",
        "A student is missing.",
        "A task was given to two students.",
        "The folder does not hold each exchange once.",
        "The folder's error codes are not those that the students saw.",
        "The teacher was not told every error code.",
        "The teacher was not told every exchange once.",
    ]
