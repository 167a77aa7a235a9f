"""Pictures to send: of noise, which stays large, of one colour, and one of each kind there is."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms

WIDTH, HEIGHT = 48, 32


def noise(width: int = 60, height: int = 40, kind: str = "PNG") -> bytes:
    """A picture that no format makes much smaller, and no other one is like."""
    return saved(Image.effect_noise((width, height), 90).convert("RGB"), kind)


def plain(width: int, height: int) -> bytes:
    """A PNG of one colour."""
    return saved(Image.new("RGB", (width, height), "grey"))


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A piece of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """A PNG with more pieces, behind its head."""
    return png[:33] + b"".join(chunks) + png[33:]


def raw_png(
    depth: int, colour: int, row: bytes, *chunks: bytes, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> bytes:
    """A PNG of equal rows; its depth and its kind of colour as the format numbers them."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress((b"\0" + row) * HEIGHT))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + body + chunk(b"IEND", b"")


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


def shades() -> Image.Image:
    """A picture without two equal corners."""
    red = Image.linear_gradient("L").resize((WIDTH, HEIGHT))
    green = Image.linear_gradient("L").rotate(90).resize((WIDTH, HEIGHT))
    return Image.merge("RGB", (red, green, Image.radial_gradient("L").resize((WIDTH, HEIGHT))))


def odd_profile() -> bytes:
    """A colour profile in which red and green have changed places, so that it is seen."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(data[128:132], "big")
    tags = {bytes(data[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    red, green = (slice(tags[name] + 4, tags[name] + 12) for name in (b"rXYZ", b"gXYZ"))
    data[red], data[green] = data[green], data[red]
    data[84:100] = bytes(16)  # the checksum may be left out
    return bytes(data)


def kinds() -> dict[str, bytes]:
    """A small file of each kind that is easily shown wrong."""
    image, red = shades(), Image.new("RGB", (WIDTH, HEIGHT), "red")
    clear = Image.merge("RGBA", (*image.split(), image.getchannel("R")))
    grey, few = image.convert("L"), image.quantize(32)
    fine: dict[str, Any] = {"kind": "JPEG", "quality": 98, "subsampling": 0}
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        b'syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        b'tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    )
    deep = b"".join(struct.pack(">H", 1365 * x) for x in range(WIDTH))
    words = chunk(b"zTXt", b"words\0\0" + zlib.compress(b"a" * 900_000))
    long = chunk(b"iTXt", b"words\0\1\0\0\0" + zlib.compress(b"a" * 2_000_000))
    return {
        **{f"JPEG, EXIF {n}": saved(image, exif=exif(n), **fine) for n in range(1, 10)},
        "JPEG, broken EXIF": saved(image, exif=b"Exif\0\0rubbish", **fine),
        "JPEG, turned in its XMP only": saved(image, xmp=xmp, **fine),
        "JPEG, CMYK": saved(image.convert("CMYK"), "JPEG", quality=98),
        "JPEG of two pictures": saved(
            image, **fine | {"kind": "MPO"}, save_all=True, append_images=[red]
        ),
        "JPEG with a profile": saved(image, icc_profile=odd_profile(), **fine),
        **{f"PNG, EXIF {n}": saved(image, exif=exif(n)) for n in (3, 6)},
        "PNG, turned in its XMP only": with_chunks(
            saved(image), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
        ),
        "PNG, 16 bits of grey": raw_png(16, 0, deep),
        "PNG, 16 bits of colour": raw_png(16, 2, deep * 3),
        "PNG, 1 bit": saved(image.convert("1")),
        "PNG, 2 bits, one clear": raw_png(2, 0, bytes(range(WIDTH // 4)), chunk(b"tRNS", b"\0\1")),
        "PNG, 4 bits, one clear": raw_png(4, 0, bytes(range(WIDTH // 2)), chunk(b"tRNS", b"\0\1")),
        "PNG, grey, one clear": saved(grey, transparency=grey.getpixel((5, 5))),
        "PNG, LA": saved(Image.merge("LA", (grey, image.getchannel("R")))),
        "PNG, RGBA": saved(clear),
        "PNG, RGB, one clear": saved(image, transparency=image.getpixel((5, 5))),
        "PNG, palette": saved(few),
        "PNG, palette, one clear": saved(few, transparency=3),
        "PNG, palette, partly clear": saved(few, transparency=bytes(range(0, 256, 8))),
        "PNG with a profile": saved(image, icc_profile=odd_profile()),
        "PNG, grey with a profile of colours": saved(grey, icc_profile=odd_profile()),
        "PNG with a broken profile": saved(image, icc_profile=b"rubbish" * 30),
        "PNG with a large profile": saved(image, icc_profile=odd_profile() + bytes(2_000_000)),
        "PNG with a long text": with_chunks(saved(image), long),
        "PNG with many texts": with_chunks(saved(image), *[words] * 90),
        "PNG with a broken text": with_chunks(saved(image), chunk(b"tEXt", b"a\0b")[:-1] + b"!"),
        "APNG": saved(image, save_all=True, append_images=[red]),
        "APNG whose first picture is not of it": saved(
            red, save_all=True, append_images=[image, red], default_image=True, duration=60_000
        ),
        "GIF": saved(few, "GIF"),
        "GIF that moves": saved(few, "GIF", save_all=True, append_images=[red], duration=100_000),
        "WebP, EXIF 6": saved(image, "WEBP", lossless=True, exif=exif(6)),
        "WebP, RGBA": saved(clear, "WEBP", lossless=True, exact=True),
        "WebP with a profile": saved(image, "WEBP", lossless=True, icc_profile=odd_profile()),
        "BMP": saved(image, "BMP"),
        "BMP, RGBA": saved(clear, "BMP"),
    }
