"""The console: build a task by hand, submit it, watch it, see its answer and its rows."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import ipywidgets as widgets

from brocap_nb import render
from brocap_nb.errors import BroCapError, CancelledError, InvalidInputError
from brocap_nb.log import ExchangeLog
from brocap_nb.tasks import RawTask, Task, task_types
from brocap_nb.widgets.body_view import BodyView
from brocap_nb.widgets.error_table import ErrorTable
from brocap_nb.widgets.fault_chooser import FaultChooser
from brocap_nb.widgets.form import TaskFormBase
from brocap_nb.widgets.image_picker import ImagePicker
from brocap_nb.widgets.log_table import LogTable, table_of
from brocap_nb.widgets.own_keys import OwnKeys
from brocap_nb.widgets.picture_view import PictureView
from brocap_nb.widgets.progress import ProgressView
from brocap_nb.widgets.style import STYLE, close_all, heading, panel, problem_note, show_html
from brocap_nb.widgets.target import TargetChooser
from brocap_nb.widgets.task_form import TaskForm, form_for

if TYPE_CHECKING:
    from brocap_nb.client import Client
    from brocap_nb.sandbox import Puzzle, Sandbox
    from brocap_nb.submission import Submission

__all__ = ["Console"]

_RAW: Final = "RawTask"
_RAW_LABEL: Final = "RawTask (any JSON object)"

_default_log: ExchangeLog | None = None
_default_log_lock = threading.Lock()


class Console:
    """The main job by hand: target, task, picture, JSON body, submission, answer, log, errors.

    With no arguments it needs no key and no internet: tasks go to a sandbox inside this kernel,
    and the log is the one of this working directory. Consoles made so share both.

    Args:
        client: send tasks with this client, and show its log.
        sandbox: use this sandbox instead of one of the console's own.
        log: record in this log; a client brings its own.
    """

    def __init__(
        self,
        client: Client | None = None,
        *,
        sandbox: Sandbox | None = None,
        log: ExchangeLog | None = None,
    ) -> None:
        if client is not None and log is not None and log is not client.log:
            raise InvalidInputError(
                "Both a client and another log are given; expected one of them. The console "
                "shows the client's log: leave log out, or give it to the client."
            )
        if client is not None:
            log = client.log
        self.log: ExchangeLog = log if log is not None else _shared_log()
        """The log that is shown, and that submissions are recorded in."""
        self.target = TargetChooser(self.log, client=client, sandbox=sandbox)
        self.faults = FaultChooser(self.target.sandbox, self.log)
        """Orders what goes wrong next; only for the sandbox."""
        self.run: Submission | None = None
        """The latest submission."""
        self._forms: dict[type[Task], TaskFormBase] = {}
        self._shown_picture: bytes | None = None

        self.task_type = widgets.Dropdown(description="Task type", layout={"width": "auto"})
        self.task_type.add_class("brocap-control").add_class("brocap-plain")
        self._form_place = widgets.VBox(layout={"width": "auto"})
        self.submit = widgets.Button(
            description="Submit task", button_style="primary", tooltip="Send this task"
        )
        self.picture = PictureView()
        self.solution = widgets.HTML(layout={"display": "none"})
        self.body = BodyView()
        self.progress = ProgressView()
        self.log_table = LogTable(self.log)
        self.error_table = ErrorTable(self.log)
        self._report = widgets.HTML(layout={"display": "none"})

        self.widget = widgets.VBox(self._arrange(), layout={"width": "auto", "grid_gap": "12px"})
        """All of it, to be put into a layout of your own."""
        self.widget.add_class("brocap")

        self.offer_task_types()
        self.task_type.observe(self._guarded(self._show_form), "value")
        self.target.on_change(self._guarded(self._retarget))
        self.submit.on_click(self._guarded(self._submit))

    def offer_task_types(self) -> None:
        """List the registered task types: one that was defined meanwhile is added.

        Called whenever the console is displayed; a type that was defined anew gets a new form.
        """
        options = [(name, name) for name in task_types()] + [(_RAW_LABEL, _RAW)]
        if self.task_type.options != tuple(options):
            chosen = self.task_type.value
            self.task_type.options = options
            self.task_type.value = chosen or options[0][1]
        self._show_form()

    def close(self) -> None:
        """Stop following the log, stop what was started here, and take the widget away."""
        if self.run is not None:
            self.run.cancel()
        for part in (*self._forms.values(), self.widget):
            close_all(part)

    # what is where

    def _arrange(self) -> list[widgets.Widget]:
        what = panel(
            _title("Task", "what is asked for"), self.task_type, self._form_place, grow=True
        )
        buttons = widgets.HBox(
            [self.submit, self.progress.cancel], layout={"flex_flow": "row wrap", "grid_gap": "8px"}
        )
        submission = panel(
            _title("Submission"), buttons, self._report, self.progress, self.solution
        )
        seen = widgets.VBox(
            [
                submission,
                panel(_title("Picture"), self.picture),
                panel(_title("JSON body", "what is sent to createTask; no key"), self.body),
            ],
            layout={"flex": "1 1 320px", "width": "auto", "min_width": "0", "grid_gap": "12px"},
        )
        columns = widgets.HBox(
            [what, seen], layout={"flex_flow": "row wrap", "width": "auto", "grid_gap": "12px"}
        )
        columns.add_class("brocap-columns")
        return [
            widgets.HTML(STYLE, layout={"display": "none"}),
            OwnKeys(),
            panel(_title("Console"), self.target, self.faults),
            columns,
            panel(self.log_table),
            panel(self.error_table),
        ]

    # from the form to the views

    def _chosen_type(self) -> type[Task]:
        return task_types().get(self.task_type.value, RawTask)

    def _show_form(self) -> None:
        kind = self._chosen_type()
        if kind not in self._forms:
            form = form_for(kind, puzzles=self._puzzles)
            form.on_change(self._guarded(self._show_task))
            self._forms[kind] = form
        self.form: TaskFormBase = self._forms[kind]
        """The form that is shown."""
        self._form_place.children = (self.form,)
        self._retarget()
        self._show_task()

    def _retarget(self) -> None:
        """Only the sandbox fails to order, and only it can load a picture from this machine."""
        self.faults.layout.display = "" if self.target.to_sandbox else "none"
        if (picker := self._picker()) is not None:
            picker.send_samples_as_url(not self.target.live)

    def _show_task(self) -> None:
        form, picker = self.form, self._picker()
        self.body.show(form.current, form.problems)
        pictures = form.current.pictures() if form.current is not None else []
        data = picker.data if picker is not None else next(iter(pictures), None)
        if data is None:
            self._shown_picture = None
            self.picture.clear(_no_picture(picker))
        elif data != self._shown_picture:  # an answer stays until another picture is chosen
            self._shown_picture = data
            self.picture.show(data)

    def _picker(self) -> ImagePicker | None:
        return self.form.picker if isinstance(self.form, TaskForm) else None

    def _puzzles(self) -> Sequence[Puzzle]:
        with self._reporting():
            return self.target.puzzles()
        return ()

    # from the task to its answer

    def _submit(self) -> None:
        if self.progress.running:
            return
        show_html(self._report, "")
        show_html(self.solution, "")
        try:
            task = self.form.task()
        except InvalidInputError as error:
            show_html(self._report, problem_note(_count(error)))
            return
        run = self.target.client().submit(task)
        self.run = run
        self.submit.disabled = True
        pictures = task.pictures()
        if pictures:
            self._shown_picture = pictures[0]
            self.picture.show(pictures[0])
        picker = self._picker()
        puzzle = picker.puzzle if picker is not None else None
        grid = (puzzle.columns, puzzle.rows) if puzzle is not None else None
        run.on_change(lambda _: self._follow(run, pictures, grid))
        self.progress.follow(run)
        self._follow(run, pictures, grid)  # it may have ended before anybody listened

    def _follow(self, run: Submission, pictures: list[bytes], grid: tuple[int, int] | None) -> None:
        """Called from the submission's thread on each change of its state."""
        if run is not self.run:
            return
        with self._reporting():
            self.progress.draw()
            if run.done():
                self.submit.disabled = False
                self._show_end(run, pictures, grid)

    def _show_end(
        self, run: Submission, pictures: list[bytes], grid: tuple[int, int] | None
    ) -> None:
        error = run.exception()
        if isinstance(error, CancelledError):
            return
        if error is not None:
            show_html(self._report, problem_note(str(error)))
            return
        result = run.result()
        show_html(self.solution, _solution(result.solution, unfolded=result.answer is None))
        if result.answer is not None and pictures:
            self.picture.show_answer(pictures[0], result.answer, grid=grid)

    # what goes wrong is shown here

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Show what a handler raises: nobody sees a traceback that a front end swallows."""
        try:
            yield
        except BroCapError as error:
            show_html(self._report, problem_note(self._safe(str(error))))
        except Exception as error:  # a handler has no caller that could handle it
            sentence = f"{type(error).__name__}: {error}. Nothing more was done."
            show_html(self._report, problem_note(self._safe(sentence)))

    def _safe(self, text: str) -> str:
        secret = self.target.key.secret
        return secret.redact(text) if secret is not None else text

    def _guarded(self, handler: Any) -> Any:
        def run(*_: Any) -> None:
            with self._reporting():
                handler()

        return run

    # without a kernel

    def __repr__(self) -> str:
        return f"<Console: {self.target.choice.label}, {self.form!r}, log of {len(self.log)} rows>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any] | None:
        self.offer_task_types()
        shown: dict[str, Any] | None = self.widget._repr_mimebundle_(**kwargs)
        if shown is not None:
            shown |= render.bundle(self._static_html(), repr(self))
        return shown

    def _static_html(self) -> str:
        """What a page without a kernel shows: no picture, so that a notebook stays light."""
        form = self.form
        state = (
            render.code(str(form.current))
            if form.current is not None
            else render.facts(
                (p.field or "task", render.badge("to be filled in")) for p in form.problems
            )
        )
        return render.card(
            "brocap_nb console",
            "<div>Run this cell to use it. As it stood when it was shown:</div>",
            render.facts(
                [
                    ("send tasks to", render.badge(self.target.choice.label)),
                    ("task type", render.badge(self.task_type.value)),
                ]
            ),
            state,
            table_of(self.log, rows=5),
        )


def _shared_log() -> ExchangeLog:
    """The log of the consoles that were given none."""
    global _default_log
    with _default_log_lock:
        if _default_log is None:
            _default_log = ExchangeLog()
        return _default_log


def _title(text: str, aside: str = "") -> widgets.HTML:
    return widgets.HTML(heading(text, aside))


def _count(error: InvalidInputError) -> str:
    number = len(error.problems)
    what = "field needs" if number == 1 else "fields need"
    return f"Nothing was sent: {number} {what} a look. The form says what."


def _no_picture(picker: ImagePicker | None) -> str:
    if picker is None:
        return "This task has no picture."
    return "No picture is known here yet." if picker.url else "No picture is chosen yet."


def _solution(solution: Mapping[str, Any] | None, *, unfolded: bool) -> str:
    """The solution as it came."""
    text = json.dumps(solution, indent=2, ensure_ascii=False)
    return (
        f"<details{' open' if unfolded else ''}>"
        '<summary style="cursor:pointer">The solution as it came</summary>'
        f"{render.code(text, max_height='12em')}</details>"
    )
