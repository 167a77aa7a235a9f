"""The pictures of a task with their facts, and, once there is one, the answer drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from brocap_nb import _html
from brocap_nb.api._errors import InvalidImageError
from brocap_nb.tasks import _pictures
from brocap_nb.widgets import _kit as widgets

NO_PICTURE: Final = "No picture is chosen yet."
"""What is said where a picture would be."""

BUDGET: Final = 26_000
"""Characters of pictures in a saved notebook; with the samples' copies it is 40,000 at most."""


class PictureView(widgets.VBox):
    """Shows small copies, so that a saved notebook stays light; the facts are the files' own."""

    def __init__(self) -> None:
        self.pictures: list[bytes] = []
        """What is shown, as files."""
        self._answer: Sequence[bool] | None = None
        self._whose = ""
        self.shown = widgets.HTML(widgets.note(NO_PICTURE))
        """What is shown; the choice of a grid is not in it."""
        self.grid = widgets.plain(
            widgets.Dropdown, "Tiles (columns x rows)", layout=widgets.shown(False)
        )
        """Another grid for the answer to be drawn in; seen once there is an answer."""
        self.grid.observe(self._draw, "value")
        super().__init__([self.shown, self.grid], classes=("brocap-picture",))

    def clear(self, sentence: str = NO_PICTURE) -> None:
        """Show no picture, and why."""
        self.pictures = []
        widgets.show(self.grid, False)
        self.shown.value = widgets.note(sentence)

    def show(
        self,
        data: bytes | Sequence[bytes],
        answer: Sequence[bool] | None = None,
        *,
        whose: str = "Not submitted yet.",
    ) -> None:
        """Show a task's picture, or its pictures as a strip, with the answer's tiles ticked.

        `whose` says of which task the picture, or the answer, is. Of several pictures the first
        one is marked.
        """
        self.pictures = [data] if isinstance(data, bytes) else list(data)
        self._answer, self._whose = answer, whose
        possible = _pictures.grids(len(answer)) if answer is not None else []
        self.grid.unobserve(self._draw, "value")
        self.grid.options = [(f"{columns} x {rows}", (columns, rows)) for columns, rows in possible]
        if possible:
            seen = _pictures.inspect(self.pictures[0])
            guess = _pictures.guess_grid(len(answer or ()), seen.width or 1, seen.height or 1)
            self.grid.value = guess
        self.grid.observe(self._draw, "value")
        widgets.show(self.grid, len(possible) > 1)
        self._draw()

    def _draw(self, _: Any = None) -> None:
        drawn, answer = list(self.pictures), self._answer
        caption, aside, alt = escape(self._whose), "", "The picture of the task"
        if answer is not None:
            words = answer_in_words(answer)
            caption = f"✓ {caption and f'{caption} · '}Answer: <b>{escape(words)}</b>"
            try:
                drawn[0] = _pictures.mark_answer(drawn[0], answer, grid=self.grid.value)
                alt = f"The picture with its answer: {words}"
            except InvalidImageError as error:
                aside = widgets.problem_note(str(error))
        copies = _pictures.thumbnails(drawn, budget=BUDGET)
        several, figures = len(drawn) > 1, []
        for number, (data, small) in enumerate(zip(self.pictures, copies, strict=True), 1):
            which = f"Picture {number} of {len(drawn)}. " if several else ""
            shown = widgets.note("It is not shown here.") if several else ""
            if small is not None:
                shown = _html.picture(
                    small.data,
                    small.media_type,
                    which + (alt if number == 1 else "Not answered"),
                    width=220 if several else 360,
                    size=(small.width, small.height),
                )
            told = f"<figcaption><b>{which}</b>{_facts(data)}</figcaption>"
            figures.append(f'<figure class="brocap-figure">{shown}{told}</figure>')
        said = f'<div role="status" class="brocap-caption">{caption}</div>{aside}'
        self.shown.value = f'<div class="brocap-strip">{"".join(figures)}</div>{said}'


def answer_in_words(answer: Sequence[bool]) -> str:
    """Return which tiles are chosen, counted from 1, row by row."""
    chosen = [str(number) for number, yes in enumerate(answer, 1) if yes]
    if not chosen:
        return f"none of the {len(answer)} tiles"
    what = "tile" if len(chosen) == 1 else "tiles"
    return f"{what} {', '.join(chosen)} of {len(answer)}"


def _facts(data: bytes) -> str:
    """What is known of a file, in one line."""
    seen = _pictures.inspect(data)
    size = f"{seen.width} x {seen.height} pixels" if seen.width else ""
    told = ", ".join(filter(None, [seen.format, size, f"{seen.size:,} bytes"]))
    good = "" if seen.problem else f" {_html.badge('inside the limits', good=True)}"
    wrong = widgets.problem_note(seen.problem) if seen.problem else ""
    return f"<div>{escape(told)}{good}</div>{wrong}"
