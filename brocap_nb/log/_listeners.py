"""Who is told of each line of a log: of its own, and of those that other processes write."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._exchange import Exchange
from brocap_nb.log._journal import LogWarning
from brocap_nb.log._others import Follower, Others

Listener = Callable[[Exchange], None]
"""Called with an exchange that has begun or ended."""


class Listeners:
    """The listeners of a log.

    Args:
        lock: the log's.
        others: the sessions of other processes.
        own: returns the session that is not another's.
    """

    def __init__(
        self, lock: AbstractContextManager[object], others: Others, own: Callable[[], str]
    ) -> None:
        self._lock, self._others, self._own = lock, others, own
        self._all: list[Listener] = []
        self._following: list[Listener] = []
        self._follower = Follower(self._follow)

    def __len__(self) -> int:
        return len(self._all)

    def add(self, listener: Listener, *, others: bool, interval: float) -> Callable[[], None]:
        """Tell `listener` from now on; see `ExchangeLog.subscribe`."""
        if not interval > 0:
            raise InvalidInputError(
                f"The interval is {interval!r}. Expected seconds above 0. Leave it out for 1 "
                "second.",
                field="interval",
            )
        end_following = self._begin_following(listener, interval) if others else None
        self._all.append(listener)

        def remove() -> None:
            nonlocal end_following
            if listener in self._all:
                self._all.remove(listener)
            if end_following is not None:
                end_following()
                end_following = None

        return remove

    def tell(self, exchange: Exchange) -> None:
        """Tell all of them of an exchange of this process."""
        _tell((exchange,), tuple(self._all))

    def _begin_following(self, listener: Listener, interval: float) -> Callable[[], None]:
        with self._lock:
            earlier = tuple(self._following)
            self._others.look(self._own())
            news = self._others.news()  # not for the new listener: it was before its time
            self._others.follow(True)
            self._following.append(listener)
            self._follower.want(interval)
        _tell(news, earlier)

        def end() -> None:
            with self._lock:
                self._following.remove(listener)
                if self._follower.unwant(interval):
                    self._others.follow(False)

        return end

    def _follow(self) -> None:
        with self._lock:
            self._others.look(self._own(), tell=False)
            news, listeners = self._others.news(), tuple(self._following)
        _tell(news, listeners)


def _tell(exchanges: Iterable[Exchange], listeners: Iterable[Listener]) -> None:
    for exchange in exchanges:
        for listener in listeners:
            try:
                listener(exchange)
            except Exception as error:  # a view that fails must not hold up the exchange
                warnings.warn(
                    f"A listener of the log failed: {type(error).__name__}: {error}",
                    LogWarning,
                    stacklevel=4,
                )
