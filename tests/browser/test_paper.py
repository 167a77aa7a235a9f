"""On a sheet of A4, as Lab and nbconvert print a notebook, no display is cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

pytestmark = pytest.mark.browser

CELLS = (
    "import brocap_nb as bn\n"
    "sandbox = bn.Sandbox(seed=3).start()\n"
    "client = bn.Client(sandbox.key, base_url=sandbox.url, log=bn.ExchangeLog(':memory:'))\n"
    "puzzle = sandbox.puzzles[0]\n"
    "task = bn.ComplexImageTask.from_image(puzzle.data, puzzle.question)\n"
    "run = client.submit(task); run.result()\n"
    "error = client.submit(bn.RawTask({'type': 'NoSuchTask'})).exception()\n"
    "sandbox.faults.next('getBalance', 'error_id_string')\n"
    "try: client.get_balance()\nexcept bn.BadResponseError: pass\n"
    "log = client.log",
    "log",
    "log.errors()",
    "log.tasks()",
    "log.timeline(run.task_id)",
    "log.violations()",
    "log.latency()",
    "log.task_times()",
    "log[0]",
    "run",
    "sandbox",
)
A4 = 698  # pixels between the margins that Jupyter's pages have on paper
CUT_OFF = """() => [...document.querySelectorAll('.jp-OutputArea-output *')]
  .filter(e => getComputedStyle(e).overflow !== 'visible'
    && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1))
  .map(e => e.outerHTML.slice(0, 300))"""


def test_nothing_is_cut_off_on_paper(context: Any, tmp_path: Path) -> None:
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3").execute()
    path = tmp_path / "paper.html"
    path.write_text(HTMLExporter().from_notebook_node(notebook)[0], "utf-8")
    page = context.new_page()
    page.set_viewport_size({"width": A4, "height": 1000})
    page.emulate_media(media="print")
    page.goto(path.as_uri())
    page.get_by_text("Tasks, newest first").wait_for()
    assert page.evaluate(CUT_OFF) == []
    page.close()
