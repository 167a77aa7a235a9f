"""What the documentation says: every example runs, and what a page names is there.

The examples of docstrings are typed after `import brocap_nb as bn` into a folder of their own,
with what `ready` makes at hand: `sandbox`, a running one; `client`, whose `log` is in memory; and
`task`, a picture that the sandbox knows. The blocks of the README and of each
page run one after the other, as a reader would run them.
"""

from __future__ import annotations

import ast
import asyncio
import doctest
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import pytest

import brocap_nb as bn
from brocap_nb.tasks import _types

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "brocap_nb"
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/guides").glob("*.md")),
]
MODULES = [
    "brocap_nb",
    *sorted(found.name for found in pkgutil.walk_packages([str(PACKAGE)], "brocap_nb.")),
]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
LOOPBACK = ("127.", "::1", "localhost")


def documented() -> list[doctest.DocTest]:
    """The docstrings that have examples."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [
        one
        for name in MODULES
        for one in finder.find(importlib.import_module(name), name, globs={})
        if one.examples
    ]


DOCUMENTED = documented()


# --- nothing leaves this machine ----------------------------------------------------------

_left: list[str] | None = None


def _stay_here(event: str, args: tuple[Any, ...]) -> None:
    """Refuse to connect to anywhere else, while `_left` is a list, and note the attempt."""
    if _left is None or event not in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        return
    address = args if event == "socket.getaddrinfo" else args[1]
    host = address[0] if isinstance(address, tuple) else ""  # else a socket of the file system
    host = host.decode() if isinstance(host, bytes) else str(host or "")
    if host and not host.startswith(LOOPBACK):
        _left.append(host)
        raise ConnectionRefusedError(f"an example wants to leave this machine, to {host}")


sys.addaudithook(_stay_here)  # it reaches what C code opens too; it cannot be taken back


@pytest.fixture(autouse=True)
def left() -> Iterator[list[str]]:
    """The hosts that were asked for and are not this one; a test ends without any."""
    global _left
    hosts: list[str] = []
    _left = hosts
    try:
        yield hosts
    finally:
        _left = None
    assert hosts == []


@pytest.fixture(autouse=True)
def _registry() -> Iterator[None]:
    """A task type that an example defines is gone after it."""
    before = dict(_types._registry)
    yield
    _types._registry.clear()
    _types._registry.update(before)


# --- the examples of docstrings -----------------------------------------------------------


def task_of(sandbox: bn.Sandbox) -> bn.ComplexImageTask:
    puzzle = sandbox.puzzles[0]
    return bn.ComplexImageTask.from_image(puzzle.data, question=puzzle.question)


@pytest.fixture
def ready() -> Iterator[dict[str, Any]]:
    """The names that an example may use. A task is done before it can be asked for."""
    with (
        bn.Sandbox(speed=1e6) as sandbox,
        bn.Client(sandbox.key, base_url=sandbox.url, log=bn.ExchangeLog(":memory:")) as client,
    ):
        yield {
            "__name__": "__main__",
            "bn": bn,
            "sandbox": sandbox,
            "client": client,
            "log": client.log,
            "task": task_of(sandbox),
        }


def run(example: doctest.DocTest, names: dict[str, Any]) -> str:
    """What doctest has to say against the examples of a docstring; nothing if they are right."""
    said: list[str] = []
    example.globs = dict(names)
    doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append, clear_globs=False)
    return "".join(said)


@pytest.mark.parametrize("example", DOCUMENTED, ids=lambda one: one.name)
def test_the_examples_of_a_docstring(example: doctest.DocTest, ready: dict[str, Any]) -> None:
    if said := run(example, ready):
        pytest.fail(said, pytrace=False)


def test_no_example_is_overlooked_or_skipped_and_none_sleeps() -> None:
    prompts = sum(
        len(re.findall(r"^\s*>>> ", path.read_text("utf-8"), re.MULTILINE))
        for path in PACKAGE.rglob("*.py")
    )
    examples = [one for docstring in DOCUMENTED for one in docstring.examples]
    assert len(examples) == prompts
    assert len(DOCUMENTED) > 45
    assert len(examples) > 95
    assert [one.source for one in examples if "sleep(" in one.source or one.options] == []


def test_an_attempt_to_leave_is_refused_and_noted(ready: dict[str, Any], left: list[str]) -> None:
    with bn.Client("0" * 32, base_url="http://192.0.2.1", log=bn.ExchangeLog(":memory:")) as far:
        ready["far"] = far
        example = doctest.DocTestParser().get_doctest(">>> far.get_balance()", {}, "far", None, 0)
        assert "RequestConnectionError" in run(example, ready)
    assert set(left) == {"192.0.2.1"}
    left.clear()


# --- the README and the pages -------------------------------------------------------------


class Block(NamedTuple):
    """A block of Python in a text."""

    lines_above: int
    source: str

    @property
    def left_out(self) -> bool:
        """Whether its first line says why it is not run."""
        return bool(re.match(r"# not run: \S", self.source))


def blocks(text: str) -> list[Block]:
    """The ```python blocks of a Markdown text, in order."""
    found = re.finditer(r"^```python\b[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(text.count("\n", 0, one.start(1)), one[1]) for one in found]


