"""The page at `GET /`: for people who look the sandbox up in a browser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from brocap_nb import _html
from brocap_nb.sandbox._faults import BEFORE, ON_THE_WIRE, SHAPES
from brocap_nb.sandbox._puzzles import Puzzle
from brocap_nb.sandbox._recipes import BY_KEY, RECIPES

_METHODS = (
    ("`createTask`", "clientKey, task, callbackUrl (optional)", "taskId"),
    ("`getTaskResult`", "clientKey, taskId", "status: processing or ready; then solution"),
    ("`getBalance`", "clientKey", "balance"),
)
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sandbox service</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><style>
:root { color-scheme: light dark; background: Canvas; font: 16px/1.55 system-ui, sans-serif; }
body { margin: 0 auto; padding: 1.5rem; max-width: 62rem; }
figure { display: inline-block; margin: 0 1rem 0 0; width: 19rem; vertical-align: top; }
img { width: 100%; height: auto; }
</style></head><body><main>"""


def page(url: str, keys: Mapping[str, str], puzzles: Sequence[Puzzle]) -> str:
    """Return the page as HTML, in one piece: it loads nothing but the sandbox's own pictures."""
    example = (
        f"curl {url}/getBalance -H 'Content-Type: application/json' "
        f'-d \'{{"clientKey": "{keys["working"]}"}}\''
    )
    brings = {name: f"`{recipe.code}`" for name, recipe in BY_KEY.items()}
    known = [(f"`{name}`", f"`{key}`", brings.get(name, "It works.")) for name, key in keys.items()]
    recipes = [(f"`{recipe.code}`", recipe.how) for recipe in RECIPES]
    faults = [(f"`{name}`", what, "no") for name, what in BEFORE.items()]
    faults += [(f"`{name}`", what, "yes") for name, what in ON_THE_WIRE.items()]
    faults += [(f"`{name}`", what, "yes") for name, (what, _) in SHAPES.items()]
    return f"""{_HEAD}
<h1>Sandbox service</h1>
<p>It keeps the documented rules of the task API on this machine. Nothing leaves it, nothing costs
anything, and the keys below are worth nothing anywhere else.</p>
<p>Address <code>{url}</code>, a key that works <code>{keys["working"]}</code></p>
{_html.code(example)}
<h2>Methods</h2>
<p>Each is a <code>POST</code> with a JSON body. Ask for a result at most every 2 seconds and 120
times, within 5 minutes.</p>
{_table(("method", "request", "answer"), _METHODS)}
<h2>Pictures</h2>
<p>Send one as <code>imageUrls</code> by its link, or its file as <code>imagesBase64</code>,
with its question as <code>metadata.Task</code>.</p>
{"".join(map(_figure, puzzles))}
<h2>Keys</h2>
{_table(("name", "key", "what it does"), known)}
<h2>How to provoke each error code</h2>
{_table(("code", "how"), recipes)}
<h2>Faults</h2>
<p>From Python: <code>sandbox.faults.next("getTaskResult", "reset", times=1)</code>.</p>
{_table(("fault", "what happens", "was the work done?"), faults)}
</main></body></html>
"""


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return _html.table(headers, ([_html.words(cell) for cell in row] for row in rows))


def _figure(puzzle: Puzzle) -> str:
    path, question = f"/pictures/{puzzle.name}.png", _html.text(puzzle.question)
    return (
        f'<figure><a href="{path}"><img src="{path}" alt="Six tiles. {question}" width="600" '
        f'height="400" loading="lazy"></a><figcaption>{question}<br><a href="{path}">'
        f"{puzzle.url}</a></figcaption></figure>"
    )
