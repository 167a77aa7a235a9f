"""The look of the widgets: one style sheet, coloured by the theme, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any, Final

from brocap_nb._html import words
from brocap_nb.api._errors import BroCapError
from brocap_nb.widgets import _kit as widgets

PLAIN: Final = ("brocap-control",)
"""The class of a control with its label above it."""

STYLE: Final = f"<style>{Path(__file__).with_name('console.css').read_text('utf-8')}</style>"
"""Put once into each widget that is shown by itself, in an `HTML`."""


def heading(text: str) -> str:
    """A panel's heading."""
    return f'<div class="brocap-heading" role="heading" aria-level="3">{escape(text)}</div>'


def note(text: str) -> str:
    """A quiet sentence."""
    return f'<div class="brocap-note">{words(text)}</div>'


def status_note(text: str) -> str:
    """A quiet sentence that a screen reader reads out when it changes."""
    return f'<div role="status">{note(text)}</div>'


def problem_note(*sentences: str) -> str:
    """What is wrong, in words; nothing if nothing is."""
    if not sentences:
        return ""
    return f'<div class="brocap-problem" role="alert">✗ {words(chr(10).join(sentences))}</div>'


def show_html(place: widgets.HTML, html: str) -> None:
    """Put HTML into its place; an empty place takes no room."""
    place.value = html
    widgets.show(place, html)


def plain(kind: Any, label: str, **options: Any) -> Any:
    """A control that is no field of a task, with its label above it."""
    return kind(description=label, classes=PLAIN, **options)


def dress(widget: widgets.VBox) -> None:
    """Give a widget that is shown by itself its look, and its keys; once."""
    if "brocap" not in widget._dom_classes:
        widget.add_class("brocap")
        widget.children += (widgets.HTML(STYLE, layout=widgets.shown(False)), widgets.OwnKeys())


def close_all(widget: widgets.Widget) -> None:
    """Close a widget and all that is in it: a closed one in an open one breaks its saving."""
    for inner in getattr(widget, "children", ()):
        close_all(inner)
    widget.close()


def panel(*children: widgets.Widget) -> widgets.VBox:
    """A framed block of widgets."""
    return widgets.VBox(children, classes=("brocap-panel",))


class Fold(widgets.VBox):
    """A button that shows and hides what `make` returns when it is pressed for the first time."""

    def __init__(self, title: str, make: Callable[[], Sequence[widgets.Widget]]) -> None:
        self._title, self._make = title, make
        self.opened = widgets.ToggleButton(description=f"▸ {title}", classes=("brocap-quiet",))
        super().__init__([self.opened], classes=("brocap-unfold",))
        self.opened.observe(lambda change: self._turn(change.new), "value")

    def _turn(self, opened: bool) -> None:
        if len(self.children) == 1:
            content = widgets.VBox(self._make(), classes=("brocap-form",))
            self.children += (content,)
        self.opened.description = f"{'▾' if opened else '▸'} {self._title}"
        widgets.show(self.children[1], opened)


class Report(widgets.HTML):
    """Shows what a handler raises, redacted: a front end would swallow the traceback."""

    def __init__(self, redact: Callable[[str], str] = str) -> None:
        super().__init__(layout=widgets.shown(False))
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
