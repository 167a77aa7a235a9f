"""The console: build a task by hand, submit it, watch it, see its answer and its rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from IPython.display import display

from brocap_nb import _html
from brocap_nb.api._body import shorten_labels
from brocap_nb.api._errors import ApiError, InvalidInputError, Problem
from brocap_nb.api._facts import explain
from brocap_nb.client._requests import create_task
from brocap_nb.log import ExchangeLog
from brocap_nb.sandbox._shared import shared_log
from brocap_nb.tasks._types import RawTask, Task, task_types
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._fault_chooser import FaultChooser
from brocap_nb.widgets._forms import TaskForm
from brocap_nb.widgets._image_picker import ImagePicker
from brocap_nb.widgets._log_board import LogPanels
from brocap_nb.widgets._log_table import table_of
from brocap_nb.widgets._picture_view import NO_PICTURE, PictureView
from brocap_nb.widgets._style import (
    STYLE,
    Report,
    close_all,
    heading,
    note,
    panel,
    plain,
    problem_note,
    show_html,
)
from brocap_nb.widgets._submission_list import SubmissionList
from brocap_nb.widgets._target import TargetChooser

if TYPE_CHECKING:
    from brocap_nb.client._client import Client
    from brocap_nb.client._submission import Submission
    from brocap_nb.sandbox import Puzzle, Sandbox

_RAW: Final = "RawTask"
_RAW_LABEL: Final = "RawTask (any JSON object)"


class Console:
    """The main job by hand: target, task, picture, JSON body, submission, answer, log, errors.

    With no arguments it needs no key and no internet: tasks go to a sandbox inside this kernel,
    and the log is the one of this working directory. Consoles made so share both.

    >>> console = bn.Console(client)
    >>> console
    <Console: The given client, ..., log of 0 rows>
    >>> console.close()

    Args:
        client: send tasks with this client, and show its log.
        sandbox: use this sandbox instead of one of the console's own.
        log: record in this log; a client brings its own.
        live: offer the live service too; without it a task can only go to a sandbox, or to the
            given client.
        allow_private: whether pictures may be loaded from addresses of this network; None leaves
            it to the person at the controls.
    """

    def __init__(
        self,
        client: Client | None = None,
        *,
        sandbox: Sandbox | None = None,
        log: ExchangeLog | None = None,
        live: bool = True,
        allow_private: bool | None = None,
    ) -> None:
        if client is not None and log is not None and log is not client.log:
            raise InvalidInputError(
                "Both a client and another log are given; expected one of them. The console "
                "shows the client's log: leave log out, or give it to the client."
            )
        if client is not None:
            log = client.log
        self.log: ExchangeLog = log if log is not None else shared_log()
        """The log that is shown, and that submissions are recorded in."""
        self.target = TargetChooser(self.log, client=client, sandbox=sandbox, live=live)
        self.faults = FaultChooser(self.target.sandbox, self.log)
        """Orders what goes wrong next; only for the sandbox."""
        self._forms: dict[type[Task], TaskForm] = {}
        self._sent: dict[Submission, _Sent] = {}
        self._pictures: list[bytes] = []
        self._allow_private = allow_private

        self.task_type = plain(widgets.Dropdown, "Task type", options=_task_types())
        self._form_place = widgets.VBox(layout={"width": "auto"})
        self.submit = widgets.Button(
            description="Submit task",
            button_style="primary",
            tooltip="Send this task",
            layout={"align_self": "flex-start"},
        )
        self._report = Report(self._safe)
        self.submissions = SubmissionList()
        self.picture = PictureView()
        self.solution = widgets.HTML(layout={"display": "none"})
        self.spelling = widgets.ToggleButtons(
            options=["JSON", "Python"], style={"button_width": "auto"}, layout={"width": "auto"}
        )
        """How the task in the form is spelled out: as the body that is sent, or as code."""
        self.body, self.python = BodyView(), PythonView()
        self._top = widgets.View(
            self._arrange(),
            layout={"width": "auto", "grid_gap": "12px"},
            classes=("brocap",),
        )

        self.offer_task_types()
        guard = self._report.guard
        self.task_type.observe(guard(self._show_form), "value")
        self.target.choice.observe(guard(self._retarget), "value")
        self.submit.on_click(guard(self._submit))
        self.spelling.observe(guard(self._spell), "value")
        self.submissions.on_select(self._show_run)
        widgets.replace_former(self.close)  # last, so that a sandbox in use goes on

    # the log is made when the form is on its way to the screen: it needs as many widgets again

    @cached_property
    def board(self) -> LogPanels:
        """The log: its errors, its rows, and one exchange in full."""
        return LogPanels(
            self.log,
            client=self.target.client,
            billed=lambda: not self.target.to_sandbox,
            recipes=self._recipes,
            provoke=self._provoke,
            redact=self._safe,
        )

    @cached_property
    def widget(self) -> widgets.View:
        """All of it, to be put into a layout of your own."""
        if self._top.comm is not None:  # a closed console follows no log again
            self._top.children += tuple(self.board.panels)
        return self._top

    @property
    def run(self) -> Submission | None:
        """The submission whose picture and answer are shown."""
        return self.submissions.selected

    def offer_task_types(self) -> None:
        """List the registered task types: one that was defined meanwhile is added.

        Called whenever the console is displayed; a type that was defined anew gets a new form.
        """
        options = _task_types()
        if self.task_type.options != options:
            chosen = self.task_type.value
            self.task_type.options = options
            self.task_type.value = chosen
        self._show_form()

    def close(self) -> None:
        """Stop following the log, stop what was started here, and take the widget away."""
        for run in self.submissions.running:
            run.cancel()
        if "board" in self.__dict__:
            self.board.close()
        for part in (*self._forms.values(), self._top):
            close_all(part)

    # what is where

    def _arrange(self) -> list[widgets.Widget]:
        what = panel(
            _title("Task", "what is asked for"), self.task_type, self._form_place, grow=True
        )
        seen = widgets.VBox(
            [
                panel(_title("Submissions"), self.submit, self._report, self.submissions),
                panel(_title("Picture and answer"), self.picture, self.solution),
                panel(
                    _title("What is sent", "to createTask; no key"),
                    self.spelling,
                    self.body,
                    self.python,
                ),
            ],
            layout={"flex": "1 1 320px", "width": "auto", "min_width": "0", "grid_gap": "12px"},
        )
        columns = widgets.HBox(
            [what, seen],
            layout={"flex_flow": "row wrap", "width": "auto", "grid_gap": "12px"},
            classes=("brocap-columns",),
        )
        return [
            widgets.HTML(STYLE, layout={"display": "none"}),
            widgets.OwnKeys(),
            panel(_title("Console"), self.target, self.faults),
            columns,
        ]

    # from the form to the views

    def _chosen_type(self) -> type[Task]:
        return task_types().get(self.task_type.value, RawTask)

    def _show_form(self) -> None:
        kind = self._chosen_type()
        if kind not in self._forms:
            form = TaskForm(kind, puzzles=self._puzzles, allow_private=self._allow_private)
            form.on_change(self._report.guard(self._show_task))
            self._forms[kind] = form
        self.form: TaskForm = self._forms[kind]
        """The form that is shown."""
        self._form_place.children = (self.form,)
        self._retarget()
        self._show_task()

    def _retarget(self) -> None:
        """Only the sandbox fails to order, and only it can load a picture from this machine."""
        widgets.show(self.faults, self.target.to_sandbox)
        if (picker := self.form.picker) is not None:
            picker.send_samples_as_url(not self.target.live)

    def _show_task(self) -> None:
        form, picker = self.form, self.form.picker
        self._spell()
        pictures = form.current.pictures() if form.current is not None else []
        if picker is not None:  # it knows a picture before the rest of the form is right
            pictures = [picker.data] if picker.data is not None else []
        if not pictures:
            self.picture.clear(_no_picture(picker))
        elif pictures != self._pictures:  # an answer stays until another picture is chosen
            self.picture.show(pictures)
        self._pictures = pictures

    def _spell(self) -> None:
        """Only what is seen is kept up to date: each would be sent to the browser."""
        for view, name in ((self.body, "JSON"), (self.python, "Python")):
            widgets.show(view, self.spelling.value == name)
            if self.spelling.value == name:
                view.show(self.form.current, self.form.problems)

    def _puzzles(self) -> Sequence[Puzzle]:
        with self._report.catching():
            return self.target.puzzles()
        return ()

    # from the task to its answer

    def _submit(self) -> None:
        self._report.clear()
        self.form.mark([], "")
        try:
            task = self.form.task()
        except InvalidInputError as error:
            self._report.problem(_count(error))
            return
        run = self.target.client().submit(task)
        self.submit.disabled = True  # until it is created: a double click would be billed twice
        puzzle = picker.puzzle if (picker := self.form.picker) is not None else None
        grid = (puzzle.columns, puzzle.rows) if puzzle is not None else None
        self._sent[run] = _Sent(task.pictures(), grid, self.form)
        run.on_change(self._follow)
        self.submissions.follow(run)
        self._sent = {one: self._sent[one] for one in self.submissions.runs if one in self._sent}
        self._follow(run)  # it may have changed before anybody listened

    def _follow(self, run: Submission) -> None:
        """Called from the submission's thread on each change of its state."""
        with self._report.catching():
            if run.status != "creating":
                self.submit.disabled = False
            if run.done():
                self._mark_form(run)
                if run is self.submissions.selected:
                    self._show_run(run)

    def _mark_form(self, run: Submission) -> None:
        """Say at the field what the service said about it."""
        error, sent = run.exception(), self._sent.get(run)
        if isinstance(error, ApiError) and sent is not None:
            entry = explain(error.code or "")
            fields = [path.removeprefix("task.") for path in entry.fields]
            if fields:
                sent.form.mark(fields, f"{entry.code}: {entry.sentence(error.description)}")

    def _show_run(self, run: Submission) -> None:
        """Show the picture of a submission, and its answer if there is one."""
        with self._report.catching():
            sent = self._sent.get(run)
            if sent is not None and sent.pictures:
                self._pictures = sent.pictures
                self.picture.show(sent.pictures)
            show_html(self.solution, "")
            if run.status != "ready":
                return
            result = run.result()
            show_html(self.solution, _solution(result.solution, unfolded=result.answer is None))
            if result.answer is not None and sent is not None and sent.pictures:
                self.picture.show_answer(sent.pictures, result.answer, grid=sent.grid)

    def _recipes(self) -> Mapping[str, str]:
        """How the sandbox is made to answer with each code, where tasks go there."""
        if not self.target.to_sandbox:
            return {}
        from brocap_nb.sandbox._recipes import RECIPES

        return {recipe.code: recipe.how for recipe in reversed(RECIPES)}

    def _provoke(self, code: str) -> None:
        from brocap_nb.widgets._provoke import provoke

        provoke(code, self.target.sandbox(), self.log)

    def _safe(self, text: str) -> str:
        secret = self.target.secret
        return secret.redact(text) if secret is not None else text

    # without a kernel

    def __repr__(self) -> str:
        return f"<Console: {self.target.choice.label}, {self.form!r}, log of {len(self.log)} rows>"

    def _ipython_display_(self, **kwargs: Any) -> None:
        """Show the form, and what needs more time below it."""
        display(self._bundle(self._top, **kwargs), raw=True)
        _ = self.widget

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return self._bundle(self.widget, **kwargs)

    def _bundle(self, widget: widgets.Widget, **kwargs: Any) -> dict[str, Any]:
        self.offer_task_types()
        static = _html.bundle(self._static_html(), repr(self))
        return widgets.bundle(widget, **kwargs) | static

    def _static_html(self) -> str:
        """What a page without a kernel shows: no picture, so that a notebook stays light."""
        form = self.form
        state = (
            _html.code(str(form.current))
            if form.current is not None
            else _html.facts(
                (p.field or "task", _html.badge("to be filled in")) for p in form.problems
            )
        )
        return _html.card(
            "brocap_nb console",
            "<div>Run this cell to use it. As it stood when it was shown:</div>",
            _html.facts(
                [
                    ("send tasks to", _html.badge(self.target.choice.label)),
                    ("task type", _html.badge(self.task_type.value)),
                ]
            ),
            state,
            table_of(self.log, rows=5),
        )


