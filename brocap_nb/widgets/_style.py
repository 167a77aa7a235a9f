"""The look of the widgets: one style sheet, coloured by the theme, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any, Final

from brocap_nb._html import words
from brocap_nb.api._errors import BroCapError
from brocap_nb.widgets import _kit as widgets

PLAIN: Final = ("brocap-control", "brocap-plain")
"""The classes of a control that is no field of a task."""

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
.brocap .brocap-tick { height: auto; }
.brocap .brocap-tick label { line-height: 1.6; display: flex; align-items: center; gap: 4px; }
.brocap .brocap-tick label span {
  font-family: var(--jp-code-font-family, ui-monospace, monospace); font-size: .95em; }
.brocap .brocap-picker { gap: 6px; border: 1px solid var(--brocap-line); border-radius: 6px;
  padding: 8px 10px; }
.brocap .widget-button, .brocap .jupyter-button { border-radius: 4px; height: 32px;
  line-height: 32px; width: auto; padding: 0 14px; flex: 0 0 auto; }
.brocap .widget-toggle-buttons { height: auto; }
.brocap .widget-toggle-buttons > div { display: flex; flex-wrap: wrap; gap: 6px; min-width: 0; }
.brocap .widget-toggle-buttons .jupyter-button { margin: 0; max-width: 100%; }
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
/* submissions: a line each (submission_list.py) */
.brocap-runs { overflow: visible; }
.brocap-runs + .widget-button { margin: 8px 2px 2px; }
.brocap .brocap-run { display: flex; flex-flow: row wrap; align-items: baseline; gap: 4px 8px;
  padding: 8px 0 10px 10px; border-left: 3px solid transparent; overflow: visible;
  border-bottom: 1px solid var(--brocap-line); }
.brocap .brocap-run.brocap-run-selected { border-left-color: var(--brocap-accent); }
.brocap .brocap-run .brocap-run-status { flex: 1 1 15em; }
.brocap .brocap-run .brocap-run-numbers { flex: 1 1 100%; order: 1; }
.brocap-run-status b { margin-right: .4em; }
.brocap-run-status small { font-size: .92em; opacity: .8; }
.brocap-run-status .brocap-problem { margin-top: 4px; }
.brocap-run-bar { height: 6px; border-radius: 3px; background: rgba(128,128,128,.25);
  overflow: hidden; margin: 2px 0 4px; max-width: 44em; }
.brocap-run-bar i { display: block; height: 100%; background: var(--brocap-accent); }
.brocap-numbers { display: flex; flex-wrap: wrap; gap: 0 1.4em;
  font-variant-numeric: tabular-nums; }
.brocap-numbers span { white-space: nowrap; } .brocap-numbers b { font-weight: 600; }
/* end of submissions */
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
/* -- pictures: the drop zone, the strip, the grid -- */
.brocap-drop { display: flex; flex-direction: column; gap: 2px; min-width: 0; }
.brocap-drop-row { display: flex; flex-wrap: wrap; gap: 6px; align-items: stretch; }
.brocap-drop-zone { flex: 1 1 13em; min-width: 0; box-sizing: border-box; resize: none;
  height: auto; padding: 14px 6px; font: inherit; font-size: .95em; text-align: center;
  caret-color: transparent; cursor: pointer; color: inherit; border-radius: 6px;
  border: 2px dashed var(--jp-border-color0, rgba(128,128,128,.7));
  background: var(--brocap-soft); }
.brocap-drop-zone::placeholder { color: inherit; opacity: .8; }
.brocap-drop-zone.brocap-drop-over { border-style: solid; border-color: var(--brocap-accent); }
.brocap-drop > .brocap-problem { margin-top: 4px; }
.brocap .brocap-drop-button { align-self: center; }
.brocap-picker:has(.brocap-drop-zone) .brocap-upload { display: none; }
.brocap-load { flex-flow: row wrap; gap: 4px 12px; align-items: center; }
.brocap .brocap-load .widget-checkbox { height: auto; flex: 0 1 auto; }
.brocap .brocap-load .widget-checkbox label { white-space: normal; line-height: 1.4;
  display: flex; align-items: center; gap: 4px; height: auto; }
.brocap-picture { gap: 4px; }
.brocap .brocap-picture > .brocap-control { max-width: 22em; }
.brocap-strip { display: flex; flex-wrap: wrap; gap: 12px; align-items: flex-start; }
.brocap-figure { margin: 0; flex: 0 1 240px; min-width: 0; max-width: 100%; }
.brocap-figure figcaption { font-size: .92em; margin-top: 4px; }
/* forms: each input with what there is to say of it, what the service said */
.brocap .brocap-form > :not(.brocap-said):not(:first-child),
.brocap.brocap-form > :not(.brocap-said):not(:first-child) { margin-top: 8px; }
.brocap-marked { border-left-style: double; border-left-width: 5px; }
/* end of forms */
/* the log's panel */
.brocap .brocap-line { flex-flow: row wrap; align-items: center; gap: 8px; }
.brocap .brocap-line > .widget-html { flex: 0 1 auto; }
.brocap .brocap-filters { flex: 1 1 460px; }
.brocap .brocap-filters .widget-label { position: absolute; clip-path: inset(50%);
  width: 1px; height: 1px; overflow: hidden; }
.brocap .brocap-fold { display: none; }
.brocap .brocap-rows { gap: 0; border: 1px solid var(--brocap-line); border-radius: 6px;
  overflow: hidden; container-type: inline-size; }
.brocap .brocap-rows:not(:has(.brocap-row)) { display: none; }
.brocap .brocap-rows > .brocap-row-header { margin: 0; background: var(--brocap-soft);
  border-bottom: 1px solid var(--brocap-line); }
.brocap .brocap-rows pre, .brocap .brocap-row { white-space: normal; overflow-wrap: anywhere;
  font-family: var(--jp-code-font-family, ui-monospace, monospace); font-size: .92em;
  line-height: 1.55; padding: 3px 10px; }
.brocap .brocap-rows pre { margin: 0; padding-left: 13px; font-weight: 600; color: inherit;
  background: none; }
.brocap .brocap-row.jupyter-button { display: block; height: auto; min-height: 26px;
  line-height: 1.55; padding: 3px 10px; text-align: left; border-radius: 0; border: 0;
  border-left: 3px solid transparent; border-bottom: 1px solid var(--brocap-line);
  background: transparent; color: inherit; box-shadow: none; }
.brocap .brocap-row.jupyter-button:hover { background: var(--brocap-soft); box-shadow: none; }
.brocap .brocap-row.jupyter-button:focus-visible { outline-offset: -2px; }
.brocap .brocap-row-good.jupyter-button { border-left-color: #2e7d32; }
.brocap .brocap-row-bad.jupyter-button { border-left-color: var(--brocap-bad); }
.brocap .brocap-row-open.jupyter-button { background: rgba(128,128,128,.2); }
.brocap .brocap-rows > :last-child { border-bottom: 0; }
.brocap .brocap-errors .brocap-row { white-space: pre-line; font-family: inherit; font-size: 1em; }
.brocap .brocap-errors .brocap-row::first-line { font-weight: 600; }
.brocap .brocap-line pre { display: inline; font-size: .92em; white-space: pre-wrap;
  font-family: var(--jp-code-font-family, ui-monospace, monospace); color: inherit;
  background: var(--brocap-soft); padding: .1em .3em; border-radius: 3px; margin: 0; }
.brocap .brocap-copyable:has(pre[tabindex]) > .widget-html { flex-basis: 100%; }
.brocap .brocap-copyable pre[tabindex] { display: block; }
.brocap .brocap-copy { height: 26px; line-height: 26px; padding: 0 10px; }
.brocap-copy-place { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
.brocap-explained { border: 1px solid var(--brocap-line); border-radius: 6px; padding: 6px 10px; }
.brocap-sides { display: grid; gap: 12px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); }
.brocap-sides section { min-width: 0; }
@container (max-width: 700px) {
  .brocap .brocap-rows pre, .brocap .brocap-row.jupyter-button { white-space: pre-line;
    font-size: .85em; }
  .brocap :is(.brocap-log, .brocap-tasks) :is(pre, .brocap-row) { word-spacing: -.66ch; } }
@media (max-width: 640px) {
  .brocap .brocap-panel { padding: 8px; }
  .brocap .brocap-row.jupyter-button { padding: 3px 6px; }
  .brocap .widget-toggle-buttons .jupyter-button { padding: 0 9px; }
  .brocap .brocap-fold { display: block; }
  .brocap .brocap-fold:not(.mod-active) ~ .brocap-control { display: none; } }
/* end of the log's panel */
</style>"""
"""Put once into each widget that is shown by itself, in an `HTML`."""


