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
from typing import NamedTuple

import nbformat
import pytest
from lessons import NOTEBOOKS, ROOT, SLOWEST_FIRST, Runs, read

# A wrong answer to each exercise, and words of the hint that it must bring.
WRONG: Mapping[tuple[str, str], tuple[str, str]] = {
    ("01-quickstart", "tile"): ("tile(run.result().answer.index(True))", "tiles count from 1"),
    ("01-quickstart", "code"): ('code("ERROR_KEY_DOES_NOT_EXIST")', "NoSuchTask"),
    ("01-quickstart", "failed"): ("failed(len(mine))", "count the rows"),
    ("02-task-objects", "wire_name"): ('wire_name("website_public_key")', "name in Python"),
    ("02-task-objects", "repaired"): ("repaired(task)", "has no data"),
    ("02-task-objects", "refused_with"): (
        'refused_with("ERROR_RECAPTCHA_INVALID_SITEKEY")',
        "missing is the page",
    ),
    ("02-task-objects", "own_type"): (
        "class CaptchaFoxTask(bn.Task):\n    website_url: str\n    website_key: str\n\n\n"
        "own_type(CaptchaFoxTask)",
        "websiteUrl",
    ),
    ("03-pictures", "real_format"): ('real_format("JPEG")', "Ask the bytes"),
    ("03-pictures", "fits"): ('fits(saved(photo, "PNG"))', "the service takes 100 to 500,000"),
    ("03-pictures", "place"): ("place((2, 3))", "the column comes first"),
    ("03-pictures", "solved"): ("solved(client.submit(task).result())", "with a JPEG in it"),
    ("04-error-codes", "foretold"): (
        'foretold("ERROR_NO_SUCH_METHOD", "ERROR_TASK_ABSENT", "ERROR_NO_SUCH_CAPCHA_ID")',
        "Request 2 brings another code",
    ),
    ("04-error-codes", "worth_another_try"): (
        'worth_another_try({"ERROR_NO_SLOT_AVAILABLE"})',
        "6 more would be worth another try",
    ),
    ("04-error-codes", "mended"): (
        'mended({**broken, "type": "ComplexImageTask"})',
        "ERROR_TASK_NOT_SUPPORTED",
    ),
    ("04-error-codes", "decides"): ('decides(lambda code: "wait")', "expected 'repair'"),
    ("05-polling-and-callbacks", "which_poll"): ("which_poll(6)", "a second too early"),
    ("05-polling-and-callbacks", "used_up"): ("used_up(300)", "the polls are used up before"),
    ("05-polling-and-callbacks", "waits_well"): (
        "def wait(ask):\n    while not (result := ask()).ready:\n        pass\n"
        "    return result\n\n\nwaits_well(wait)",
        "ERROR_TOO_MUCH_REQUESTS",
    ),
    ("05-polling-and-callbacks", "saved_seconds"): (
        'saved_seconds(compared["seconds"].iloc[1] - compared["seconds"].iloc[0])',
        "but for the sign",
    ),
    ("06-reading-the-log", "failed_share"): ("failed_share(trouble.sum())", "That is how many"),
    ("06-reading-the-log", "slowest"): ('slowest(frame["elapsed_ms"].max())', "expected a text"),
    ("06-reading-the-log", "nearly_all"): (
        'nearly_all(frame["elapsed_ms"].quantile(0.95))',
        "Filter createTask first",
    ),
    ("06-reading-the-log", "time_to_result"): (
        'time_to_result(pairs["elapsed_ms_ready"])',
        "Merge created and ready",
    ),
    ("07-contract-and-replay", "departing_field"): (
        'departing_field("errorId")',
        "departs in another exchange",
    ),
    ("07-contract-and-replay", "differing_path"): ('differing_path("request")', 'column "where"'),
    ("07-contract-and-replay", "sent_again"): ("sent_again(failed)", "the id of the new one"),
    ("07-contract-and-replay", "in_class"): ("in_class(client)", "the recording is at"),
    ("08-beyond-one-machine", "sessions"): ("sessions(0)", "One file is one session"),
    ("08-beyond-one-machine", "in_sql"): ('in_sql("SELECT outcome FROM exchanges")', "two columns"),
    ("08-beyond-one-machine", "lazily"): ("lazily(plan.collect())", "Leave collect() out"),
    ("08-beyond-one-machine", "everywhere"): ("everywhere(len)", "With pandas it says 6"),
}


class Exercise(NamedTuple):
    name: str
    cell: nbformat.NotebookNode
    solution: str


