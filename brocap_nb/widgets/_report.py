"""A place for what went wrong, beside the controls that caused it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from brocap_nb.api._errors import BroCapError
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._style import problem_note, show_html, status_note


class Report(widgets.HTML):
    """Shows what a handler raises: a front end would swallow the traceback.

    Args:
        redact: takes secrets out of a text before it is shown.
    """

    def __init__(self, redact: Callable[[str], str] = str) -> None:
        super().__init__(layout={"display": "none"})
        self._redact = redact

    def clear(self) -> None:
        """Show nothing."""
        show_html(self, "")

    def tell(self, sentence: str) -> None:
        """Show a quiet sentence."""
        show_html(self, status_note(self._redact(sentence)))

    def problem(self, *sentences: str) -> None:
        """Show what is wrong."""
        show_html(self, problem_note(*map(self._redact, sentences)))

    @contextmanager
    def catching(self) -> Iterator[None]:
        """Show what is raised inside."""
        try:
            yield
        except BroCapError as error:
            self.problem(str(error))
        except Exception as error:  # a handler has no caller that could handle it
            self.problem(f"{type(error).__name__}: {error}. Nothing more was done.")

    def guard(self, handler: Callable[[], object]) -> Callable[..., None]:
        """Return a handler for a widget's events; what `handler` raises is shown here."""

        def run(*_: Any) -> None:
            with self.catching():
                handler()

        return run
