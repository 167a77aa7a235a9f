"""Frames that say what pandas does not, and tables that show themselves in full.

A table is HTML in a notebook and plain text in a terminal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Final, SupportsIndex

import pandas as pd

from brocap_nb import _html
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._facts import AGAIN, again
from brocap_nb.log import _swimlane

_CELL: Final = 32_767
"""How long a text in a cell of Excel may be, in UTF-16 units."""
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


class ShownTable(Frame):
    """A DataFrame with a display of its own. A part of it has the display of pandas."""

    limit: ClassVar[int] = 200
    """How many rows are shown."""
    _title: ClassVar[str] = ""
    _nothing: ClassVar[str] = ""
    _headers: ClassVar[Sequence[str]] = ()

    def _cells(self, row: dict[str, Any]) -> list[str]:
        """The cells of one row, as HTML."""
        raise NotImplementedError

    def _lines(self, row: dict[str, Any]) -> str:
        """One row for a terminal."""
        raise NotImplementedError

    def as_dicts(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The rows, or the first of them; None where there is no value."""
        columns = [str(name) for name in self.columns]
        lists = [
            [None if pd.isna(value) else value for value in self[name].iloc[:limit].tolist()]
            for name in columns
        ]
        return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]

    def _more(self) -> str:
        more = len(self) - self.limit
        return f"… and {more:,} more rows" if more > 0 else ""

    def _repr_html_(self) -> str:
        if not len(self):
            return _html.card(self._title, _html.text(self._nothing))
        rows = [self._cells(row) for row in self.as_dicts(self.limit)]
        more = f"<div>{_html.text(self._more())}</div>" if self._more() else ""
        return _html.table(self._headers, rows, caption=self._title) + more

    def __str__(self) -> str:
        if not len(self):
            return self._nothing
        lines = [self._lines(row) for row in self.as_dicts(self.limit)]
        return "\n".join([*lines, *filter(None, [self._more()])])

    __repr__ = __str__


class ErrorTable(ShownTable):
    """The error codes that came, each with its meaning and what to do about it."""

    _title = "Error codes that came, times in UTC"
    _nothing = "No answer had an error code."
    _headers = (
        *("code and an example", "count", "share", "tasks", "first and last seen"),
        *("meaning", "what to do", AGAIN),
    )

    def _cells(self, row: dict[str, Any]) -> list[str]:
        return [
            f"<b>{_html.text(str(row['error_code']))}</b><br>{_entry(row['example'])}",
            f"{row['count']:,}",
            f"{row['share']:.0%}",
            f"{row['tasks']:,}",
            f"{_time(row['first_seen'])}<br>{_time(row['last_seen'])}",
            _sentence(str(row["meaning"])),
            _sentence(str(row["remedy"])),
            again(bool(row["retryable"])),
        ]

    def _lines(self, row: dict[str, Any]) -> str:
        tasks = f", {row['tasks']:,} tasks" if row["tasks"] != 1 else ", 1 task"
        return (
            f"{row['error_code']}  x{row['count']} ({row['share']:.0%} of the exchanges)"
            f"{tasks if row['tasks'] else ''}, last seen {row['last_seen']:%Y-%m-%d %H:%M:%S} UTC\n"
            f"    {row['meaning']}\n    {row['remedy']}\n"
            f"    {AGAIN.capitalize()} {again(bool(row['retryable']))}.\n"
            f"    An example: log[{str(row['example'])!r}]"
        )


class LatencyTable(ShownTable):
    """How long answers and results took."""

    _title = "Time to the answer, in milliseconds"
    _nothing = "No request has been answered."
    _headers = ("method", "task type", "count", "p50", "p95", "max")

    def _cells(self, row: dict[str, Any]) -> list[str]:
        return [
            _html.text(str(row["method"])),
            _html.text(str(row["task_type"] or "")),
            f"{row['count']:,}",
            *(_right(f"{row[name]:,.1f}") for name in ("p50_ms", "p95_ms", "max_ms")),
        ]

    def _lines(self, row: dict[str, Any]) -> str:
        return (
            f"{row['method']:<16} {row['task_type'] or '':<24} x{row['count']:<9,} "
            f"p50 {row['p50_ms']:>10,.1f}  p95 {row['p95_ms']:>10,.1f}  "
            f"max {row['max_ms']:>10,.1f} ms"
        )


