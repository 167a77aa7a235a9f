"""The core widgets, less what each would bring along, and what a block of them needs.

Every ipywidget has a layout and a style, each a model of its own that is sent to the browser. Here
those that are alike are one: a console is a third of the messages, and the style sheet lays it out.
A `View`, which a user may lay out, has a layout for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import anywidget
import ipywidgets as core
from IPython import get_ipython
from IPython.display import display
from ipywidgets import Layout as Layout
from ipywidgets import Widget as Widget

_lock: Final = threading.RLock()
_parts: dict[tuple[Any, ...], Widget] = {}


def _part(kind: Any, traits: Mapping[str, Any]) -> Widget:
    """Return the one layout or style that is like this."""
    key = (kind, *sorted(traits.items()))
    with _lock:
        known = _parts.get(key)
        if known is None or known.comm is None:  # somebody has closed all widgets
            known = _parts[key] = kind(**traits)
        return known


def shown(yes: object) -> dict[str, str]:
    """The layout of a widget that is shown, or hidden so that it takes no room."""
    return {} if yes else {"display": "none"}


def show(widget: Widget, yes: object) -> None:
    """Show a widget, or hide it."""
    widget.layout = _part(Layout, shown(yes))


_LATE: Final = """<style>
@keyframes brocap-late { from { max-height: 0; overflow: hidden } }
.brocap-static { animation: brocap-late 2s step-end }
@media print { .brocap-static { animation: none } }
body:has(.brocap-%(id)s) .jp-OutputArea-child:has(.brocap-static-%(id)s),
body:has(.brocap-%(id)s) .brocap-static-%(id)s,
.jp-OutputArea-child:has(.brocap-static-%(id)s)
  + .jp-OutputArea-child:has(.jupyter-widgets):not(:has(.jupyter-widgets *)) { display: none }
</style>"""


def display_both(
    widget: Widget, static: Callable[[], Mapping[str, Any]], **kwargs: Any
) -> Callable[[], None]:
    """Show a widget and, before it, its static form: hidden while the widget is seen.

    Where the widget is not kept, as in a notebook saved without its state, pages show nothing of
    its output, though the form were in it. Returns what brings the form up to date.
    """

    def form() -> dict[str, Any]:
        made, name = static(), f"brocap-static brocap-static-{widget.model_id}"
        shown = f'<div class="{name}">{made["text/html"]}</div>'
        return {**made, "text/html": shown + _LATE % {"id": widget.model_id}}

    if widget.comm is None:
        display(static(), raw=True)
        return lambda: None
    widget.add_class(f"brocap-{widget.model_id}")
    handle = display(form(), raw=True, display_id=True)
    view = Widget._repr_mimebundle_(widget, **kwargs) or {}
    del view["text/plain"]
    display({**view, "text/html": ""}, raw=True)  # for pages that show no widgets
    return lambda: handle.update(form(), raw=True)


class _Sharing:
    """Takes its layout and its style from those that are there."""

    _shared: ClassVar[tuple[str, ...]] = ("layout", "style")

    def __init__(self, *args: Any, classes: Sequence[str] = (), **kwargs: Any) -> None:
        if classes:  # added later, they would be a message of their own
            kwargs["_dom_classes"] = tuple(classes)
        for name, trait in type(self).class_traits().items():  # type: ignore[attr-defined]
            given = kwargs.get(name)
            if name in self._shared and not isinstance(given, Widget):
                kwargs[name] = _part(trait.klass, given or {})
        super().__init__(*args, **kwargs)

    def __repr__(self) -> str:  # an ipywidget's own has those of all that is in it
        return f"<{type(self).__name__}>"


def _sharing(kind: Any) -> Any:
    """The same core widget, which takes its layout and its style from those that are there."""
    return type(kind.__name__, (_Sharing, kind), {})


AnyWidget: Any = _sharing(anywidget.AnyWidget)
Box: Any = _sharing(core.Box)
HBox: Any = _sharing(core.HBox)
VBox: Any = _sharing(core.VBox)
HTML: Any = _sharing(core.HTML)
BoundedIntText: Any = _sharing(core.BoundedIntText)
Button: Any = _sharing(core.Button)
Checkbox: Any = _sharing(core.Checkbox)
Dropdown: Any = _sharing(core.Dropdown)
FileUpload: Any = _sharing(core.FileUpload)
Text: Any = _sharing(core.Text)
Textarea: Any = _sharing(core.Textarea)
ToggleButton: Any = _sharing(core.ToggleButton)
ToggleButtons: Any = _sharing(core.ToggleButtons)


class PatientButton(Button):
    """A button that acts on what was typed before it; a double click is one click.

    A front end sends a click at once, but keeps what was typed while the kernel is busy until the
    kernel is idle again: so the click waits for that.
    """

    _waits = False

    def _handle_button_msg(self, _: Any, content: Mapping[str, Any], buffers: Any) -> None:
        if content.get("event") == "click" and not self._waits:
            self._waits = True
            asyncio.get_running_loop().call_later(0.2, self._act)

    def _act(self) -> None:
        self._waits = False
        if not self.disabled:
            self.click()


class View(VBox):
    """Widgets above each other, with a layout that no other widget has."""

    _shared = ("style",)

    def close(self) -> None:
        """Close its layout too."""
        super().close()
        self.layout.close()


class OwnKeys(AnyWidget):
    """Keeps keys that are pressed in the block `brocap` around it from becoming shortcuts."""

    _esm = Path(__file__).parent / "own_keys.js"

    def __init__(self) -> None:
        super().__init__(layout=shown(False))


class Refresh:
    """Calls `draw` soon after `request()`, at most once in an interval, in a thread of its own."""

    def __init__(self, draw: Callable[[], None], interval: float = 0.2) -> None:
        self._draw, self._interval, self._lock = draw, interval, threading.Lock()
        self._timer: threading.Timer | None = None
        self._closed = False

    def request(self) -> None:
        """Ask for a call of `draw`."""
        with self._lock:
            if self._timer is None and not self._closed:
                self._timer = threading.Timer(self._interval, self._run)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """No more calls."""
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()

    def _run(self) -> None:
        with self._lock:
            self._timer = None
            if self._closed:
                return
        self._draw()


_made: dict[str, tuple[str, list[Callable[[], None]]]] = {}


def replace_former(close: Callable[[], None]) -> None:
    """Close what an earlier run of the current cell has made; `close` is called by the next run.

    It is closed when this run is over: what the cell shows need not wait for it.
    """
    kernel = getattr(get_ipython(), "kernel", None)
    parent: dict[str, Any] = kernel.get_parent("shell") if kernel is not None else {}
    cell = (parent.get("metadata") or {}).get("cellId")
    if not cell:
        return
    run = parent["header"]["msg_id"]
    former_run, former = _made.get(cell, (run, []))
    if former_run == run:
        _made[cell] = (run, [*former, close])
        return
    _made[cell] = (run, [close])

    def close_former() -> None:
        stop()
        for closer in former:
            closer()

    stop = after_cells(close_former)


def after_cells(call: Callable[[], object]) -> Callable[[], None]:
    """Call `call` after each run of a cell, until the returned function is called."""
    shell = get_ipython()
    if shell is None:
        return lambda: None

    def called(*_: Any) -> None:
        call()

    def stop() -> None:
        with contextlib.suppress(ValueError):  # it has stopped already
            shell.events.unregister("post_run_cell", called)

    shell.events.register("post_run_cell", called)
    return stop
