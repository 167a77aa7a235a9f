"""Small pieces of static HTML and plain text that every rich display is built from.

A saved notebook or a code host shows nothing but this: its styles are inline, but on paper, and its
colours those of where it stands, or translucent: it is legible on light and on dark pages.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from textwrap import fill
from typing import Any, TypeAlias

Fact: TypeAlias = tuple[str, str | tuple[str, bool | None]]
"""A label with a text; or with a badge: its text, and whether that is good (None: neither)."""

GOOD: Mapping[str, bool | None] = {
    **dict.fromkeys(("ready", "ok", "callback"), True),
    **dict.fromkeys(("processing", "under way", "unknown", "abandoned"), None),
    **dict.fromkeys(("added", "removed", "changed"), None),
}
"""Which outcomes, states and kinds are good (True) or neither; all others are bad."""
_SHORTEST = 72  # pixels of a picture's shorter side
_LINE = "1px solid rgba(128,128,128,.35)"
# Paper does not scroll, and a sheet of A4 is three quarters as wide as a notebook. (Where such an
# element is shown as text, the displays of pandas show theirs.)
_ON_PAPER = (
    "<style>@media print{.brocap-code{max-height:none!important}"
    ".brocap-table{font-size:9px!important}"
    ".brocap-table :is(th,td){padding:2px 4px!important}}</style>"
)
_LONG_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{4096,}+={0,2}")


def text(value: str) -> str:
    """Text as HTML. MathJax takes no two dollars that are apart for a formula."""
    return escape(value).replace("$", "<span>$</span>")


def words(value: str) -> str:
    """Text as HTML; what stands in `backticks` is set as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", text(value))


def pretty(text: str, *, limit: int = 100_000) -> str:
    """Text for people: JSON is indented; base64 of a file, and what is very long, is cut."""
    text = _LONG_BASE64.sub(lambda m: f"{m[0][:24]}… ({len(m[0]):,} characters of base64)", text)
    with contextlib.suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text) - limit:,} more characters)"
    return printable(text, "utf-8")


def printable(text: str, encoding: str | None = None) -> str:
    """A text with what an encoding, by default of the standard output, has not as escapes."""
    if text.isascii():
        return text
    encoding = encoding or getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def code(text: str, *, max_height: str = "22em") -> str:
    """A block of code or JSON that wraps and, when long, scrolls, by mouse and by keyboard."""
    return (
        f'{_ON_PAPER}<pre class="brocap-code" tabindex="0" '
        'style="font-family:var(--jp-code-font-family,ui-monospace,monospace);'
        f"font-size:.92em;margin:.3em 0;padding:.5em .7em;border:{_LINE};"
        f"border-radius:4px;background:rgba(128,128,128,.08);color:inherit;white-space:pre-wrap;"
        f'overflow-wrap:anywhere;overflow:auto;max-height:{max_height}">{escape(text)}</pre>'
    )


def badge(text: str, good: bool | None = None) -> str:
    """A short word in a frame; a sign before it, never colour alone, says good or bad."""
    signs = {True: ("✓ ", "46,125,50"), False: ("✗ ", "198,40,40"), None: ("", "128,128,128")}
    sign, colour = signs[good]
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


def picture(
    data: bytes, media_type: str, alt: str, *, width: int = 360, size: tuple[int, int] | None = None
) -> str:
    """An embedded picture that fits its place; of a very tall or wide `size`, in a frame."""
    uri = f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
    name, most, frame = escape(alt), "100%", ""
    if size is not None:
        tallest = width * 11 // 9
        fitting = min(width / size[0], tallest / size[1])
        scale = max(fitting, _SHORTEST / min(size))
        width = round(size[0] * scale)
        if scale > fitting:
            # what scrolls must be reached by the keyboard
            most, frame = "none", f'<div tabindex="0" role="group" aria-label="{name}" '
            frame += f'style="max-height:{tallest + 20}px;overflow:auto">'
    return (
        f'{frame}<img src="{uri}" alt="{name}" style="width:{width}px;max-width:{most};'
        f'height:auto;border-radius:4px;display:block">{frame and "</div>"}'
    )


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    caption: str = "",
    numbers: Collection[str] = (),
) -> str:
    """A table. Headers and caption are text, cells are HTML; `numbers` are on the right."""
    cell = f"text-align:left;vertical-align:top;padding:.25em .6em;border-bottom:{_LINE}"
    right = f"{cell};text-align:right;font-variant-numeric:tabular-nums"
    styles = [f'style="{right if header in numbers else cell}"' for header in headers]

    def line(tag: str, cells: Sequence[str]) -> str:
        shown = (f"<{tag} {s}>{c}</{tag[:2]}>" for s, c in zip(styles, cells, strict=True))
        return f"<tr>{''.join(shown)}</tr>"

    head = line('th scope="col"', [*map(escape, headers)])
    body = "".join(line("td", row) for row in rows)
    if caption:
        caption = f'<caption style="text-align:left;opacity:.75">{escape(caption)}</caption>'
    return (
        f'{_ON_PAPER}<div style="overflow-x:auto"><table class="brocap-table" '
        f'style="border-collapse:collapse;margin:.3em 0;color:inherit">{caption}'
        f"<thead>{head}</thead><tbody>{body}</tbody></table></div>"
    )


def card(title: str, *parts: str) -> str:
    """A framed block with a title. The title is text, the parts are HTML."""
    return (
        f'<div style="border:{_LINE};border-radius:6px;padding:.6em .9em;margin:.3em 0;'
        f'max-width:60em;color:inherit;line-height:1.45"><div style="font-weight:600">'
        f"{text(title)}</div>{''.join(parts)}</div>"
    )


def describe(
    title: str, pairs: Iterable[Fact], *blocks: tuple[str, str], images: Iterable[str] = ()
) -> dict[str, Any]:
    """A bundle of images (HTML), labels with values, and headed blocks of code side by side."""
    shown, told = [], [title]
    for label, value in pairs:
        shown.append((label, words(value) if isinstance(value, str) else badge(*value)))
        told.append(f"  {label}: {value if isinstance(value, str) else value[0]}")
    sides = ""
    for name, text in blocks:
        sides += (
            f'<div role="group" aria-label="{escape(name)}" style="min-width:0;margin-top:.5em">'
            f'<div style="font-weight:600;opacity:.85">{escape(name)}</div>{code(text)}</div>'
        )
        told += f"--- {name}\n{text}".splitlines()
    grid = "gap:0 12px;grid-template-columns:repeat(auto-fit,minmax(min(100%,20em),1fr))"
    below = f'<div style="display:grid;{grid}">{sides}</div>' if sides else ""
    plain = "\n".join(
        fill(line, 80, subsequent_indent=" " * 4, break_long_words=False, break_on_hyphens=False)
        for line in told
    )
    return bundle(card(title, *images, facts(shown), below), plain)


def many(count: int, what: str) -> str:
    """How many of something there are, in words."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def bundle(html: str, plain: str) -> dict[str, Any]:
    """What `_repr_mimebundle_` returns."""
    return {"text/html": html, "text/plain": printable(plain)}
