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
import pkgutil
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import brocap_nb as bn

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
FINDER = doctest.DocTestFinder(exclude_empty=True)
DOCUMENTED = [
    one
    for name in MODULES
    for one in FINDER.find(importlib.import_module(name), name, globs={})
    if one.examples
]


@pytest.fixture(autouse=True)
def _stay_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No example asks for a machine that is not this one."""
    asked: list[Any] = []
    ask = socket.getaddrinfo

    def asking(host: Any, *rest: Any, **options: Any) -> Any:
        if host not in ("127.0.0.1", "::1", "localhost", None):
            asked.append(host)
            raise ConnectionRefusedError(f"an example wants to leave this machine, to {host}")
        return ask(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", asking)
    yield
    assert asked == []


# --- the examples of docstrings -----------------------------------------------------------


@pytest.fixture
def ready() -> Iterator[dict[str, Any]]:
    """The names that an example may use. A task is done before it can be asked for."""
    with (
        bn.Sandbox(speed=1e6) as sandbox,
        bn.Client(sandbox.key, base_url=sandbox.url, log=bn.ExchangeLog(":memory:")) as client,
    ):
        puzzle = sandbox.puzzles[0]
        yield {
            "__name__": "__main__",
            "bn": bn,
            "sandbox": sandbox,
            "client": client,
            "log": client.log,
            "task": bn.ComplexImageTask.from_image(puzzle.data, question=puzzle.question),
        }


@pytest.mark.parametrize("example", DOCUMENTED, ids=lambda one: one.name)
def test_the_examples_of_a_docstring(example: doctest.DocTest, ready: dict[str, Any]) -> None:
    said: list[str] = []
    example.globs = ready
    doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append, clear_globs=False)
    if said:
        pytest.fail("".join(said), pytrace=False)


def test_no_example_is_overlooked_or_skipped_and_few_are_not_run() -> None:
    prompts = sum(
        len(re.findall(r"^\s*>>> ", path.read_text("utf-8"), re.MULTILINE))
        for path in PACKAGE.rglob("*.py")
    )
    examples = [one for docstring in DOCUMENTED for one in docstring.examples]
    assert len(examples) == prompts
    assert len(DOCUMENTED) > 45
    assert len(examples) > 95
    assert [one.source for one in examples if "sleep(" in one.source or one.options] == []
    found = [block.lstrip() for page in PAGES for block in blocks(page)]
    assert len(found) > 12
    assert len([block for block in found if NOT_RUN.match(block)]) <= 3


# --- the README and the pages -------------------------------------------------------------

NOT_RUN = re.compile(r"# not run: \S")  # and why, in the first line of a block


def blocks(page: Path) -> list[str]:
    """The ```python blocks of a page, each below as many empty lines as it has lines above it."""
    text = page.read_text("utf-8").replace("/shared/class", str(Path("class").absolute()))
    found = re.finditer(r"^```python\b[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return ["\n" * text.count("\n", 0, one.start(1)) + one[1] for one in found]


@pytest.fixture
def taken_for_granted(ready: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the README does not say where it comes from: a client, its task and its log."""
    sandbox = ready.pop("sandbox")
    with (
        bn.Client(sandbox.key, base_url=sandbox.url, log=bn.ExchangeLog("brocap_log")) as client,
        bn.Client(sandbox.key, base_url=sandbox.url, log=bn.ExchangeLog("class/alice")) as student,
    ):
        student.get_balance()
        client.get_task_result(client.create_task(ready["task"]).task_id)
        first, second = (exchange.exchange_id for exchange in client.log.exchanges())
        names = {**ready, "client": client, "log": client.log}
        names |= {"exchange_id": first, "first": first, "second": second}
        yield names
        for started in names.values():
            if isinstance(started, (bn.CallbackListener, bn.Sandbox)):
                started.stop()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_blocks_of_a_page(page: Path, taken_for_granted: dict[str, Any]) -> None:
    for block in blocks(page):
        if not NOT_RUN.match(block.lstrip()):
            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # as in a cell
            code = compile(block, page, "exec", flags, dont_inherit=True)
            if (waited_for := eval(code, taken_for_granted)) is not None:
                with ThreadPoolExecutor(1) as thread:  # Playwright keeps a loop running in this one
                    thread.submit(asyncio.run, waited_for).result()


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
