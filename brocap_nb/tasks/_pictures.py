"""Pictures: load them, measure them, check them against the limits, mark an answer on them.

A picture is its file's bytes everywhere in this package. Nothing here decodes more pixels than
`MAX_PIXELS`, so a small file that unpacks to a huge picture is refused.
"""

from __future__ import annotations

import hashlib
import io
import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from brocap_nb.api._errors import InvalidImageError
from brocap_nb.api._facts import IMAGE_MAX_BYTES, IMAGE_MIN_BYTES
from brocap_nb.tasks import _download

if TYPE_CHECKING:
    from PIL import Image, ImageFont

ImageSource: TypeAlias = "str | PathLike[str] | bytes | Image.Image"
"""A path, an http(s) address, the file's bytes, or a PIL image."""

MAX_PIXELS: Final = 40_000_000
FETCH_MAX_BYTES: Final = 10_000_000
FETCH_TIMEOUT: Final = (5.0, 10.0)
FETCH_DEADLINE: Final = 30.0

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
MIN_TILE: Final = 8

SAVED_MAX: Final = 40_000
SHOWN_MAX: Final = 12
_URI_HEAD: Final = len("data:image/jpeg;base64,")
_SIDE: Final = 420
_ROOMY_TILE: Final = 48
_ROOMY_PIXELS: Final = 4_000_000

_PNG_MODES: Final = ("1", "L", "LA", "I;16", "P", "RGB", "RGBA")

_recent: OrderedDict[str, _download.Loaded] = OrderedDict()
_recent_lock = threading.Lock()


def check_size(size: int, what: str = "The picture") -> str | None:
    """Return a sentence if a picture of `size` bytes is outside the service's limits.

    >>> from brocap_nb.tasks import _pictures as images
    >>> print(images.check_size(20))
    The picture has 20 bytes; the service takes 100 to 500,000. Check that ...
    >>> images.check_size(20_000)
    """
    if size < IMAGE_MIN_BYTES:
        return (
            f"{what} has {size:,} bytes; the service takes {IMAGE_MIN_BYTES:,} to "
            f"{IMAGE_MAX_BYTES:,}. Check that the file is the picture you mean: it may be empty "
            "or cut off."
        )
    if size > IMAGE_MAX_BYTES:
        return (
            f"{what} has {size:,} bytes; the service takes {IMAGE_MIN_BYTES:,} to "
            f"{IMAGE_MAX_BYTES:,}. Make it smaller, or save it as JPEG, and choose it again."
        )
    return None


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What can be said of a picture without showing it."""

    format: str | None
    """`PNG`, `JPEG`, …; None if it is no picture that can be opened."""
    width: int | None
    """In pixels."""
    height: int | None
    """In pixels."""
    size: int
    """Bytes of the file."""
    sha256: str
    """Of the file, as 64 hexadecimal digits."""
    problem: str | None
    """Why the service would not take it, as a sentence; None if it would."""

    def __str__(self) -> str:
        shape = f"{self.format} {self.width} x {self.height}, " if self.format else ""
        return f"{shape}{self.size:,} bytes, {self.problem or 'inside the limits'}"


def inspect(data: bytes) -> ImageFacts:
    """Measure a picture. It never raises: what is wrong is in `problem`.

    >>> from brocap_nb.tasks import _pictures as images
    >>> print(images.inspect(sandbox.puzzles[0].data))
    PNG 600 x 400, ... bytes, inside the limits
    """
    kind: str | None = None
    width = height = None
    problem = check_size(len(data))
    try:
        with _open(data) as image:
            kind, (width, height) = image.format, image.size
    except InvalidImageError as error:
        problem = problem or str(error)
    return ImageFacts(kind, width, height, len(data), hashlib.sha256(data).hexdigest(), problem)


def is_url(text: object) -> bool:
    """Whether `text` is an http or https address with a host.

    >>> from brocap_nb.tasks import _pictures as images
    >>> images.is_url("https://example.com/birds.png"), images.is_url("birds.png")
    (True, False)
    """
    if not isinstance(text, str):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def read(source: ImageSource) -> bytes:
    """Return the bytes of a picture's file.

    A PIL image becomes a PNG. An address is loaded, see `fetch`.

    >>> from brocap_nb.tasks import _pictures as images
    >>> from PIL import Image
    >>> images.media_type(images.read(Image.new("RGB", (300, 200))))
    'image/png'

    Raises:
        InvalidImageError: the source cannot be read.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, str) and is_url(source):
        return fetch(source)
    if isinstance(source, (str, PathLike)):
        try:
            return Path(source).expanduser().read_bytes()
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: no home directory
            reason = getattr(error, "strerror", None) or str(error).rstrip(".")
            shown = str(source) if len(str(source)) <= 200 else f"{str(source)[:199]}…"
            raise InvalidImageError(
                f"The picture {shown!r} cannot be read: {reason}. Expected the path of a "
                "picture file, an http(s) address, bytes or a PIL image. Check the path; it is "
                f"looked for in {Path.cwd()}."
            ) from None
    if hasattr(source, "convert"):
        try:
            return _png(source if source.mode in _PNG_MODES else source.convert("RGB"))
        except Exception as error:
            raise InvalidImageError(
                f"The PIL image cannot be written as PNG: {error}. Expected an image with pixels. "
                "Save it to a file yourself and pass the path."
            ) from None
    raise InvalidImageError(
        f"A value of type {type(source).__name__} is not a picture. Expected a path, an http(s) "
        "address, the file's bytes or a PIL image."
    )


