"""Pictures: load them, measure them, check them against the limits, mark an answer on them.

A picture is its file's bytes everywhere in this package; what is shown, measured or marked is what
a browser makes of them, see `opened`. Nothing here decodes more pixels than `MAX_PIXELS`, so a
small file that unpacks to a huge picture is refused.
"""

from __future__ import annotations

import binascii
import contextlib
import io
import math
import re
import zlib
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias
from urllib.parse import unquote_to_bytes, urlsplit

from brocap_nb import _html
from brocap_nb.api._body import media_type
from brocap_nb.api._errors import InvalidImageError, InvalidInputError
from brocap_nb.api._facts import IMAGE_MAX_BYTES, IMAGE_MIN_BYTES
from brocap_nb.tasks import _download

if TYPE_CHECKING:
    from PIL import Image

ImageSource: TypeAlias = "str | PathLike[str] | bytes | Image.Image"
"""A path, an http(s) or `data:` address, base64, the file's bytes, an image of PIL or IPython."""

MAX_PIXELS: Final = 40_000_000
MIN_TILE: Final = 8
SAVED_MAX: Final = 40_000
SHOWN_MAX: Final = 12
FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP")

_OTHER_KINDS: Final = (
    (rb"^$", "empty"),
    (rb"<!doctype html|<html", "a web page (HTML)"),
    (rb"<svg", "an SVG drawing"),
    (rb"^.{4}ftyp.{0,24}avi[fs]", "an AVIF picture"),
    (rb"^.{4}ftyp.{0,24}(hei|hev|mif1|msf1)", "a HEIC picture"),
    (rb"^%PDF", "a PDF document"),
    (rb"^(II\*\0|MM\0\*)", "a TIFF picture"),
    (rb"^[^\0-\x08\x0e-\x1f\x7f]+$", "text"),
    (rb"", "of a kind that is not known here"),
)

_PNG_MODES: Final = ("1", "L", "LA", "P", "RGB", "RGBA")
_SCALED_GREY: Final = {b"\2\0": 85, b"\4\0": 17}  # Pillow scales the pixels, but not what is clear
_GREEN: Final = "#0b7a34"

_recent: dict[str, bytes] = {}


def check_kind(data: bytes, what: str = "The file") -> str | None:
    """Return a sentence that says what a file is, if it is no picture that the service takes."""
    if media_type(data) is not None:
        return None
    head = data[:1_000]
    kind = next(name for form, name in _OTHER_KINDS if re.search(form, head, re.I | re.S))
    return (
        f"{what} is {kind}, not a picture that the service takes. Expected a PNG, JPEG, GIF, WebP "
        "or BMP file. Choose the picture itself, or save it as PNG or JPEG first."
    )


def check_size(size: int, what: str = "The picture") -> str | None:
    """Return a sentence if a picture of `size` bytes is outside the service's limits."""
    if IMAGE_MIN_BYTES <= size <= IMAGE_MAX_BYTES:
        return None
    return (
        f"{what} has {size:,} bytes; the service takes {IMAGE_MIN_BYTES:,} to {IMAGE_MAX_BYTES:,}. "
        "Check that the file is whole, or save it smaller, as JPEG, and choose it again."
    )


class ImageFacts(NamedTuple):
    """What can be said of a picture without showing it; its size in pixels and in bytes."""

    format: str | None
    """`PNG`, `JPEG`, …; None if it is no picture that can be opened."""
    width: int | None
    height: int | None
    size: int
    problem: str | None
    """Why the service would not take it, as a sentence; None if it would."""

    def __str__(self) -> str:
        shape = f"{self.format} {self.width} x {self.height}, " if self.format else ""
        return f"{shape}{self.size:,} bytes, {self.problem or 'inside the limits'}"


def inspect(data: bytes) -> ImageFacts:
    """Measure a picture. It never raises: what is wrong is in `problem`."""
    problem = check_size(len(data))
    try:
        width, height = opened(data).size
    except InvalidImageError as error:
        return ImageFacts(None, None, None, len(data), problem or str(error))
    kind = str(media_type(data)).removeprefix("image/").upper()
    return ImageFacts(kind, width, height, len(data), problem)


def quoted(text: object) -> str:
    """Return what came as a sentence quotes it: never more than 80 characters of it."""
    shown = str(text)
    return repr(shown if len(shown) <= 80 else f"{shown[:79]}…")