def run_block(block: Block, names: dict[str, Any], page: Path) -> None:
    """Run a block; a traceback names its line in the page. It may `await`, as a cell may."""
    code: CodeType = compile(
        "\n" * block.lines_above + block.source,
        str(page),
        "exec",
        flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        dont_inherit=True,
    )
    waited_for = eval(code, names)
    if code.co_flags & inspect.CO_COROUTINE:
        with ThreadPoolExecutor(1) as thread:  # Playwright keeps a loop running in this one
            thread.submit(asyncio.run, waited_for).result()


@pytest.fixture
def taken_for_granted() -> Iterator[dict[str, Any]]:
    """What the README does not say where it comes from: a client, its task and its log."""
    names: dict[str, Any]
    with (
        bn.Sandbox(speed=100) as sandbox,
        bn.Client(sandbox.key, base_url=sandbox.url, log=bn.ExchangeLog("brocap_log")) as client,
        bn.Client(sandbox.key, base_url=sandbox.url, log=bn.ExchangeLog("class/alice")) as student,
    ):
        student.get_balance()
        task = task_of(sandbox)
        client.get_task_result(client.create_task(task).task_id)
        first, second = (exchange.exchange_id for exchange in client.log.exchanges())
        names = {
            "__name__": "__main__",
            "bn": bn,
            "client": client,
            "exchange_id": first,
            "first": first,
            "log": client.log,
            "second": second,
            "task": task,
        }
        yield names
        for started in names.values():
            if isinstance(started, (bn.CallbackListener, bn.Sandbox)):
                started.stop()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_blocks_of_a_page(page: Path, taken_for_granted: dict[str, Any]) -> None:
    text = page.read_text("utf-8").replace("/shared/class", str(Path("class").absolute()))
    for block in blocks(text):
        if not block.left_out:
            run_block(block, taken_for_granted, page)


def test_there_are_blocks_and_few_are_left_out() -> None:
    found = [block for page in PAGES for block in blocks(page.read_text("utf-8"))]
    assert len(found) > 12
    assert sum(block.left_out for block in found) <= 3


@pytest.mark.parametrize("page", [*PAGES, ROOT / "SECURITY.md"], ids=lambda page: page.stem)
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    for path in re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", text):
        copied = ROOT / "notebooks" / Path(path).name  # the build puts them below docs/
        assert (page.parent / path).exists() or ("notebooks/" in path and copied.exists()), path
    for name in set(re.findall(r"\bbn\.(\w+)", text)):
        assert hasattr(bn, name), name
    for name in set(re.findall(r"\blog\.(\w+)\(", text)) - {"har"}:
        assert hasattr(bn.ExchangeLog, name), name
    for path in re.findall(r"`(tests/[\w/]+\.py)`", text):
        assert (ROOT / path).exists(), path
