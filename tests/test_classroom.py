"""A small class for a few seconds: nothing is lost, mixed up or told twice. No time is asserted."""

from __future__ import annotations

import importlib.util
import sys
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
