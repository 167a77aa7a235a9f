"""The look of the widgets: one style sheet, coloured by the theme's variables."""

from __future__ import annotations

import re
from html import escape
from typing import Any, Final

import ipywidgets as widgets

__all__ = [
    "STYLE",
    "close_all",
    "heading",
    "note",
    "panel",
    "problem_note",
    "service_note",
    "show_html",
    "words",
]

STYLE: Final = """<style>
.brocap { --brocap-line: rgba(128,128,128,.35); --brocap-soft: rgba(128,128,128,.08);
  --brocap-accent: var(--jp-brand-color1, #1976d2); --brocap-bad: var(--jp-error-color1, #d32f2f);
  color: var(--jp-ui-font-color1, currentColor); line-height: 1.45;
  font-family: var(--jp-ui-font-family, system-ui, sans-serif);
  overflow: hidden; }
.brocap .jupyter-widgets { margin-left: 0; margin-right: 0; max-width: 100%; }
.brocap .widget-html { height: auto; width: auto; min-width: 0; flex: 0 0 auto; }
.brocap .widget-html > .widget-html-content { flex: 1 1 0; min-width: 0; max-width: 100%;
  line-height: 1.45; color: inherit; overflow-wrap: anywhere; }
.brocap-panel { border: 1px solid var(--brocap-line); border-radius: 8px; padding: 12px 14px;
  box-sizing: border-box; min-width: 0; gap: 8px; overflow: hidden; }
.brocap-columns { gap: 12px; }
.brocap-heading { font-size: 1.08em; font-weight: 600; margin: 0; }
.brocap-heading small { font-weight: 400; opacity: .75; font-size: .87em; margin-left: .6em; }
.brocap-heading + .brocap-scroll { margin-top: 8px; }
.brocap-note { opacity: .8; font-size: .92em; }
.brocap-problem { border-left: 3px solid var(--brocap-bad); padding: 1px 0 1px 8px;
  font-size: .95em; white-space: pre-line; }
.brocap .brocap-field { gap: 1px; }
.brocap .brocap-control { display: flex; flex-direction: column; align-items: stretch;
  height: auto; width: auto; min-width: 0; }
.brocap .brocap-control > * { flex: 0 0 auto; }
.brocap .brocap-control > .widget-label { width: auto; max-width: 100%; text-align: left;
  font-family: var(--jp-code-font-family, ui-monospace, monospace); font-size: .95em;
  line-height: 1.6; height: auto; white-space: normal; overflow-wrap: anywhere; padding: 0; }
.brocap .brocap-control.brocap-plain > .widget-label { font-family: inherit; }
.brocap .brocap-control input, .brocap .brocap-control select, .brocap .brocap-control textarea,
.brocap-secret-input { width: 100%; box-sizing: border-box; min-width: 0; border-radius: 4px; }
.brocap .brocap-control input, .brocap .brocap-control select, .brocap-secret-input {
  min-height: 30px; }
.brocap .brocap-control select { appearance: auto; background-image: none; padding-right: 4px; }
.brocap .brocap-control textarea { font-family: var(--jp-code-font-family, monospace); }
.brocap-name { font-family: var(--jp-code-font-family, ui-monospace, monospace); font-size: .95em; }
.brocap .brocap-tick label { line-height: 1.6; }
.brocap .brocap-tick label span {
  font-family: var(--jp-code-font-family, ui-monospace, monospace); font-size: .95em; }
.brocap .brocap-picker { gap: 6px; border: 1px solid var(--brocap-line); border-radius: 6px;
  padding: 8px 10px; }
.brocap .widget-button, .brocap .jupyter-button { border-radius: 4px; height: 32px;
  line-height: 32px; width: auto; padding: 0 14px; flex: 0 0 auto; }
.brocap .widget-toggle-buttons { height: auto; }
.brocap .widget-toggle-buttons .jupyter-button { margin: 0 6px 4px 0; }
.brocap .widget-toggle-buttons .jupyter-button.mod-active { font-weight: 600;
  box-shadow: inset 0 -3px var(--brocap-accent); }
.brocap :is(button, input, select, textarea, summary, [tabindex]):focus-visible {
  outline: 2px solid var(--brocap-accent); outline-offset: 1px; }
.brocap-secret { display: flex; flex-direction: column; gap: 2px; max-width: 34em;
  margin-top: 6px; }
.brocap-secret-row { display: flex; gap: 6px; align-items: center; }
.brocap-secret-input { flex: 1 1 auto; padding: 4px 8px; font: inherit;
  color: var(--jp-widgets-input-color, currentColor);
  background: var(--jp-widgets-input-background-color, transparent);
  border: 1px solid var(--jp-widgets-input-border-color, var(--brocap-line)); }
.brocap-secret-clear:disabled { opacity: .45; }
.brocap-secret-status { font-size: .92em; opacity: .8; }
.brocap-progress-track { height: 6px; border-radius: 3px; background: rgba(128,128,128,.25);
  overflow: hidden; margin: 6px 0 4px; max-width: 44em; }
.brocap-progress-fill { height: 100%; border-radius: 3px; background: var(--brocap-accent);
  transition: width .3s linear; }
@media (prefers-reduced-motion: reduce) { .brocap-progress-fill { transition: none; } }
.brocap-numbers { display: flex; flex-wrap: wrap; gap: 0 1.4em;
  font-variant-numeric: tabular-nums; }
.brocap-numbers span { white-space: nowrap; } .brocap-numbers b { font-weight: 600; }
.brocap-scroll { overflow: auto; max-height: 26em; border: 1px solid var(--brocap-line);
  border-radius: 6px; }
.brocap-scroll table { border-collapse: collapse; width: 100%; color: inherit; margin: 0;
  font-size: .95em; font-variant-numeric: tabular-nums; background: transparent; }
.brocap-scroll th { position: sticky; top: 0; z-index: 1; font-weight: 600;
  background: var(--jp-layout-color2, Canvas); }
.brocap-scroll :is(th, td) { text-align: left; vertical-align: top; padding: .32em .7em;
  border-bottom: 1px solid var(--brocap-line); white-space: nowrap; overflow-wrap: normal; }
.brocap-scroll td.brocap-wide { white-space: normal; min-width: 17em; }
.brocap-scroll td.brocap-number, .brocap-scroll th.brocap-number { text-align: right; }
.brocap-scroll tbody tr:last-child td { border-bottom: 0; }
.brocap code { font-family: var(--jp-code-font-family, ui-monospace, monospace);
  background: var(--brocap-soft); color: inherit; padding: 0 .2em; border-radius: 3px;
  font-size: .95em; }
.brocap-scroll code { background: none; padding: 0; }
.brocap-answer { font-size: 1.05em; margin: 6px 0; }
/* forms: lists, groups, what the service said */
.brocap .brocap-list { gap: 4px; }
.brocap .brocap-list > .widget-button { align-self: flex-start; }
.brocap .brocap-item { gap: 6px; align-items: flex-end; flex-wrap: wrap; }
.brocap .brocap-item > :first-child { flex: 1 1 12em; }
.brocap .brocap-item > .brocap-tick { align-self: center; }
.brocap .brocap-group { border: 1px solid var(--brocap-line); border-radius: 6px;
  padding: 8px 10px; gap: 4px; }
.brocap-marked { border-left-style: double; border-left-width: 5px; }
/* end of forms */
</style>"""
"""Put once into each widget that is shown by itself, in an `HTML`."""


