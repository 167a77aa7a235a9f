"""The core widgets, less what each would bring along, and what a block of them needs.

Every ipywidget has a layout and a style, each a model of its own that is sent to the browser, and
drawn there for each widget. Here it has neither unless one is given: a console is a third of the
messages and of the views, and the style sheet lays it out. A `View` has a layout: a user may lay it
out.

Their colours are the theme's. A secret is never widget state: that is written into the saved
notebook, its checkpoints and its exports.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import anywidget
import ipywidgets as core
import traitlets
from IPython import get_ipython
from IPython.display import display
from ipywidgets import Layout as Layout
from ipywidgets import Widget as Widget

from brocap_nb._html import words
from brocap_nb.api._errors import BroCapError
from brocap_nb.api._secrets import Secret

_lock: Final = threading.RLock()
_layouts: dict[str | None, Layout] = {}


def _layout(display: str | None) -> Layout:
    with _lock:
        known = _layouts.get(display)
        if known is None or known.comm is None:  # somebody has closed all widgets
            known = _layouts[display] = Layout(display=display)
        return known


def shown(yes: object) -> Layout | None:
    """The layout that a widget begins with: shown, or hidden so that it takes no room."""
    return None if yes else _layout("none")


def show(widget: Widget, yes: object) -> None:
    if not yes or widget.layout is not None:
        widget.layout = _layout(None if yes else "none")  # None would change nothing in a browser


_LATE: Final = """<style>
@keyframes brocap-late { from { max-height: 0; overflow: hidden } }
.brocap-static { animation: brocap-late 2s step-end }
@media print { .brocap-static { animation: none } }
body:has(.brocap-%(id)s) .jp-OutputArea-child:has(.brocap-static-%(id)s),
body:has(.brocap-%(id)s) .brocap-static-%(id)s,
.jp-OutputArea-child:has(.jupyter-widgets):not(:has(.jupyter-widgets *)):has(
  + .jp-OutputArea-child .brocap-static-%(id)s) { display: none }
</style>"""


def display_both(
    widget: Widget,
    static: Callable[[], Mapping[str, Any]],
    *,
    complete: Callable[[], object] = lambda: None,
    **kwargs: Any,
) -> Callable[[], None]:
    """Show a widget and, after it, its static form: hidden while the widget is seen.

    Where the widget is not kept, as in a notebook saved without its state, pages show nothing of
    its output, though the form were in it. `complete` makes what need not be there at first.
    Returns what brings the form up to date.
    """

    def form() -> dict[str, Any]:
        made, name = static(), f"brocap-static brocap-static-{widget.model_id}"
        shown = f'<div class="{name}">{made["text/html"]}</div>'
        return {**made, "text/html": shown + _LATE % {"id": widget.model_id}}

    if widget.comm is None:
        display(static(), raw=True)
        return lambda: None
    widget.add_class(f"brocap-{widget.model_id}")
    view = Widget._repr_mimebundle_(widget, **kwargs) or {}
    del view["text/plain"]
    display({**view, "text/html": ""}, raw=True)  # for pages that show no widgets
    complete()
    handle = display(form(), raw=True, display_id=True)
    return lambda: handle.update(form(), raw=True)


class _Bare:
    """Has a layout and a style only if they are given."""

    def __init__(self, *args: Any, classes: Sequence[str] = (), **kwargs: Any) -> None:
        if classes:  # added later, they would be a message of their own
            kwargs["_dom_classes"] = tuple(classes)
        super().__init__(*args, **kwargs)

    def __repr__(self) -> str:  # an ipywidget's own has those of all that is in it
        return f"<{type(self).__name__}>"


def _bare(kind: Any) -> Any:
    """The same core widget, which has a layout and a style only if they are given."""
    optional = {
        name: _synced(traitlets.Instance(trait.klass, allow_none=True))
        for name, trait in kind.class_traits().items()
        if name in ("layout", "style")
    }
    return type(kind.__name__, (_Bare, kind), optional)


def _synced(trait: Any) -> Any:
    return trait.tag(sync=True, **core.widget_serialization)


AnyWidget: Any = _bare(anywidget.AnyWidget)
Box: Any = _bare(core.Box)
HBox: Any = _bare(core.HBox)
VBox: Any = _bare(core.VBox)
HTML: Any = _bare(core.HTML)
BoundedIntText: Any = _bare(core.BoundedIntText)
Button: Any = _bare(core.Button)
Checkbox: Any = _bare(core.Checkbox)
Dropdown: Any = _bare(core.Dropdown)
FileUpload: Any = _bare(core.FileUpload)
Text: Any = _bare(core.Text)
Textarea: Any = _bare(core.Textarea)
ToggleButton: Any = _bare(core.ToggleButton)
ToggleButtons: Any = _bare(core.ToggleButtons)


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
    """Widgets above each other, with a layout."""

    layout = _synced(traitlets.Instance(Layout, ()))

    def close(self) -> None:
        super().close()
        self.layout.close()


class Browser(AnyWidget):
    """For the block `brocap` around it: no key becomes a shortcut, `copyable` text is copied."""

    _esm = Path(__file__).parent / "block.js"

    def __init__(self) -> None:
        super().__init__(layout=shown(False))


class SecretField(AnyWidget):
    """A labelled input that takes a secret on Enter or when it loses the focus."""

    _esm = Path(__file__).parent / "secret_field.js"

    label = traitlets.Unicode("Client key").tag(sync=True)
    noun = traitlets.Unicode("key").tag(sync=True)
    """What the secret is called in the status."""
    status = traitlets.Unicode("").tag(sync=True)
    """Whether a secret is set, in words; never the secret."""
    length = traitlets.Int(0).tag(sync=True)
    """How many characters the secret has; 0 if none is set."""
    secret = traitlets.Instance(Secret, allow_none=True, read_only=True)
    """The secret, or None; no part of the state. `reveal()` on it is for the wire only."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.set("")
        self.on_msg(self._receive)

    def set(self, value: str) -> None:
        """Set the secret; an empty one clears it. Spaces around it are dropped."""
        value = value.strip()
        self.length = length = len(value)
        told = f"a {self.noun} is set ({length} characters)" if length else f"no {self.noun} is set"
        self.status = told
        self.set_trait("secret", Secret(value) if value else None)

    def _receive(self, _: Any, content: Any, __: Any) -> None:
        value = content.get("value") if isinstance(content, dict) else None
        if isinstance(value, str):
            self.set(value)


