"""A task's picture: chosen, and shown with its answer.

Its bytes are held in Python only: no widget's value keeps them, so a saved notebook stays light.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from brocap_nb import _html
from brocap_nb.api._answers import tiles_in_words
from brocap_nb.api._errors import InvalidImageError, InvalidInputError
from brocap_nb.tasks import _pictures
from brocap_nb.widgets import _kit as widgets

if TYPE_CHECKING:
    from brocap_nb.sandbox import Puzzle

NO_PICTURE: Final = "No picture is chosen yet."

BUDGET: Final = 26_000
"""Characters of pictures in a saved notebook; with the samples' copies it is 40,000 at most."""


class PictureView(widgets.VBox):
    """Shows small copies, so that a saved notebook stays light; the facts are the files' own."""

    def __init__(self) -> None:
        self.pictures: list[bytes] = []
        self._answer: Sequence[bool] | None = None
        self._whose = ""
        self.shown = widgets.HTML(widgets.note(NO_PICTURE))
        """What is shown; the choice of a grid is not in it."""
        super().__init__([self.shown], classes=("brocap-picture",))

    @cached_property
    def grid(self) -> Any:
        """Another grid for the answer to be drawn in; seen once there is an answer."""
        grid = widgets.plain(widgets.Dropdown, "Tiles (columns x rows)")
        grid.observe(self._draw, "value")
        self.children += (grid,)
        return grid

    def clear(self, sentence: str = NO_PICTURE) -> None:
        self.pictures = []
        self._offer_grids([])
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
        self._offer_grids(_pictures.grids(len(answer)) if answer is not None else [])
        self._draw()

    def _offer_grids(self, possible: Sequence[tuple[int, int]]) -> None:
        if possible or "grid" in self.__dict__:
            self.grid.unobserve(self._draw, "value")
            self.grid.options = [(f"{grid[0]} x {grid[1]}", grid) for grid in possible]
            if possible:
                seen = _pictures.inspect(self.pictures[0])
                tiles = len(self._answer or ())
                guess = _pictures.guess_grid(tiles, seen.width or 1, seen.height or 1)
                self.grid.value = guess
            self.grid.observe(self._draw, "value")
            widgets.show(self.grid, len(possible) > 1)

    def _draw(self, _: Any = None) -> None:
        drawn, answer = list(self.pictures), self._answer
        caption, aside, alt = escape(self._whose), "", "The picture of the task"
        if answer is not None:
            words = tiles_in_words(answer)
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


def _facts(data: bytes) -> str:
    seen = _pictures.inspect(data)
    size = f"{seen.width} x {seen.height} pixels" if seen.width else ""
    told = ", ".join(filter(None, [seen.format, size, f"{seen.size:,} bytes"]))
    good = "" if seen.problem else f" {_html.badge('inside the limits', good=True)}"
    wrong = widgets.problem_note(seen.problem) if seen.problem else ""
    return f"<div>{escape(told)}{good}</div>{wrong}"


MAX_BYTES: Final = 10_000_000
"""How large a file may be, as in drop_zone.js; a notebook's connection carries little more."""


@lru_cache(maxsize=32)
def _small(puzzle: Puzzle) -> str:
    small = _pictures.thumbnail(puzzle.data, side=54, max_bytes=1_250)
    return f"data:{small.media_type};base64,{base64.b64encode(small.data).decode('ascii')}"


def _told(html: str) -> str:
    label = "Picture (imagesBase64 or imageUrls, required)"
    return f'<div role="group" aria-label="Picture">{label}{html}</div>'


class DropZone(widgets.AnyWidget):
    """Sends on what is pasted, dropped or chosen: a file as the buffer of a message, or a text."""

    _esm = Path(__file__).parent / "drop_zone.js"