def is_url(text: object) -> bool:
    """Whether `text` is an http or https address with a host, and nothing around it."""
    if not isinstance(text, str) or " " in text or not text.isprintable():
        return False
    with contextlib.suppress(ValueError):  # brackets of no address, a port of letters or too large
        parts = urlsplit(text)
        labels = (parts.hostname or "").removesuffix(".").split(".")
        right = ":" in labels[0] or all(0 < len(label) < 64 for label in labels)
        return parts.scheme in ("http", "https") and parts.port != 0 and right
    return False


def clean_address(text: str, what: str = "The address") -> str:
    """Return an http(s) address without blanks around it, or raise an `InvalidInputError`."""
    if is_url(clean := text.strip()):
        return clean
    raise InvalidInputError(
        f"{what} is {quoted(clean)}; expected an address that starts with http:// or https:// and "
        "names a host, such as https://example.com/page, with no blank inside (write %20) and no "
        "port above 65535. Write the full address."
    )


def address_in(source: object) -> str | None:
    """Return the address that a picture is given by, if any, or raise an `InvalidInputError`."""
    source = _bare(source)
    if not isinstance(source, str) or not re.match(r"\s*https?://", source, re.IGNORECASE):
        return None
    return clean_address(source, "The picture's address")


def _bare(source: Any) -> Any:
    """What an IPython.display.Image is made of; anything else as it is."""
    if hasattr(source, "data") and hasattr(source, "url"):
        return source.data or source.url or source.filename
    return source


def read(source: ImageSource) -> bytes:
    """Return the bytes of a picture's file; a PIL image becomes a PNG, an address is loaded.

    It raises an `InvalidInputError` if the source cannot be read, or is no picture.
    """
    bare, what = _bare(source), "The file"
    if hasattr(bare, "convert"):
        return _written(bare)
    if (url := address_in(bare)) is not None:
        data, what = fetch(url), f"The file at {quoted(url)}"
    elif isinstance(bare, (bytes, bytearray, memoryview)):
        data = bytes(bare)
        data = (data.isascii() and _in_text(data.decode("ascii"))) or data
    elif isinstance(bare, str) and (found := _in_text(bare)) is not None:
        data = found
    else:
        try:
            what = f"The file {quoted(bare)}"
            data = Path(bare).expanduser().read_bytes()
        except (OSError, TypeError, ValueError, RuntimeError) as error:  # the last: no home
            reason = getattr(error, "strerror", None) or str(error).rstrip(".")
            raise InvalidImageError(
                f"The picture {quoted(bare)} cannot be read: {reason}. Expected the path of a "
                "picture file, an http(s) or data: address, bytes or a PIL image. Check the path; "
                f"it is looked for in {Path.cwd()}."
            ) from None
    if sentence := check_kind(data, what):
        raise InvalidImageError(sentence)
    return data


def _in_text(text: str) -> bytes | None:
    """The file in a `data:` address, or the picture in bare base64; None if there is none."""
    head, _, body = text.strip().partition(",")
    address = head[:5].lower() == "data:"
    data = unquote_to_bytes(body if address else text)
    if address and not head.rstrip().lower().endswith(";base64"):
        return data
    packed = b"".join(data.split())
    try:  # what a browser forgives is forgiven
        data = binascii.a2b_base64(packed + b"=" * (-len(packed) % 4), strict_mode=True)
    except ValueError:
        if not address:
            return None
        raise InvalidImageError(
            f"The address {quoted(text)} cannot be read: its base64 is damaged or cut off. "
            "Expected the whole of data:image/png;base64,… Copy it again, or choose the file."
        ) from None
    return data if address or media_type(data) else None


def _written(image: Image.Image) -> bytes:
    """A PIL image as a PNG that a browser shows as PIL does."""
    mode = image.mode
    try:
        if mode in ("I", "F") or (mode.startswith("I;16") and mode != "I;16"):
            raise ValueError(f"the numbers of mode {mode!r} do not say what is white")
        upright = _upright(image)
        return _saved(upright if upright.mode in _PNG_MODES else _rgb(upright))
    except Exception as error:
        raise InvalidImageError(
            f"The PIL image cannot be written as PNG: {error}. Expected an image with pixels, in a "
            "mode such as L or RGB. Scale it to 0 to 255 yourself, for example: "
            "image.point(lambda value: value / 256).convert('L')."
        ) from None


def fetch(url: str, *, allow_private: bool = True, trusted: Iterable[str] = ()) -> bytes:
    """Load a picture over http(s), bounded in bytes and time; the latest ones are remembered.

    Without `allow_private` each hop must be public, or have the host and port of a `trusted`
    address; and the picture is loaded anew. An `InvalidImageError` says why nothing was loaded.
    """
    if allow_private and (known := fetched(url)) is not None:
        return known
    try:
        data = _download.load(url, allow_private=allow_private, trusted=trusted)
    except InvalidImageError as error:
        raise InvalidImageError(
            f"The picture at {quoted(url)} cannot be loaded: {error}. Expected the address of a "
            "picture that this kernel can reach. Open it in a browser to check, choose the picture "
            "as a file, or send the address without looking at it: "
            "ComplexImageTask(image_urls=[…], question=…).",
            field="imageUrls",
        ) from None
    remember(url, data)
    return data


