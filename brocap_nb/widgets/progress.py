"""The progress of one submission: elapsed and typical time, polls, the next poll, a way out."""

from __future__ import annotations

import threading
from html import escape
from typing import TYPE_CHECKING, Final

import ipywidgets as widgets

from brocap_nb.widgets.style import note

if TYPE_CHECKING:
    from brocap_nb.submission import Submission

__all__ = ["ProgressView"]

TICK: Final = 0.25

_WORDS: Final = {
    "creating": "creating the task",
    "waiting": "waiting for the answer",
    "ready": "ready",
    "failed": "failed",
    "cancelled": "cancelled",
}
_SIGNS: Final = {"ready": "✓ ", "failed": "✗ ", "cancelled": "■ "}


class ProgressView(widgets.VBox):
    """Follows one submission at a time. A thread draws it only while something runs."""

    def __init__(self) -> None:
        self._status = widgets.HTML()
        self._numbers = widgets.HTML()
        self.cancel = widgets.Button(
            description="Cancel",
            disabled=True,
            tooltip="Stop waiting for this task",
        )
        self._run: Submission | None = None
        self._lock = threading.Lock()
        super().__init__(
            [self._status, self._numbers], layout={"width": "auto", "min_height": "4.6em"}
        )
        self.cancel.on_click(lambda _: self._cancel())
        self._status.value = note("Nothing has been submitted yet.")

    @property
    def running(self) -> bool:
        """Whether a submission is being followed that is not done."""
        return self._run is not None and not self._run.done()

    def follow(self, run: Submission) -> None:
        """Show the progress of `run` until it is done."""
        self._run = run
        self.draw()
        threading.Thread(
            target=self._tick, args=(run,), name="brocap progress", daemon=True
        ).start()

    def draw(self) -> None:
        """Show how things stand now. May be called from any thread."""
        run = self._run
        if run is None:
            return
        with self._lock:
            self.cancel.disabled = run.done()
            status = _status(run)
            if self._status.value != status:  # a screen reader hears only what has changed
                self._status.value = status
            self._numbers.value = _numbers(run)

    def _tick(self, run: Submission) -> None:
        pause = threading.Event()
        while self._run is run and not run.done():
            self.draw()
            pause.wait(TICK)
        if self._run is run:
            self.draw()

    def _cancel(self) -> None:
        if self._run is not None:
            self._run.cancel()
            self.draw()

    def close(self) -> None:
        """Stop drawing. The submission itself goes on."""
        self._run = None
        super().close()


def _status(run: Submission) -> str:
    words = _WORDS.get(run.status, run.status)
    task = f"task {run.task_id}: " if run.task_id else ""
    return (
        f'<div role="status"><b>{_SIGNS.get(run.status, "")}{escape(task)}{escape(words)}</b></div>'
    )


def _numbers(run: Submission) -> str:
    typical = run.typical_wait
    facts = [f"elapsed <b>{run.elapsed:.1f} s</b>"]
    if typical:
        facts.append(f"typically <b>{typical[0]:g} to {typical[1]:g} s</b>")
    facts.append(f"polls <b>{run.polls}</b>")
    if run.next_poll_in is not None and not run.done():
        facts.append(f"next poll in <b>{max(0.0, run.next_poll_in):.1f} s</b>")
    numbers = "".join(f"<span>{fact}</span>" for fact in facts)
    return f'{_bar(run)}<div class="brocap-numbers">{numbers}</div>'


def _bar(run: Submission) -> str:
    """How much of the typical time has gone; full only when there is an answer."""
    typical = run.typical_wait
    expected = typical[1] if typical else 30.0
    share = 1.0 if run.status == "ready" else min(0.95, run.elapsed / expected)
    return (
        '<div class="brocap-progress-track" aria-hidden="true">'
        f'<div class="brocap-progress-fill" style="width:{share:.1%}"></div></div>'
    )
