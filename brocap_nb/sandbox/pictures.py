"""Puzzles whose answer is known, because they are drawn here.

Each is a PNG of 3 columns x 2 rows of tiles (source of the shape and of the questions: BroCapGPT
public API pages). The same seed draws the same puzzles; nothing is drawn before it is needed.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import json
import math
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from brocap_nb.facts import IMAGE_MAX_BYTES, IMAGE_MIN_BYTES
from brocap_nb.sandbox import motifs

if TYPE_CHECKING:
    from PIL import Image

    from brocap_nb.sandbox.motifs import Motif, Point

__all__ = ["Library", "Puzzle"]

COLUMNS: Final = 3
ROWS: Final = 2
TILE: Final = 200
_GAP: Final = 4
_FINE: Final = 3  # drawn this much larger, then reduced: smooth edges


@dataclass(frozen=True)
class Puzzle:
    """A picture, what is asked about it, and the answer."""

    name: str
    """Short name, for example `penguin`."""
    question: str
    """What goes into `metadata.Task`."""
    answer: tuple[bool, ...]
    """One boolean for each tile, row by row."""
    columns: int
    rows: int
    url: str
    """Where the sandbox serves it."""
    seed: int = field(repr=False)

    @cached_property
    def data(self) -> bytes:
        """The PNG file. The first look draws it, which takes a fifth of a second."""
        with _drawing:  # two threads that ask at once draw once
            return _draw(self.seed, self.name)

    @property
    def drawn(self) -> bool:
        """Whether its data are there."""
        return "data" in self.__dict__

    @cached_property
    def digest(self) -> bytes:
        """The SHA-256 of its data."""
        return hashlib.sha256(self.data).digest()

    def _repr_png_(self) -> bytes:
        return self.data

    def __repr__(self) -> str:
        tile = self.answer.index(True) + 1
        return f"Puzzle({self.name!r}, {self.question!r}, tile {tile}, {len(self.data):,} bytes)"


class Library:
    """The pictures of one sandbox.

    Args:
        seed: decides what is drawn.
        base_url: the sandbox's address; the pictures' addresses begin with it.
    """

    def __init__(self, seed: int, base_url: str) -> None:
        self._seed = seed
        self._base = base_url

    @cached_property
    def puzzles(self) -> tuple[Puzzle, ...]:
        """Every puzzle; each is drawn when its data are first asked for."""
        tiles = range(COLUMNS * ROWS)
        return tuple(
            Puzzle(
                name,
                question,
                tuple(tile == _right(self._seed, name)[0] for tile in tiles),
                COLUMNS,
                ROWS,
                self._url(name),
                self._seed,
            )
            for name, (question, _) in _PUZZLES.items()
        )

    def file(self, name: str) -> bytes | None:
        """Return a picture by its name: a puzzle's, or one that is wrong on purpose."""
        if name in _PUZZLES:
            return next(puzzle.data for puzzle in self.puzzles if puzzle.name == name)
        return self._spoilt.get(name)

    @cached_property
    def _spoilt(self) -> Mapping[str, bytes]:
        whole = self.puzzles[0].data
        return {
            "too-big": whole + bytes(IMAGE_MAX_BYTES + 1 - len(whole)),
            "too-small": whole[: IMAGE_MIN_BYTES - 1],
            "damaged": whole[:2_000],
        }

    def of(self, task: Mapping[str, Any]) -> bytes | None:
        """Return a task's picture, b"" if it has none; None if it cannot be read.

        No address is ever fetched.
        """
        texts, urls = task.get("imagesBase64"), task.get("imageUrls")
        if isinstance(texts, list) and texts:
            if not isinstance(texts[0], str):
                return None
            try:
                return base64.b64decode(texts[0], validate=True)
            except ValueError:
                return None
        if isinstance(urls, list) and urls:
            return self.at(urls[0]) if isinstance(urls[0], str) else None
        return b""

    @property
    def complete(self) -> bool:
        """Whether all is drawn and looked at."""
        return "_looks" in self.__dict__

    def draw(self) -> None:
        """Draw all puzzles, and look at them, which takes most of a second."""
        _ = self._looks

    def prepare(self, body: bytes) -> None:
        """Draw what the answer to a request needs: its puzzle, or all to look for a strange one."""
        try:
            task = json.loads(body)["task"]
            data = self.of(task)
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
            return  # no task with a picture
        if data and IMAGE_MIN_BYTES <= len(data) <= IMAGE_MAX_BYTES:
            self.find(data)

    def at(self, url: str) -> bytes | None:
        """Return the picture that this sandbox serves at `url`; nothing is fetched."""
        try:
            asked, own = urlsplit(url), urlsplit(self._base)
            here = asked.port == own.port and asked.hostname in (own.hostname, "localhost")
        except ValueError:
            return None
        name = asked.path.removeprefix("/pictures/").removesuffix(".png")
        if not here or asked.path != f"/pictures/{name}.png":
            return None
        return self.file(name)

    def find(self, data: bytes) -> Puzzle | None:
        """Return the puzzle of a picture: by its bytes, or else by how it looks.

        A browser encodes a pasted picture anew: the same sight in other bytes.
        """
        digest = hashlib.sha256(data).digest()
        for puzzle in sorted(self.puzzles, key=lambda puzzle: not puzzle.drawn):
            if puzzle.digest == digest:
                return puzzle
        look = _look(data)
        if look is None:
            return None
        distance, index = min((_distance(look, known), i) for i, known in enumerate(self._looks))
        return self.puzzles[index] if distance < 4.0 else None

    @cached_property
    def _looks(self) -> tuple[bytes | None, ...]:
        return tuple(_look(puzzle.data) for puzzle in self.puzzles)

    def _url(self, name: str) -> str:
        return f"{self._base}/pictures/{name}.png"


