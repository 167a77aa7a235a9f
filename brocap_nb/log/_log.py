"""`ExchangeLog`: every exchange of a session, and those of the other sessions in its folder."""

from __future__ import annotations

import functools
import itertools
import os
import secrets
import threading
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from brocap_nb.api import _answers
from brocap_nb.api._body import EmbeddedPicture, with_labels
from brocap_nb.api._errors import ExchangeNotFoundError, InvalidInputError
from brocap_nb.api._exchange import Exchange
from brocap_nb.api._secrets import HEADER_LABEL, Secret
from brocap_nb.log import _export, _folders, _journal
from brocap_nb.log._diff import DiffTable, diff
from brocap_nb.log._folders import Listener
from brocap_nb.log._recorder import Recording, attach
from brocap_nb.log._rows import NOWHERE, Columns, frame_of, newest, number_of
from brocap_nb.log._search import Search
from brocap_nb.log._segments import seal
from brocap_nb.log._tables import (
    CARD_ROWS,
    ErrorTable,
    Frame,
    LatencyTable,
    TaskTable,
    TaskTimesTable,
    Timeline,
    ViolationTable,
    card,
)

if TYPE_CHECKING:
    import requests


_logs: WeakSet[ExchangeLog] = WeakSet()
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class ExchangeLog:
    """A record of every HTTP attempt, in a folder of JSON Lines.

    Several kernels and threads may write to one folder; each log reads what the others wrote.
    A method that takes a `session` has only what that one recorded; by default, what all have.

    >>> bn.ExchangeLog("my_log")
    <ExchangeLog of 0 exchanges in ...my_log>

    Args:
        folder: where the lines are kept; `":memory:"` keeps them in the kernel only. Default:
            `$BROCAP_LOG`, else `brocap_log/` in the working directory. A name with `*` or `?`,
            such as `/shared/class/*`, makes a log of many folders that is only read: its ids
            begin with the folder's name, which `frame()` has in the column `source`.

    Raises:
        InvalidInputError: the pattern has `**`, or the folder is a file.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        folder = folder or os.environ.get("BROCAP_LOG") or _folders.DEFAULT_FOLDER
        self.folder = None if folder == ":memory:" else _folders.path_of(folder).absolute()
        """The log's folder, or the pattern of its folders; None for a log in memory."""
        self.read_only: bool = self.folder is not None and _folders.is_pattern(self.folder)
        """Whether the log reads the folders of a pattern, and is never written."""
        if self.folder is not None and self.folder.is_file():
            raise InvalidInputError(
                f"The log folder {self.folder} is a file; expected a folder, which is made if "
                "there is none. To read one file of a log, give the folder that it lies in.",
                field="folder",
            )
        self._words = Columns.new_words()
        self._listeners: list[Listener] = []
        self._start_session()
        _logs.add(self)

    def _start_session(self) -> None:
        self.session: str = "".join(secrets.choice(_ALPHABET) for _ in range(6))
        self._numbers = itertools.count(1)
        folder = None if self.read_only else self.folder
        self._own = _journal.Journal(folder, self.session, self._words)
        self._others = _folders.Others(self.folder, self._words, self.session)

    def begin(self, *, pictures: Iterable[EmbeddedPicture] = (), **fields: Any) -> Exchange:
        """Record a request that is about to be sent, and return its exchange.

        `fields` are those of an `Exchange`, with labels for secrets, and for these `pictures`.
        """
        self._must_be_written()
        with self._own.lock:
            number = next(self._numbers)  # never the same, if this is interrupted below
            fields |= {"exchange_id": f"{self.session}-{number}", "session": self.session}
            exchange = Exchange(**{"started_at": datetime.now(UTC), **fields})
            for picture in pictures:
                self._own.keep_picture(picture)
            at = self._own.append(_journal.line_of("request", exchange))
            self._own.columns.begin(exchange, number, at)
            seal(self._own)
        _folders.tell((exchange,), tuple(self._listeners))
        return exchange

    def finish(self, exchange: Exchange) -> None:
        """Record what came of an exchange that `begin` returned."""
        with self._own.lock:
            at = self._own.append(_journal.line_of("response", exchange))
            row = self._own.columns.row_of(number_of(exchange.exchange_id))
            # neither is so if the process was forked in between
            if row is not None and exchange.session == self.session:
                self._own.columns.finish(row, exchange, at)
        _folders.tell((exchange,), tuple(self._listeners))

    def attach(self, session: requests.Session, *, secrets: Iterable[str] = ()) -> Recording:
        """Record whatever a `requests.Session` sends, to any service, as rows of this log.

        The session sends as before. What this returns ends the recording when called or left.

        >>> import requests
        >>> session = requests.Session()
        >>> with log.attach(session):
        ...     session.get(sandbox.url).status_code
        200
        >>> log[-1].method
        'GET /'

        Args:
            secrets: other texts, from 8 characters on, that must not be written down; or one.

        Raises:
            InvalidInputError: the log is only read, or `session` is none.
        """
        self._must_be_written()
        texts = (secrets,) if isinstance(secrets, str) else secrets  # a text is no list of letters
        return attach(self, session, tuple(Secret(text, HEADER_LABEL) for text in texts))

    def subscribe(self, listener: Listener, *, others: bool = False) -> Callable[[], None]:
        """Call `listener(exchange)` after each recorded line; return what ends that.

        It is called in the thread that recorded the line, for `others` in one of the log.

        >>> stop = log.subscribe(lambda exchange: print(exchange.method, exchange.outcome))
        >>> balance = client.get_balance()
        getBalance no_response
        getBalance ok

        Args:
            others: call it as well, a second or so later, for what other processes write from now
                on, without bodies.
        """
        ends = ExitStack()
        if others:
            ends.callback(self._others.follow(listener))
        self._listeners.append(listener)
        ends.callback(self._listeners.remove, listener)
        return ends.close

    def _must_be_written(self) -> None:
        if self.read_only:
            raise InvalidInputError(
                f"This log reads the folders {self.folder} of others and is never written. "
                'Use one with a folder of its own, such as bn.ExchangeLog("brocap_log").',
                field="log",
            )

    def frame(self, *, bodies: bool = True, session: str | None = None) -> Frame:
        """Return one row per HTTP attempt, in the order in which they began.

        >>> balance = client.get_balance()
        >>> log.frame()[["method", "outcome", "http_status"]]
               method outcome  http_status
        0  getBalance      ok          200

        Args:
            bodies: whether to read the columns `request` and `response` as well.
        """
        with self.reading(session=session) as sessions:
            texts = [one.bodies() for one in sessions if bodies and one is not self._own]
            with self._own.lock:
                texts += [one.bodies() for one in sessions if bodies and one is self._own]
                tables, given = [one.columns for one in sessions], texts if bodies else None
                return Frame(frame_of(tables, self._words, given, sourced=self.read_only))

    def errors(self, *, session: str | None = None) -> ErrorTable:
        """Return one row per error code that came, with its meaning and what to do about it.

        >>> error = client.submit(bn.RawTask({"type": "NoSuchTask"})).exception()
        >>> log.errors()[["error_code", "count", "share"]]
                         error_code  count  share
        0  ERROR_TASK_NOT_SUPPORTED      1    1.0
        """
        return ErrorTable(self._summary("errors", session))

    def latency(self, *, session: str | None = None) -> LatencyTable:
        """Return how long answers and results took, in milliseconds, by method and task type.

        >>> created = client.create_task(task)
        >>> log.latency()
        createTask  ComplexImageTask  x1  p50 ...  p95 ...  max ... ms
        """
        return LatencyTable(self._summary("latency", session))

    def task_times(self, *, session: str | None = None) -> TaskTimesTable:
        """Return one row per created task: the seconds from createTask to its result, if known.

        >>> result = client.get_task_result(client.create_task(task).task_id)
        >>> log.task_times()
        7654321  ComplexImageTask  ... s
        """
        return TaskTimesTable(self._summary("task_times", session))

    def tasks(self, *, session: str | None = None, last: int | None = None) -> TaskTable:
        """Return one row per createTask, newest first, with what became of its task.

        >>> result = client.get_task_result(client.create_task(task).task_id)
        >>> log.tasks()[["task_id", "task_type", "state", "polls"]]
           task_id         task_type  state  polls
        0  7654321  ComplexImageTask  ready      1

        Args:
            session: only tasks that it created, with their polls and callbacks in any session.
            last: look only at so many of the newest exchanges; all of 100,000 take a second.
        """
        from brocap_nb.log import summaries

        frame = self.frame(bodies=False)
        frame = frame if last is None else frame.tail(last)
        # a balance lies after one task and before the next
        cost = functools.partial(_cost, functools.cache(self._read))
        found = summaries.tasks(frame, cost=cost).to_native()
        if session is not None:
            own = [name.rpartition("-")[0] == session for name in found["created_by"]]
            found = found.loc[own].reset_index(drop=True)
        table = TaskTable(found)
        table.events = summaries.task_events(frame, found.head(table.limit))
        return table

    def timeline(self, task_id: int) -> Timeline:
        """Return every exchange and callback of one task, in order: a table and a picture.

        >>> log.timeline(client.create_task(task).task_id)[["method", "outcome"]]
               method outcome
        0  createTask      ok

        Of several tasks of that number it is the newest. `offset_s` is in seconds.
        """
        found = Timeline(self._summary("timeline", None, task_id))
        found.task_id = task_id
        return found

    def violations(self, *, session: str | None = None) -> ViolationTable:
        """Return every departure of an answer from the documented contract, with the broken rule.

        >>> sandbox.faults.next("getBalance", "error_id_string")
        >>> client.get_balance()
        Traceback (most recent call last):
        brocap_nb.BadResponseError: ...
        >>> log.violations()[["method", "field", "found"]]
               method    field found
        0  getBalance  errorId ...
        """
        return ViolationTable(self._summary("violations", session, bodies=True))

    def _summary(self, name: str, session: str | None, *asked: int, bodies: bool = False) -> Any:
        """A summary of the frame, as a frame of pandas."""
        from brocap_nb.log import summaries  # it brings narwhals along

        summary = getattr(summaries, name)
        return summary(self.frame(bodies=bodies, session=session), *asked).to_native()

    def words(self, column: str) -> list[str]:
        """Return the different texts that came as method, task type, error code, and so on.

        >>> balance = client.get_balance()
        >>> log.words("method")
        ['getBalance']
        """
        if column not in self._words:
            raise InvalidInputError(
                f"{column!r} has no words to list; expected one of: {', '.join(self._words)}.",
                field="column",
            )
        with self.reading():
            return list(self._words[column].texts)

    def recent(self, count: int = 20) -> list[Exchange]:
        """Return the newest exchanges, newest first, without their bodies.

        >>> balance = client.get_balance()
        >>> [exchange.method for exchange in log.recent(3)]
        ['getBalance']
        """
        page = Search(self).page(max(count, 0))
        return [*page.exchanges] if page else []

    @contextmanager
    def reading(
        self, *, still: bool = False, session: str | None = None
    ) -> Iterator[list[_journal.Session]]:
        """The log's sessions, brought up to date; `still`: nothing is written while this is open.

        Files of others are read only where writers need not wait.
        """
        with self._others.lock:
            self._others.look()
            with self._own.lock if still else nullcontext():
                asked = [one for one in self._sources() if session in (None, one.columns.session)]
                yield [one for one in asked if len(one.columns)]

    def __len__(self) -> int:
        with self.reading() as sessions:
            return sum(len(session.columns) for session in sessions)

    def __bool__(self) -> bool:
        """A log is a log even while it is empty, so that `log or another` is no trap."""
        return True

    def __getitem__(self, exchange_id: str | int | Exchange) -> Exchange:
        """Return one exchange with its full bodies, pictures included.

        >>> balance = client.get_balance()
        >>> log[-1].response
        '{"errorId": 0, "balance": 10.0}'

        Args:
            exchange_id: an `exchange_id`, the index of a row of `frame()`, of which -1 is the
                newest, or an exchange that was read before.

        Raises:
            ExchangeNotFoundError: there is none, or its lines can no longer be read.
        """
        with self.reading():
            return self._read(exchange_id, pictures=True)

    def _read(self, exchange_id: str | int | Exchange, *, pictures: bool = False) -> Exchange:
        """Return an exchange with its bodies, as of the last look at the files of others."""
        with self._others.lock:
            sessions = self._sources()
            tables = [source.columns for source in sessions]
            if isinstance(exchange_id, Exchange):
                exchange_id = exchange_id.exchange_id
            if isinstance(exchange_id, str):
                name, number = exchange_id.rpartition("-")[0], number_of(exchange_id)
                for source in sessions:
                    row = source.columns.row_of(number) if source.columns.session == name else None
                    if row is not None:
                        return self._read_row(source, row, pictures=pictures)
            elif hasattr(exchange_id, "__index__"):
                with self._own.lock:
                    order = newest(tables, -exchange_id if exchange_id < 0 else None)
                if -len(order) <= exchange_id < len(order):
                    number, row = order[exchange_id].tolist()
                    return self._read_row(sessions[number], row, pictures=pictures)
        raise ExchangeNotFoundError(
            f"The log has no exchange {exchange_id!r:.60}: it has {sum(map(len, tables))}. "
            "Expected the index of a row of log.frame(), or its exchange_id."
        )

    def _read_row(self, source: _journal.Session, row: int, *, pictures: bool = True) -> Exchange:
        bare = source.columns.exchange(row)
        names = {"session": bare.session, "exchange_id": bare.exchange_id}  # as this log says
        try:
            both = [int(source.columns.array(name)[row]) for name in ("request_at", "response_at")]
            found = list(source.lines([place for place in both if place != NOWHERE]))
            exchange = Exchange.from_line(found[0] | found[-1] | names if all(found) else {})
        except (ValueError, LookupError, TypeError) as error:
            raise ExchangeNotFoundError(
                f"The lines of exchange {bare.exchange_id} can no longer be read "
                f"({type(error).__name__}). Was the log's folder changed by hand?"
            ) from None
        return _journal.with_pictures(exchange, source.picture) if pictures else exchange

    def _sources(self) -> list[_journal.Session]:
        return [*self._others.sessions.values(), self._own]

    def exchanges(self, *, session: str | None = None) -> Iterator[Exchange]:
        """Yield every exchange with its full bodies, in the order in which they began.

        One whose lines can no longer be read is left out, with a warning.

        >>> created = client.create_task(task)
        >>> [len(exchange.request) > 16_000 for exchange in log.exchanges()]
        [True]
        """
        with self.reading(still=True, session=session) as sessions:
            order = newest([source.columns for source in sessions]).tolist()
        for number, row in order:
            try:
                with self._others.lock:
                    exchange = self._read_row(sessions[number], row)
            except ExchangeNotFoundError as error:
                warnings.warn(str(error), _journal.LogWarning, stacklevel=2)
            else:
                yield exchange

    def to_har(
        self, path: str | os.PathLike[str] | None = None, *, session: str | None = None
    ) -> Any:
        """Return the log as a HAR 1.2 document, or write it to `path`; secrets are labels.

        >>> balance = client.get_balance()
        >>> log.to_har("log.har")
        >>> len(log.to_har()["log"]["entries"])
        1
        """
        exchanges = self.exchanges(session=session)
        return _export.to_har(exchanges) if path is None else _export.write_har(exchanges, path)

    @classmethod
    def from_har(
        cls,
        path: str | os.PathLike[str],
        folder: str | os.PathLike[str] | None = ":memory:",
        *,
        everything: bool = False,
    ) -> Self:
        """Read a HAR file, of a browser or of `to_har`, into a log as rows of its own.

        Secrets become labels.

        >>> log.to_har("log.har")
        >>> bn.ExchangeLog.from_har("log.har")
        <ExchangeLog of 0 exchanges in memory>

        Args:
            folder: where the log shall be kept; default: in the kernel only.
            everything: take the entries of any service, not only the API's calls.

        Raises:
            InvalidInputError: the file is no HAR of this API, or the folder is a pattern.
        """
        log = cls(folder)
        log._must_be_written()
        found = _export.read_har(path, everything)
        if any(exchange.session == "har" for exchange in found):  # those of `to_har` are in order
            found.sort(key=lambda exchange: exchange.started_at)
        for exchange in found:
            fields = {name: getattr(exchange, name) for name in exchange.__slots__}
            fields["request"], pictures = with_labels(exchange.request)
            log.finish(log.begin(pictures=pictures, **fields))
        return log

    def to_curl(self, exchange_id: str | int | Exchange) -> str:
        """Return a shell command that sends a request again, with `$BROCAP_CLIENT_KEY` in it.

        >>> balance = client.get_balance()
        >>> print(log.to_curl(-1))
        printf '%s' '{"clientKey": "'"$BROCAP_CLIENT_KEY"'"}' |
          curl -sS ...
        """
        return _export.to_curl(self[exchange_id])

    def to_python(self, exchange_id: str | int | Exchange) -> str:
        """Return a program that does the same as `to_curl`'s command: it needs `requests`."""
        return _export.to_python(self[exchange_id])

    def to_parquet(self, path: str | os.PathLike[str], *, session: str | None = None) -> None:
        """Write `frame()` as a Parquet file. It needs `brocap_nb[parquet]`.

        >>> log.to_parquet("log.parquet")
        """
        self.frame(session=session).to_parquet(path, engine="pyarrow", index=False)

    def to_excel(self, path: str | os.PathLike[str], *, session: str | None = None) -> None:
        """Write `frame()` as an Excel file, see its `to_excel`. It needs `brocap_nb[excel]`.

        >>> log.to_excel("log.xlsx")
        """
        self.frame(session=session).to_excel(path, index=False)

    def diff(
        self,
        left: str | int | Exchange,
        right: str | int | Exchange,
        *,
        ignore: Collection[str] = (),
        everything: bool = False,
    ) -> DiffTable:
        """Compare two exchanges field by field, but for ids, times and keys.

        >>> answers = client.get_balance(), client.get_balance()
        >>> len(log.diff(0, 1))
        0

        Args:
            ignore: paths to leave out as well, with what lies below: `response.solution`.
            everything: leave out nothing but `ignore`.
        """
        return diff(self[left], self[right], ignore=ignore, everything=everything)

    def __repr__(self) -> str:
        return f"<ExchangeLog of {len(self)} exchanges {self._place()}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        outcomes = self.frame(bodies=False)["outcome"].astype(str)
        return card(self._place(), outcomes, self.recent(CARD_ROWS), self.errors())

    def _place(self) -> str:
        return "in memory" if self.folder is None else f"in {self.folder}"


def _cost(
    read: Callable[[str], Exchange], created_by: str, before: str, after: str
) -> float | None:
    """By how much the balance fell; None if it did not, or if the answers cannot be read."""
    try:
        created, first, second = read(created_by), read(before), read(after)
    except ExchangeNotFoundError:
        return None
    addresses = {exchange.url.rpartition("/")[0] for exchange in (created, first, second)}
    answers = [_answers.read(e.method, 200, e.response or "").answer for e in (first, second)]
    money = [answer.balance for answer in answers if isinstance(answer, _answers.Balance)]
    if len(addresses) != 1 or len(money) != 2 or money[0] < money[1]:
        return None
    return round(money[0] - money[1], 9)  # decimals that came as floats


def _in_child() -> None:
    """Begin sessions of its own in a forked process: one file has one writer."""
    for log in _logs:
        if log.folder is not None:
            log._start_session()
        else:  # a thread may have held its locks
            log._own.lock, log._others.lock = threading.RLock(), threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_in_child)