class TaskTimesTable(ShownTable):
    """From the creation of each task to its result."""

    _title = "From createTask to the result, one row for each task, times in UTC"
    _nothing = "No task has been created."
    _headers = ("task", "type", "created", "seconds to the result", "how it came")

    def _cells(self, row: dict[str, Any]) -> list[str]:
        seconds = row["seconds"]
        return [
            str(row["task_id"]),
            _html.text(str(row["task_type"] or "")),
            _time(row["created_at"]),
            _right(f"{seconds:,.3f}") if seconds is not None else self._no_seconds(row),
            "" if row["answered_by"] is None else _entry(row["answered_by"]),
        ]

    def _lines(self, row: dict[str, Any]) -> str:
        seconds = row["seconds"]
        told = f"{seconds:,.3f} s" if seconds is not None else self._no_seconds(row)
        return f"{row['task_id']:<12} {row['task_type'] or '':<24} {told}"

    def _no_seconds(self, row: dict[str, Any]) -> str:
        return "no result" if row["answered_by"] is None else "the clock was set back"


class TaskTable(ShownTable):
    """What became of each task, with its exchanges as marks on a line."""

    limit = 50  # with their pictures, in a notebook that is saved
    _title = "Tasks, newest first, times in UTC; the cost is an estimate"
    _nothing = "No task has been created."
    _headers = (
        *("task", "type", "created", "state", "exchanges", "seconds", "polls", "callbacks"),
        *("cost", "created by", "ended by"),
    )
    _metadata: ClassVar[list[str]] = ["events"]
    events: Mapping[str, Sequence[_swimlane.Event]] = MappingProxyType({})
    """The exchanges of the rows that are shown, by `created_by`."""

    def strip(self, created_by: str, *, width: int = 220) -> str:
        """Return a row's exchanges as a small SVG; empty if they are not known."""
        return _swimlane.strip(self.events.get(created_by, ()), width=width)

    def _cells(self, row: dict[str, Any]) -> list[str]:
        state = str(row["state"])
        code = f"<br>{_html.text(str(row['error_code']))}" if row["error_code"] else ""
        return [
            "no number" if row["task_id"] is None else str(row["task_id"]),
            _html.text(str(row["task_type"] or "")),
            _time(row["created_at"]),
            _html.badge(state, good={"ready": True, "failed": False}.get(state)) + code,
            self.strip(str(row["created_by"])) or str(row["exchanges"]),
            "" if row["queue_s"] is None else _right(f"{row['queue_s']:,.3f}"),
            str(row["polls"]),
            str(row["callbacks"]),
            "" if row["cost"] is None else f"{row['cost']:g}",
            _entry(row["created_by"]),
            "" if row["answered_by"] is None else _entry(row["answered_by"]),
        ]

    def _lines(self, row: dict[str, Any]) -> str:
        sign = {"ready": "✓ ", "failed": "✗ "}.get(str(row["state"]), "")
        number = "no number" if row["task_id"] is None else row["task_id"]
        facts = [
            f"{number:<12} {row['task_type'] or '':<24} {sign + str(row['state']):<12}",
            "" if row["queue_s"] is None else f"{row['queue_s']:,.3f} s",
            _many(row["polls"], "poll"),
            _many(row["callbacks"], "callback") if row["callbacks"] else "",
            str(row["error_code"] or ""),
            "" if row["cost"] is None else f"cost about {row['cost']:g}",
            f"log[{str(row['created_by'])!r}]",
        ]
        return "  ".join(filter(None, facts))


