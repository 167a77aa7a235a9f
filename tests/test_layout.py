"""The layout: import-linter's contracts, rooms of libraries, faces, and what no file says."""

from __future__ import annotations

import importlib
import re
import subprocess
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "brocap_nb"

# The modules that a user may import; every other one has an underscore.
OPEN = ("api", "client", "doors", "log", "log.engines", "log.summaries", "sandbox", "tasks")
FACES = {"brocap_nb", *(f"brocap_nb.{name}" for name in (*OPEN, "widgets", "exercises"))}

LOADERS = "client log._recorder log._log tasks._download"
ROOMS = {
    "requests": LOADERS,
    "urllib3": LOADERS,
    **dict.fromkeys(("pandas", "narwhals", "numpy"), "log"),
    "PIL": "tasks._pictures sandbox",
    "tornado": "_server client._callbacks sandbox._server doors._app",
    **dict.fromkeys(("ipywidgets", "anywidget", "traitlets"), "widgets"),
    "IPython": "doors._magics widgets",
    "voila": "doors._app",
    "pydantic": "tasks widgets._forms",
}


def test_imports_point_down_and_there_are_no_loops(monkeypatch: Any) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(cache_dir=None) == 0, "`lint-imports` says more"


def test_a_library_stays_in_its_room_and_a_module_is_a_face_or_private() -> None:
    graph = grimp.build_graph("brocap_nb", include_external_packages=True, cache_dir=None)
    for library, rooms in ROOMS.items():
        importers = graph.find_modules_that_directly_import(library)
        assert importers, f"nobody imports {library} any more: take it off the list"
        inside = tuple(f"brocap_nb.{room}." for room in rooms.split())
        assert [name for name in importers if not f"{name}.".startswith(inside)] == [], library
    ours = {name for name in graph.modules if name.split(".")[0] == "brocap_nb"}
    assert {name for name in ours if "._" not in name} == FACES


def test_what_a_face_exports_is_there() -> None:
    for name in FACES:
        module = importlib.import_module(name)
        assert module.__doc__, "a face says what it is for"
        assert set(module.__all__) <= set(dir(module))
        with pytest.raises(AttributeError):
            getattr(module, "no_such_name")  # noqa: B009


# Written so that this file does not contain what it looks for.
NOT_OURS = [
    rf"{'/'}work/",
    rf"shared/{'design'}",
    rf"service-{'api'}\.md",
    rf"\.{'library'}/",
    rf"{'index'}[-_]url",
    rf"{'trusted'}-host",
    rf"{'PIP'}_INDEX",
    r"(?<!\.github)/(?:home|root|Users)/[a-z]\w*/",
    r"https?://[\w.-]*(?:mirror|registry|artifactory|nexus)[\w-]*\.[\w.-]+",
    r"https?://10\.\d+\.\d+\.\d+|https?://192\.168\.",
]


def test_no_file_mentions_a_workplace() -> None:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.split("\0")
    if listed == [""]:  # an unpacked archive: what it is made of
        listed = [str(path) for path in ROOT.rglob("*.*") if ".venv" not in path.parts]
    assert {"pyproject.toml", str(ROOT / "pyproject.toml")} & set(listed)
    found = []
    for name in filter(None, listed):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b"\0"
        text = content.decode("utf-8", "replace") if b"\0" not in content else ""
        found += [(name, hit[0]) for p in NOT_OURS for hit in re.finditer(p, text)]
    assert found == []
