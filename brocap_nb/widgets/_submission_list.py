"""Submissions on their way, a line for each: how far it is, and a way to stop it and to see it.

A thread draws the lines, since nothing else goes on while a cell keeps the kernel busy. It lives
only as long as one of them runs, and sends one short message for a line that has changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, Final

from brocap_nb import _html
from brocap_nb.api._errors import ApiError, CancelledError, ExchangeError
from brocap_nb.api._facts import explain
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._picture_view import answer_in_words
from brocap_nb.widgets._style import heading, note

if TYPE_CHECKING:
    from brocap_nb.client._submission import Submission

TICK: Final = 0.25  # seconds between two drawings
FINISHED_LINES: Final = 8
"""How many finished submissions stay; the oldest fall off."""

LONG: Final = 20.0
"""Seconds from which on whole seconds are shown, so a line changes less often."""

EXPECTED: Final = 30.0
"""Seconds that the bar stands for where no typical time is documented."""

SENTENCE: Final = 600
"""Most characters of an error that are shown; the log has all of it."""

_WORDS: Final = {"creating": "creating the task", "waiting": "waiting for the answer"}
_SIGNS: Final = {"ready": "✓ ", "failed": "✗ ", "cancelled": "■ "}
_NOTHING: Final = "Nothing has been submitted yet."
_HEADING: Final = heading("Submissions")
_WIDE: Final = {"width": "auto"}


class SubmissionList(widgets.VBox):
    """Follows several submissions at once, newest first, each with a line of its own.

    A finished line stays until it is cleared, or until there are newer ones than have room.

    Args:
        selected: called with a submission when it is followed, or when its button is pressed.
        show_request: called with the id of the exchange that a submission failed with.
        broken: says which of a submission's requests got no answer, if any.
    """

    def __init__(
        self,
        selected: Callable[[Submission], object] = lambda _: None,
        *,
        show_request: Callable[[str], object] = lambda _: None,
        broken: Callable[[Submission], str] = lambda _: "",
    ) -> None:
        self.on_select, self.show_request, self.broken = selected, show_request, broken
        self._lines: list[_Line] = []
        self._lock = threading.RLock()  # a line is read and written in one step
        self._selected: Submission | None = None
        self._numbered = 0
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._head = widgets.HTML(_HEADING + note(_NOTHING))
        super().__init__([self._head], classes=("brocap-runs",))

    @cached_property
    def clear(self) -> Any:
        """Takes away the lines of submissions that have ended; shown where there are several."""
        button = widgets.Button(
            description="Clear finished",
            tooltip="Take away the lines of submissions that have ended",
            classes=("brocap-quiet",),
        )
        button.on_click(lambda _: self.clear_finished())
        return button

    @property
    def runs(self) -> tuple[Submission, ...]:
        """The submissions that have a line, newest first."""
        with self._lock:
            return tuple(line.run for line in self._lines)

    @property
    def running(self) -> tuple[Submission, ...]:
        """Those of them that have not ended, newest first."""
        return tuple(run for run in self.runs if not run.done())

    @property
    def selected(self) -> Submission | None:
        """The submission that was followed or selected last; None if its line has gone."""
        return self._selected

    def follow(self, run: Submission) -> None:
        """Give a submission a line, at the top, if it has none, and select it. From any thread."""
        with self._lock:
            if self._closed.is_set():
                return
            if run not in self.runs:
                self._numbered += 1
                line = _Line(self, run, self._numbered)
                self._lines.insert(0, line)
                line.unsubscribe = run.on_change(lambda _: self._draw(line))
                line.draw()
                finished = [old for old in self._lines if old.run.done()]
                self._drop(finished[FINISHED_LINES:])
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._tick, name="brocap submissions", daemon=True
                )
                self._thread.start()
        self.select(run)

    def select(self, run: Submission) -> None:
        """Mark the line of a submission, and tell of it."""
        with self._lock:
            self._selected = run
            for line in self._lines:
                line.draw()
        self.on_select(run)

    def clear_finished(self) -> None:
        """Take away the lines of submissions that have ended."""
        with self._lock:
            self._drop([line for line in self._lines if line.run.done()])

    def close(self) -> None:
        """Stop following and drawing, and take the lines away. The submissions themselves go on."""
        with self._lock:
            self._closed.set()
            lines, self._lines = self._lines, []
            self.children = ()
            for part in (*lines, self._head, *([self.clear] if "clear" in self.__dict__ else ())):
                part.close()
            super().close()

    # drawing

    def _tick(self) -> None:
        """Draw what runs, again and again, until nothing does."""
        while True:
            with self._lock:
                running = [line for line in self._lines if not line.run.done()]
                if not running or self._closed.is_set():
                    self._thread = None
                    return
                for line in running:
                    line.draw()
            self._closed.wait(TICK)

    def _draw(self, line: _Line) -> None:
        """Show a change; the last one of a submission is its end."""
        with self._lock:
            if line in self._lines:
                line.draw()
                self._arrange()

    def _drop(self, lines: list[_Line]) -> None:
        self._lines = [line for line in self._lines if line not in lines]
        self._arrange()  # before the others are closed
        for line in lines:
            if line.run is self._selected:
                self._selected = None
            line.close()

    def _arrange(self) -> None:
        self._head.value = _HEADING + ("" if self._lines else note(_NOTHING))
        several = sum(line.run.done() for line in self._lines) > 1
        boxes = [line.box for line in self._lines]
        self.children = (self._head, *boxes, *([self.clear] if several else ()))

    def __repr__(self) -> str:
        with self._lock:
            told = "; ".join(line.told for line in self._lines)
        return f"<SubmissionList: {told or 'nothing submitted'}>"


class _Line:
    """The widgets of one submission.

    They are closed with it and not used again: a late click must not hit another submission.
    """

    def __init__(self, owner: SubmissionList, run: Submission, number: int) -> None:
        self.run = run
        self.unsubscribe: Callable[[], None] = lambda: None
        self._owner, self._number = owner, number
        self.status = widgets.HTML(layout=_WIDE, classes=("brocap-run-status",))
        self.numbers = widgets.HTML(layout=_WIDE, classes=("brocap-run-numbers",))
        self.show, self.cancel = widgets.Button(layout=_WIDE), widgets.Button(layout=_WIDE)
        self.request = widgets.Button(description="Show request", layout=_WIDE)
        self.box = widgets.Box(layout=_WIDE, classes=("brocap-run",))
        self.show.on_click(lambda _: owner.select(run))
        self.cancel.on_click(lambda _: run.cancel())
        self.request.on_click(lambda _: self._show_request())

    @property
    def name(self) -> str:
        """How a person calls it: by the service's number as soon as there is one."""
        task_id = self.run.task_id
        return f"submission {self._number}" if task_id is None else f"task {task_id}"

    @property
    def told(self) -> str:
        """Its name, its state and its answer, in words."""
        run = self.run
        words = f"{self.name}: {_WORDS.get(run.status, run.status)}"
        answer = run.result().answer if run.status == "ready" else None
        return words if answer is None else f"{words}, {answer_in_words(answer)}"

    def draw(self) -> None:
        """Show how the submission stands now. What has not changed is not sent."""
        run, owner = self.run, self._owner
        selected = owner.selected is run
        self.status.value = self._status()  # a screen reader hears only what has changed
        self.numbers.value = _numbers(run, owner.broken(run) if run.done() else "")
        self.show.description = f"{'✓ Showing' if selected else 'Show'} {self.name}"
        self.cancel.description = f"Cancel {self.name}"
        (self.box.add_class if selected else self.box.remove_class)("brocap-run-selected")
        parts = [self.status, self.numbers]
        parts += [self.show] if len(owner.runs) > 1 else []
        parts += [] if run.done() else [self.cancel]
        failed = run.status == "failed" and isinstance(run.exception(), ExchangeError)
        parts += [self.request] if failed else []
        self.box.children = parts

    def close(self) -> None:
        """Take the widgets away."""
        self.unsubscribe()
        for part in (self.box, self.status, self.numbers, self.show, self.cancel, self.request):
            part.close()

    def _show_request(self) -> None:
        error = self.run.exception()
        if isinstance(error, ExchangeError):
            self._owner.show_request(error.exchange_id)

    def _status(self) -> str:
        """What changes seldom: the state in words, the type, the typical time, the error."""
        run, about = self.run, [_kind(self.run)]
        if run.typical_wait and not run.done():
            about.append("usually {:g} to {:g} s".format(*run.typical_wait))
        small = escape(", ".join(filter(None, about)))
        error = run.exception() if run.done() else None
        failed = error is not None and not isinstance(error, CancelledError)
        return (
            f'<div role="status"><b>{_SIGNS.get(run.status, "")}{self.told}</b> '
            f"<small>{small}</small>{_problem(error) if failed else ''}</div>"
        )