def _look(data: bytes) -> bytes | None:
    """Return a tiny copy of a picture as RGB bytes, or None if it cannot be opened."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "GIF", "BMP", "WEBP")) as image:
            # a small file can unpack to a huge picture
            if image.width * image.height > 4_000_000:
                return None
            return image.convert("RGB").resize((36, 24), Image.Resampling.BOX).tobytes()
    except Exception:  # Pillow raises nearly anything at a damaged file
        return None


def _distance(one: bytes, other: bytes | None) -> float:
    """Mean difference of two tiny copies, 0 to 255 for each channel."""
    if other is None:
        return math.inf
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


# --- drawing --------------------------------------------------------------------------------

_drawing = threading.Lock()


def _right(seed: int, name: str) -> tuple[int, random.Random]:
    """Return the tile that is the answer, and the chance that draws the rest."""
    chance = random.Random(f"{seed}:{name}")
    return chance.randrange(COLUMNS * ROWS), chance


@functools.lru_cache(maxsize=32)
def _draw(seed: int, name: str) -> bytes:
    right, chance = _right(seed, name)
    _, draw = _PUZZLES[name]
    return _sheet(draw(chance, right))


def _sheet(tiles: Sequence[Canvas]) -> bytes:
    from PIL import Image, ImageDraw

    inner = TILE - 2 * _GAP
    corners = Image.new("L", (inner * _FINE, inner * _FINE), 0)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, *corners.size), 14 * _FINE, 255)
    corners = corners.reduce(_FINE)
    sheet = Image.new("RGB", (COLUMNS * TILE, ROWS * TILE), "#ffffff")
    for index, tile in enumerate(tiles):
        column, row = index % COLUMNS, index // COLUMNS
        place = (column * TILE + _GAP, row * TILE + _GAP)
        sheet.paste(tile.image.reduce(_FINE), place, corners)
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG")
    return buffer.getvalue()


class Canvas:
    """A square picture on which motifs are drawn; implements `motifs.Pen`.

    Coordinates are 0 to 100 whatever the size in pixels. With a background, see-through colours
    blend; without one, the canvas is a transparent layer.
    """

    def __init__(
        self, top: str = "", bottom: str = "", pixels: int = (TILE - 2 * _GAP) * _FINE
    ) -> None:
        from PIL import Image, ImageDraw

        size = (pixels, pixels)
        self._unit = pixels / 100
        self.image: Image.Image
        if not top:
            self.image = Image.new("RGBA", size, (0, 0, 0, 0))
            self._draw = ImageDraw.Draw(self.image)
            return
        ramp = Image.linear_gradient("L").resize(size)
        self.image = Image.composite(
            Image.new("RGB", size, bottom), Image.new("RGB", size, top), ramp
        )
        self._draw = ImageDraw.Draw(self.image, "RGBA")

    def put(self, motif: Motif, x: float, y: float, size: float, turn: float = 0) -> None:
        """Draw a motif with its centre at (x, y), `size` units wide, turned clockwise."""
        from PIL import Image

        layer = Canvas(pixels=round(size * self._unit))
        motif(layer)
        image = layer.image
        if turn:
            image = image.rotate(-turn, resample=Image.Resampling.BICUBIC, expand=True)
        left, top = (round(c * self._unit - image.width / 2) for c in (x, y))
        self.image.paste(image, (left, top), image)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: str) -> None:
        self._draw.ellipse(self._box(x - rx, y - ry, x + rx, y + ry), fill)

    def box(
        self, left: float, top: float, right: float, bottom: float, fill: str, radius: float = 0
    ) -> None:
        self._draw.rounded_rectangle(self._box(left, top, right, bottom), radius * self._unit, fill)

    def shape(self, points: Sequence[Point], fill: str) -> None:
        self._draw.polygon([(x * self._unit, y * self._unit) for x, y in points], fill)

    def line(self, points: Sequence[Point], fill: str, width: float) -> None:
        path = [(x * self._unit, y * self._unit) for x, y in points]
        self._draw.line(path, fill, max(1, round(width * self._unit)), joint="curve")
        if len(fill) == 7:  # round ends; see-through ones would show twice
            for x, y in (points[0], points[-1]):
                self.oval(x, y, width / 2, width / 2, fill)

    def wedge(self, x: float, y: float, r: float, start: float, end: float, fill: str) -> None:
        self._draw.pieslice(self._box(x - r, y - r, x + r, y + r), start, end, fill)

    def _box(self, *sides: float) -> tuple[float, float, float, float]:
        left, top, right, bottom = (side * self._unit for side in sides)
        return left, top, right, bottom


# --- the puzzles: each draws six tiles, of which one is right ---------------------------------

_SOFT: Final = (
    ("#fdf3e7", "#f9dcc4"),
    ("#e9f5f2", "#c8e3dc"),
    ("#eef2fb", "#cfdcf2"),
    ("#f6eefb", "#dfcff0"),
    ("#fdf0f3", "#f5d0da"),
    ("#f7f7e6", "#e6e6b8"),
)


def _soft(chance: random.Random) -> list[Canvas]:
    pairs = list(_SOFT)
    chance.shuffle(pairs)
    return [Canvas(top, bottom) for top, bottom in pairs]


def _way_up(chance: random.Random, right: int) -> list[Canvas]:
    tiles = _soft(chance)
    things = chance.sample(motifs.UPRIGHT, len(tiles))
    for index, (tile, thing) in enumerate(zip(tiles, things, strict=True)):
        turn = 0 if index == right else chance.choice((90, 180, 180, 270)) + chance.uniform(-12, 12)
        tile.put(thing, 50, 50, 68, turn)
    return tiles


def _penguin(chance: random.Random, right: int) -> list[Canvas]:
    tiles = _soft(chance)
    others = iter(chance.sample(motifs.ANIMALS, len(tiles) - 1))
    for index, tile in enumerate(tiles):
        animal = motifs.penguin if index == right else next(others)
        tile.put(animal, 50, 51, chance.uniform(70, 80), chance.uniform(-8, 8))
    return tiles


def _galaxy(chance: random.Random, right: int) -> list[Canvas]:
    nights = ("#0d1026", "#10142b", "#150f2b", "#0b1730")
    others = iter(chance.sample(motifs.SKY, COLUMNS * ROWS - 1))
    tiles = []
    for index in range(COLUMNS * ROWS):
        tile = Canvas(chance.choice(nights), "#252a52")
        motifs.stars(tile, chance)
        (motifs.spiral_galaxy if index == right else next(others))(tile, chance)
        tiles.append(tile)
    return tiles


def _dice(chance: random.Random, right: int) -> list[Canvas]:
    sums = {
        total: [(a, total - a) for a in range(1, 7) if 1 <= total - a <= 6]
        for total in range(2, 13)
    }
    wrong = chance.sample([total for total in sums if total != 8], COLUMNS * ROWS - 1)
    tiles = _soft(chance)
    colours = ("#d94f5c", "#3d7ea6", "#4f9a6b", "#8a63b0", "#d98b2b")
    for index, tile in enumerate(tiles):
        total = 8 if index == right else wrong.pop()
        one, two = chance.choice(sums[total])
        left, other = chance.sample(colours, 2)
        motifs.die(tile, 28, 34 + chance.uniform(-4, 4), 22, one, left, chance)
        motifs.die(tile, 71, 50 + chance.uniform(-4, 4), 22, two, other, chance)
    return tiles


def _cards(chance: random.Random, right: int) -> list[Canvas]:
    tiles = _soft(chance)
    for index, tile in enumerate(tiles):
        one, two = chance.sample(motifs.SHAPES, 2)
        for x, turn, shape in ((29, -6, one), (71, 6, one if index == right else two)):
            tile.put(functools.partial(_card, shape), x, 50, 74, turn + chance.uniform(-3, 3))
    return tiles


def _card(shape: Motif, pen: motifs.Pen) -> None:
    pen.box(23, 13, 79, 92, "#00000026", 7)
    pen.box(21, 10, 77, 89, "#a9a2b5", 7)
    pen.box(22, 11, 76, 88, "#ffffff", 6)
    if isinstance(pen, Canvas):
        pen.put(shape, 49, 50, 42)
        pen.put(shape, 30, 20, 11)
        pen.put(shape, 68, 79, 11, 180)


def _rope(chance: random.Random, right: int) -> list[Canvas]:
    tiles = _soft(chance)
    for index, tile in enumerate(tiles):
        count = 1 if index == right else chance.choice((2, 2, 3))
        motifs.ropes(tile, chance, count)
    return tiles


def _identical(chance: random.Random, right: int) -> list[Canvas]:
    tiles = _soft(chance)
    for index, tile in enumerate(tiles):
        things = chance.sample(motifs.SHAPES, 4)
        if index == right:
            things[3] = things[0]
        chance.shuffle(things)
        for (x, y), thing in zip(((29, 29), (71, 29), (29, 71), (71, 71)), things, strict=True):
            dx, dy, turn = chance.uniform(-3, 3), chance.uniform(-3, 3), chance.uniform(-14, 14)
            tile.put(thing, x + dx, y + dy, 30, turn)
    return tiles


def _arrows(chance: random.Random, right: int) -> list[Canvas]:
    tiles = _soft(chance)
    animal = chance.choice((motifs.beetle, motifs.plane, motifs.turtle))
    wanted = chance.sample(range(0, 360, 45), 6)
    for index, tile in enumerate(tiles):
        facing = wanted[index]
        if index != right:
            facing += chance.choice((90, 135, 180, 225, 270))
        tile.box(4, 22, 38, 78, "#ffffff", 6)
        tile.put(motifs.arrow, 21, 50, 28, wanted[index])
        tile.put(animal, 69, 50, 48, facing)
    return tiles


_PUZZLES: Final[Mapping[str, tuple[str, Callable[[random.Random, int], list[Canvas]]]]] = {
    "way-up": ("Pick the image that is the correct way up", _way_up),
    "penguin": ("Pick the penguin", _penguin),
    "galaxy": ("Pick the spiral galaxy", _galaxy),
    "dice": ("Pick the dice pair whose top sides add up to 8", _dice),
    "cards": ("Pick the matching cards", _cards),
    "rope": ("Pick the image with only one rope", _rope),
    "identical": ("Pick one square that shows two identical objects", _identical),
    "arrows": (
        "Use the arrows to rotate the object in the direction shown in the left image",
        _arrows,
    ),
}
