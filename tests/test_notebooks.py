"""The notebooks, run top to bottom by a real kernel."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def _text(cell: nbformat.NotebookNode) -> str:
    return json.dumps(cell.get("outputs", []))


@pytest.fixture(scope="module")
def executed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> nbformat.NotebookNode:
    folder = tmp_path_factory.mktemp("notebook")
    shutil.copy(request.param, folder)
    notebook = nbformat.read(folder / request.param.name, as_version=4)
    # a cell that raises ends the run with its traceback
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return notebook


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_committed(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert not [cell for cell in code if cell.outputs or cell.execution_count]


@pytest.mark.parametrize("executed", NOTEBOOKS, ids=lambda path: path.stem, indirect=True)
def test_it_runs_from_top_to_bottom(executed: nbformat.NotebookNode) -> None:
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    errors = [cell for cell in code if "error" in {o.output_type for o in cell.outputs}]
    assert not errors
    warnings = [_text(cell) for cell in code if "Warning" in _text(cell)]
    assert not warnings


@pytest.mark.parametrize("executed", NOTEBOOKS[:1], ids=["01-quickstart"], indirect=True)
def test_the_quickstart_tells_its_story(executed: nbformat.NotebookNode) -> None:
    outputs = {
        cell.source.splitlines()[-1]: _text(cell)
        for cell in executed.cells
        if cell.cell_type == "code"
    }
    assert "data:image/" in outputs["task"]
    assert "inside the limits" in outputs["task"]
    assert "its answer marked" in outputs["run"]
    assert "api_error" in outputs["client.log.frame()"]
    assert "ERROR_KEY_DOES_NOT_EXIST" in outputs["client.log.errors()"]
    assert "application/vnd.jupyter.widget-view+json" in outputs["console"]
    assert "text/html" in outputs["console"], "a static form for where no widget can be shown"