def heading(text: str, aside: str = "") -> str:
    """A panel's heading, with a few words beside it. Both are text."""
    small = f"<small>{escape(aside)}</small>" if aside else ""
    return f'<div class="brocap-heading" role="heading" aria-level="3">{escape(text)}{small}</div>'


def note(text: str) -> str:
    """A quiet sentence."""
    return f'<div class="brocap-note">{words(text)}</div>'


def status_note(text: str) -> str:
    """A quiet sentence that a screen reader reads out when it changes."""
    return f'<div role="status">{note(text)}</div>'


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
    widgets.show(place, html)


def plain(kind: Any, label: str, **options: Any) -> Any:
    """A control that is no field of a task, with its label above it."""
    layout = {"width": "auto", **options.pop("layout", {})}
    return kind(description=label, layout=layout, classes=PLAIN, **options)


def close_all(widget: widgets.Widget) -> None:
    """Close a widget and all that is in it: a closed one in an open one breaks its saving.

    Layouts and styles that other widgets have as well stay.
    """
    for inner in getattr(widget, "children", ()):
        close_all(inner)
    parts = [getattr(widget, name, None) for name in ("layout", "style")]
    widget.close()
    for part in parts:
        if isinstance(part, widgets.Widget) and not widgets.is_shared(part):
            part.close()


