"""Frames that say what pandas does not, and tables that show themselves in full.

A table is HTML in a notebook and plain text in a terminal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from textwrap import fill
from types import MappingProxyType
from typing import Any, ClassVar, Final, NamedTuple, SupportsIndex

import pandas as pd

from brocap_nb import _html
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Exchange
from brocap_nb.api._facts import AGAIN, again
from brocap_nb.log import _swimlane
from brocap_nb.log._swimlane import many

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
        frame = pd.DataFrame(self).copy()
        for place in range(frame.shape[1]):
            frame.isetitem(place, _for_excel(frame.iloc[:, place]).array)
        if frame.columns.nlevels == 1:
            frame.columns = pd.Index(
                [_header(name, kind) for name, kind in zip(self.columns, self.dtypes, strict=True)],
                name=self.columns.name,
            )
        if frame.index.nlevels == 1:
            index = _for_excel(self.index.to_series())
            frame.index = pd.Index(index, name=_header(self.index.name, self.index.dtype))
        try:
            frame.to_excel(excel_writer, *arguments, **options)
        except ImportError as error:
            raise InvalidInputError(
                f"Excel needs openpyxl, which is not installed ({error}). Run: python -m pip "
                'install "brocap_nb[excel]", or write to_csv(path).',
                field="path",
            ) from None


def _for_excel(column: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        times: pd.Series[Any] = column.dt.tz_convert("UTC").dt.tz_localize(None)
        return times
    return column.astype(object).map(_cell) if column.dtype.kind == "O" else column


def _header(name: Any, dtype: object) -> Any:
    return f"{name or 'time'} (UTC)" if isinstance(dtype, pd.DatetimeTZDtype) else name


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = ("'" if value.startswith("=") else "") + _NOT_IN_XML.sub("\ufffd", value)
    units = text.encode("utf-16-le")
    if len(units) <= 2 * _CELL:
        return text
    note = f"… (cut, of {len(value):,} characters)"
    return units[: 2 * (_CELL - len(note))].decode("utf-16-le", "ignore") + note


_Row = dict[str, Any]
_Cell = Callable[[_Row], str]


class _Column(NamedTuple):
    """A column of a display: what makes a row's cell, as HTML and, if it is told there, as text."""

    label: str
    html: _Cell
    text: _Cell = lambda row: ""
    is_number: bool = False


class ShownTable(Frame):
    """A DataFrame with a display of its own. A part of it has the display of pandas."""

    limit: ClassVar[int] = 200
    """How many rows are shown."""
    _title: ClassVar[str] = ""
    _nothing: ClassVar[str] = ""
    _columns: ClassVar[Sequence[_Column]] = ()

    def as_dicts(self, limit: int | None = None) -> list[_Row]:
        """The rows, or the first of them; None where there is no value."""
        columns = [str(name) for name in self.columns]
        lists = [
            [None if pd.isna(value) else value for value in self[name].iloc[:limit].tolist()]
            for name in columns
        ]
        return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]

    def _more(self) -> list[str]:
        more = len(self) - self.limit
        return [f"… and {more:,} more rows"] if more > 0 else []

    def _repr_html_(self) -> str:
        if not len(self):
            return _html.card(self._title, _html.text(self._nothing))
        rows = self.as_dicts(self.limit)
        table = _html.table(
            [column.label for column in self._columns],
            [[column.html(row) for column in self._columns] for row in rows],
            caption=self._title,
            numbers=[column.label for column in self._columns if column.is_number],
        )
        return table + "".join(f"<div>{_html.text(more)}</div>" for more in self._more())

    def __str__(self) -> str:
        if not len(self):
            return self._nothing
        parts = []
        for row in self.as_dicts(self.limit):
            told = "  ".join(filter(None, (column.text(row) for column in self._columns)))
            parts += [_wrapped(part) for part in told.splitlines()]
        return "\n".join([*parts, *map(_wrapped, self._more())])

    __repr__ = __str__


def _wrapped(text: str) -> str:
    """A text for a terminal of 80 columns; what was indented stays so."""
    told = _html.printable(text.rstrip())
    return fill(told, 79, subsequent_indent=_INDENT, break_long_words=False)


_INDENT: Final = "    "


def _text(label: str, name: str, width: int = 0) -> _Column:
    def html(row: _Row) -> str:
        return _name(row[name])

    return _Column(label, html, lambda row: f"{row[name] or '':<{width}}")


def _name(text: object) -> str:
    """A type or code, which wraps between its words."""
    return _WORD.sub(r"\g<0><wbr>", _html.text(str(text or "")))


_WORD: Final = re.compile("_|(?<=[a-z])(?=[A-Z])")


def _number(label: str, name: str, form: str = ",.1f", said: str = "{}") -> _Column:
    def html(row: _Row) -> str:
        return "" if row[name] is None else format(row[name], form)

    return _Column(label, html, lambda row: said.format(html(row)) if html(row) else "", True)