def fetch(
    url: str,
    *,
    allow_private: bool = True,
    trusted: Iterable[str] = (),
    remedy: str = "Save the picture and pass its path, or pass allow_private=True if you trust it.",
) -> bytes:
    """Load a picture over http(s), bounded in bytes and time; the latest ones are remembered.

    >>> from brocap_nb.tasks import _pictures as images
    >>> images.media_type(images.fetch(f"{sandbox.url}/pictures/penguin.png"))
    'image/png'

    Args:
        url: the picture's address.
        allow_private: whether it may come from this machine, a private network or a reserved
            address. If not, only public addresses are connected to, on every hop, without a
            proxy, and a picture is taken from memory only if it was loaded so.
        trusted: addresses whose host and port are allowed all the same.
        remedy: what the exception advises if the address is refused.

    Raises:
        InvalidImageError: the address is refused, cannot be loaded, or is far too large for a
            picture.
    """
    with _recent_lock:
        known = _recent.get(url)
    if known is not None and (allow_private or known.public):
        return known.data
    try:
        loaded = _download.load(
            url,
            max_bytes=FETCH_MAX_BYTES,
            timeout=FETCH_TIMEOUT,
            deadline=FETCH_DEADLINE,
            allow_private=allow_private,
            trusted=[found for one in trusted if (found := _download.origin(one)) is not None],
        )
    except _download.PrivateAddressError as error:
        raise InvalidImageError(
            f"The picture at {url} was not loaded: {error}, and such addresses are refused. "
            f"Expected an address of the public internet. {remedy}",
            field="imageUrls",
        ) from None
    except _download.DownloadError as error:
        raise InvalidImageError(
            f"The picture at {url} cannot be loaded: {error}. Expected the address of a picture "
            "that this kernel can reach. Open it in a browser to check, or send the address "
            "without looking at it: ComplexImageTask(image_urls=[…], question=…).",
            field="imageUrls",
        ) from None
    _keep(url, loaded)
    return loaded.data


def remember(url: str, data: bytes) -> None:
    """Keep the picture of an address for display; the oldest of 32 is dropped."""
    _keep(url, _download.Loaded(data, public=False))


def fetched(url: str) -> bytes | None:
    """Return the picture of `url` if it was loaded lately, without touching the network.

    >>> from brocap_nb.tasks import _pictures as images
    >>> images.fetched("https://example.com/never-loaded.png")
    """
    with _recent_lock:
        known = _recent.get(url)
    return None if known is None else known.data


def _keep(url: str, loaded: _download.Loaded) -> None:
    with _recent_lock:
        _recent[url] = loaded
        _recent.move_to_end(url)
        while len(_recent) > 32:
            _recent.popitem(last=False)


