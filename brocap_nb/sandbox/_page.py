"""The page at `GET /`: for people who look the sandbox up in a browser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from brocap_nb import _html
from brocap_nb.sandbox._faults import BEFORE, FAULTS
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
    ("createTask", "clientKey, task, callbackUrl (optional); answers taskId"),
    ("getTaskResult", "clientKey, taskId; answers status, and solution when that is ready"),
    ("getBalance", "clientKey; answers balance"),
)


def page(url: str, keys: Mapping[str, str], card: str) -> str:
    """Return the page as HTML, in one piece that loads nothing."""
    example = (
        f"curl {url}/getBalance -H 'Content-Type: application/json' "
        f'-d \'{{"clientKey": "{keys["working"]}"}}\''
    )
    uses = [(key, BY_KEY[name].code if name in BY_KEY else name) for name, key in keys.items()]
    return f"""{_HEAD}
{card}
<h2>Methods</h2>
<p>Each is a <code>POST</code> with a JSON body. Ask for a result at most every 2 seconds and 120
times, within 5 minutes.</p>
{_html.code(example)}
{_facts(_METHODS)}
<h2>Keys</h2>
{_facts(uses)}
<h2>Error codes</h2>
{_facts((recipe.code, recipe.how) for recipe in RECIPES)}
<h2>Faults</h2>
<p>From Python: <code>sandbox.faults.next("getTaskResult", "reset", times=1)</code>. The first
{len(BEFORE)} come instead of the service's work; before the others the work was done.</p>
{_facts(FAULTS.items())}
</main></body></html>
"""


def _facts(pairs: Iterable[tuple[str, str]]) -> str:
    return _html.facts((name, _html.words(text)) for name, text in pairs)
