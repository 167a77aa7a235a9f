"""Frames that say what pandas does not, and tables that show themselves in full.

A table is HTML in a notebook and plain text in a terminal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final, SupportsIndex

import pandas as pd

from brocap_nb import _html
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Exchange
from brocap_nb.api._facts import AGAIN, again
from brocap_nb.log import _swimlane

_CELL: Final = 32_767  # how long a text in a cell of Excel may be, in UTF-16 units
CARD_ROWS: Final = 10
_CARD: Final = ["exchange", "UTC", "method", "task", "outcome", "code", "HTTP", "ms"]
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
        """As `pandas.DataFrame.query`.

        >>> client.get_balance()
        Balance(balance=10.0)
        >>> len(log.frame().query("started_at > '2026-01-31T00:00Z'"))
        1

        Raises:
            InvalidInputError: a time in UTC is compared with one that has no zone.
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

        Times lose their zone, and the header says `(UTC)`. Characters that a cell cannot have
        become U+FFFD. What is longer than a cell may be is cut, and says so. A text that begins
        with `=` gets an apostrophe before it, so that it is no formula.

        >>> client.get_balance()
        Balance(balance=10.0)
        >>> log.latency().to_excel("latency.xlsx")

        Raises:
            InvalidInputError: openpyxl is not installed.
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
_ANSWER: Final = ("status", "error_code")
_Spec = Mapping[str, Callable[[_Row], str]]


class ShownTable(Frame):
    """A DataFrame with a display of its own. A part of it has the display of pandas."""

    limit: ClassVar[int] = 200
    """How many rows are shown."""
    _title: ClassVar[str] = ""
    _nothing: ClassVar[str] = ""
    _cells: ClassVar[_Spec] = {}
    """For each header what makes a row's cell, as HTML."""
    _numbers: ClassVar[Collection[str]] = ()
    """The headers of numbers, which stand on the right."""

    @staticmethod
    def _line(row: _Row) -> str:
        """A row for a terminal."""
        raise NotImplementedError

    def as_dicts(self, limit: int | None = None) -> list[_Row]:
        """The rows, or the first of them; None where there is no value."""
        columns = [str(name) for name in self.columns]
        lists = [
            [None if pd.isna(value) else value for value in self[name].iloc[:limit].tolist()]
            for name in columns
        ]
        return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]

    def _spec(self) -> _Spec:
        return self._cells

    def _more(self) -> str:
        more = len(self) - self.limit
        return f"… and {more:,} more rows" if more > 0 else ""

    def _repr_html_(self) -> str:
        if not len(self):
            return _html.card(self._title, _html.text(self._nothing))
        spec = self._spec()
        rows = [[cell(row) for cell in spec.values()] for row in self.as_dicts(self.limit)]
        table = _html.table(list(spec), rows, caption=self._title, numbers=self._numbers)
        return table + (f"<div>{_html.text(self._more())}</div>" if self._more() else "")

    def __str__(self) -> str:
        if not len(self):
            return self._nothing
        lines = [self._line(row) for row in self.as_dicts(self.limit)]
        return "\n".join([*lines, *filter(None, [self._more()])])

    __repr__ = __str__


def _text(name: str) -> Callable[[_Row], str]:
    return lambda row: "" if row[name] is None else _html.text(str(row[name]))


def _number(name: str, form: str = ",.1f") -> Callable[[_Row], str]:
    return lambda row: "" if row[name] is None else format(row[name], form)


def _time(name: str) -> Callable[[_Row], str]:
    return lambda row: f'<span style="white-space:nowrap">{row[name]:%Y-%m-%d %H:%M:%S}</span>'


def _sentence(name: str) -> Callable[[_Row], str]:
    return lambda row: f'<div style="min-width:10em">{_html.words(str(row[name]))}</div>'


def _entry(name: str) -> Callable[[_Row], str]:
    """How to look at an exchange, to be copied."""
    place = '<span style="white-space:nowrap">{}</span>'.format
    return lambda row: "" if row[name] is None else place(_code(f'log["{row[name]}"]'))


def _code(text: str) -> str:
    return f'<code style="color:inherit;background:none">{_html.text(text)}</code>'