class Refresh:
    """Calls `draw` soon after `request()`, at most once in an interval, in a thread of its own."""

    def __init__(self, draw: Callable[[], None], interval: float = 0.2) -> None:
        self._draw, self._interval, self._lock = draw, interval, threading.Lock()
        self._timer: threading.Timer | None = None
        self._closed = False

    def request(self) -> None:
        with self._lock:
            if self._timer is None and not self._closed:
                self._timer = threading.Timer(self._interval, self._run)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
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


# what they look like, and what they say

PLAIN: Final = ("brocap-control",)
"""The class of a control with its label above it."""

STYLE: Final = f"<style>{Path(__file__).with_name('console.css').read_text('utf-8')}</style>"
"""Put once into each widget that is shown by itself, in an `HTML`."""


def heading(text: str) -> str:
    return f'<div class="brocap-heading" role="heading" aria-level="3">{escape(text)}</div>'


def note(text: str) -> str:
    return f'<div class="brocap-note">{words(text)}</div>'


def status_note(text: str) -> str:
    """A quiet sentence that a screen reader reads out when it changes."""
    return f'<div role="status">{note(text)}</div>'


def problem_note(*sentences: str) -> str:
    """What is wrong, in words; nothing if nothing is."""
    if not sentences:
        return ""
    return f'<div class="brocap-problem" role="alert">✗ {words(chr(10).join(sentences))}</div>'


def copyable(html: str) -> str:
    """HTML with the text to copy in a `pre`, and a button that copies it."""
    button = '<button type="button" class="jupyter-button brocap-copy">Copy</button>'
    status = '<span role="status" class="brocap-note"></span>'
    return f'<div class="brocap-line brocap-copyable">{html}{button}{status}</div>'


def plain(kind: Any, label: str, **options: Any) -> Any:
    """A control that is no field of a task, with its label above it."""
    return kind(description=label, classes=PLAIN, **options)


def dress(widget: VBox) -> None:
    """Give a widget that is no part of another one its look, and its keys."""
    widget.add_class("brocap")
    widget.children += (HTML(STYLE, layout=shown(False)), Browser())


def close_all(widget: Widget) -> None:
    """Close a widget and all that is in it: a closed one in an open one breaks its saving."""
    for inner in getattr(widget, "children", ()):
        close_all(inner)
    widget.close()


def panel(*children: Widget) -> VBox:
    return VBox(children, classes=("brocap-panel",))


class Fold(VBox):
    """A button that shows and hides what `make` returns when it is pressed for the first time."""

    def __init__(self, title: str, make: Callable[[], Sequence[Widget]]) -> None:
        self._title, self._make = title, make
        self.opened = ToggleButton(description=f"▸ {title}", classes=("brocap-quiet",))
        super().__init__([self.opened], classes=("brocap-unfold",))
        self.opened.observe(lambda change: self._turn(change.new), "value")

    def _turn(self, opened: bool) -> None:
        if len(self.children) == 1:
            content = VBox(self._make(), classes=("brocap-form",))
            self.children += (content,)
        self.opened.description = f"{'▾' if opened else '▸'} {self._title}"
        show(self.children[1], opened)


class Report(HTML):
    """Shows what a handler raises, redacted: a front end would swallow the traceback."""

    def __init__(self, redact: Callable[[str], str] = str) -> None:
        super().__init__()
        self._redact = redact

    def clear(self) -> None:
        self.value = ""

    def tell(self, sentence: str) -> None:
        self.value = status_note(self._redact(sentence))

    def problem(self, *sentences: str) -> None:
        self.value = problem_note(*map(self._redact, sentences))

    @contextlib.contextmanager
    def catching(self) -> Iterator[None]:
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


def line(*children: Widget, name: str = "") -> Any:
    """Widgets side by side while there is room; `name` is a class for the style sheet."""
    classes = ("brocap-line", *filter(None, [name]))
    return HBox(children, classes=classes)


def in_background(button: Any, report: Report, work: Callable[[], object]) -> None:
    """Do what may take a while in a thread of its own; its button rests meanwhile."""

    def run() -> None:
        try:
            work()
        finally:
            button.disabled = False

    button.disabled = True
    threading.Thread(target=report.guard(run), name="brocap work", daemon=True).start()
