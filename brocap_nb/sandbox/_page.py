"""The page at `GET /`: for people who look the sandbox up in a browser."""

from __future__ import annotations

from collections.abc import Mapping

from brocap_nb import _html
from brocap_nb.sandbox._faults import BEFORE, FAULTS
from brocap_nb.sandbox._recipes import BY_KEY, RECIPES


def page(url: str, keys: Mapping[str, str], card: str) -> str:
    """Return the page as HTML, in one piece that loads nothing."""
    example = (
        f"curl {url}/getBalance -H 'Content-Type: application/json' "
        f'-d \'{{"clientKey": "{keys["working"]}"}}\''
    )
    uses = [(key, BY_KEY[name].code if name in BY_KEY else name) for name, key in keys.items()]
    codes = [(recipe.code, _html.words(recipe.how)) for recipe in RECIPES]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sandbox service</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>:root {{ color-scheme: light dark; background: Canvas; font-family: system-ui;
margin: auto; max-width: 62rem }}</style>
</head><body><main><h1>Sandbox service</h1>
<p>It keeps the documented rules of the task API on this machine. Nothing leaves it, nothing costs
anything, and the keys below are worth nothing anywhere else.</p>
{card}
<h2>Methods</h2>
<p><code>createTask</code> takes clientKey, task and, if you like, callbackUrl, and answers taskId.
<code>getTaskResult</code> takes clientKey and taskId, and answers status, and solution when that is
ready: ask at most every 2 seconds and 120 times, within 5 minutes. <code>getBalance</code> takes
clientKey. Each is a <code>POST</code> with a JSON body.</p>
<p>A picture is sent as <code>imageUrls</code> by its link, or its file as
<code>imagesBase64</code>; its question is <code>metadata.Task</code>.</p>
{_html.code(example)}
<h2>Keys</h2>
{_html.facts(uses)}
<h2>Error codes</h2>
{_html.facts(codes)}
<h2>Faults</h2>
<p>From Python: <code>sandbox.faults.next("getTaskResult", "reset", times=1)</code>. The first
{len(BEFORE)} come instead of the service's work; before the others the work was done.</p>
{_html.facts(FAULTS.items())}
</main></body></html>
"""