class ErrorTable(ShownTable):
    """The error codes that came, each with its meaning and what to do about it."""

    _title = "Error codes that came, times in UTC"
    _nothing = "No answer had an error code."
    _numbers = ("count",)
    _cells: ClassVar[_Spec] = {
        # a long code wraps after its underscores
        "code": lambda row: f"<b>{_text('error_code')(row).replace('_', '_<wbr>')}</b>",
        "count": _number("count", ","),
        AGAIN: lambda row: again(bool(row["retryable"])),
        "meaning": _sentence("meaning"),
        "what to do": _sentence("remedy"),
        "example, last seen": lambda row: f"{_entry('example')(row)}<br>{_time('last_seen')(row)}",
    }

    @staticmethod
    def _line(row: _Row) -> str:
        tasks = f", {_swimlane.many(row['tasks'], 'task')}" if row["tasks"] else ""
        return (
            f"{row['error_code']}  x{row['count']} ({row['share']:.0%} of the exchanges)"
            f"{tasks}, last seen {row['last_seen']:%Y-%m-%d %H:%M:%S} UTC\n"
            f"    {row['meaning']}\n    {row['remedy']}\n"
            f"    {AGAIN.capitalize()} {again(bool(row['retryable']))}.\n"
            f"    An example: log[{str(row['example'])!r}]"
        )


class LatencyTable(ShownTable):
    """How long answers and results took."""

    _title = "Time to the answer, in milliseconds"
    _nothing = "No request has been answered."
    _numbers = ("count", "p50", "p95", "max")
    _cells: ClassVar[_Spec] = {
        "method": _text("method"),
        "task type": _text("task_type"),
        "count": _number("count", ","),
        **{name: _number(f"{name}_ms") for name in ("p50", "p95", "max")},
    }

    @staticmethod
    def _line(row: _Row) -> str:
        return (
            f"{row['method']:<16} {row['task_type'] or '':<24} x{row['count']:<9,} "
            f"p50 {row['p50_ms']:>10,.1f}  p95 {row['p95_ms']:>10,.1f}  "
            f"max {row['max_ms']:>10,.1f} ms"
        )


def _seconds(row: _Row) -> str:
    if row["seconds"] is not None:
        return f"{row['seconds']:,.3f}"
    return "no result" if row["answered_by"] is None else "the clock was set back"


class TaskTimesTable(ShownTable):
    """From the creation of each task to its result."""

    _title = "From createTask to the result, one row for each task, times in UTC"
    _nothing = "No task has been created."
    _numbers = ("task", "seconds to the result")
    _cells: ClassVar[_Spec] = {
        "task": _text("task_id"),
        "type": _text("task_type"),
        "created": _time("created_at"),
        "seconds to the result": _seconds,
        "how it came": _entry("answered_by"),
    }

    @staticmethod
    def _line(row: _Row) -> str:
        unit = "" if row["seconds"] is None else " s"
        return f"{row['task_id']:<12} {row['task_type'] or '':<24} {_seconds(row)}{unit}"


def _state(row: _Row) -> str:
    good = {"ready": True, "failed": False}.get(row["state"])
    code = f"<br>{_text('error_code')(row)}" if row["error_code"] else ""
    return _html.badge(row["state"], good=good) + code


class TaskTable(ShownTable):
    """What became of each task, with its exchanges as marks on a line."""

    limit = 50  # with their pictures, in a notebook that is saved
    _title = "Tasks, newest first, times in UTC; the cost is an estimate"
    _nothing = "No task has been created."
    _metadata: ClassVar[list[str]] = ["events"]
    events: Mapping[str, Sequence[_swimlane.Event]] = MappingProxyType({})
    """The exchanges of the rows that are shown, by `created_by`."""
    _numbers = ("task", "seconds", "polls", "callbacks", "cost")

    def strip(self, created_by: str, *, width: int = 220) -> str:
        """Return a row's exchanges as a small picture; empty if they are not known."""
        return _swimlane.strip(self.events.get(created_by, ()), width=width)

    def _spec(self) -> _Spec:
        return {
            "task": lambda row: _text("task_id")(row) or "no number",
            "type": _text("task_type"),
            "created": _time("created_at"),
            "state": _state,
            "exchanges": lambda row: self.strip(row["created_by"]) or str(row["exchanges"]),
            "seconds": _number("queue_s", ",.3f"),
            "polls": _number("polls", ","),
            "callbacks": _number("callbacks", ","),
            "cost": _number("cost", "g"),
            "created by": _entry("created_by"),
            "ended by": _entry("answered_by"),
        }

    @staticmethod
    def _line(row: _Row) -> str:
        sign = {"ready": "✓ ", "failed": "✗ "}.get(row["state"], "")
        number = "no number" if row["task_id"] is None else row["task_id"]
        facts = [
            f"{number:<12} {row['task_type'] or '':<24} {sign + row['state']:<12}",
            "" if row["queue_s"] is None else f"{row['queue_s']:,.3f} s",
            _swimlane.many(row["polls"], "poll"),
            _swimlane.many(row["callbacks"], "callback") if row["callbacks"] else "",
            str(row["error_code"] or ""),
            "" if row["cost"] is None else f"cost about {row['cost']:g}",
            f"log[{row['created_by']!r}]",
        ]
        return "  ".join(filter(None, facts))


