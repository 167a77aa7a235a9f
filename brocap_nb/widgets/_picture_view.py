"""The pictures of a task with their facts, and, once there is one, the answer drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from brocap_nb import _html
from brocap_nb.api._errors import InvalidImageError
from brocap_nb.tasks import _pictures
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._style import note, plain, problem_note, show_html

NO_PICTURE: Final = "No picture is chosen yet."
"""What is said where a picture would be."""


class PictureView(widgets.View):
    """Shows small copies, so that a saved notebook stays light; the facts are the files' own."""

    def __init__(self) -> None:
        self._pictures: list[bytes] = []
        self._answer: Sequence[bool] | None = None
        self._aside = ""
        self._settling = False
        self._shown = widgets.HTML(note(NO_PICTURE))
        self._said, self._facts = (widgets.HTML(layout={"display": "none"}) for _ in range(2))
        self.grid = plain(widgets.Dropdown, "Tiles (columns x rows)", layout={"display": "none"})
        """Another grid for the answer to be drawn in; seen once there is an answer."""
        self.grid.observe(self._grid_chosen, "value")
        super().__init__(
            [self._shown, self._said, self.grid, self._facts], classes=("brocap-picture",)
        )

    @property
    def value(self) -> str:
        """What is shown, as HTML; the choice of a grid is not in it."""
        return "".join(str(part.value) for part in (self._shown, self._said, self._facts))

    def clear(self, sentence: str = NO_PICTURE) -> None:
        """Show no picture, and why."""
        self._pictures, self._answer, self._aside = [], None, ""
        self._offer([], None)
        show_html(self._shown, note(sentence))
        show_html(self._said, "")
        show_html(self._facts, "")

    def show(self, data: bytes | Sequence[bytes]) -> None:
        """Show a task's picture, or its pictures as a strip, not answered yet."""
        self._pictures, self._answer, self._aside = _files(data), None, ""
        self._offer([], None)
        self._draw()

    def show_answer(
        self,
        data: bytes | Sequence[bytes],
        answer: Sequence[bool],
        *,
        grid: tuple[int, int] | None = None,
    ) -> None:
        """Show a picture with its tiles numbered and the chosen ones outlined and ticked.

        Of several pictures the first one is marked: the API documents one answer for one picture.

        Args:
            data: the picture's file, or those of all pictures of the task.
            answer: one boolean for each tile, row by row.
            grid: columns and rows; guessed if not given, or if the answer does not fill it. A
                person can choose another one.
        """
        self._pictures, self._answer, self._aside = _files(data), answer, ""
        possible = _pictures.grids(len(answer))
        if grid is not None and grid not in possible:
            self._aside = (
                f"An answer of {len(answer)} tiles does not fit {_words(grid)} tiles, so "
                "another grid is guessed. Choose the one that fits the picture."
            )
        if grid not in possible:
            seen = _pictures.inspect(self._pictures[0]) if self._pictures else None
            shape = (seen.width or 1, seen.height or 1) if seen else (1, 1)
            grid = _pictures.guess_grid(len(answer), *shape) if possible else None
        self._offer(possible, grid)
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
            self._aside = ""
            self._draw()

    def _draw(self) -> None:
        files, answer = self._pictures, self._answer
        problem, alt = "", "The picture of the task"
        drawn = list(files)
        words = "" if answer is None else answer_in_words(answer)
        if answer is not None and files:
            try:
                drawn[0] = _pictures.mark_answer(files[0], answer, grid=self.grid.value)
                alt = f"The picture with its answer: {words}"
            except InvalidImageError as error:
                problem = problem_note(str(error))
        aside = [self._aside] if self._aside else []
        if answer is not None and len(files) > 1:
            aside.append("The answer is drawn on picture 1.")
        small = _pictures.thumbnails(drawn)
        if len(files) == 1:
            show_html(self._shown, _picture(small[0], alt))
            show_html(self._facts, _facts(files[0]))
        else:
            show_html(self._shown, _strip(files, small, alt))
            show_html(self._facts, "")
        said = _said(words) if words else ""
        show_html(self._said, said + problem + "".join(map(note, aside)))


def answer_in_words(answer: Sequence[bool]) -> str:
    """Return which tiles are chosen, counted from 1, row by row."""
    chosen = [str(number) for number, yes in enumerate(answer, 1) if yes]
    if not chosen:
        return f"none of the {len(answer)} tiles"
    what = "tile" if len(chosen) == 1 else "tiles"
    return f"{what} {', '.join(chosen)} of {len(answer)}"


def _files(data: bytes | Sequence[bytes]) -> list[bytes]:
    return [data] if isinstance(data, bytes) else list(data)


def _words(grid: tuple[int, int]) -> str:
    return f"{grid[0]} x {grid[1]}"


def _said(words: str) -> str:
    return f'<div role="status" class="brocap-answer">✓ Answer: <b>{escape(words)}</b></div>'


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
    seen = _pictures.inspect(data)
    rows = [
        ("format", escape(seen.format or "unknown")),
        ("size", f"{seen.width} x {seen.height} pixels" if seen.width else "unknown"),
        ("file", f"{seen.size:,} bytes"),
        ("limits", _html.badge("inside the limits", good=True) if not seen.problem else ""),
    ]
    return _html.facts(row for row in rows if row[1]) + (
        problem_note(seen.problem) if seen.problem else ""
    )
