"""The page at `GET /`: for people who look the sandbox up in a browser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from brocap_nb import _html
from brocap_nb.sandbox._faults import BEFORE, ON_THE_WIRE, SHAPES
from brocap_nb.sandbox._recipes import BY_KEY, RECIPES

_HEAD: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sandbox service</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><style>
:root { color-scheme: light dark; background: Canvas; font: 16px/1.55 system-ui, sans-serif; }
body { margin: 0 auto; padding: 1.5rem; max-width: 62rem; }
</style></head><body><main><h1>Sandbox service</h1>
<p>It keeps the documented rules of the task API on this machine. Nothing leaves it, nothing costs
anything, and the keys below are worth nothing anywhere else.</p>
<p>Send a picture as <code>imageUrls</code> by its link, or its file as <code>imagesBase64</code>,
with its question as <code>metadata.Task</code>.</p>"""
_METHODS: Final = (
    ("`createTask`", "clientKey, task, callbackUrl (optional)", "taskId"),
    ("`getTaskResult`", "clientKey, taskId", "status: processing or ready; then solution"),
    ("`getBalance`", "clientKey", "balance"),
)


def page(url: str, keys: Mapping[str, str], card: str) -> str:
    """Return the page as HTML, in one piece that loads nothing; `card` shows the sandbox itself."""
    example = (
        f"curl {url}/getBalance -H 'Content-Type: application/json' "
        f'-d \'{{"clientKey": "{keys["working"]}"}}\''
    )
    brings = {name: f"`{recipe.code}`" for name, recipe in BY_KEY.items()}
    known = [(f"`{name}`", f"`{key}`", brings.get(name, "It works.")) for name, key in keys.items()]
    faults = [(f"`{name}`", what, "no") for name, what in BEFORE.items()]
    faults += [(f"`{name}`", what, "yes") for name, what in ON_THE_WIRE.items()]
    faults += [(f"`{name}`", what, "yes") for name, (what, _) in SHAPES.items()]
    return f"""{_HEAD}
{card}
<h2>Methods</h2>
<p>Each is a <code>POST</code> with a JSON body. Ask for a result at most every 2 seconds and 120
times, within 5 minutes.</p>
{_html.code(example)}
{_table(("method", "request", "answer"), _METHODS)}
<h2>Keys</h2>
{_table(("name", "key", "what it does"), known)}
<h2>How to provoke each error code</h2>
{_table(("code", "how"), [(f"`{recipe.code}`", recipe.how) for recipe in RECIPES])}
<h2>Faults</h2>
<p>From Python: <code>sandbox.faults.next("getTaskResult", "reset", times=1)</code>.</p>
{_table(("fault", "what happens", "was the work done?"), faults)}
</main></body></html>
"""


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return _html.table(headers, ([_html.words(cell) for cell in row] for row in rows))
