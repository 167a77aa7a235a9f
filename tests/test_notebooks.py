"""The notebooks, run top to bottom by real kernels: as they are, then with answers put in.

Each is run twice: as it stands, and with every answer cell twice, with a wrong answer from `WRONG`,
then with the solution below it.
"""

from __future__ import annotations

import ast
import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from lessons import NOTEBOOKS, ROOT, SLOWEST_FIRST, Runs, read

# A wrong answer to each exercise, in their order, and words of the hint that it must bring.
WRONG: Mapping[str, str] = {
    "tile(run.result().answer.index(True))": "tiles count from 1",
    'code("ERROR_KEY_DOES_NOT_EXIST")': "NoSuchTask",
    "failed(len(mine))": "count the rows",
    'wire_name("website_public_key")': "name in Python",
    "repaired(task)": "has no data",
    'refused_with("ERROR_RECAPTCHA_INVALID_SITEKEY")': "missing is the page",
    (
        "class CaptchaFoxTask(bn.Task):\n    website_url: str\n    website_key: str\n\n\n"
        "own_type(CaptchaFoxTask)"
    ): "websiteUrl",
    'real_format("JPEG")': "Ask the bytes",
    'fits(saved(photo, "PNG"))': "the service takes 100 to 500,000",
    "place((2, 3))": "the column comes first",
    "solved(client.submit(task).result())": "with a JPEG in it",
    (
        'foretold("ERROR_NO_SUCH_METHOD", "ERROR_TASK_ABSENT", "ERROR_NO_SUCH_CAPCHA_ID")'
    ): "Request 2 brings another code",
    'worth_another_try({"ERROR_NO_SLOT_AVAILABLE"})': "6 more would be worth another try",
    'mended({**broken, "type": "ComplexImageTask"})': "ERROR_TASK_NOT_SUPPORTED",
    'decides(lambda code: "wait")': "expected 'repair'",
    "which_poll(6)": "a second too early",
    "used_up(300)": "the polls are used up before",
    (
        "def wait(ask):\n    while not (result := ask()).ready:\n        pass\n    return result\n"
        "waits_well(wait)"
    ): "ERROR_TOO_MUCH_REQUESTS",
    'saved_seconds(compared["seconds"].iloc[1] - compared["seconds"].iloc[0])': "but for the sign",
    "failed_share(trouble.sum())": "That is how many",
    'slowest(frame["elapsed_ms"].max())': "expected a text",
    'nearly_all(frame["elapsed_ms"].quantile(0.95))': "Filter createTask first",
    'time_to_result(pairs["elapsed_ms_ready"])': "Merge created and ready",
    'departing_field("errorId")': "departs in another exchange",
    'differing_path("request")': 'column "where"',
    "sent_again(failed)": "the id of the new one",
    "in_class(client)": "the recording is at",
    "sessions(0)": "One file is one session",
    'in_sql("SELECT outcome FROM exchanges")': "two columns",
    "lazily(plan.collect())": "Leave collect() out",
    "everywhere(len)": "With pandas it says 6",
}