def panel(*children: widgets.Widget, grow: bool = False, shown: bool = True) -> widgets.VBox:
    """A framed block of widgets; one that grows shares a row where there is room for two."""
    layout: dict[str, Any] = {"width": "auto", "display": "" if shown else "none"}
    layout |= {"flex": "1 1 320px"} if grow else {}
    return widgets.VBox(children, layout=layout, classes=("brocap-panel",))


class Report(widgets.HTML):
    """Shows what a handler raises: a front end would swallow the traceback.

    Args:
        redact: takes secrets out of a text before it is shown.
    """

    def __init__(self, redact: Callable[[str], str] = str) -> None:
        super().__init__(layout={"display": "none"})
        self._redact = redact

    def clear(self) -> None:
        """Show nothing."""
        show_html(self, "")

    def tell(self, sentence: str) -> None:
        """Show a quiet sentence."""
        show_html(self, status_note(self._redact(sentence)))

    def problem(self, *sentences: str) -> None:
        """Show what is wrong."""
        show_html(self, problem_note(*map(self._redact, sentences)))

    @contextmanager
    def catching(self) -> Iterator[None]:
        """Show what is raised inside."""
        try:
            yield
        except BroCapError as error:
            self.problem(str(error))
        except Exception as error:  # a handler has no caller that could handle it
            self.problem(f"{type(error).__name__}: {error}. Nothing more was done.")

    def guard(self, handler: Callable[[], object]) -> Callable[..., None]:
        """Return a handler for a widget's events; what `handler` raises is shown here."""

        def run(*_: Any) -> None:
            with self.catching():
                handler()

        return run