def remember(url: str, data: bytes) -> None:
    """Keep the picture of an address for display; the oldest of 32 is dropped."""
    _recent.pop(url, None)
    _recent[url] = data
    for oldest in [*_recent][:-32]:
        _recent.pop(oldest, None)  # another thread may have done so


def fetched(url: str) -> bytes | None:
    """Return the picture of `url` if it was loaded lately, without touching the network."""
    return _recent.get(url)


def grids(tiles: int) -> list[tuple[int, int]]:
    """Return every (columns, rows) of `tiles` tiles, the squarest first; wide before tall."""
    found = [(c, tiles // c) for c in range(1, tiles + 1) if tiles % c == 0]
    return sorted(found, key=lambda g: (max(g) / min(g), -g[0]))


def guess_grid(tiles: int, width: int, height: int) -> tuple[int, int]:
    """Return (columns, rows) for `tiles` tiles: the grid whose tiles are nearest to square."""
    shape = width / height
    return min(grids(tiles), key=lambda g: abs(math.log(shape * g[1] / g[0])), default=(1, 1))


def mark_answer(
    data: bytes, answer: Sequence[bool], *, grid: tuple[int, int] | None = None
) -> bytes:
    """Return a PNG of the picture with its tiles numbered and the true ones outlined and ticked.

    The answer has one boolean for each tile, row by row. A grid that is not given is guessed.
    """
    from PIL import ImageDraw, ImageFont

    image = _on_white(opened(data))
    columns, rows = grid or guess_grid(len(answer), *image.size)
    tile_w, tile_h = image.width / (columns or 1), image.height / (rows or 1)
    short = min(tile_w, tile_h)
    if not 0 < columns * rows == len(answer) or short < MIN_TILE:
        raise InvalidImageError(
            f"A grid of {columns} x {rows} tiles does not fit an answer of {len(answer)} tiles on "
            f"a picture of {image.width} x {image.height} pixels. Choose columns and rows whose "
            f"product is the answer's length; a tile has at least {MIN_TILE} pixels."
        )
    draw = ImageDraw.Draw(image)
    stroke, size = max(2, round(short / 22)), max(10, round(short / 6))
    font, pad = ImageFont.load_default(size), round(size / 4)
    for index, chosen in enumerate(answer):
        row, column = divmod(index, columns)
        left, top = round(column * tile_w), round(row * tile_h)
        right, bottom = round((column + 1) * tile_w) - 1, round((row + 1) * tile_h) - 1
        if chosen:
            draw.rectangle((left, top, right, bottom), outline="white", width=stroke + 2)
            draw.rectangle((left + 1, top + 1, right - 1, bottom - 1), outline=_GREEN, width=stroke)
        # the number on a plate; a chosen tile's plate is green and has a tick
        x, y = left + stroke + 2 + pad, top + stroke + 2 + pad
        end, low = draw.textbbox((x, y), str(index + 1), font=font, anchor="lt")[2:]
        tick, start = low - y, end + pad
        plate = (x - pad, y - pad, start + (tick + pad if chosen else 0), low + pad)
        draw.rounded_rectangle(plate, radius=pad, fill=_GREEN if chosen else "#303030")
        draw.text((x, y), str(index + 1), font=font, fill="white", anchor="lt")
        if chosen:
            ends = [(start, y + tick / 2), (start + tick * 0.38, low), (start + tick, y)]
            draw.line(ends, fill="white", width=max(2, round(tick / 6)))
    return _saved(image)


class Thumbnail(NamedTuple):
    """A small copy of a picture, for display; its size in pixels."""

    data: bytes
    media_type: str
    width: int
    height: int


def thumbnail(data: bytes, *, side: int = 420, max_bytes: int = 29_000) -> Thumbnail:
    """Return a small copy of a picture's pixels alone, or raise an `InvalidImageError`."""
    image = _on_white(opened(data))
    short, long = sorted(image.size)
    # it fits into a square, but a very tall or wide one must stay legible
    longer = min(side / 4 / short, side / math.sqrt(short * long), 8 * side / long)
    scale = min(1.0, max(side / long, longer))
    while True:
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        small = _saved(image.resize(size, reducing_gap=3.0), "JPEG", quality=80, optimize=True)
        if len(small) <= max_bytes or max(size) < 8:
            return Thumbnail(small, "image/jpeg", *size)
        scale *= 0.8


def thumbnails(pictures: Sequence[bytes], *, budget: int = SAVED_MAX) -> list[Thumbnail | None]:
    """Return copies that share a budget of characters as data URIs, which a saved notebook keeps.

    None stands for what cannot be opened, and after the first `SHOWN_MAX`.
    """
    share = budget // max(1, min(len(pictures), SHOWN_MAX)) - len("data:image/jpeg;base64,")
    found: list[Thumbnail | None] = [None] * len(pictures)
    for index, data in enumerate(pictures[:SHOWN_MAX]):
        with contextlib.suppress(InvalidImageError):
            found[index] = thumbnail(data, max_bytes=share // 4 * 3)
    return found


def images(pictures: Sequence[bytes], alt: str, *, budget: int = SAVED_MAX) -> list[str]:
    """Return the copies as HTML; `{}` in `alt` is the number of a picture."""
    return [
        _html.picture(small.data, small.media_type, alt.format(n), size=small[2:])
        for n, small in enumerate(thumbnails(pictures, budget=budget), 1)
        if small is not None
    ]


def opened(data: bytes) -> Image.Image:
    """Open a picture as a browser shows it, in RGB or RGBA, or raise an `InvalidImageError`."""
    from PIL import Image

    if sentence := check_kind(data):
        raise InvalidImageError(sentence)
    try:
        # only these: Pillow runs other programs to open some of the rest
        lean, profile = _lean(data)
        image: Image.Image = Image.open(io.BytesIO(lean), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise InvalidImageError(
                f"The picture unpacks to {image.width:,} x {image.height:,} pixels; at most "
                f"{MAX_PIXELS:,} pixels are opened here. Scale it down."
            )
        if image.info.get("default_image"):
            image.seek(1)  # an APNG's extra picture for who cannot show the animation
        image.load()  # a damaged file is found here
        if profile:
            image.info["icc_profile"] = profile
        image.info.pop("xmp", None)  # Pillow would turn the picture by it, a browser does not
        if image.format == "PNG" and data[24:26] in _SCALED_GREY and "transparency" in image.info:
            image.info["transparency"] *= _SCALED_GREY[data[24:26]]
        shown = _rgb(image if image.format == "WEBP" else _upright(image))
    except InvalidImageError:
        raise
    except Exception as error:  # Pillow's plugins raise many kinds for a damaged file
        raise InvalidImageError(
            f"The file is a damaged picture: it starts as {media_type(data)}, but cannot be opened "
            f"({type(error).__name__}). Expected a whole file. Save or copy the picture again."
        ) from None
    shown.info.clear()
    return shown


def _lean(data: bytes) -> tuple[bytes, bytes]:
    """A PNG without its texts, and its colour profile: Pillow gives up at much of either."""
    if media_type(data) != "image/png":
        return data, b""
    kept, profile, at = [data[:8]], b"", 8
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        name = data[at + 4 : at + 8]
        if name == b"iCCP":  # a name, a zero, the way of packing, the profile
            packed = data[at + 8 : end - 4].partition(b"\0")[2][1:]
            with contextlib.suppress(zlib.error):
                profile = zlib.decompressobj().decompress(packed, 5_000_000)
        elif name not in (b"tEXt", b"zTXt", b"iTXt"):
            kept.append(data[at:end])
        at = end
    return b"".join(kept), profile


def _upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF data says that it was held."""
    from PIL import ImageOps

    with contextlib.suppress(Exception):  # data that cannot be read turn nothing, as in a browser
        image = ImageOps.exif_transpose(image)
    return image


def _rgb(image: Image.Image) -> Image.Image:
    """The image in RGB, or RGBA where something is transparent, in the colours of a screen."""
    from PIL import Image, ImageCms

    if image.mode == "I;16":  # Pillow would clip it to white
        image = Image.frombytes("L", image.size, image.tobytes()[1::2])
    mode = "RGBA" if image.has_transparency_data else "RGB"
    plain = image.convert(mode)
    # a profile may be damaged, or of other colours than the picture
    with contextlib.suppress(KeyError, ImageCms.PyCMSError, OSError):
        found = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        given = image if image.mode == "CMYK" else plain
        screen = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(given, found, screen, outputMode=mode) or plain
    return plain


def _on_white(image: Image.Image) -> Image.Image:
    """The image in RGB; what is transparent is white, as on a page."""
    from PIL import Image

    if image.mode == "RGB":  # as most are
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