def tagged(notebook: nbformat.NotebookNode, tag: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def called(source: str) -> str:
    """The name of the function that the last line of a cell calls."""
    last: Any = ast.parse(source).body[-1]
    return str(last.value.func.id)


HINTS = {called(answer): (answer, hint) for answer, hint in WRONG.items()}


def exercises(notebook: nbformat.NotebookNode) -> list[tuple[str, nbformat.NotebookNode, str]]:
    """The name, the answer cell and the solution of each."""
    found = []
    for cell, below in zip(notebook.cells, notebook.cells[1:], strict=False):
        if "answer" in cell.metadata.get("tags", []):
            assert "solution" in below.metadata.get("tags", []), f"no solution below {cell.source}"
            fences = re.findall(r"^```python\n(.*?)\n```$", below.source, re.DOTALL | re.MULTILINE)
            assert len(fences) == 1, below.source
            found.append((called(cell.source), cell, fences[0]))
    return found


def said(cell: nbformat.NotebookNode) -> str:
    """What the last line of an executed cell shows, as plain text."""
    shown = [output for output in cell.outputs if output.output_type == "execute_result"]
    assert len(shown) == 1, cell.source
    assert "text/html" in shown[0].data
    return str(shown[0].data["text/plain"])


def with_answers(path: Path) -> nbformat.NotebookNode:
    notebook = read(path)
    for name, cell, solution in exercises(notebook):
        place = notebook.cells.index(cell)
        answers = [copy.deepcopy(cell), copy.deepcopy(cell)]
        for answer, source in zip(answers, (HINTS[name][0], solution), strict=True):
            answer.source, answer.id = source, f"{cell.id}-{answers.index(answer)}"
        notebook.cells[place : place + 1] = answers
    return notebook


@pytest.fixture(scope="module")
def begun(request: pytest.FixtureRequest, runs: Runs) -> Runs:
    """The runs; those of all notebooks that the chosen tests are about begin at once."""
    asked = [getattr(item, "callspec", None) for item in request.session.items]
    chosen = {one.params.get("path") for one in asked if one is not None}
    for path in SLOWEST_FIRST:
        if path in chosen:
            for make in (read, with_answers):
                runs.begin(make, path)
    return runs


each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@each_notebook
def test_it_is_made_as_a_lesson_and_has_no_output(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not [cell for cell in code if cell.outputs or cell.execution_count]
    first, last = notebook.cells[0].source, notebook.cells[-1].source
    (minutes,) = re.findall(r"\*\*About (\d+) minutes\.\*\* Afterwards you ", first)
    assert 10 <= int(minutes) <= 20
    follower = NOTEBOOKS[NOTEBOOKS.index(path) + 1 :][:1]
    linked = re.findall(r"\*\*Next:\*\* \[.*?\]\((.*?)\)", last)
    assert linked == [one.name for one in follower]
    names = [name for name, *_ in exercises(notebook)]
    assert 3 <= len(names) <= 5
    assert [called(solution) for *_, solution in exercises(notebook)] == names
    (checks,) = tagged(notebook, "checks")
    assert checks.metadata.jupyter.source_hidden
    assert re.findall(r"^@exercise\ndef (\w+)\(", checks.source, re.MULTILINE) == names


@each_notebook
def test_it_runs_as_it_stands(path: Path, begun: Runs) -> None:
    notebook = begun.begin(read, path).result()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    kinds = {output.output_type for cell in code for output in cell.outputs}
    assert "error" not in kinds
    assert "stderr" not in {output.get("name") for cell in code for output in cell.outputs}
    assert not [cell.source for cell in code if "Warning" in json.dumps(cell.outputs)]
    answers = tagged(notebook, "answer")
    assert {said(cell).splitlines()[0] for cell in answers} == {"not answered yet"}


@each_notebook
def test_its_checks_know_right_from_wrong(path: Path, begun: Runs) -> None:
    feedback = [said(cell) for cell in tagged(begun.begin(with_answers, path).result(), "answer")]
    hints = [HINTS[name][1] for name, *_ in exercises(read(path))]
    wrong, right = feedback[::2], feedback[1::2]
    assert {text.splitlines()[0] for text in wrong} == {"not yet right"}
    assert [(text, hint) for text, hint in zip(wrong, hints, strict=True) if hint not in text] == []
    assert right == ["right"] * len(hints)


def test_each_exercise_has_a_wrong_answer_and_is_on_the_teachers_page() -> None:
    assert list(HINTS) == [name for path in NOTEBOOKS for name, *_ in exercises(read(path))]
    page = (ROOT / "notebooks" / "TEACHING.md").read_text()
    assert set(re.findall(r"\]\(([\w-]+\.ipynb)\)", page)) == {path.name for path in NOTEBOOKS}
    assert HINTS.keys() <= set(re.findall(r"`(\w+)`", page))


def test_an_installed_package_hands_out_copies(tmp_path: Path) -> None:
    """As a wheel lays it out; what a learner has changed stays."""
    site, copies = tmp_path / "site/brocap_nb", tmp_path / "desk/brocap_notebooks"
    site.mkdir(parents=True)
    for part in (*(ROOT / "brocap_nb").iterdir(), ROOT / "notebooks"):
        (site / part.name).symlink_to(part)
    copies.mkdir(parents=True)
    mine = copies / NOTEBOOKS[1].name
    mine.write_text("my answers")
    program = "from brocap_nb.doors import _cli; print(_cli._notebooks())"
    environment = {**os.environ, "PYTHONPATH": str(site.parent)}
    command = [sys.executable, "-c", program]
    told = subprocess.check_output(command, cwd=copies.parent, env=environment, text=True)
    assert Path(told.strip()) == copies
    copied = {path.name for path in copies.iterdir()}
    assert copied == {*(path.name for path in NOTEBOOKS), "TEACHING.md"}
    assert mine.read_text() == "my answers"
