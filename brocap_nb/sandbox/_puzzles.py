"""Puzzles whose answer is known: their tiles are shuffled here.

Each is a PNG of 3 columns x 2 rows of tiles (source of the shape and of the questions: BroCapGPT
public API pages). In the files in `puzzles/` the first tile is the right one. The same seed gives
the same puzzles; none is shuffled before it is needed.
"""

from __future__ import annotations

import base64
import functools
import io
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from brocap_nb import _html
from brocap_nb.api._facts import IMAGE_MAX_BYTES, IMAGE_MIN_BYTES

_FILES: Final = Path(__file__).with_name("puzzles")
_QUESTIONS: Final = {
    "way-up": "Pick the image that is the correct way up",
    "penguin": "Pick the penguin",
    "galaxy": "Pick the spiral galaxy",
    "dice": "Pick the dice pair whose top sides add up to 8",
    "cards": "Pick the matching cards",
    "rope": "Pick the image with only one rope",
    "identical": "Pick one square that shows two identical objects",
    "arrows": "Use the arrows to rotate the object in the direction shown in the left image",
}


@dataclass(frozen=True)
class Puzzle:
    """A picture, what is asked about it, and the answer."""

    name: str
    """Short name, for example `penguin`."""
    question: str
    """What goes into `metadata.Task`."""
    url: str
    """Where the sandbox serves it."""
    order: tuple[int, ...] = field(repr=False)
    """Which tile of the file in `puzzles/` stands at each place."""

    columns: ClassVar[int] = 3
    rows: ClassVar[int] = 2

    @cached_property  # one tuple for all tasks that are kept
    def answer(self) -> tuple[bool, ...]:
        """One boolean for each tile, row by row."""
        return tuple(tile == 0 for tile in self.order)

    @property
    def data(self) -> bytes:
        """The PNG file."""
        return _shuffled(self.name, self.order)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        shown = _html.picture(self.data, "image/png", self.question)
        return _html.bundle(_html.card(self.question, shown), repr(self))


class Library:
    """The pictures of one sandbox: the seed decides the order of their tiles."""

    def __init__(self, seed: int, base_url: str) -> None:
        self._base = base_url
        orders = {name: random.Random(f"{seed}:{name}").sample(range(6), 6) for name in _QUESTIONS}
        self.puzzles = tuple(
            Puzzle(name, question, f"{base_url}/pictures/{name}.png", tuple(orders[name]))
            for name, question in _QUESTIONS.items()
        )

    def file(self, path: str) -> bytes | None:
        """Return the picture at a path: a puzzle's, or one that is wrong on purpose."""
        for puzzle in self.puzzles:
            if puzzle.url == self._base + path:
                return puzzle.data
        whole = self.puzzles[0].data
        spoilt = {
            "/pictures/too-big.png": whole + bytes(IMAGE_MAX_BYTES + 1 - len(whole)),
            "/pictures/too-small.png": whole[: IMAGE_MIN_BYTES - 1],
            "/pictures/damaged.png": whole[:2_000],
        }
        return spoilt.get(path)

    def of(self, task: Mapping[str, Any]) -> bytes | None:
        """Return a task's picture: b"" for none, None if it cannot be read. Nothing is fetched."""
        texts, urls = task.get("imagesBase64"), task.get("imageUrls")
        try:
            if isinstance(texts, list) and texts:
                return base64.b64decode(texts[0], validate=True)
            if not (isinstance(urls, list) and urls):
                return b""
            asked, own = urlsplit(str(urls[0])), urlsplit(self._base)
            here = asked.port == own.port and asked.hostname in (own.hostname, "localhost")
        except (ValueError, TypeError):
            return None
        return self.file(asked.path) if here else None

    def find(self, data: bytes) -> Puzzle | None:
        """Return the puzzle of a picture, also if a browser encoded it anew, in other bytes."""
        for puzzle in self.puzzles:
            if puzzle.data == data:
                return puzzle
        try:
            look = _look(data)
        except Exception:  # Pillow raises nearly anything at a damaged file
            return None
        from PIL import Image, ImageChops

        for puzzle in self.puzzles:
            apart = ImageChops.difference(look, _look(puzzle.data))
            tiles = apart.resize((Puzzle.columns, Puzzle.rows), Image.Resampling.BOX)
            # a poor JPEG of it is up to 7 away in a tile, one with two tiles exchanged at least 11
            if max(tiles.tobytes()) < 9:
                return puzzle
        return None


@functools.lru_cache(maxsize=32)
def _shuffled(name: str, order: tuple[int, ...]) -> bytes:
    """Return a puzzle's file with its tiles in another order, which takes some milliseconds."""
    from PIL import Image

    with Image.open(_FILES / f"{name}.png") as source:
        columns = Puzzle.columns
        width, height = source.width // columns, source.height // Puzzle.rows
        sheet = source.copy()  # for its palette
        for place, tile in enumerate(order):
            left, top = tile % columns * width, tile // columns * height
            part = source.crop((left, top, left + width, top + height))
            sheet.paste(part, (place % columns * width, place // columns * height))
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", compress_level=3)  # half the time, an eighth more bytes
    return buffer.getvalue()


@functools.lru_cache(maxsize=16)
def _look(data: bytes) -> Any:
    """Return a tiny copy of a picture in RGB."""
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "GIF", "BMP", "WEBP")) as image:
        if image.width * image.height > 4_000_000:  # a small file can unpack to a huge picture
            raise ValueError("The picture has more than 4,000,000 pixels.")
        return image.convert("RGB").resize((36, 24), Image.Resampling.BOX)
