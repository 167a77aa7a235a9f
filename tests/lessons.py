"""The notebooks, run top to bottom by real kernels: each once, for all tests that ask."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import nbformat
from app_process import environment
from nbclient import NotebookClient

ROOT: Final = Path(__file__).parents[1]
NOTEBOOKS: Final = sorted((ROOT / "notebooks").glob("*.ipynb"))
SLOWEST_FIRST: Final = sorted(NOTEBOOKS, key=lambda path: not path.stem.startswith("05"))
AT_ONCE: Final = 6  # they mostly wait for the 2 s between polls

Make = Callable[[Path], nbformat.NotebookNode]


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


class Runs:
    """Some notebooks at a time; a folder for each, as what one logs is no session of another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._begun: dict[tuple[Make, Path], Future[nbformat.NotebookNode]] = {}
        # taken once: pytest changes its own while a thread would read it
        self._environment = environment(folder)

    def begin(self, make: Make, path: Path) -> Future[nbformat.NotebookNode]:
        """Run what `make` makes of the notebook, if that was not begun before."""
        if (make, path) not in self._begun:
            folder = self._folder / f"{path.stem}-{make.__name__}"
            folder.mkdir()
            self._begun[make, path] = self._pool.submit(self._execute, make(path), folder)
        return self._begun[make, path]

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _execute(self, notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
        # a cell that raises ends the run with its traceback
        resources = {"metadata": {"path": str(folder)}}
        client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources)
        client.execute(env=self._environment)
        return notebook