class _TaskView(widgets.HTML):
    """A text about a task; a page without a kernel shows it as it stood."""

    _plain = "nothing is shown yet"

    def show(self, task: Task | None, problems: Sequence[Problem] = ()) -> None:
        """Show the text about `task`, or, without one, what is still missing."""
        if task is None:
            what = "field needs" if len(problems) == 1 else "fields need"
            names = ", ".join(dict.fromkeys(p.field for p in problems if p.field))
            self._plain = (
                f"Shown here once the form is complete. {len(problems)} {what} a look: "
                f"{names or 'see the form'}."
            )
            self.value = note(self._plain)
            return
        try:
            self._plain = self._spelled(task)
            self.value = _html.code(self._plain, max_height="18em")
        except InvalidInputError as error:
            self._plain = str(error)
            self.value = problem_note(self._plain)

    def _spelled(self, task: Task) -> str:
        raise NotImplementedError

    def __repr__(self) -> str:
        return self._plain

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any] | None:
        shown: dict[str, Any] | None = super()._repr_mimebundle_(**kwargs)
        return None if shown is None else shown | _html.bundle(self.value, repr(self))


class BodyView(_TaskView):
    """Shows the body of `createTask`; labels stand for the key and for pictures."""

    def _spelled(self, task: Task) -> str:
        return _html.pretty(shorten_labels(create_task(task).body.text))