class ImagePicker(widgets.VBox):
    """Fills `imagesBase64` (a file) or `imageUrls` (an address, a sample).

    `allow_private` says whether an address may be of this machine or its network; None leaves it to
    a checkbox. The sandbox's own address may always be loaded from. `samples` returns the pictures
    to offer, once `complete()` is called; without it the picker is complete at once.
    """

    def __init__(
        self,
        *,
        allow_private: bool | None = None,
        changed: Callable[[], object] = lambda: None,
        samples: Callable[[], Sequence[Puzzle]] | None = None,
    ) -> None:
        self.data: bytes | None = None
        self.url: str | None = None
        """The picture's address, if it is to be sent as one."""
        self.puzzle: Puzzle | None = None
        self._chosen = NO_PICTURE
        self._puzzles: Callable[[], Sequence[Puzzle]] = samples or tuple
        self._allow_private, self._changed, self._as_url = allow_private, changed, True
        self._load: object | None = None  # the load that is waited for
        self._said = widgets.HTML(_told(widgets.note(NO_PICTURE)))
        self.sample: Any = None
        """Chooses a sample; None while none is offered."""
        super().__init__([self._said], classes=("brocap-picker",))
        if samples is None:
            self.complete()

    def complete(self, *, choose: bool = False) -> None:
        """Make what a picture is chosen with, if that was not done: it takes a page a while.

        `choose` chooses the first sample: before the page has them, as it would undo a click.
        """
        if "zone" in self.__dict__:
            return
        self.zone = DropZone()
        self.upload = widgets.FileUpload(
            description="Choose a file…", accept="image/*", classes=("brocap-upload",)
        )
        """Seen only where the zone does not run."""
        self.by_address = widgets.Fold("From an address", self._section)
        self.zone.on_msg(self._came)
        self.upload.observe(self._file_chosen, "value")
        own = widgets.line(self.zone, self.upload, self.by_address)
        strip: Sequence[widgets.Widget] = ()
        try:
            strip = self._strip()
            if choose and strip and not self.wire_fields():
                self.sample.index = 0
        finally:  # a sandbox may not start
            self.children = (self._said, *strip, own)

    def _section(self) -> Sequence[widgets.Widget]:
        self.address = widgets.plain(widgets.Text, "Address of a picture", placeholder="https://…")
        self.load = widgets.PatientButton(
            description="Load picture", tooltip="Load the picture at this address"
        )
        self.private = widgets.Checkbox(
            description="Allow private addresses (localhost, 192.168…)",
            value=bool(self._allow_private),
            indent=False,
            layout=widgets.shown(self._allow_private is None),
        )
        self.load.on_click(lambda _: self._stop() if self._load else self._load_address())
        return self.address, widgets.line(self.load, self.private)

    def wire_fields(self) -> dict[str, list[str]]:
        """Return the one field of the task that carries the picture; none if there is none."""
        if self.url is not None:
            return {"imageUrls": [self.url]}
        if self.data is not None:
            return {"imagesBase64": [base64.b64encode(self.data).decode("ascii")]}
        return {}

    def focus(self) -> None:
        self.complete()
        (self.by_address.opened if self.sample is None else self.sample).focus()

    def send_samples_as_url(self, yes: bool) -> None:
        """Set whether a sample is sent as its address, which only this machine can reach."""
        self._as_url = yes
        if self.puzzle is not None:
            self._choose(self.data, self.puzzle.url if yes else None, puzzle=self.puzzle)

    def choose_file(self, data: bytes, name: str = "file") -> None:
        """Take a picture's file; what is none is refused, and the choice before it stays."""
        if sentence := _pictures.check_kind(data, name[:80]):
            self._say(problem=sentence)
        else:
            self._choose(data, None, f"{name[:80]}, sent as a file (`imagesBase64`)")

    def _strip(self) -> Sequence[widgets.Widget]:
        """The samples, if there are any, as small pictures with their names."""
        samples, name = self._puzzles(), f"brocap-{id(self)}"
        if not samples:
            return ()
        self.sample = widgets.ToggleButtons(
            options=[(one.name.replace("-", " "), one.name) for one in samples],
            tooltips=[one.question for one in samples],
            value=None,
            classes=("brocap-samples", name),
        )
        self.sample.observe(self._sample_chosen, "value")
        rules = [
            f".{name} button:nth-of-type({number}) {{ background-image: url({_small(one)}) }}"
            for number, one in enumerate(samples, 1)
        ]
        look = widgets.HTML(f"<style>{' '.join(rules)}</style>", layout=widgets.shown(False))
        return self.sample, look

    def _choose(
        self, data: bytes | None, url: str | None, said: str = "", *, puzzle: Puzzle | None = None
    ) -> None:
        self._stop()
        self.data, self.url, self.puzzle = data, url, puzzle
        if self.sample is not None:
            self.sample.value = puzzle.name if puzzle else None
        if not said:
            how = "an address (`imageUrls`)" if url else "a file (`imagesBase64`)"
            said = f"{f'Sample “{puzzle.name}”' if puzzle else url}, sent as {how}"
        self._chosen = said
        self._say()
        self._changed()

    def _say(self, *, problem: str = "", waiting: str = "") -> None:
        self._said.value = _told(
            widgets.problem_note(problem) if problem else widgets.note(waiting or self._chosen)
        )

    def _sample_chosen(self, change: Any) -> None:
        for puzzle in self._puzzles():
            if puzzle.name == change["new"] and puzzle is not self.puzzle:
                _pictures.remember(puzzle.url, puzzle.data)
                self._choose(puzzle.data, puzzle.url if self._as_url else None, puzzle=puzzle)

    def _file_chosen(self, change: Any) -> None:
        for file in change["new"]:
            self.upload.value = ()  # else the saved notebook would carry the file
            self.choose_file(bytes(file["content"]), str(file["name"]))

    def _came(self, _: Any, content: Any, buffers: Sequence[Any]) -> None:
        """Something was pasted or dropped; a page can send anything."""
        told = content if isinstance(content, dict) else {}
        text = told.get("text")
        name = str(told.get("name") or "The picture")[:80]
        if buffers and len(buffers[0]) <= MAX_BYTES:
            self.choose_file(bytes(buffers[0]), name)
        elif isinstance(text, str):
            if url := self._address_in(text, "What came is no picture, and as an address it"):
                self.by_address.opened.value = True
                self.address.value = url
                self._say(waiting="The address is filled in below. Press Load picture to see it.")
        else:
            expected = f"expected a picture's file of at most {MAX_BYTES:,} bytes, and no folder"
            self._say(problem=f"{name} cannot be taken; {expected}. Choose another file.")

    def _address_in(self, text: str, what: str) -> str | None:
        """The address in a text; a data: address is a file. What is neither is told."""
        try:
            if text.strip()[:5].lower() != "data:":
                return _pictures.clean_address(text, what)
            self.choose_file(_pictures.read(text), "data: address")
        except InvalidInputError as error:
            self._say(problem=str(error))
        return None

    def _load_address(self) -> None:
        """Load in a thread: the kernel stays free, and a later choice wins."""
        text = self.address.value
        if text.strip()[:5].lower() == "data:":
            self.address.value = ""  # a file, and no widget's value keeps it
        url = self._address_in(text, "The address")
        if url is None:
            return
        # the checkbox counts only where it is offered: a page can set any widget's value
        given = self._allow_private
        allow = bool(self.private.value) if given is None else given
        own = [puzzle.url for puzzle in self._puzzles()]
        ticket = self._load = object()
        self.load.description = "Stop loading"
        self._say(waiting=f"Loading {_pictures.quoted(url)} …")

        def work() -> None:
            data, problem = None, ""
            try:
                data = _pictures.fetch(url, allow_private=allow, trusted=own)
                problem = _pictures.check_kind(data, f"The file at {_pictures.quoted(url)}") or ""
            except Exception as error:  # a thread has no other place to tell it
                problem = str(error) or type(error).__name__
            if self._load is not ticket:
                return
            if problem:
                self._stop()
                self._say(problem=problem)
            else:
                self._choose(data, url)

        threading.Thread(target=work, name="brocap picture", daemon=True).start()

    def _stop(self) -> None:
        if self._load is not None:
            self._load = None
            self.load.description = "Load picture"
            self._say()
