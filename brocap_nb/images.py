"""Pictures: load them, measure them, check them against the limits, mark an answer on them.

A picture is its file's bytes everywhere in this package. Nothing here decodes more pixels than
`MAX_PIXELS`, so a small file that unpacks to a huge picture is refused.
"""

from __future__ import annotations

import binascii
import hashlib
import io
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from brocap_nb.errors import InvalidImageError
from brocap_nb.limits import IMAGE_MAX_BYTES, IMAGE_MIN_BYTES

if TYPE_CHECKING:
    from PIL import Image, ImageFont

__all__ = [
    "ImageFacts",
    "ImageSource",
    "check_size",
    "decode_base64",
    "fetch",
    "fetched",
    "guess_grid",
    "inspect",
    "is_url",
    "mark_answer",
    "media_type",
    "read",
    "thumbnail",
]

ImageSource: TypeAlias = "str | PathLike[str] | bytes | Image.Image"
"""A path, an http(s) address, the file's bytes, or a PIL image."""

MAX_PIXELS: Final = 40_000_000
FETCH_MAX_BYTES: Final = 10_000_000
FETCH_TIMEOUT: Final = (5.0, 10.0)
FETCH_DEADLINE: Final = 30.0

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
MIN_TILE: Final = 8

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
)

_PNG_MODES: Final = ("1", "L", "LA", "I;16", "P", "RGB", "RGBA")

_recent: OrderedDict[str, bytes] = OrderedDict()
_recent_lock = threading.Lock()


def media_type(data: bytes) -> str | None:
    """Return the media type that the first bytes tell, or None if they tell none."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def check_size(size: int, what: str = "The picture") -> str | None:
    """Return a sentence if a picture of `size` bytes is outside the service's limits."""
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
    """Measure a picture. It never raises: what is wrong is in `problem`."""
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
    """Whether `text` is an http or https address with a host."""
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
        f"A {type(source).__name__} is not a picture. Expected a path, an http(s) address, the "
        "file's bytes or a PIL image."
    )


def fetch(url: str) -> bytes:
    """Load a picture over http(s), bounded in bytes and time; the latest ones are remembered.

    Raises:
        InvalidImageError: the address cannot be loaded, or is far too large for a picture.
    """
    known = fetched(url)
    if known is not None:
        return known
    data = bytearray()
    problem = ""
    deadline = time.monotonic() + FETCH_DEADLINE
    try:
        with requests.get(url, timeout=FETCH_TIMEOUT, stream=True) as response:
            if response.status_code != 200:
                problem = f"the server answered HTTP {response.status_code}"
            else:
                while chunk := response.raw.read1(65_536, decode_content=True):
                    data += chunk
                    if len(data) > FETCH_MAX_BYTES:
                        problem = f"it has more than {FETCH_MAX_BYTES:,} bytes"
                        break
                    if time.monotonic() > deadline:
                        problem = f"it took longer than {FETCH_DEADLINE:g} seconds"
                        break
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        problem = f"{type(error).__name__}"
    if problem:
        raise InvalidImageError(
            f"The picture at {url} cannot be loaded: {problem}. Expected the address of a picture "
            "that this kernel can reach. Open it in a browser to check, or send the address "
            "without looking at it: ComplexImageTask(image_urls=[…], question=…).",
            field="imageUrls",
        )
    remember(url, bytes(data))
    return bytes(data)


def remember(url: str, data: bytes) -> None:
    """Keep the picture of an address for display; the oldest of 32 is dropped."""
    with _recent_lock:
        _recent[url] = data
        _recent.move_to_end(url)
        while len(_recent) > 32:
            _recent.popitem(last=False)


def fetched(url: str) -> bytes | None:
    """Return the picture of `url` if it was loaded lately, without touching the network."""
    with _recent_lock:
        return _recent.get(url)


def decode_base64(text: str) -> bytes:
    """Decode standard base64 strictly.

    Raises:
        ValueError: a sentence that says what is wrong with it.
    """
    if text[:5].lower() == "data:":
        raise ValueError(
            "starts with a `data:` prefix; the service expects the bare base64. Remove everything "
            "up to and including the comma."
        )
    try:
        return binascii.a2b_base64(text, strict_mode=True)  # a tenth of b64decode's time
    except (binascii.Error, ValueError):
        raise ValueError(
            "is not base64. Expected the picture file's bytes in standard base64, without spaces "
            "or line breaks; ComplexImageTask.from_image(…) makes it for you."
        ) from None


def guess_grid(tiles: int, width: int, height: int) -> tuple[int, int]:
    """Return (columns, rows) for `tiles` tiles: the grid whose tiles are nearest to square.

    The usual picture is 3 columns by 2 rows (source: BroCapGPT public API pages).
    """
    if tiles == 6 and width >= height:
        return 3, 2
    grids = [(c, tiles // c) for c in range(1, tiles + 1) if tiles % c == 0]
    return min(
        grids,
        key=lambda g: max((width / g[0]) / (height / g[1]), (height / g[1]) / (width / g[0])),
        default=(1, 1),
    )


def mark_answer(
    data: bytes, answer: Sequence[bool], *, columns: int | None = None, rows: int | None = None
) -> bytes:
    """Return a PNG of the picture with its tiles numbered and the true ones outlined and ticked.

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
        image = source.convert("RGB")
    if columns is None and rows is None:
        columns, rows = guess_grid(len(answer), *image.size)
    columns = len(answer) // max(rows or 1, 1) if columns is None else columns
    rows = len(answer) // max(columns, 1) if rows is None else rows
    if columns * rows != len(answer) or columns < 1:
        raise InvalidImageError(
            f"A grid of {columns} x {rows} tiles does not fit an answer of {len(answer)} tiles. "
            "Choose columns and rows whose product is the answer's length."
        )
    draw = ImageDraw.Draw(image)
    tile_w, tile_h = image.width / columns, image.height / rows
    short = min(tile_w, tile_h)
    if short < MIN_TILE:
        raise InvalidImageError(
            f"The picture has {image.width} x {image.height} pixels, too few to mark {columns} x "
            f"{rows} tiles; expected tiles of at least {MIN_TILE} pixels. Scale the picture up."
        )
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


def thumbnail(data: bytes, *, side: int = 420, max_bytes: int = 40_000) -> tuple[bytes, str]:
    """Return a small copy for display and its media type, at most `max_bytes` long.

    Raises:
        InvalidImageError: the picture cannot be opened.
    """
    kind = media_type(data)
    if kind is not None and len(data) <= max_bytes:
        inspect_problem = _open(data)
        inspect_problem.close()
        return data, kind
    with _open(data) as source:
        image = source.convert("RGB")
    while True:
        image.thumbnail((side, side))
        buffer = io.BytesIO()
        image.save(buffer, format="JPEG", quality=80)
        if buffer.tell() <= max_bytes or side < 32:
            return buffer.getvalue(), "image/jpeg"
        side = side * 3 // 4


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