class ViolationTable(ShownTable):
    """The answers that depart from the documented contract."""

    _title = "Answers that depart from the documented contract, times in UTC"
    _nothing = "Every answer kept the documented contract."
    _cells: ClassVar[_Spec] = {
        "exchange": _entry("exchange_id"),
        "at": _time("started_at"),
        "method": _text("method"),
        "field": lambda row: _code(row["field"]) if row["field"] else "the whole answer",
        "the rule": _sentence("rule"),
        "found": lambda row: _code(row["found"]),
    }

    @staticmethod
    def _line(row: _Row) -> str:
        return (
            f"{row['exchange_id']}  {row['method']}  {row['field'] or 'the whole answer'}: "
            f"{row['found']}\n    {row['rule']}"
        )


def _outcome(row: _Row) -> str:
    good = {"ok": True, "callback": True, "processing": None}.get(row["outcome"], False)
    return _html.badge(row["outcome"], good=good)


class Timeline(ShownTable):
    """Every exchange of one task, in order, with a picture of it."""

    _title = "In order, times in UTC"
    _metadata: ClassVar[list[str]] = ["task_id"]
    task_id: int = 0
    _numbers = ("seconds", "ms", "try")
    _cells: ClassVar[_Spec] = {
        "at": lambda row: f"{row['started_at']:%H:%M:%S.%f}"[:-3],
        "seconds": _number("offset_s", ",.3f"),
        "exchange": _entry("exchange_id"),
        "method": _text("method"),
        "outcome": _outcome,
        "answer": lambda row: " ".join(filter(None, (_text(n)(row) for n in _ANSWER))),
        "ms": _number("elapsed_ms"),
        "try": _number("attempt", ""),
    }

    @staticmethod
    def _line(row: _Row) -> str:
        took = "" if row["elapsed_ms"] is None else f"  {row['elapsed_ms']:,.1f} ms"
        told = "  ".join(row[name] for name in ("outcome", *_ANSWER) if row[name])
        return f"{row['offset_s']:+10.3f} s  {row['method']:<14} {told}{took}  {row['exchange_id']}"

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
        return f"{self.summary}\n{super().__str__()}" if len(self) else self.summary

    __repr__ = __str__


def card(
    where: str, outcomes: Iterable[str], newest: Sequence[Exchange], errors: ErrorTable
) -> dict[str, Any]:
    """Return what a cell that ends with a log shows, by media type."""
    outcomes = list(outcomes)
    told = ", ".join(f"{count} {outcome}" for outcome, count in Counter(outcomes).most_common())
    rows = [[_html.text(cell) for cell in _card_row(exchange)] for exchange in newest]
    html = _html.card(
        f"Exchange log: {len(outcomes):,} exchanges",
        _html.facts([("kept", _html.text(where)), ("outcomes", told or "none yet")]),
        _html.table(_CARD, rows, caption=f"The newest {len(rows)}") if rows else "",
        errors._repr_html_() if len(errors) else "",
    )
    lines = [f"{len(outcomes):,} exchanges {where}: {told or 'none yet'}"]
    lines += [exchange.summary() for exchange in newest]
    return _html.bundle(html, "\n".join(lines))


def _card_row(exchange: Exchange) -> list[str]:
    return [
        exchange.exchange_id,
        f"{exchange.started_at:%H:%M:%S}",
        exchange.method,
        "" if exchange.task_id is None else str(exchange.task_id),
        str(exchange.outcome),
        exchange.error_code or "",
        "" if exchange.http_status is None else str(exchange.http_status),
        "" if exchange.elapsed_ms is None else f"{exchange.elapsed_ms:,.0f}",
    ]
