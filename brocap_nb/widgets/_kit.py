"""The core widgets, less what each of them would bring along.

Every ipywidget has a layout and a style, each a model of its own that is sent to the browser. Here
those that are alike are one: a console is a third of the messages. What is shared refuses to be
changed: `rearrange` gives the widget another layout. A `View`, which a user may lay out, has one
for itself.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final
from weakref import WeakKeyDictionary

import ipywidgets as core
from ipywidgets import Layout as Layout
from ipywidgets import ValueWidget as ValueWidget
from ipywidgets import Widget as Widget
from traitlets import TraitError, validate

_lock: Final = threading.RLock()
_parts: dict[tuple[Any, ...], Widget] = {}
_made_of: Final = WeakKeyDictionary[Widget, dict[str, Any]]()


def _part(kind: Any, traits: Mapping[str, Any]) -> Widget:
    """Return the one layout or style that is like this."""
    key = (kind, *sorted(traits.items()))
    with _lock:
        known = _parts.get(key)
        if known is None or known.comm is None:  # somebody has closed all widgets
            known = _parts[key] = _sealable(kind)(**traits)
            _made_of[known] = dict(traits)  # from now on it refuses to be changed
        return known


@functools.cache
def _sealable(kind: Any) -> Any:
    """The same kind of layout or style, which refuses to be changed once it is shared."""

    def refuse(self: Widget, proposal: Any) -> Any:
        if is_shared(self):
            name = "layout" if isinstance(self, Layout) else "style"
            raise TraitError(
                f"Other widgets have this {name} as well, so `{proposal['trait'].name}` cannot be "
                f"changed in it. Give the widget one of its own: widget.{name} = {{...}}."
            )
        return proposal["value"]

    names = [name for name in kind.class_trait_names(sync=True) if not name.startswith("_")]
    return type(kind.__name__, (kind,), {"_refuse": validate(*names)(refuse)})


def is_shared(part: Widget) -> bool:
    """Whether a layout or a style belongs to several widgets."""
    return part in _made_of


def rearrange(widget: Widget, **changes: Any) -> None:
    """Change some traits of a widget's layout, and of no other's."""
    made_of = _made_of.get(widget.layout)
    if made_of is None:
        for name, value in changes.items():
            setattr(widget.layout, name, value)
    else:
        widget.layout = _part(Layout, {**made_of, **changes})


def show(widget: Widget, shown: object) -> None:
    """Show a widget, or hide it so that it takes no room."""
    if bool(shown) == (widget.layout.display == "none"):
        rearrange(widget, display="" if shown else "none")


def bundle(widget: Widget, **kwargs: Any) -> dict[str, Any]:
    """What a front end is told to show of a widget; of a closed one, nothing."""
    return (widget._repr_mimebundle_(**kwargs) or {}) if widget.comm is not None else {}


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


class Box(_Sharing, core.Box):
    """A box."""


class HBox(_Sharing, core.HBox):
    """Widgets beside each other."""


class VBox(_Sharing, core.VBox):
    """Widgets above each other."""


class View(VBox):
    """Widgets above each other, with a layout that no other widget has."""

    _shared = ("style",)

    def __repr__(self) -> str:  # an ipywidget's own has those of all that is in it
        return f"<{type(self).__name__}>"


class HTML(_Sharing, core.HTML):
    """A piece of HTML."""


class Button(_Sharing, core.Button):
    """A button."""


class Checkbox(_Sharing, core.Checkbox):
    """A tick."""


class Dropdown(_Sharing, core.Dropdown):
    """A choice of one in a list."""


class FileUpload(_Sharing, core.FileUpload):
    """A choice of a file."""


class Text(_Sharing, core.Text):
    """A line of text."""


class Textarea(_Sharing, core.Textarea):
    """Lines of text."""


class ToggleButton(_Sharing, core.ToggleButton):
    """A button that stays pressed."""


class ToggleButtons(_Sharing, core.ToggleButtons):
    """A choice of one in a row of buttons."""
