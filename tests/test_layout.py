"""The layout of the package is held here: floors, rooms, public names, and what no file says."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import brocap_nb

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "brocap_nb"

# Lowest first, and within a floor in order: an import points to what stands before it.
FLOORS = (
    (
        *(
            "render",
            "codes",
            "limits",
            "errors",
            "download",
            "images",
            "redaction",
            "body",
            "source",
        ),
        *("tasks", "exchange", "contract", "wire"),
    ),
    (
        *("export", "diff", "recording"),
        *(
            "log.forks",
            "log.folders",
            "log.journal",
            "log.columns",
            "log.segments",
            "log.sessions",
            "log.others",
            "log.lines",
            "log.listeners",
            "log.swimlane",
            "log.tables",
            "log.summaries",
        ),
        *("log.card", "log.engines", "log.exchange_log", "log.search", "log"),
        *("submission", "callbacks", "client", "sandbox", "provoke", "session", "audit"),
    ),
    ("exercises", "widgets"),
    ("completion", "magics", "app", "__init__", "cli"),
)
ORDER = [place for floor in FLOORS for place in floor]

# The sandbox shares facts with the client, never code: what it promises is checked against it.
SANDBOX_MAY_IMPORT = frozenset(FLOORS[0]) - {"contract", "wire", "exchange"}

ROOMS = {
    "requests": ("client", "download", "recording"),
    "urllib3": ("client", "download", "recording"),
    "pandas": ("log", "sandbox"),
    "narwhals": ("log",),
    "numpy": ("log",),
    "polars": ("log.engines",),
    "duckdb": ("log.engines",),
    "dask": ("log.engines",),
    "pyarrow": ("audit",),
    "PIL": ("images", "sandbox"),
    "tornado": ("sandbox.server", "callbacks"),
    "ipywidgets": ("widgets",),
    "anywidget": ("widgets",),
    "traitlets": ("widgets",),
    "IPython": ("magics", "widgets"),
    "voila": ("app",),
    "pydantic": ("source", "tasks", "widgets.controls", "widgets.task_form"),
    "pydantic_core": ("source", "tasks", "widgets.controls", "widgets.task_form"),
}


def name_of(path: Path) -> str:
    """`log/journal.py` is `log.journal`, `log/__init__.py` is `log`."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


SOURCES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages([str(PACKAGE)], "brocap_nb.")
    if not any(part.startswith("_") for part in found.name.split("."))
)


def imports(tree: ast.AST) -> Iterator[str]:
    """Every imported module or member, those under `if TYPE_CHECKING` left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                yield from imports(other)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imports(node)


IMPORTED = {name: set(imports(ast.parse(path.read_text()))) for name, path in SOURCES.items()}


def module_of(imported: str) -> str | None:
    """The module of ours that an imported dotted name lies in, or None."""
    if imported.split(".")[0] != "brocap_nb":
        return None
    parts = imported.split(".")[1:]
    while parts and ".".join(parts) not in SOURCES:
        parts.pop()
    return ".".join(parts) or "__init__"


def place_of(module: str) -> str:
    """The entry of `ORDER` that a module stands at: its own, or that of its package."""
    return module if module in ORDER else module.split(".")[0]


OURS = {
    name: {found for one in imported if (found := module_of(one)) is not None} - {name}
    for name, imported in IMPORTED.items()
}


def in_order(names: Iterable[str]) -> list[str]:
    """CONSTANTS, then Classes, then functions, as ruff sorts `__all__`."""
    return sorted(names, key=lambda n: (0 if n.isupper() else 1 if n[0].isupper() else 2, n))


def test_something_is_looked_at() -> None:
    assert {"codes", "tasks", "log.journal", "client", "__init__"} <= set(SOURCES)
    assert {"codes", "wire"} <= OURS["errors"] | OURS["client"]
    assert "requests" in IMPORTED["client"]


def test_every_module_has_a_place() -> None:
    assert [name for name in SOURCES if place_of(name) not in ORDER] == []


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_imports_point_down(module: str) -> None:
    own = ORDER.index(place_of(module))
    wrong = [
        other
        for other in OURS[module]
        if ORDER.index(place_of(other)) > own
        or (ORDER.index(place_of(other)) == own and other in ("sandbox", "widgets"))
        or (module.startswith("log.") and other == "log")
    ]
    assert wrong == [], f"{module} imports from above, or from beside it"


def test_there_are_no_loops() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module in done:
            return
        for other in OURS[module]:
            visit(other, (*path, module))
        done.add(module)

    for module in SOURCES:
        visit(module, ())


def test_the_sandbox_shares_only_facts() -> None:
    wrong = {
        (module, other)
        for module in SOURCES
        if place_of(module) == "sandbox"
        for other in OURS[module]
        if place_of(other) not in SANDBOX_MAY_IMPORT | {"sandbox"}
    }
    assert wrong == set()


@pytest.mark.parametrize("library", ROOMS)
def test_a_library_stays_in_its_room(library: str) -> None:
    outside = [
        module
        for module, imported in IMPORTED.items()
        if any(one.split(".")[0] == library for one in imported)
        and not any(f"{module}.".startswith(f"{room}.") for room in ROOMS[library])
    ]
    assert outside == []


def test_there_is_no_utils() -> None:
    vague = {"utils", "util", "helpers", "common", "misc"}
    assert [n for n in SOURCES if vague & set(n.replace("_", ".").split("."))] == []


@pytest.mark.parametrize("name", MODULES)
def test_exported_members(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, "a module says what it is for"
    exported = module.__all__
    assert list(exported) == in_order(exported)
    assert [one for one in exported if not hasattr(module, one)] == []
    assert len(set(exported)) == len(exported)
    tree = ast.parse(inspect.getsource(module))
    defined = {
        node.name
        for node in tree.body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.name in exported
    }
    assert [one for one in sorted(defined) if not inspect.getdoc(getattr(module, one))] == []


def test_the_public_face() -> None:
    exported = brocap_nb.__all__
    assert list(exported) == in_order(exported)
    assert set(exported) <= set(dir(brocap_nb))
    for name in exported:
        member = getattr(brocap_nb, name)
        if callable(member):
            doc = inspect.getdoc(member) or ""
            assert len(doc) > 15, f"{name} has no docstring"
            assert not doc.startswith(f"{name}("), f"{name} has only a generated docstring"
    with pytest.raises(AttributeError):
        brocap_nb.no_such_name  # noqa: B018


def test_a_public_callable_documents_its_methods() -> None:
    missing = [
        f"{name}.{attribute}"
        for name in brocap_nb.__all__
        if inspect.isclass(member := getattr(brocap_nb, name))
        for attribute, value in vars(member).items()
        if not attribute.startswith(("_", "model_"))
        and (inspect.isfunction(value) or isinstance(value, (property, classmethod)))
        and not inspect.getdoc(getattr(member, attribute))
    ]
    assert missing == []


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


def project_files() -> list[Path]:
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive: what it is made of
        places = ("*.*", ".ci/*", "binder/*", "brocap_nb/**/*", "tests/**/*", "notebooks/*")
        return [p for place in places for p in ROOT.glob(place) if p.is_file()]
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def test_no_file_mentions_a_workplace() -> None:
    found = []
    files = project_files()
    assert ROOT / "pyproject.toml" in files
    for path in files:
        content = path.read_bytes()
        if b"\0" in content:
            continue
        text = content.decode("utf-8", "replace")
        found += [
            (str(path.relative_to(ROOT)), hit[0]) for p in NOT_OURS for hit in re.finditer(p, text)
        ]
    assert found == []
