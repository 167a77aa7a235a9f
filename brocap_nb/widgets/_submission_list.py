"""Submissions on their way, a line for each: how far it is, and a way to stop it and to see it.

While one of them runs, a thread draws the lines, a busy cell or not: what has changed is sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, Final

from brocap_nb import _html
from brocap_nb.api._answers import tiles_in_words
from brocap_nb.api._errors import CancelledError
from brocap_nb.widgets import _kit as widgets

if TYPE_CHECKING:
    from brocap_nb.client._submission import Submission

TICK: Final = 0.3  # seconds between two drawings
EXPECTED: Final = 30.0  # seconds that the bar stands for where no typical time is documented
FINISHED_LINES: Final = 6  # finished submissions that stay; the oldest fall off
SENTENCE: Final = 600  # most characters of an error that are shown; the log has all of it
_WORDS: Final = {"creating": "creating the task", "waiting": "waiting for the answer"}
_SIGNS: Final = {"ready": "✓ ", "failed": "✗ ", "cancelled": "■ "}


class SubmissionList(widgets.VBox):
    """Follows several submissions at once, newest first, each with a line of its own.

    `selected` is called with a submission when it is followed, or when its button is pressed;
    `show_request` with the id of the exchange that one failed with. `broken` says which of a
    submission's requests got no answer, if any.
    """

    def __init__(
        self,
        selected: Callable[[Submission], object] = lambda _: None,
        *,
        show_request: Callable[[str], object] = lambda _: None,
        broken: Callable[[Submission], str] = lambda _: "",
    ) -> None:
        self.on_select, self.show_request, self.broken = selected, show_request, broken
        self.selected: Submission | None = None
        """The submission that was followed or selected last."""
        self._lines: list[_Line] = []
        self._lock = threading.RLock()  # a line is read and written in one step
        self._numbered = 0
        self._refresh = widgets.Refresh(self.draw, TICK)
        super().__init__(classes=("brocap-runs",))

    @cached_property
    def _head(self) -> Any:
        return widgets.HTML(widgets.heading("Submissions"))

    @property
    def runs(self) -> tuple[Submission, ...]:
        """The submissions that have a line, newest first."""
        return tuple(line.run for line in self._lines)

    @property
    def running(self) -> tuple[Submission, ...]:
        """Those of them that have not ended, newest first."""
        return tuple(run for run in self.runs if not run.done())

    def follow(self, run: Submission) -> None:
        """Give a submission a line, at the top, if it has none, and select it. From any thread."""
        with self._lock:
            if run not in self.runs:
                self._numbered += 1
                finished = [line for line in self._lines if line.run.done()]
                gone = finished[FINISHED_LINES - 1 :]
                kept = [line for line in self._lines if line not in gone]
                self._lines = [_Line(self, run, self._numbered), *kept]
                self.children = (self._head, *self._lines)
                for line in gone:
                    widgets.close_all(line)
        self.select(run)

    def select(self, run: Submission) -> None:
        self.selected = run
        self.draw()
        self.on_select(run)

    def draw(self) -> None:
        """Show how all of them stand now, and again soon if one has not ended."""
        running = self.running  # before it is shown: the end is shown for sure
        with self._lock:
            for line in self._lines:
                line.draw()
        if running:
            self._refresh.request()

    def close(self) -> None:
        """Stop drawing. The submissions themselves go on."""
        self._refresh.close()
        super().close()


class _Line(widgets.Box):
    """The widgets of one submission.

    They are closed with it and not used again: a late click must not hit another submission.
    """

    def __init__(self, owner: SubmissionList, run: Submission, number: int) -> None:
        self.run, self._owner, self._number = run, owner, number
        self._ended = False
        self.status = widgets.HTML(classes=("brocap-run-status",))
        self.numbers = widgets.HTML(classes=("brocap-run-numbers",))
        self.show, self.cancel = widgets.Button(), widgets.Button()
        self.request = widgets.Button(description="Show request")
        parts = [self.status, self.numbers, self.show, self.cancel, self.request]
        super().__init__(parts, classes=("brocap-run",))
        self.show.on_click(lambda _: owner.select(run))
        self.cancel.on_click(lambda _: run.cancel())
        self.request.on_click(lambda _: owner.show_request(_failed_with(run)))

    @property
    def name(self) -> str:
        """How a person calls it: by the service's number as soon as there is one."""
        task_id = self.run.task_id
        return f"submission {self._number}" if task_id is None else f"task {task_id}"

    def draw(self) -> None:
        """Show how the submission stands now. What has not changed is not sent."""
        run, owner = self.run, self._owner
        selected, done = owner.selected is run, run.done()
        if not self._ended:
            self.status.value = self._status()  # a screen reader hears only what has changed
            self.numbers.value = _numbers(run, owner.broken(run) if done else "")
        self._ended = done
        self.show.description = f"{'✓ Showing' if selected else 'Show'} {self.name}"
        self.cancel.description = f"Cancel {self.name}"
        (self.add_class if selected else self.remove_class)("brocap-run-selected")
        widgets.show(self.show, len(owner.runs) > 1)
        widgets.show(self.cancel, not done)
        widgets.show(self.request, _failed_with(run))

    def _status(self) -> str:
        """What changes seldom: state and answer in words, the type, the typical time, the error."""
        run = self.run
        state = f"{_SIGNS.get(run.status, '')}{self.name}: {_WORDS.get(run.status, run.status)}"
        if run.status == "ready" and (answer := run.result().answer) is not None:
            state += f", {tiles_in_words(answer)}"
        about = [str(run.task.type or "") if run.task is not None else ""]
        if run.typical_wait and not run.done():
            about.append("usually {:g} to {:g} s".format(*run.typical_wait))
        error, problem = run.exception() if run.done() else None, ""
        if error is not None and not isinstance(error, CancelledError):
            sentence = str(error) or type(error).__name__
            sentence = sentence[:SENTENCE] + "…" * (len(sentence) > SENTENCE)
            # no alert: a status is read out anyway
            problem = f'<div class="brocap-problem">{_html.words(sentence)}</div>'
        told = (
            f'<div role="status"><b>{state}</b> '
            f"<small>{escape(', '.join(filter(None, about)))}</small>{problem}</div>"
        )
        return _html.printable(told, "utf-8")


def _failed_with(run: Submission) -> str:
    return getattr(run.exception() if run.done() else None, "exchange_id", "")


def _numbers(run: Submission, broken: str) -> str:
    elapsed, usual, due = run.elapsed, run.typical_wait, run.next_poll_in
    told = [f"{elapsed:.1f} s", f"asked {_html.many(run.polls, 'time')}" if run.polls else ""]
    if run.done():
        return f"<div>{' · '.join(filter(None, [*told, broken]))}</div>"
    if usual and elapsed > usual[1]:
        told[0] += ", longer than usual"
    if due is not None:
        told.append(f"next poll {f'in {due:.1f} s' if due >= 0.1 else 'now'}")
    share = min(0.95, elapsed / (usual[1] if usual else EXPECTED))  # only an answer is the end
    bar = f'<progress aria-hidden="true" value="{share:.2f}"></progress>'
    return f"{bar}<div>{' · '.join(filter(None, told))}</div>"
