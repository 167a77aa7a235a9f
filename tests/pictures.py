"""Pictures to send: of noise, which stays large, and of one colour, which becomes small."""

from __future__ import annotations

import io

from PIL import Image


def noise(width: int = 60, height: int = 40, kind: str = "PNG") -> bytes:
    """A picture that no format makes much smaller, and no other one is like."""
    return _saved(Image.effect_noise((width, height), 90).convert("RGB"), kind)


def plain(width: int, height: int) -> bytes:
    """A PNG of one colour."""
    return _saved(Image.new("RGB", (width, height), "grey"), "PNG")


def _saved(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()