def words(text: str) -> str:
    """Text as HTML; what stands in `backticks` is set as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def heading(text: str, aside: str = "") -> str:
    """A panel's heading, with a few words beside it. Both are text."""
    small = f"<small>{escape(aside)}</small>" if aside else ""
    return f'<div class="brocap-heading" role="heading" aria-level="3">{escape(text)}{small}</div>'


def name_html(name: str) -> str:
    """The name of a field, where no input's own label says it."""
    return f'<span class="brocap-name">{escape(name)}</span>'


def note(text: str) -> str:
    """A quiet sentence."""
    return f'<div class="brocap-note">{words(text)}</div>'


def problem_note(*sentences: str) -> str:
    """What is wrong, in words; nothing if nothing is."""
    if not sentences:
        return ""
    return f'<div class="brocap-problem" role="alert">✗ {words(chr(10).join(sentences))}</div>'


def service_note(sentence: str) -> str:
    """What the service said about a field."""
    return (
        '<div class="brocap-problem brocap-marked" role="alert">'
        f"⚠ <b>The service on this field:</b> {words(sentence)}</div>"
    )


def show_html(place: widgets.HTML, html: str) -> None:
    """Put HTML into its place; an empty place takes no room."""
    place.value = html
    place.layout.display = "" if html else "none"


def close_all(widget: widgets.Widget) -> None:
    """Close a widget and all that is in it: a closed one in an open one breaks its saving."""
    for inner in getattr(widget, "children", ()):
        close_all(inner)
    widget.close()


def panel(*children: widgets.Widget, grow: bool = False) -> widgets.VBox:
    """A framed block of widgets; one that grows shares a row where there is room for two."""
    layout: dict[str, Any] = {"flex": "1 1 320px", "width": "auto"} if grow else {"width": "auto"}
    box = widgets.VBox(children, layout=layout)
    box.add_class("brocap-panel")
    return box
