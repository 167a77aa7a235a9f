"""The console, without a browser: what its handlers do and what its views say."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets
import pytest
from waiting import until

import brocap_nb as bn
from brocap_nb.log import ExchangeLog
from brocap_nb.widgets import Console, _kit, _target


@pytest.fixture
def console(sandbox: bn.Sandbox, models: Callable[[], int]) -> Iterator[Console]:
    before, shown = models(), Console(sandbox=sandbox, log=ExchangeLog(":memory:"))
    yield shown
    shown.close()
    assert models() == before


def states() -> Any:
    """All that a front end could save of all widgets there are."""
    return ipywidgets.Widget.get_manager_state()["state"]


def choose_sample(console: Any, name: str = "penguin") -> None:
    _ = console.widget
    console.form.picker.sample.value = name


def test_a_sample_brings_its_question_unless_a_person_wrote_one(console: Console) -> None:
    choose_sample(console)
    question = console.form.inputs["metadata.Task"]
    console.tabs.value = "Python"
    assert "ComplexImageTask(" in console.text.value
    question.widget.value = ""
    assert "Missing: Question." in console.text.value
    question.widget.value = "Pick the bear"
    choose_sample(console, "rope")
    console.tabs.value = "Picture"
    for chosen, shown in (("RawTask", "no picture"), ("ComplexImageTask", "600 x 400")):
        console.task_type.value = chosen
        assert shown in console.picture.shown.value
    assert question.text == "Pick the bear"


def test_submissions_end_with_the_answer_drawn_and_are_looked_at_one_by_one(
    console: Console, sandbox: bn.Sandbox
) -> None:
    disabled: list[bool] = []
    told: list[str] = []
    console.submit.observe(lambda change: disabled.append(change["new"]), "disabled")
    for name, again in (("way-up", [True, False]), ("penguin", [True, False] * 2)):
        choose_sample(console, name)
        console.submit.click()
        line = console.submissions.children[1]
        line.status.observe(lambda change: told.append(change["new"]), "value")
        until(lambda again=again: disabled == again)  # a second click does not get there meanwhile
        until(lambda: "Answer:" in console.picture.shown.value)
    penguin, first = console.submissions.runs
    puzzle = next(p for p in sandbox.puzzles if p.name == "penguin")
    answer = f"tile {puzzle.answer.index(True) + 1} of 6"
    assert f"Task {penguin.task_id} · Answer: <b>{answer}" in console.picture.shown.value
    until(lambda: f"✓ task {penguin.task_id}: ready, {answer}" in line.status.value)
    until(lambda: "<progress" not in line.numbers.value)
    assert len(told) <= 4  # each is told once: waiting, ready
    console.submissions.children[2].show.click()
    assert f"Task {first.task_id} · Answer:" in console.picture.shown.value
    console.tabs.value = "Solution"
    assert "&quot;answer&quot;" in console.text.value
    choose_sample(console, "galaxy")
    assert "Not submitted yet." in console.picture.shown.value


def test_a_failed_submission_says_why_and_leads_to_its_request(console: Console) -> None:
    console.task_type.value = "RawTask"
    console.form.inputs["task"].widget.value = '{"type": "NoSuchTask"}'
    console.submit.click()
    line, code = console.submissions.children[1], "ERROR_TASK_NOT_SUPPORTED"
    until(lambda: code in console.form.rows[-1].said.value)
    until(lambda: line.request.layout is not _kit.shown(False))
    until(lambda: not console.submit.disabled)
    line.request.click()
    assert console.board.exchange.exchange_id == console.log[-1].exchange_id


def test_a_type_whose_own_code_fails_is_told(console: Console) -> None:
    class MineTask(bn.Task):
        first: str

        def pictures(self) -> list[bytes]:
            raise ZeroDivisionError

    console.offer_task_types()  # as after each run of a cell
    console.task_type.value = "MineTask"
    console.form.inputs["first"].widget.value = "x"
    assert "ZeroDivisionError" in console._report.value

    class MineTask(bn.Task):  # type: ignore[no-redef] # noqa: F811
        def pictures(self) -> list[bytes]:
            raise OSError("no such picture")

    console.offer_task_types()
    assert "OSError: no such picture. Nothing more was done." in console._report.value


def test_the_live_service_needs_a_key_that_is_in_no_state_and_gets_a_samples_bytes(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed, of_environment = secrets.token_hex(16), secrets.token_hex(16)
    choose_sample(console)
    console.tabs.value = "Request body"
    assert "imageUrls" in console.text.value
    console.target.choice.value = _target.LIVE
    assert "imagesBase64" in console.text.value
    assert console.submit.description == "Submit task (billed)"
    for key, sentence in (("", "No client key is set"), ("abc", "3 characters")):
        console.target.key.set(key)
        console.submit.click()
        assert sentence in console._report.value
    assert (console.run, len(console.log)) == (None, 0)
    for message in ({"value": f"  {typed}\n"}, None, 1, {}, {"value": 3}):  # from the browser
        console.target.key._handle_custom_msg(message, [])
    console.target.client()
    shown = f"{states()} {console._repr_mimebundle_()} {console!r} {vars(console.target.key)}"
    assert "a key is set (32 characters)" in shown
    console.target.key.set("")
    monkeypatch.setenv("BROCAP_CLIENT_KEY", of_environment)
    for choice in (_target.SANDBOX, _target.LIVE):
        console.target.choice.value = choice
    assert "BROCAP_CLIENT_KEY is set and is used" in console.target._words.value
    assert console.target.client().base_url == "https://api.brocapgpt.com"
    shown += f"{states()} {console._repr_mimebundle_()} {console.target!r}"
    assert typed not in shown
    assert of_environment not in shown


def test_a_given_client_is_used_with_its_log_and_left_open(used: bn.Client) -> None:
    console = Console(used)
    assert (console.log, console.target.client()) == (used.log, used)
    console.close()
    assert used.get_balance()
    with pytest.raises(bn.InvalidInputError, match="expected one of them"):
        Console(used, log=ExchangeLog(":memory:"))


def test_a_closed_console_leaves_nothing_and_is_shown_as_it_stood(sandbox: bn.Sandbox) -> None:
    left = []
    for _ in range(2):
        shown = Console(sandbox=sandbox, log=ExchangeLog(":memory:"))
        _ = shown.widget
        shown.task_type.value = "RawTask"
        for choice in (_target.LIVE, _target.SANDBOX):
            shown.target.choice.value = choice
        for _ in range(2):
            shown.close()
        left.append(len(states()))
    assert left[0] == left[1]  # a closed widget in an open one would break the saving of others
    assert "Run this cell to use it" in shown._repr_mimebundle_()["text/html"]
    shown._ipython_display_()
    assert not shown.log._listeners