def tagged(notebook: nbformat.NotebookNode, tag: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def called(source: str) -> str:
    """The name of the function that the last line of a cell calls."""
    last = ast.parse(source).body[-1]
    assert isinstance(last, ast.Expr), source
    assert isinstance(last.value, ast.Call), source
    assert isinstance(last.value.func, ast.Name), source
    return last.value.func.id


def exercises(notebook: nbformat.NotebookNode) -> list[Exercise]:
    found = []
    for cell, below in zip(notebook.cells, notebook.cells[1:], strict=False):
        if "answer" in cell.metadata.get("tags", []):
            assert "solution" in below.metadata.get("tags", []), f"no solution below {cell.source}"
            fences = re.findall(r"^```python\n(.*?)\n```$", below.source, re.DOTALL | re.MULTILINE)
            assert len(fences) == 1, below.source
            found.append(Exercise(called(cell.source), cell, fences[0]))
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
        for answer, source in zip(answers, (WRONG[path.stem, name][0], solution), strict=True):
            answer.source, answer.id = source, f"{cell.id}-{answers.index(answer)}"
        notebook.cells[place : place + 1] = answers
    return notebook


@pytest.fixture(scope="module")
def begun(request: pytest.FixtureRequest, runs: Runs) -> Runs:
    """The runs; those of all notebooks that the chosen tests are about begin at once."""
    chosen = {
        item.callspec.params["path"]
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.module is request.module
        and "begun" in item.fixturenames
    }
    for path in SLOWEST_FIRST:
        if path in chosen:
            for make in (read, with_answers):
                runs.begin(make, path)
    return runs


each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@each_notebook
def test_no_output_is_committed(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert not [cell for cell in code if cell.outputs or cell.execution_count]


@each_notebook
def test_it_says_what_it_is_for_and_what_comes_next(path: Path) -> None:
    notebook = read(path)
    first, last = notebook.cells[0].source, notebook.cells[-1].source
    minutes = re.search(r"\*\*About (\d+) minutes\.\*\* Afterwards you ", first)
    assert minutes
    assert 10 <= int(minutes[1]) <= 20
    follower = NOTEBOOKS[NOTEBOOKS.index(path) + 1 :][:1]
    linked = re.findall(r"\*\*Next:\*\* \[.*?\]\((.*?)\)", last)
    assert linked == [one.name for one in follower]


@each_notebook
def test_each_exercise_has_a_check_a_solution_and_a_wrong_answer(path: Path) -> None:
    notebook = read(path)
    found = exercises(notebook)
    names = [one.name for one in found]
    assert 3 <= len(names) <= 5
    assert names == [name for stem, name in WRONG if stem == path.stem]
    assert [called(one.solution) for one in found] == names
    assert [called(WRONG[path.stem, name][0]) for name in names] == names
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
    hints = [WRONG[path.stem, one.name][1] for one in exercises(read(path))]
    wrong, right = feedback[::2], feedback[1::2]
    assert {text.splitlines()[0] for text in wrong} == {"not yet right"}
    assert [(text, hint) for text, hint in zip(wrong, hints, strict=True) if hint not in text] == []
    assert right == ["right"] * len(hints)


def test_the_teachers_page_knows_every_notebook() -> None:
    page = (ROOT / "notebooks" / "TEACHING.md").read_text()
    assert [path.name for path in NOTEBOOKS if f"]({path.name})" not in page] == []
    assert [
        name
        for name in re.findall(r"\]\(([\w-]+\.ipynb)\)", page)
        if not (ROOT / "notebooks" / name).is_file()
    ] == []
    told = set(re.findall(r"`(\w+)`", page))
    assert [name for _, name in WRONG if name not in told] == []


def test_an_installed_package_hands_out_copies(tmp_path: Path) -> None:
    """As a wheel lays it out; what a learner has changed stays."""
    site, desk = tmp_path / "site", tmp_path / "desk"
    (site / "brocap_nb").mkdir(parents=True)
    for part in (ROOT / "brocap_nb").iterdir():
        (site / "brocap_nb" / part.name).symlink_to(part)
    (site / "brocap_nb" / "notebooks").symlink_to(ROOT / "notebooks")
    (desk / "brocap_notebooks").mkdir(parents=True)
    mine = desk / "brocap_notebooks" / NOTEBOOKS[1].name
    mine.write_text("my answers")
    program = "from brocap_nb.doors import _cli; print(_cli._notebooks())"
    told = subprocess.run(
        [sys.executable, "-c", program],
        cwd=desk,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert Path(told.strip()) == desk / "brocap_notebooks"
    copied = {path.name for path in (desk / "brocap_notebooks").iterdir()}
    assert copied == {*(path.name for path in NOTEBOOKS), "TEACHING.md"}
    assert mine.read_text() == "my answers"
