"""A picture with its facts, and, once there is one, with the answer drawn on it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets as widgets

from brocap_nb import images, render
from brocap_nb.errors import InvalidImageError
from brocap_nb.widgets.style import note, problem_note

__all__ = ["PictureView"]


class PictureView(widgets.HTML):
    """Shows a small copy, so that a saved notebook stays light; the facts are the file's own."""

    def __init__(self) -> None:
        super().__init__()
        self.clear()

    def clear(self, sentence: str = "No picture is chosen yet.") -> None:
        """Show no picture, and why."""
        self.value = note(sentence)

    def show(self, data: bytes) -> None:
        """Show a picture that is not answered yet."""
        self.value = _shown(data, "The picture of the task") + _facts(data)

    def show_answer(
        self, data: bytes, answer: Sequence[bool], *, grid: tuple[int, int] | None = None
    ) -> None:
        """Show a picture with its tiles numbered and the chosen ones outlined and ticked.

        Args:
            data: the picture's file.
            answer: one boolean for each tile, row by row.
            grid: columns and rows; guessed if not given.
        """
        words = answer_in_words(answer)
        columns, rows = grid or (None, None)
        try:
            marked = images.mark_answer(data, answer, columns=columns, rows=rows)
        except InvalidImageError as error:
            self.value = _said(words) + problem_note(str(error)) + _facts(data)
            return
        shown = _shown(marked, f"The picture with its answer: {words}")
        self.value = shown + _said(words) + _facts(data)


def answer_in_words(answer: Sequence[bool]) -> str:
    """Return which tiles are chosen, counted from 1, row by row."""
    chosen = [str(number) for number, yes in enumerate(answer, 1) if yes]
    if not chosen:
        return f"none of the {len(answer)} tiles"
    what = "tile" if len(chosen) == 1 else "tiles"
    return f"{what} {', '.join(chosen)} of {len(answer)}"


def _said(words: str) -> str:
    return f'<div role="status" class="brocap-answer">✓ Answer: <b>{escape(words)}</b></div>'


def _shown(data: bytes, alt: str) -> str:
    try:
        small, media_type = images.thumbnail(data)
    except InvalidImageError:
        return ""
    return render.picture(small, media_type, alt)


def _facts(data: bytes) -> str:
    seen = images.inspect(data)
    rows = [
        ("format", escape(seen.format or "unknown")),
        ("size", f"{seen.width} x {seen.height} pixels" if seen.width else "unknown"),
        ("file", f"{seen.size:,} bytes"),
        ("limits", render.badge("inside the limits", good=True) if not seen.problem else ""),
    ]
    return render.facts(row for row in rows if row[1]) + (
        problem_note(seen.problem) if seen.problem else ""
    )