class PythonView(_TaskView):
    """Shows the Python code that builds the task; no secret and no picture's bytes are in it."""

    def _spelled(self, task: Task) -> str:
        return task.to_python()


@dataclass(frozen=True, slots=True)
class _Sent:
    """What is known here of a submission."""

    pictures: list[bytes]
    grid: tuple[int, int] | None
    """Columns and rows of a sample."""
    form: TaskForm
    """Where it was filled in."""


def _task_types() -> tuple[tuple[str, str], ...]:
    """What can be chosen: label and name of each registered type, and of any object."""
    return (*((name, name) for name in task_types()), (_RAW_LABEL, _RAW))


def _title(text: str, aside: str = "") -> widgets.HTML:
    return widgets.HTML(heading(text, aside))


def _count(error: InvalidInputError) -> str:
    number = len(error.problems)
    what = "field needs" if number == 1 else "fields need"
    return f"Nothing was sent: {number} {what} a look. The form says what."


def _no_picture(picker: ImagePicker | None) -> str:
    if picker is None:
        return "This task has no picture."
    return "No picture is known here yet." if picker.url else NO_PICTURE


def _solution(solution: Mapping[str, Any] | None, *, unfolded: bool) -> str:
    """The solution as it came."""
    text = json.dumps(solution, indent=2, ensure_ascii=False)
    return (
        f"<details{' open' if unfolded else ''}>"
        '<summary style="cursor:pointer">The solution as it came</summary>'
        f"{_html.code(text, max_height='12em')}</details>"
    )