def _sentence(label: str, name: str) -> _Column:
    def html(row: _Row) -> str:
        return f'<div style="min-width:9em">{_html.words(str(row[name]))}</div>'

    return _Column(label, html, lambda row: f"\n{_INDENT}{row[name]}")


def _at(row: _Row, name: str) -> str:
    at = row[name]
    return f'<span {_WHOLE} title="{at:%Y-%m-%d %H:%M:%S.%f} UTC">{at:%H:%M:%S} UTC</span>'


def _entry(row: _Row, name: str) -> str:
    """How to look at an exchange, to be copied."""
    return "" if row[name] is None else f'<span {_WHOLE}>{_code(f"""log["{row[name]}"]""")}</span>'


_WHOLE: Final = 'style="white-space:nowrap"'


def _code(text: str) -> str:
    return f'<code style="color:inherit;background:none">{_html.text(text)}</code>'


def _stacked(*parts: str) -> str:
    return "<br>".join(filter(None, parts))


def _badge(label: str, name: str, good: Mapping[str, bool | None], width: int = 0) -> _Column:
    def html(row: _Row) -> str:
        badge = _html.badge(row[name], good=good.get(row[name], good[""]))
        return _stacked(badge, _name(row["error_code"]))

    return _Column(label, html, lambda row: f"{row[name]:<{width}}")


class ErrorTable(ShownTable):
    """The error codes that came, each with its meaning and what to do about it."""

    _title = "Error codes that came"
    _nothing = "No answer had an error code."
    _columns = (
        _Column("code", lambda row: f"<b>{_name(row['error_code'])}</b>", itemgetter("error_code")),
        _Column(
            "count",
            lambda row: f"{row['count']:,}",
            lambda row: (
                f"x{row['count']:,}  {many(row['tasks'], 'task')}, "
                f"last seen {row['last_seen']:%Y-%m-%d %H:%M:%S} UTC"
            ),
            True,
        ),
        _Column(AGAIN, lambda row: again(bool(row["retryable"]))),
        _sentence("meaning", "meaning"),
        _sentence("what to do", "remedy"),
        _Column(
            "example, last seen",
            lambda row: _stacked(_entry(row, "example"), _at(row, "last_seen")),
            lambda row: (
                f"\n{_INDENT}{AGAIN.capitalize()} {again(bool(row['retryable']))}."
                f"\n{_INDENT}An example: log[{str(row['example'])!r}]"
            ),
        ),
    )


class LatencyTable(ShownTable):
    """How long answers and results took."""

    _title = "Time to the answer, in milliseconds"
    _nothing = "No request has been answered."
    _columns = (
        _text("method", "method", 14),
        _text("task type", "task_type", 16),
        _number("count", "count", ",", "x{}"),
        _number("p50", "p50_ms", said="p50 {}"),
        _number("p95", "p95_ms", said="p95 {}"),
        _number("max", "max_ms", said="max {} ms"),
    )


def _seconds(row: _Row) -> str:
    if row["seconds"] is not None:
        return f"{row['seconds']:,.3f}"
    return "no result" if row["answered_by"] is None else "the clock was set back"


class TaskTimesTable(ShownTable):
    """From the creation of each task to its result."""

    _title = "From createTask to the result, one row for each task"
    _nothing = "No task has been created."
    _columns = (
        _number("task", "task_id", ""),
        _text("type", "task_type", 24),
        _Column("created", lambda row: _at(row, "created_at")),
        _Column(
            "seconds to the result",
            _seconds,
            lambda row: _seconds(row) + ("" if row["seconds"] is None else " s"),
            True,
        ),
        _Column("how it came", lambda row: _entry(row, "answered_by")),
    )


class TaskTable(ShownTable):
    """What became of each task, with its exchanges as marks on a line."""

    limit = 50  # with their pictures, in a notebook that is saved
    _title = "Tasks, newest first; the cost is an estimate"
    _nothing = "No task has been created."
    _metadata: ClassVar[list[str]] = ["events"]
    events: Mapping[str, Sequence[_swimlane.Event]] = MappingProxyType({})
    """The exchanges of the rows that are shown, by `created_by`."""

    def strip(self, created_by: str, *, width: int = 120) -> str:
        """Return a row's exchanges as a small picture; empty if they are not known."""
        return _swimlane.strip(self.events.get(created_by, ()), width=width)

    @property
    def _columns(self) -> Sequence[_Column]:  # type: ignore[override]
        return (
            _Column(
                "task",
                lambda row: _stacked(_task(row), _name(row["task_type"])),
                lambda row: f"{_task(row):<10}  {row['task_type'] or '':<16}",
            ),
            _Column(
                "created", lambda row: _stacked(_at(row, "created_at"), _entry(row, "created_by"))
            ),
            _badge("state", "state", {"ready": True, "failed": False, "": None}, 10),
            _Column(
                "exchanges",
                lambda row: _stacked(self.strip(row["created_by"]), _asked(row)),
                _asked,
            ),
            _number("seconds", "queue_s", ",.3f", "{} s"),
            _number("cost", "cost", "g", "cost about {}"),
            _Column(
                "ended by",
                lambda row: _entry(row, "answered_by"),
                lambda row: f"{row['error_code'] or ''} log[{row['created_by']!r}]".strip(),
            ),
        )


