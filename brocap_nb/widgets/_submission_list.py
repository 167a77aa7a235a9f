"""Submissions on their way, a line for each: how far it is, and a way to stop it and to see it.

While one of them runs, a thread draws the lines, a busy cell or not: what has changed is sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Final

from brocap_nb import _html
from brocap_nb.api._errors import ApiError, CancelledError, ExchangeError
from brocap_nb.api._facts import explain
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._picture_view import answer_in_words
from brocap_nb.widgets._style import close_all, heading, note

if TYPE_CHECKING:
    from brocap_nb.client._submission import Submission

TICK: Final = 0.3  # seconds between two drawings
FINISHED_LINES: Final = 6
"""How many finished submissions stay; the oldest fall off."""

EXPECTED: Final = 30.0
"""Seconds that the bar stands for where no typical time is documented."""

SENTENCE: Final = 600
"""Most characters of an error that are shown; the log has all of it."""

_WORDS: Final = {"creating": "creating the task", "waiting": "waiting for the answer"}
_SIGNS: Final = {"ready": "✓ ", "failed": "✗ ", "cancelled": "■ "}
_HEADING: Final = heading("Submissions")
_WIDE: Final = {"width": "auto"}


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
        self._head = widgets.HTML(_HEADING + note("Nothing has been submitted yet."))
        super().__init__([self._head], classes=("brocap-runs",))

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
                self._head.value = _HEADING
                for line in gone:
                    close_all(line)
        self.select(run)

    def select(self, run: Submission) -> None:
        """Mark the line of a submission, and tell of it."""
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

    def __repr__(self) -> str:
        told = "; ".join(line.told for line in self._lines)
        return f"<SubmissionList: {told or 'nothing submitted'}>"


class _Line(widgets.Box):
    """The widgets of one submission.

    They are closed with it and not used again: a late click must not hit another submission.
    """

    def __init__(self, owner: SubmissionList, run: Submission, number: int) -> None:
        self.run, self._owner, self._number = run, owner, number
        self._ended = False
        self.status = widgets.HTML(layout=_WIDE, classes=("brocap-run-status",))
        self.numbers = widgets.HTML(layout=_WIDE, classes=("brocap-run-numbers",))
        self.show, self.cancel = widgets.Button(layout=_WIDE), widgets.Button(layout=_WIDE)
        self.request = widgets.Button(description="Show request", layout=_WIDE)
        parts = [self.status, self.numbers, self.show, self.cancel, self.request]
        super().__init__(parts, layout=_WIDE, classes=("brocap-run",))
        self.show.on_click(lambda _: owner.select(run))
        self.cancel.on_click(lambda _: run.cancel())
        self.request.on_click(lambda _: owner.show_request(_failed_with(run)))

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
        """What changes seldom: the state in words, the type, the typical time, the error."""
        run = self.run
        about = [str(run.task.type or "") if run.task is not None else ""]
        if run.typical_wait and not run.done():
            about.append("usually {:g} to {:g} s".format(*run.typical_wait))
        small = escape(_html.printable(", ".join(filter(None, about)), "utf-8"))
        error = run.exception() if run.done() else None
        failed = error is not None and not isinstance(error, CancelledError)
        return (
            f'<div role="status"><b>{_SIGNS.get(run.status, "")}{self.told}</b> '
            f"<small>{small}</small>{_problem(error) if failed else ''}</div>"
        )


def _failed_with(run: Submission) -> str:
    """The id of the exchange that a submission failed with; empty if it did not."""
    error = run.exception() if run.done() else None
    return error.exchange_id if isinstance(error, ExchangeError) else ""


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


def _numbers(run: Submission, broken: str) -> str:
    """What changes all the time, as short as it can be."""
    elapsed, done = run.elapsed, run.done()
    typical = run.typical_wait
    late = ", longer than usual" if typical and elapsed > typical[1] and not done else ""
    asked = {0: "not asked yet", 1: "asked once", 2: "asked twice"}
    facts = [f"{elapsed:.1f} s{late}"]
    if run.polls or not done:
        facts.append(asked.get(run.polls, f"asked {run.polls} times"))
    facts += [broken] if broken else []
    due = run.next_poll_in
    if due is not None and not done:
        facts.append(f"next poll {f'in {due:.1f} s' if due >= 0.1 else 'now'}")
    return f"{'' if done else _bar(run)}<div>{' · '.join(facts)}</div>"


def _bar(run: Submission) -> str:
    """How much of the typical time has gone; never full, since only an answer is the end."""
    expected = run.typical_wait[1] if run.typical_wait else EXPECTED
    share = min(0.95, run.elapsed / expected)
    return f'<div class="brocap-run-bar" aria-hidden="true"><i style="width:{share:.0%}"></i></div>'
