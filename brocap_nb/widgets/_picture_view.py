"""The pictures of a task with their facts, and, once there is one, the answer drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from brocap_nb import _html
from brocap_nb.api._errors import InvalidImageError
from brocap_nb.tasks import _pictures
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._style import note, plain, problem_note

NO_PICTURE: Final = "No picture is chosen yet."
"""What is said where a picture would be."""

NOT_SUBMITTED: Final = "Not submitted yet."
"""What is said of a picture that was only chosen."""

BUDGET: Final = 26_000
"""Characters of pictures in a saved notebook; with the samples' copies it is 40,000 at most."""


class PictureView(widgets.VBox):
    """Shows small copies, so that a saved notebook stays light; the facts are the files' own."""

    def __init__(self) -> None:
        self.pictures: list[bytes] = []
        """What is shown, as files."""
        self._answer: Sequence[bool] | None = None
        self._whose = ""
        self._settling = False
        self._shown = widgets.HTML(note(NO_PICTURE))
        self.grid = plain(widgets.Dropdown, "Tiles (columns x rows)", layout={"display": "none"})
        """Another grid for the answer to be drawn in; seen once there is an answer."""
        self.grid.observe(self._grid_chosen, "value")
        super().__init__([self._shown, self.grid], classes=("brocap-picture",))

    @property
    def value(self) -> str:
        """What is shown, as HTML; the choice of a grid is not in it."""
        return str(self._shown.value)

    def clear(self, sentence: str = NO_PICTURE) -> None:
        """Show no picture, and why."""
        self.pictures = []
        self._offer([], None)
        self._shown.value = note(sentence)

    def show(
        self,
        data: bytes | Sequence[bytes],
        answer: Sequence[bool] | None = None,
        *,
        whose: str = NOT_SUBMITTED,
    ) -> None:
        """Show a task's picture, or its pictures as a strip, with the answer's tiles ticked.

        `whose` says of which task the picture, or the answer, is. Of several pictures the first
        one is marked.
        """
        self.pictures = [data] if isinstance(data, bytes) else list(data)
        self._answer, self._whose = answer, whose
        possible = _pictures.grids(len(answer)) if answer is not None else []
        seen = _pictures.inspect(self.pictures[0]) if possible and self.pictures else None
        shape = (seen.width or 1, seen.height or 1) if seen else (1, 1)
        guessed = _pictures.guess_grid(len(answer or ()), *shape) if possible else None
        self._offer(possible, guessed)
        self._draw()

    def _offer(self, possible: Sequence[tuple[int, int]], grid: tuple[int, int] | None) -> None:
        self._settling = True
        try:
            self.grid.options = [(_words(one), one) for one in possible]
            self.grid.value = grid
        finally:
            self._settling = False
        widgets.show(self.grid, len(possible) > 1)

    def _grid_chosen(self, _: Any) -> None:
        if not self._settling:
            self._draw()

    def _draw(self) -> None:
        drawn, answer = list(self.pictures), self._answer
        aside = ""
        caption, alt = escape(self._whose), "The picture of the task"
        if answer is not None:
            words = answer_in_words(answer)
            caption = f"✓ {caption and f'{caption} · '}Answer: <b>{escape(words)}</b>"
            try:
                drawn[:1] = [_pictures.mark_answer(drawn[0], answer, grid=self.grid.value)]
                alt = f"The picture with its answer: {words}"
            except (IndexError, InvalidImageError) as error:
                aside += problem_note(str(error)) if drawn else ""
            aside += note("The answer is drawn on picture 1.") if len(drawn) > 1 else ""
        copies = _pictures.thumbnails(drawn, budget=BUDGET)
        if len(drawn) == 1:
            shown, facts = _picture(copies[0], alt), _facts(self.pictures[0])
        else:
            shown, facts = _strip(self.pictures, copies, alt), ""
        said = f'<div role="status" class="brocap-caption">{caption}</div>'
        self._shown.value = shown + said + aside + facts


def answer_in_words(answer: Sequence[bool]) -> str:
    """Return which tiles are chosen, counted from 1, row by row."""
    chosen = [str(number) for number, yes in enumerate(answer, 1) if yes]
    if not chosen:
        return f"none of the {len(answer)} tiles"
    what = "tile" if len(chosen) == 1 else "tiles"
    return f"{what} {', '.join(chosen)} of {len(answer)}"


def _words(grid: tuple[int, int]) -> str:
    return f"{grid[0]} x {grid[1]}"


def _picture(small: _pictures.Thumbnail | None, alt: str, *, width: int = 360) -> str:
    if small is None:
        return ""
    size = (small.width, small.height)
    return _html.picture(small.data, small.media_type, alt, width=width, size=size)


def _strip(files: Sequence[bytes], small: Sequence[_pictures.Thumbnail | None], first: str) -> str:
    """The pictures side by side, as many to a row as there is room for."""
    figures = []
    for number, (data, copy) in enumerate(zip(files, small, strict=True), 1):
        alt = first if number == 1 and first.startswith("The picture with") else "Not answered"
        alt = f"Picture {number} of {len(files)}. {alt}"
        shown = _picture(copy, alt, width=220) or note("It is not shown here.")
        figures.append(
            f'<figure class="brocap-figure">{shown}'
            f"<figcaption><b>Picture {number}</b>{_facts(data)}</figcaption></figure>"
        )
    return f'<div class="brocap-strip">{"".join(figures)}</div>'


def _facts(data: bytes) -> str:
    """What is known of a file, in one line."""
    seen = _pictures.inspect(data)
    size = f"{seen.width} x {seen.height} pixels" if seen.width else ""
    told = ", ".join(filter(None, [seen.format, size, f"{seen.size:,} bytes"]))
    good = "" if seen.problem else f" {_html.badge('inside the limits', good=True)}"
    wrong = problem_note(seen.problem) if seen.problem else ""
    return f"<div>{escape(told)}{good}</div>{wrong}"