def _task(row: _Row) -> str:
    return "no number" if row["task_id"] is None else str(row["task_id"])


def _asked(row: _Row) -> str:
    polls = many(row["polls"], "poll")
    return f"{polls}, {many(row['callbacks'], 'callback')}" if row["callbacks"] else polls


class ViolationTable(ShownTable):
    """The answers that depart from the documented contract."""

    _title = "Answers that depart from the documented contract"
    _nothing = "Every answer kept the documented contract."
    _columns = (
        _Column("exchange", lambda row: _entry(row, "exchange_id"), itemgetter("exchange_id")),
        _Column("at", lambda row: _at(row, "started_at")),
        _text("method", "method"),
        _Column(
            "field",
            lambda row: _code(row["field"]) if row["field"] else "the whole answer",
            lambda row: f"{row['field'] or 'the whole answer'}: {row['found']}",
        ),
        _sentence("the rule", "rule"),
        _Column("found", lambda row: _code(row["found"])),
    )


class Timeline(ShownTable):
    """Every exchange of one task, in order, with a picture of it."""

    _title = "In order"
    _metadata: ClassVar[list[str]] = ["task_id"]
    task_id: int = 0
    _columns = (
        _Column("at", lambda row: _at(row, "started_at")),
        _number("seconds", "offset_s", "+.3f", "{} s"),
        _text("method", "method", 14),
        _badge("outcome", "outcome", {"ok": True, "callback": True, "processing": None, "": False}),
        _text("answer", "status"),
        _number("ms", "elapsed_ms", said="{} ms"),
        _number("try", "attempt", "", ""),
        _Column(
            "exchange",
            lambda row: _entry(row, "exchange_id"),
            lambda row: "  ".join(filter(None, [row["error_code"], row["exchange_id"]])),
        ),
    )

    @property
    def svg(self) -> str:
        """The timeline as a picture: one lane for each method, time from left to right."""
        return _swimlane.svg(self._events())

    @property
    def summary(self) -> str:
        """The timeline in words."""
        return _swimlane.in_words(self.task_id, self._events())

    def _events(self) -> list[_swimlane.Event]:
        return [_swimlane.Event.of(row) for row in self.as_dicts()]

    def _repr_html_(self) -> str:
        title, words = f"Task {self.task_id}", _html.text(self.summary)
        if not len(self):
            return _html.card(title, words)
        style = "display:block;width:100%;min-width:560px;max-width:880px;margin:.4em 0"
        picture = _swimlane.image(self.svg, self.summary, style)
        # what scrolls must be reached by the keyboard
        frame = '<div tabindex="0" role="group" aria-label="Timeline" style="overflow-x:auto">'
        return _html.card(
            title, f"<div>{words}</div>", f"{frame}{picture}</div>", super()._repr_html_()
        )

    def __str__(self) -> str:
        summary = _wrapped(self.summary)
        return f"{summary}\n{super().__str__()}" if len(self) else summary

    __repr__ = __str__


def card(
    where: str, outcomes: Iterable[str], newest: Sequence[Exchange], errors: ErrorTable
) -> dict[str, Any]:
    """Return what a cell that ends with a log shows, by media type."""
    outcomes = list(outcomes)
    told = ", ".join(f"{count} {outcome}" for outcome, count in Counter(outcomes).most_common())
    rows = [[cell(exchange) for cell in _CARD.values()] for exchange in newest]
    html = _html.card(
        f"Exchange log: {len(outcomes):,} exchanges",
        _html.facts([("kept", _html.text(where)), ("outcomes", told or "none yet")]),
        _html.table(list(_CARD), rows, caption=f"The newest {len(rows)}") if rows else "",
        errors._repr_html_() if len(errors) else "",
    )
    lines = [f"{len(outcomes):,} exchanges {where}: {told or 'none yet'}"]
    lines += [exchange.summary() for exchange in newest]
    return _html.bundle(html, "\n".join(map(_wrapped, lines)))


_CARD: Final[Mapping[str, Callable[[Exchange], str]]] = {
    "exchange": lambda exchange: _html.text(exchange.exchange_id),
    "at": lambda exchange: _at({"at": exchange.started_at}, "at"),
    "method": lambda exchange: _name(exchange.method),
    "task": lambda exchange: str(exchange.task_id or ""),
    "outcome": lambda exchange: _stacked(exchange.outcome, _name(exchange.error_code)),
    "HTTP": lambda exchange: str(exchange.http_status or ""),
    "ms": lambda exchange: "" if exchange.elapsed_ms is None else f"{exchange.elapsed_ms:,.0f}",
}