def grids(tiles: int) -> list[tuple[int, int]]:
    """Return every (columns, rows) of `tiles` tiles, the squarest first; wide before tall.

    >>> from brocap_nb.tasks import _pictures as images
    >>> images.grids(6)
    [(3, 2), (2, 3), (6, 1), (1, 6)]
    """
    found = [(c, tiles // c) for c in range(1, tiles + 1) if tiles % c == 0]
    return sorted(found, key=lambda g: (max(g) / min(g), -g[0]))


def guess_grid(tiles: int, width: int, height: int) -> tuple[int, int]:
    """Return (columns, rows) for `tiles` tiles: the grid whose tiles are nearest to square.

    The usual picture is 3 columns by 2 rows (source: BroCapGPT public API pages).

    >>> from brocap_nb.tasks import _pictures as images
    >>> images.guess_grid(6, width=600, height=400)
    (3, 2)
    """
    if tiles == 6 and width >= height:
        return 3, 2
    return min(
        sorted(grids(tiles)),
        key=lambda g: max((width / g[0]) / (height / g[1]), (height / g[1]) / (width / g[0])),
        default=(1, 1),
    )


def mark_answer(
    data: bytes, answer: Sequence[bool], *, columns: int | None = None, rows: int | None = None
) -> bytes:
    """Return a PNG of the picture with its tiles numbered and the true ones outlined and ticked.

    A picture with very small tiles is enlarged first, so that the numbers leave them in view.

    >>> from brocap_nb.tasks import _pictures as images
    >>> puzzle = sandbox.puzzles[0]
    >>> print(images.inspect(images.mark_answer(puzzle.data, puzzle.answer)))
    PNG 600 x 400, ... bytes, inside the limits

    Args:
        data: the picture's file.
        answer: one boolean for each tile, row by row.
        columns, rows: the grid; what is not given is worked out from the answer's length and
            the picture.

    Raises:
        InvalidImageError: the picture cannot be opened, or the grid does not fit the answer.
    """
    from PIL import ImageDraw

    with _open(data) as source:
        image = _opaque(source)
    if columns is None and rows is None:
        columns, rows = guess_grid(len(answer), *image.size)
    columns = len(answer) // max(rows or 1, 1) if columns is None else columns
    rows = len(answer) // max(columns, 1) if rows is None else rows
    if columns * rows != len(answer) or columns < 1:
        raise InvalidImageError(
            f"A grid of {columns} x {rows} tiles does not fit an answer of {len(answer)} tiles. "
            "Choose columns and rows whose product is the answer's length."
        )
    tile_w, tile_h = image.width / columns, image.height / rows
    short = min(tile_w, tile_h)
    if short < MIN_TILE:
        raise InvalidImageError(
            f"The picture has {image.width} x {image.height} pixels, too few to mark {columns} x "
            f"{rows} tiles; expected tiles of at least {MIN_TILE} pixels. Scale the picture up."
        )
    larger = math.ceil(_ROOMY_TILE / short)
    if larger > 1 and image.width * image.height * larger**2 <= _ROOMY_PIXELS:
        # a number must leave something of its tile to be seen
        image = image.resize((image.width * larger, image.height * larger))
        tile_w, tile_h, short = tile_w * larger, tile_h * larger, short * larger
    draw = ImageDraw.Draw(image)
    stroke = max(2, round(short / 22))
    font = _font(max(10, round(short / 6)))
    for index, chosen in enumerate(answer):
        column, row = index % columns, index // columns
        left, top = round(column * tile_w), round(row * tile_h)
        right, bottom = round((column + 1) * tile_w) - 1, round((row + 1) * tile_h) - 1
        if chosen:
            draw.rectangle((left, top, right, bottom), outline="white", width=stroke + 2)
            draw.rectangle(
                (left + 1, top + 1, right - 1, bottom - 1), outline="#0b7a34", width=stroke
            )
        _number(draw, (left + stroke + 2, top + stroke + 2), str(index + 1), font, chosen)
    return _png(image)


class Thumbnail(NamedTuple):
    """A small copy of a picture, for display."""

    data: bytes
    """The file."""
    media_type: str
    width: int
    """In pixels."""
    height: int
    """In pixels."""


def thumbnail(data: bytes, *, side: int = _SIDE, max_bytes: int = 29_000) -> Thumbnail:
    """Return a small copy, at most `max_bytes` long; it has nothing of the file but its pixels.

    >>> from brocap_nb.tasks import _pictures as images
    >>> images.thumbnail(sandbox.puzzles[0].data, side=150)[1:]
    ('image/jpeg', 150, 100)

    Args:
        data: the picture's file.
        side: of the square it fits into, in pixels. A very tall or wide picture may be longer,
            so that it stays legible.
        max_bytes: of the copy's file.

    Raises:
        InvalidImageError: the picture cannot be opened, or made that small.
    """
    with _open(data) as source:
        image = _opaque(source)
    short, long = sorted(image.size)
    longer = min(side / 4 / short, side / math.sqrt(short * long), 8 * side / long)
    scale = min(1.0, max(side / long, longer))
    while long * scale >= 8:
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        small = image.resize(size, reducing_gap=3.0)
        for quality in (82, 60):
            buffer = io.BytesIO()
            small.save(buffer, format="JPEG", quality=quality, optimize=True)
            if buffer.tell() <= max_bytes:
                return Thumbnail(buffer.getvalue(), "image/jpeg", *size)
        scale *= 0.8
    raise InvalidImageError(
        f"The picture has no copy of at most {max_bytes:,} bytes; expected room for at least a "
        "few pixels. Show fewer pictures at once."
    )


def thumbnails(pictures: Sequence[bytes], *, budget: int = SAVED_MAX) -> list[Thumbnail | None]:
    """Return small copies of the pictures that are shown together.

    What is shown stays in the saved notebook, so they share a budget: a picture that needs less
    than its part leaves the rest to the others.

    >>> from brocap_nb.tasks import _pictures as images
    >>> small, none = images.thumbnails([sandbox.puzzles[0].data, b"no picture"])
    >>> small.width, none
    (420, None)

    Args:
        pictures: their files.
        budget: characters of all of them together, as data URIs.

    Returns:
        One for each picture; None for what cannot be opened, and after the first `SHOWN_MAX`.
    """
    found: list[Thumbnail | None] = [None] * len(pictures)
    wanted: list[tuple[int, int]] = []
    for index, data in enumerate(pictures[:SHOWN_MAX]):
        try:
            small = thumbnail(data, max_bytes=_bytes_in(budget))
        except InvalidImageError:
            continue
        found[index] = small
        wanted.append((_characters(small), index))
    for done, (characters, index) in enumerate(sorted(wanted)):
        share = budget // (len(wanted) - done)
        if characters > share:
            try:
                found[index] = thumbnail(pictures[index], max_bytes=_bytes_in(share))
            except InvalidImageError:
                found[index] = None
        kept = found[index]
        budget -= _characters(kept) if kept is not None else 0
    return found


def _characters(small: Thumbnail) -> int:
    return _URI_HEAD + 4 * math.ceil(len(small.data) / 3)


def _bytes_in(characters: int) -> int:
    return max(0, (characters - _URI_HEAD) // 4 * 3)


def _opaque(image: Image.Image) -> Image.Image:
    """The picture in RGB; what is transparent is white, as on a page."""
    from PIL import Image

    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    white = Image.new("RGBA", clear.size, "white")
    white.alpha_composite(clear)
    return white.convert("RGB")


def _open(data: bytes) -> Image.Image:
    """Open a picture and decode it once, so that a damaged file is found here."""
    from PIL import Image

    try:
        # only these: Pillow runs other programs to open some of the rest
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise InvalidImageError(
                f"The picture unpacks to {image.width:,} x {image.height:,} pixels; at most "
                f"{MAX_PIXELS:,} pixels are opened here. Scale it down."
            )
        image.load()
    except InvalidImageError:
        raise
    except Exception as error:  # Pillow's plugins raise many kinds for a damaged file
        raise InvalidImageError(
            f"The file is not a picture that can be opened ({type(error).__name__}). Expected a "
            "PNG, JPEG, GIF, WebP or BMP file. Check that the file is complete."
        ) from None
    return image


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _number(draw: object, at: tuple[int, int], text: str, font: object, chosen: bool) -> None:
    """Draw a tile's number on a dark plate; a chosen tile's plate is green and has a tick."""
    from PIL import ImageDraw

    assert isinstance(draw, ImageDraw.ImageDraw)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)  # type: ignore[arg-type]
    pad = max(2, round((bottom - top) / 3))
    tick = round((bottom - top) * 1.1) if chosen else 0
    x, y = at
    width = right - left + 2 * pad + (tick + pad if chosen else 0)
    height = bottom - top + 2 * pad
    draw.rounded_rectangle(
        (x, y, x + width, y + height), radius=pad, fill="#0b7a34" if chosen else "#303030"
    )
    draw.text((x + pad - left, y + pad - top), text, font=font, fill="white")  # type: ignore[arg-type]
    if chosen:
        cx, cy = x + width - pad - tick, y + height / 2
        draw.line(
            [(cx, cy), (cx + tick * 0.38, cy + tick * 0.38), (cx + tick, cy - tick * 0.42)],
            fill="white",
            width=max(2, tick // 6),
        )
