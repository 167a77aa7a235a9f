"""Frames that say what pandas does not, and tables that show themselves in full.

A table is HTML in a notebook and plain text in a terminal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from textwrap import fill
from types import MappingProxyType
from typing import Any, ClassVar, Final, SupportsIndex

import pandas as pd

from brocap_nb import _html
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Exchange
from brocap_nb.api._facts import AGAIN, again
from brocap_nb.log import _swimlane
from brocap_nb.log._rows import COLUMNS

_CELL: Final = 32_767  # how long a text in a cell of Excel may be, in UTF-16 units
CARD_ROWS: Final = 10
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Frame(pd.DataFrame):
    """A DataFrame whose `query` and `to_excel` know that its times are in UTC.

    All else, and so its parts and its pickles, is as pandas has it.
    """

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return Frame

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """A pickle is of a plain DataFrame: it is read where this package is not installed."""
        if type(self) is not Frame:
            return super().__reduce_ex__(protocol)
        return pd.DataFrame, (), pd.DataFrame(self).__getstate__()

    def query(self, expr: str, **options: Any) -> Any:
        """As `pandas.DataFrame.query`; a time without a zone gets a sentence with the remedy.

        >>> len(log.frame().query("started_at > '2026-01-31T00:00Z'"))
        0
        """
        options["level"] = options.get("level", 0) + 1  # its @names are our caller's
        try:
            return super().query(expr, **options)
        except TypeError as error:
            if ", UTC]" not in str(error):
                raise
            raise InvalidInputError(
                f"The query {expr!r:.80} compares a time in UTC with one without a zone. Expected "
                "a time with its zone: write T00:00Z behind a day, as in "
                "started_at > '2026-01-31T00:00Z'.",
                field="expr",
            ) from None

    def to_excel(  # type: ignore[misc]  # its stubs call it final
        self, excel_writer: Any, *arguments: Any, **options: Any
    ) -> None:
        """As `pandas.DataFrame.to_excel`, with what Excel cannot take made fit for it.

        Times lose their zone, and the header says `(UTC)`. What is longer than a cell may be is
        cut, and says so. It needs openpyxl.

        >>> log.latency().to_excel("latency.xlsx")
        """
        named = {name: f"{name} (UTC)" for name in self.select_dtypes("datetimetz")}
        frame = pd.DataFrame(self).apply(_for_excel).rename(columns=named)
        if frame.index.nlevels == 1:
            zoned = isinstance(self.index.dtype, pd.DatetimeTZDtype)
            name = f"{self.index.name or 'time'} (UTC)" if zoned else None
            index = _for_excel(self.index.to_series())
            frame.index = pd.Index(index, name=name or self.index.name)
        try:
            frame.to_excel(excel_writer, *arguments, **options)
        except ImportError as error:
            raise InvalidInputError(
                f"Excel needs openpyxl, which is not installed ({error}). Run: python -m pip "
                'install "brocap_nb[excel]", or write to_csv(path).',
                field="path",
            ) from None


def _for_excel(column: Any) -> Any:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert(None)
    return column.astype(object).map(_fitting) if column.dtype.kind == "O" else column


def _fitting(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = ("'" if value.startswith("=") else "") + _NOT_IN_XML.sub("\ufffd", value)
    units = text.encode("utf-16-le")
    if len(units) <= 2 * _CELL:
        return text
    note = f"… (cut, of {len(value):,} characters)"
    return units[: 2 * (_CELL - len(note))].decode("utf-16-le", "ignore") + note


_WHOLE: Final = 'style="white-space:nowrap"'
_CODE: Final = '<code style="color:inherit;background:none">'
_WORD: Final = re.compile("_|(?<=[a-z])(?=[A-Z])")


def _in(template: str, html: Callable[[str], str] = _html.text) -> Callable[[Any], str]:
    return lambda value: template.format(html(str(value)))


_name = _in("{}", lambda value: _WORD.sub(r"\g<0><wbr>", _html.text(value)))  # wraps between words
_sentence = _in('<div style="min-width:9em">{}</div>', _html.words)
_anything = _in('<div style="overflow-wrap:anywhere">{}</div>')
_code = _in(f"{_CODE}{{}}</code>")
_entry = _in(f"<span {_WHOLE}>{_CODE}log[&quot;{{}}&quot;]</code></span>")  # to be copied


def _at(value: datetime) -> str:
    title = f"{value:%Y-%m-%d %H:%M:%S.%f} UTC"
    return f'<span {_WHOLE} title="{title}">{value:%H:%M:%S} UTC</span>'


def _badge(value: str) -> str:
    return _html.badge(value, good=_html.GOOD.get(value, False))


# What stands above a column, its values as HTML (numbers by their format, on the right), and how
# they stand in a line of text: {0} is the value, {1} the HTML.
_SHOWN: Final[Mapping[str, tuple[str, str | Callable[[Any], str], str]]] = {
    "answered_by": ("ended by", _entry, ""),
    "asked": ("", _html.text, "{}"),
    "attempt": ("try", "{}", ""),
    "cost": ("cost", "{:g}", "cost about {1}"),
    "count": ("count", "{:,}", "x{1}"),
    "created_at": ("created", _at, ""),
    "created_by": ("created by", _entry, "log[{!r}]"),
    "elapsed_ms": ("ms", "{:,.1f}", "{1} ms"),
    **dict.fromkeys(("code", "error_code"), ("code", _name, "{}")),
    "example": ("example", _entry, "\n    An example: log[{!r}]"),
    "exchange_id": ("exchange", _entry, "log[{!r}]"),
    "field": ("field", lambda field: _code(field) if field else "the whole answer", "{}"),
    "found": ("found", _code, "found {}"),
    "how": ("how", _html.text, "\n    {}"),
    "http_status": ("HTTP", "{}", ""),
    "kind": ("", _badge, "{}"),
    "last_seen": ("last seen", _at, "last seen {:%Y-%m-%d %H:%M:%S} UTC"),
    "left": ("left", _anything, "\n    - {}"),
    "max_ms": ("max", "{:,.1f}", "max {1} ms"),
    "meaning": ("meaning", _sentence, "\n    {}"),
    "method": ("method", _name, "{:<14}"),
    "offset_s": ("seconds", "{:+.3f}", "{1} s"),
    "outcome": ("outcome", _badge, "{}"),
    "p50_ms": ("p50", "{:,.1f}", "p50 {1}"),
    "p95_ms": ("p95", "{:,.1f}", "p95 {1}"),
    "path": ("where", _code, "{}"),
    "queue_s": ("seconds", "{:,.3f}", "{1} s"),
    "remedy": ("what to do", _sentence, "\n    {}"),
    "retryable": (AGAIN, again, f"\n    {AGAIN.capitalize()} {{1}}."),
    "right": ("right", _anything, "\n    + {}"),
    "rule": ("the rule", _sentence, "\n    {}"),
    "seconds": ("seconds to the result", "{:,.3f}", "{1} s"),
    "started_at": ("at", _at, ""),
    "state": ("state", _badge, "{:<10}"),
    "status": ("answer", _name, "{}"),
    "strip": ("exchanges", str, ""),
    "task_id": ("task", _name, "{:<10}"),
    "task_type": ("task type", _name, "{:<16}"),
}


def _cell(row: Mapping[str, Any], name: str) -> tuple[str, str]:
    """A value as HTML and in a line of text."""
    value, (_, html, said) = row[name], _SHOWN[name]
    if value is None:
        return "", ""
    shown = html.format(value) if isinstance(html, str) else html(value)
    return shown, said.format(value, shown)


def _table(columns: str, rows: Iterable[Mapping[str, Any]], caption: str) -> str:
    """Return a table of HTML; columns that are joined by a + stand below each other."""
    places = [names.split("+") for names in columns.split()]
    cells = [
        ["<br>".join(filter(None, (_cell(row, name)[0] for name in names))) for names in places]
        for row in rows
    ]
    heads = [_SHOWN[names[0]] for names in places]
    numbers = [label for label, html, _ in heads if isinstance(html, str)]
    return _html.table([label for label, *_ in heads], cells, caption=caption, numbers=numbers)


def _wrapped(text: str) -> str:
    """A text for a terminal of 80 columns; what was indented stays so."""
    told = _html.printable(text.rstrip())
    return fill(told, 79, subsequent_indent=" " * 4, break_long_words=False)


class ShownTable(Frame):
    """A DataFrame with a display of its own. A part of it has the display of pandas."""

    limit: ClassVar[int] = 200  # how many rows are shown
    _title: str = ""
    _nothing: str = ""
    _columns: ClassVar[str] = ""

    def as_dicts(self, limit: int | None = None) -> list[Any]:
        """The rows, or the first of them; None where there is no value."""
        rows = pd.DataFrame(self).iloc[:limit].astype(object)
        return rows.where(rows.notna(), None).to_dict("records")

    def _rows(self) -> list[Any]:
        return self.as_dicts(self.limit)

    def _more(self) -> str:
        more = len(self) - self.limit
        return f"… and {more:,} more rows" if more > 0 else ""

    def _repr_html_(self) -> str:
        if not len(self):
            return _html.card(self._title, _html.text(self._nothing))
        return f"{_table(self._columns, self._rows(), self._title)}<div>{self._more()}</div>"

    def __repr__(self) -> str:
        if not len(self):
            return self._nothing
        names = re.split("[ +]", self._columns)
        told = ((_cell(row, name)[1] for name in names) for row in self._rows())
        lines = [line for one in told for line in "  ".join(filter(None, one)).splitlines()]
        return "\n".join(map(_wrapped, [*lines, self._more()])).rstrip()


class ErrorTable(ShownTable):
    _title = "Error codes that came"
    _nothing = "No answer had an error code."
    _columns = "error_code count last_seen retryable meaning remedy example"


class LatencyTable(ShownTable):
    _title = "Time to the answer, in milliseconds"
    _nothing = "No request has been answered."
    _columns = "method task_type count p50_ms p95_ms max_ms"


class TaskTimesTable(ShownTable):
    _title = "From createTask to the result, one row for each task"
    _nothing = "No task has been created."
    _columns = "task_id task_type created_at seconds answered_by"


class TaskTable(ShownTable):
    """What became of each task, with its exchanges as marks on a line."""

    limit = 50  # with their pictures, in a notebook that is saved
    _title = "Tasks, newest first; the cost is an estimate"
    _nothing = "No task has been created."
    _columns = (
        "task_id+task_type created_at state+error_code strip+asked queue_s cost answered_by "
        "created_by"
    )
    _metadata: ClassVar[list[str]] = ["events"]
    events: Mapping[str, Sequence[_swimlane.Row]] = MappingProxyType({})
    """The exchanges of the rows that are shown, by `created_by`."""

    def _rows(self) -> list[Any]:
        rows = super()._rows()
        for row in rows:
            row["strip"] = _swimlane.strip(row["task_id"], self.events.get(row["created_by"], ()))
            row["asked"] = _html.many(row["polls"], "poll")
            if row["callbacks"]:
                row["asked"] += f", {_html.many(row['callbacks'], 'callback')}"
        return rows


class ViolationTable(ShownTable):
    _title = "Answers that depart from the documented contract"
    _nothing = "Every answer kept the documented contract."
    _columns = "exchange_id started_at method field found rule"


class Timeline(ShownTable):
    """Every exchange of one task, in order, with a picture of it."""

    _title = "In order"
    _columns = "started_at offset_s method outcome+error_code status elapsed_ms attempt exchange_id"
    _metadata: ClassVar[list[str]] = ["task_id"]
    task_id: int = 0

    @property
    def svg(self) -> str:
        """The timeline as a picture: one lane for each method, time from left to right."""
        return _swimlane.svg(self.as_dicts())

    @property
    def summary(self) -> str:
        """The timeline in words."""
        return _swimlane.in_words(self.task_id, self.as_dicts())

    def _repr_html_(self) -> str:
        title, words = f"Task {self.task_id}", _html.text(self.summary)
        if not len(self):
            return _html.card(title, words)
        style = "display:block;width:100%;min-width:500px;max-width:880px;margin:.4em 0"
        picture = _swimlane.image(self.svg, self.summary, style)
        # what scrolls must be reached by the keyboard
        frame = '<div tabindex="0" role="group" aria-label="Timeline" style="overflow-x:auto">'
        told = f"<div>{words}</div>{frame}{picture}</div>"
        return _html.card(title, told, super()._repr_html_())

    def __repr__(self) -> str:
        summary = _wrapped(self.summary)
        return f"{summary}\n{super().__repr__()}" if len(self) else summary


_CARD: Final = "exchange_id started_at method task_id outcome+error_code http_status elapsed_ms"


def card(
    where: str, outcomes: pd.Series[str], newest: Sequence[Exchange], errors: ErrorTable
) -> dict[str, Any]:
    """Return what a cell that ends with a log shows, by media type."""
    told = ", ".join(f"{count} {outcome}" for outcome, count in Counter(outcomes).most_common())
    rows = [{name: getattr(exchange, name) for name in COLUMNS} for exchange in newest]
    html = _html.card(
        f"Exchange log: {len(outcomes):,} exchanges",
        _html.facts([("kept", _html.text(where)), ("outcomes", told or "none yet")]),
        _table(_CARD, rows, f"The newest {len(rows)}") if rows else "",
        errors._repr_html_() if len(errors) else "",
    )
    lines = [f"{len(outcomes):,} exchanges {where}: {told or 'none yet'}"]
    lines += [exchange.summary() for exchange in newest]
    return _html.bundle(html, "\n".join(map(_wrapped, lines)))
