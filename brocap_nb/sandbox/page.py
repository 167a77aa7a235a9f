"""The page at `GET /`: for people who look the sandbox up in a browser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from brocap_nb import render
from brocap_nb.sandbox.faults import BEFORE, ON_THE_WIRE, SHAPES
from brocap_nb.sandbox.pictures import Puzzle
from brocap_nb.sandbox.recipes import BY_KEY, RECIPES

__all__ = ["page"]

_STYLE = """
:root { color-scheme: light dark; --page: #fbfaf7; --ink: #22242c; --card: #ffffff;
  --link: #1d5f8a; --line: #d9d5cc; }
@media (prefers-color-scheme: dark) { :root { --page: #17181d; --ink: #e8e6e1; --card: #20222a;
  --link: #8cc4ea; --line: #3b3e49; } }
body { margin: 0 auto; padding: 2rem 1.2rem 4rem; max-width: 62rem; background: var(--page);
  color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem; }
a { color: var(--link); } a:focus-visible { outline: 2px solid var(--link); outline-offset: 3px; }
code { font-family: ui-monospace, monospace; font-size: .92em; overflow-wrap: anywhere; }
td code { white-space: nowrap; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem; }
figure { margin: 0; padding: .7rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; } figure img { width: 100%; height: auto; border-radius: 6px; }
figcaption { font-size: .95rem; margin-top: .4rem; }
"""

_METHODS = (
    ("createTask", "clientKey, task, callbackUrl (optional)", "taskId"),
    ("getTaskResult", "clientKey, taskId", "status: processing or ready; then solution"),
    ("getBalance", "clientKey", "balance"),
)


def page(url: str, keys: Mapping[str, str], puzzles: Sequence[Puzzle]) -> str:
    """Return the page as HTML, in one piece: it loads nothing but the sandbox's own pictures."""
    example = (
        f"curl {url}/getBalance -H 'Content-Type: application/json' "
        f'-d \'{{"clientKey": "{keys["working"]}"}}\''
    )
    rows = _codes()
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sandbox service</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><style>{_STYLE}</style></head><body><main>
<h1>Sandbox service</h1>
<p>It keeps the documented rules of the task API on this machine. Nothing leaves it, nothing costs
anything, and the keys below are worth nothing anywhere else.</p>
{render.facts([("Address", _code(url)), ("A key that works", _code(keys["working"]))])}
{render.code(example)}
<h2>Methods</h2>
<p>Each is a <code>POST</code> with a JSON body. Ask for a result at most every 2 seconds and 120
times, within 5 minutes.</p>
{render.table(("method", "request", "answer"), (_codes_in(0, row) for row in _METHODS))}
<h2>Pictures</h2>
<p>Send one as <code>imageUrls</code> by its link, or its file as <code>imagesBase64</code>,
with its question as <code>metadata.Task</code>.</p>
<div class="grid">{"".join(_figure(puzzle) for puzzle in puzzles)}</div>
<h2>Keys</h2>
{render.table(("name", "key", "what it does"), _keys(keys))}
<h2>How to provoke each error code</h2>
{render.table(("code", "how"), rows)}
<h2>Faults</h2>
<p>From Python: <code>sandbox.faults.next("getTaskResult", "reset", times=1)</code>.</p>
{render.table(("fault", "what happens", "was the work done?"), _faults())}
</main></body></html>
"""


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _codes_in(column: int, row: Sequence[str]) -> list[str]:
    return [_code(cell) if i == column else escape(cell) for i, cell in enumerate(row)]


def _figure(puzzle: Puzzle) -> str:
    question = escape(puzzle.question, quote=True)
    path = f"/pictures/{escape(puzzle.name)}.png"
    return (
        f'<figure><a href="{path}"><img src="{path}" alt="Six tiles. {question}" width="600" '
        f'height="400" loading="lazy"></a><figcaption>{question}<br>'
        f'<a href="{path}">{_code(puzzle.url)}</a></figcaption></figure>'
    )


def _codes() -> Iterable[Sequence[str]]:
    return [(_code(recipe.code), escape(recipe.how)) for recipe in RECIPES]


def _keys(keys: Mapping[str, str]) -> Iterable[Sequence[str]]:
    for name, key in keys.items():
        recipe = BY_KEY.get(name)
        what = "It works." if recipe is None else _code(recipe.code)
        yield _code(name), _code(key), what


def _faults() -> Iterable[Sequence[str]]:
    for name, what in BEFORE.items():
        yield _code(name), escape(what), "no"
    for name, what in ON_THE_WIRE.items():
        yield _code(name), escape(what), "yes"
    for name, (what, _) in SHAPES.items():
        yield _code(name), escape(what), "yes"
