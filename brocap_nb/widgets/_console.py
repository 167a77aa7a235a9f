"""The console: build a task by hand, submit it, watch it, see its answer and its rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from brocap_nb import _html
from brocap_nb.api._body import shorten_labels
from brocap_nb.api._errors import ApiError, InvalidInputError
from brocap_nb.api._facts import explain
from brocap_nb.client._requests import create_task
from brocap_nb.log import ExchangeLog
from brocap_nb.log._search import Filter, Search
from brocap_nb.sandbox._shared import shared_log
from brocap_nb.tasks._types import RawTask, Task, task_types
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._forms import Row, TaskForm
from brocap_nb.widgets._log_board import LogBoard
from brocap_nb.widgets._picture import NO_PICTURE, PictureView
from brocap_nb.widgets._rows import BROKEN, NO_ROWS
from brocap_nb.widgets._submission_list import SubmissionList
from brocap_nb.widgets._target import FaultChooser, TargetChooser

if TYPE_CHECKING:
    from brocap_nb.client._client import Client
    from brocap_nb.client._submission import Submission
    from brocap_nb.sandbox._server import Sandbox

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
        self._renew: Callable[[], None] = lambda: None
        self._allow_private = allow_private

        self.task_type = widgets.plain(widgets.Dropdown, "Task type", options=_task_types())
        self.submit = widgets.PatientButton(description="Submit task", button_style="primary")
        self._report = widgets.Report(self.target.redact)
        self._ways: tuple[widgets.Widget, ...] = ()  # to the fields that are wrong
        self.submissions = SubmissionList(
            self._show_run,
            show_request=lambda exchange_id: self.board.exchange.show_exchange(exchange_id),
            broken=self._broken,
        )
        self.picture = PictureView()
        self.tabs = widgets.ToggleButtons(options=["Picture", "Request body", "Python", "Solution"])
        """What is shown beside the form."""
        self.text = widgets.HTML()
        """The request body, the code or the solution, whichever is chosen."""
        self._heading = widgets.HTML(widgets.STYLE + widgets.heading("Try a task"))
        self._task = widgets.panel()
        self._seen = widgets.panel()
        self._beside = (self.tabs, self.picture, self.text, self.submissions)
        columns = widgets.Box([self._task, self._seen], classes=("brocap-columns",))
        head = widgets.Box([self.target, self.faults], classes=("brocap-head",))
        self.board = LogBoard(self.log, target=self.target)
        """The log: its errors, its rows, and one exchange in full."""
        parts = (head, columns, self.board.widget)
        self._top = widgets.View(parts, classes=("brocap", "brocap-blocks"))

        guard = self._report.guard
        self._show_form()
        self.task_type.observe(guard(self._show_form), "value")
        self.target.choice.observe(guard(self._retarget), "value")
        self.submit.on_click(guard(self._submit))
        self.tabs.observe(guard(self._turn_to), "value")
        self._stop = widgets.after_cells(guard(self.offer_task_types))
        widgets.replace_former(self.close)  # last, so that a sandbox in use goes on

    # what needs more time is made when the form and the log are on their way to the screen

    @cached_property
    def widget(self) -> widgets.View:
        """All of it, to be put into a layout of your own."""
        if self._top.comm is not None:
            self.board.draw()  # the log may have got a name meanwhile
            self._seen.children = self._beside
            self._top.children += (widgets.Browser(),)
            self._offer_samples(choose=True)  # so that one click submits
        return self._top

    @property
    def run(self) -> Submission | None:
        """The submission whose picture and answer are shown."""
        return self.submissions.selected

    def offer_task_types(self) -> None:
        """List the registered task types: one that was defined meanwhile is added.

        Called after each run of a cell; a type that was defined anew gets a new form.
        """
        options = _task_types()
        if self.task_type.options != options:
            chosen = self.task_type.value
            self.task_type.options = options
            self.task_type.value = chosen if chosen in task_types() else _RAW
        if self.form.task_type is not self._chosen_type():
            self._show_form()

    def close(self) -> None:
        """Stop following the log, stop what was started here, and take the widget away."""
        self._stop()
        for run in self.submissions.running:
            run.cancel()
        self.board.close()
        for part in (*self._forms.values(), *self._beside, self._top):  # if they were seen or not
            widgets.close_all(part)

    # from the form to the views

    def _chosen_type(self) -> type[Task]:
        return task_types().get(self.task_type.value, RawTask)

    def _show_form(self) -> None:
        kind = self._chosen_type()
        if kind not in self._forms:
            self._forms[kind] = TaskForm(
                kind,
                allow_private=self._allow_private,
                changed=self._show_task,
                samples=lambda: self.target.sandbox().puzzles,
            )
        self.form: TaskForm = self._forms[kind]
        """The form that is shown."""
        if "widget" in self.__dict__:
            self._offer_samples()
        self._retarget()
        self._show_task()

    def _retarget(self) -> None:
        """Only the sandbox fails to order, and only it can load a picture from this machine."""
        widgets.show(self.faults, self.target.to_sandbox)
        self.submit.description = "Submit task (billed)" if self.target.live else "Submit task"
        if (picker := self.form.picker) is not None:
            picker.send_samples_as_url(not self.target.live)

    def _show_task(self) -> None:
        form, picker = self.form, self.form.picker
        self._report.clear()
        self._lead_to(())
        pictures: list[bytes] = []
        with self._report.catching():  # a type of the user's own may raise anything
            self._turn_to()
            pictures = form.current.pictures() if form.current is not None else []
        if picker is not None:  # it knows a picture before the rest of the form is right
            pictures = [picker.data] if picker.data is not None else []
        if not pictures:
            self.picture.clear("This task has no picture." if picker is None else NO_PICTURE)
        elif pictures != self.picture.pictures:  # an answer stays until another one is chosen
            self.picture.show(pictures)

    def _turn_to(self) -> None:
        """Only what is seen is kept up to date: each would be sent to the browser."""
        to_picture = self.tabs.value == "Picture"
        widgets.show(self.picture, to_picture)
        shown = self._solution if self.tabs.value == "Solution" else self._spelled
        self.text.value = "" if to_picture else shown()

    def _spelled(self) -> str:
        """The task as the body that is sent, or as code; or what is still missing."""
        task = self.form.current
        if task is None:
            missing = ", ".join(row.words for row in self.form.wrong)
            return widgets.note(f"Shown here once the form is complete. Missing: {missing}.")
        try:
            if self.tabs.value == "Python":
                return _html.code(task.to_python(), max_height="18em")
            body = _html.pretty(shorten_labels(create_task(task).body.text))
        except InvalidInputError as error:
            return widgets.problem_note(str(error))
        return widgets.note("Sent to `createTask`; your key is left out here.") + _html.code(
            body, max_height="18em"
        )

    def _solution(self) -> str:
        if self.run is None or self.run.status != "ready":
            return widgets.note("There is no solution yet. Submit the task.")
        solution = self.run.result().solution
        return _html.code(json.dumps(solution, indent=2, ensure_ascii=False), max_height="18em")

    def _offer_samples(self, *, choose: bool = False) -> None:
        if self.form.picker is not None:
            with self._report.catching():  # a sandbox that cannot start
                self.form.picker.complete(choose=choose)

    # from the task to its answer

    def _submit(self) -> None:
        self._report.clear()
        self.form.mark([], "")
        try:
            task = self.form.task()
        except InvalidInputError:
            self._report.problem("Not sent. Missing or wrong:")
            self._lead_to(self.form.wrong)
            return
        run = self.target.client().submit(task)
        self.submit.disabled = True  # until it is created: a double click would be billed twice
        run.on_change(self._follow)
        self.submissions.follow(run)
        self._follow(run)  # it may have changed before anybody listened

    def _lead_to(self, wrong: Sequence[Row]) -> None:
        """Go to the first field that is wrong, and offer a button for each."""
        former = self._ways
        self._ways = (widgets.line(*map(_button_to, wrong)),) if wrong else ()
        parts = (self._heading, self.task_type, self.form, self.submit, self._report)
        self._task.children = (*parts, *self._ways)
        for buttons in former:
            widgets.close_all(buttons)
        for row in wrong[:1]:
            row.focus()

    def _follow(self, run: Submission) -> None:
        """Called from the submission's thread on each change of its state."""
        with self._report.catching():
            if run.status != "creating":
                self.submit.disabled = False
            self.submissions.draw()
            if run.done():
                self._mark_form(run)
            if run is self.submissions.selected:
                self._show_run(run)
            if run.done():
                self._renew()

    def _mark_form(self, run: Submission) -> None:
        """Say at the field which code the service gave; the submission says what it means."""
        error = run.exception()
        if isinstance(error, ApiError) and run.task is not None:
            form = self._forms[type(run.task)]
            fields = [path.removeprefix("task.") for path in explain(error.code).fields]
            if fields:
                form.mark(fields, f"`{error.code}`")

    def _show_run(self, run: Submission) -> None:
        """Show the picture of a submission, and its answer if there is one."""
        with self._report.catching():
            pictures = run.task.pictures() if run.task is not None else []
            whose = f"Task {run.task_id}" if run.task_id is not None else "This submission"
            result = run.result() if run.status == "ready" else None
            answer = result.answer if result is not None else None
            if result is not None:
                self.tabs.value = "Solution" if answer is None else "Picture"
            if pictures:
                if answer is None:
                    whose += f": {run.status}" + (", no answer" if run.done() else " …")
                self.picture.show(pictures, answer, whose=whose)
            self._turn_to()

    def _broken(self, run: Submission) -> str:
        """How many of a submission's requests got no answer that could be used."""
        page = Search(self.log, Filter(task_id=run.task_id)).page(200) if run.task_id else None
        broken = [one.outcome for one in (page.exchanges if page else ()) if one.outcome in BROKEN]
        what = ", ".join(dict.fromkeys(outcome.replace("_", " ") for outcome in broken))
        return f"{_html.many(len(broken), 'request')} broke ({what})" if broken else ""

    # without a kernel

    def __repr__(self) -> str:
        return f"<Console: {self.target.choice.label}, {self.form!r}, log of {len(self.log)} rows>"

    def _ipython_display_(self, **kwargs: Any) -> None:
        """Show the form, and what needs more time below it."""
        if self._top.comm is not None:
            self.offer_task_types()
            self.board.draw()  # as in `widget`, which comes later
        self._renew = widgets.display_both(
            self._top, self._repr_mimebundle_, complete=lambda: self.widget, **kwargs
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        target, kind = self.target.choice.label, self.task_type.value
        static = _html.card(
            "brocap_nb console",
            "<div>Run this cell to use it. As it stood:</div>",
            _html.facts([("send tasks to", _html.badge(target)), ("task type", _html.badge(kind))]),
            self.form.static(),
            self.run._repr_mimebundle_()["text/html"] if self.run is not None else "",
            _html.code("\n".join(one.summary() for one in self.log.recent(5)) or NO_ROWS),
        )
        return _html.bundle(static, repr(self))


def _button_to(row: Row) -> Any:
    button = widgets.Button(description=row.words)
    button.on_click(lambda _: row.focus())
    return button


def _task_types() -> tuple[tuple[str, str], ...]:
    """What can be chosen: label and name of each registered type, and of any object."""
    return (*((name, name) for name in task_types()), (_RAW_LABEL, _RAW))