def _problem(error: BaseException | None) -> str:
    """An error in one sentence, and why; no alert, since a status is read out anyway."""
    why = ""
    sentence = str(error) or type(error).__name__
    if isinstance(error, ApiError):
        entry = explain(error.code)
        said = dict(entry.facts(error.description)).get("the service says", "")
        sentence = f"{error.code}: {said or error.meaning}"
        more = entry.sentence() if said else entry.sentence().removeprefix(f"{entry.meaning} ")
        more = _html.words(_html.printable(more, "utf-8"))
        why = f"<details><summary>Why?</summary>{more}</details>"
    sentence = _html.printable(sentence, "utf-8")
    if len(sentence) > SENTENCE:
        sentence = f"{sentence[:SENTENCE]}…"
    return f'<div class="brocap-problem">{_html.words(sentence)}{why}</div>'


def _kind(run: Submission) -> str:
    """The task's type; nothing after a resume."""
    kind = run.task.type if run.task is not None else None
    return _html.printable(str(kind or ""), "utf-8")


def _numbers(run: Submission, broken: str) -> str:
    """What changes all the time, as short as it can be."""
    elapsed, done = run.elapsed, run.done()
    digits = 1 if done or elapsed < LONG else 0
    typical = run.typical_wait
    late = ", longer than usual" if typical and elapsed > typical[1] and not done else ""
    asked = {0: "not asked yet", 1: "asked once", 2: "asked twice"}
    facts = [f"{elapsed:.{digits}f} s{late}"]
    if run.polls or not done:
        facts.append(asked.get(run.polls, f"asked {run.polls} times"))
    facts += [broken] if broken else []
    due = run.next_poll_in
    if due is not None and not done:
        facts.append(f"next poll {f'in {due:.{digits}f} s' if due >= 0.1 else 'now'}")
    return f"{'' if done else _bar(run)}<div>{' · '.join(facts)}</div>"


def _bar(run: Submission) -> str:
    """How much of the typical time has gone; never full, since only an answer is the end."""
    expected = run.typical_wait[1] if run.typical_wait else EXPECTED
    share = min(0.95, run.elapsed / expected)
    return f'<div class="brocap-run-bar" aria-hidden="true"><i style="width:{share:.0%}"></i></div>'
