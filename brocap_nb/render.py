"""Small pieces of static HTML and plain text that every rich display is built from.

A saved notebook, a code host or a restricted front end shows nothing but this, so it uses
inline styles only and takes its colours from where it stands (`currentColor`, translucent
greys): it is legible on a light and on a dark page, and needs no style sheet.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

__all__ = [
    "badge",
    "bundle",
    "card",
    "code",
    "facts",
    "heading",
    "picture",
    "pretty",
    "table",
    "text",
]

_LINE = "1px solid rgba(128,128,128,.35)"
_LONG_BASE64 = re.compile(r"[A-Za-z0-9+/]{4096,}={0,2}")
_MONO = "font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:.92em"


def text(value: str) -> str:
    """Text as HTML."""
    return escape(value)


def heading(value: str) -> str:
    """A small heading inside a card."""
    return f'<div style="margin-top:.5em;font-weight:600;opacity:.85">{escape(value)}</div>'


def pretty(text: str, *, limit: int = 100_000) -> str:
    """Return `text` for people: indented if it is JSON, cut if it is very long.

    A saved notebook keeps what is shown, so base64 of a file is cut as well.
    """
    text = _LONG_BASE64.sub(lambda m: f"{m[0][:24]}… ({len(m[0]):,} characters of base64)", text)
    with contextlib.suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text) - limit:,} more characters)"
    # JSON can spell lone surrogates, which no front end is sent
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def code(text: str, *, max_height: str = "22em") -> str:
    """A block of code or JSON that wraps and, when long, scrolls, by mouse and by keyboard."""
    return (
        f'<pre tabindex="0" style="{_MONO};margin:.3em 0;padding:.5em .7em;border:{_LINE};'
        f"border-radius:4px;background:rgba(128,128,128,.08);color:inherit;white-space:pre-wrap;"
        f'overflow-wrap:anywhere;overflow:auto;max-height:{max_height}">{escape(text)}</pre>'
    )


def badge(text: str, *, good: bool | None = None) -> str:
    """A short word in a frame; a sign before it, never colour alone, says good or bad."""
    sign, colour = {
        True: ("✓ ", "46,125,50"),
        False: ("✗ ", "198,40,40"),
        None: ("", "128,128,128"),
    }[good]
    return (
        f'<span style="border:1px solid rgba({colour},.8);background:rgba({colour},.14);'
        f'border-radius:9px;padding:0 .55em;white-space:nowrap">{sign}{escape(text)}</span>'
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Label and value in two columns. Values are HTML, labels are text."""
    rows = "".join(
        f'<div style="opacity:.75">{escape(label)}</div>'
        f'<div style="overflow-wrap:anywhere">{value}</div>'
        for label, value in pairs
    )
    return (
        '<div style="display:grid;grid-template-columns:max-content minmax(0,1fr);'
        f'gap:.15em .9em;margin:.3em 0">{rows}</div>'
    )


def picture(data: bytes, media_type: str, alt: str, *, width: int = 360) -> str:
    """An embedded picture, never wider than its place."""
    uri = f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
    return (
        f'<img src="{uri}" alt="{escape(alt, quote=True)}" '
        f'style="width:{width}px;max-width:100%;height:auto;border-radius:4px;display:block">'
    )


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "") -> str:
    """A table. Headers and caption are text, cells are HTML."""
    cell = f"text-align:left;vertical-align:top;padding:.25em .6em;border-bottom:{_LINE}"
    head = "".join(f'<th scope="col" style="{cell}">{escape(h)}</th>' for h in headers)
    body = "".join(
        "<tr>" + "".join(f'<td style="{cell}">{c}</td>' for c in row) + "</tr>" for row in rows
    )
    title = (
        f'<caption style="text-align:left;opacity:.75">{escape(caption)}</caption>'
        if caption
        else ""
    )
    return (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;margin:.3em 0;'
        f'color:inherit">{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def card(title: str, *parts: str) -> str:
    """A framed block with a title. The title is text, the parts are HTML."""
    return (
        f'<div style="border:{_LINE};border-radius:6px;padding:.6em .9em;margin:.3em 0;'
        f'max-width:60em;color:inherit;line-height:1.45"><div style="font-weight:600">'
        f"{escape(title)}</div>{''.join(parts)}</div>"
    )


def bundle(html: str, plain: str) -> dict[str, Any]:
    """What `_repr_mimebundle_` returns."""
    return {"text/html": html, "text/plain": plain}