class ViolationTable(ShownTable):
    """The answers that depart from the documented contract."""

    _title = "Answers that depart from the documented contract, times in UTC"
    _nothing = "Every answer kept the documented contract."
    _headers = ("exchange", "at", "method", "field", "the rule", "found")

    def _cells(self, row: dict[str, Any]) -> list[str]:
        return [
            _entry(row["exchange_id"]),
            _time(row["started_at"]),
            _html.text(str(row["method"])),
            _code(str(row["field"])) if row["field"] else "the whole answer",
            _sentence(str(row["rule"])),
            _code(str(row["found"])),
        ]

    def _lines(self, row: dict[str, Any]) -> str:
        return (
            f"{row['exchange_id']}  {row['method']}  {row['field'] or 'the whole answer'}: "
            f"{row['found']}\n    {row['rule']}"
        )


class Timeline(ShownTable):
    """Every exchange of one task, in order, with a picture of it."""

    _title = "In order, times in UTC"
    _headers = ("at", "seconds", "exchange", "method", "outcome", "answer", "ms", "try")
    _metadata: ClassVar[list[str]] = ["task_id"]
    task_id: int = 0

    @property
    def svg(self) -> str:
        """The timeline as a picture: one lane for each method, time from left to right."""
        return _swimlane.svg(self.task_id, self._events())

    @property
    def summary(self) -> str:
        """The timeline in words."""
        return _swimlane.in_words(self.task_id, self._events())

    def _events(self) -> list[_swimlane.Event]:
        return [
            _swimlane.Event(
                lane=str(row["method"]),
                start=float(row["offset_s"]),
                seconds=(row["elapsed_ms"] or 0.0) / 1000,
                outcome=str(row["outcome"]),
                status=row["status"],
                error_code=row["error_code"],
                name=str(row["exchange_id"]),
            )
            for row in self.as_dicts()
        ]

    def _cells(self, row: dict[str, Any]) -> list[str]:
        good = {"ok": True, "callback": True, "processing": None}
        return [
            f"{row['started_at']:%H:%M:%S}.{row['started_at'].microsecond // 1000:03}",
            _right(f"{row['offset_s']:,.3f}"),
            _entry(row["exchange_id"]),
            _html.text(str(row["method"])),
            _html.badge(str(row["outcome"]), good=good.get(str(row["outcome"]), False)),
            _html.text(" ".join(str(row[n]) for n in ("status", "error_code") if row[n])),
            "" if row["elapsed_ms"] is None else _right(f"{row['elapsed_ms']:,.1f}"),
            str(row["attempt"]),
        ]

    def _lines(self, row: dict[str, Any]) -> str:
        took = "" if row["elapsed_ms"] is None else f"  {row['elapsed_ms']:,.1f} ms"
        told = "  ".join(str(row[n]) for n in ("outcome", "status", "error_code") if row[n])
        return f"{row['offset_s']:+10.3f} s  {row['method']:<14} {told}{took}  {row['exchange_id']}"

    def _repr_html_(self) -> str:
        if not len(self):
            return _html.card(f"Task {self.task_id}", _html.text(self.summary))
        return _html.card(
            f"Task {self.task_id}",
            f"<div>{_html.text(self.summary)}</div>",
            self.svg,
            super()._repr_html_(),
        )

    def __str__(self) -> str:
        return f"{self.summary}\n{super().__str__()}" if len(self) else self.summary

    __repr__ = __str__


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _time(value: datetime) -> str:
    return f'<span style="white-space:nowrap">{value:%Y-%m-%d %H:%M:%S}</span>'


def _entry(exchange_id: object) -> str:
    """How to look at an exchange, to be copied."""
    code = _code(f'log["{exchange_id}"]')
    return f'<span style="white-space:nowrap">{code}</span>'


def _code(text: str) -> str:
    return f'<code style="color:inherit;background:none">{_html.text(text)}</code>'


def _sentence(text: str) -> str:
    return f'<div style="min-width:14em">{_html.words(text)}</div>'


def _right(text: str) -> str:
    return (
        '<span style="display:inline-block;min-width:4.5em;text-align:right;'
        f'font-variant-numeric:tabular-nums">{text}</span>'
    )
