"""The sandbox on a real socket: a thin shell around the rules."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import json
import math
import os
import signal
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from tornado.gen import convert_yielded
from tornado.httputil import HTTPServerRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from brocap_nb import _html
from brocap_nb._server import CALLBACK_PORTS, Reply, Server
from brocap_nb.api._errors import SandboxError
from brocap_nb.api._facts import CALLBACK_TIMEOUT, METHODS
from brocap_nb.api._json import asked, fields_of
from brocap_nb.log import ExchangeLog
from brocap_nb.sandbox._faults import BEFORE, HTML, Faults, shaped
from brocap_nb.sandbox._page import page
from brocap_nb.sandbox._puzzles import Library, Puzzle
from brocap_nb.sandbox._recipes import RECIPES, RecipeTable, prepared
from brocap_nb.sandbox._recorded import Recording
from brocap_nb.sandbox._rules import Rules, keys_for
from brocap_nb.tasks import _pictures
from brocap_nb.tasks._download import is_loopback


class Sandbox(Server):
    """A service on loopback that keeps the documented rules; no account, no internet.

    >>> with bn.Sandbox() as sandbox:
    ...     bn.Client(sandbox.key, base_url=sandbox.url).get_balance()
    Balance(balance=10.0)

    Args:
        host: the address to listen on.
        port: the port to listen on; 0 takes a free one.
        seed: decides keys, pictures, tokens and how long each task takes.
        balance: the money on the account of the working key.
        speed: how many times faster than usual a task is done; the documented limits stay.
        strict: never two polls of a task within 2 seconds; otherwise a few quick ones pass.
        callback_ports: ports of this machine to which results may be POSTed, besides those of each
            `CallbackListener` of this process.
        log: is given one line for each request; it never holds a key.

    Raises:
        SandboxError: it cannot start; the sentence says why and what to do.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        balance: float = 10.0,
        speed: float = 1.0,
        strict: bool = False,
        callback_ports: Collection[int] = (),
        log: Callable[[str], None] | None = None,
    ) -> None:
        if not (math.isfinite(speed) and speed > 0):
            raise SandboxError(f"speed is {speed!r}; expected a number above 0, such as 10.")
        if not (math.isfinite(balance) and balance >= 0):
            raise SandboxError(f"balance is {balance!r}; expected a number of at least 0.")
        self.speed = speed
        """How many times faster than usual a task is done."""
        # far above any picture: what is too large is read and answered
        super().__init__(host, port, error=SandboxError, max_body_size=200_000_000)
        self._options: Any = {"seed": seed, "balance": balance, "speed": speed, "strict": strict}
        self._callback_ports = frozenset(callback_ports)
        self._log = log
        self.faults = Faults()
        """Orders what goes wrong next: `faults.next("createTask", "reset")`."""
        self._recording: Recording | None = None

    @classmethod
    def from_log(
        cls, source: str | os.PathLike[str] | ExchangeLog, *, speed: float = 1.0, **options: Any
    ) -> Self:
        """Return a sandbox that answers from a recorded log: offline, and with any key.

        >>> log = bn.ExchangeLog("lesson")
        >>> bn.Client(sandbox.key, base_url=sandbox.url, log=log).get_balance()
        Balance(balance=10.0)
        >>> with bn.Sandbox.from_log("lesson", speed=10) as replayed:
        ...     bn.Client("any-key-will-do", base_url=replayed.url).get_balance()
        Balance(balance=10.0)

        Args:
            source: a log, or its folder.
            speed: divides the recorded waits; above 1, an outdated `processing` is skipped.
            options: `host`, `port` and `log`, as for a Sandbox.

        Raises:
            SandboxError: there is nothing to play.
        """
        sandbox = cls(speed=speed, **options)
        sandbox._recording = Recording(source, time.monotonic, speed)
        return sandbox

    def _begin(self) -> None:
        _ = self._rules  # the first request shall find it there

    @functools.cached_property
    def _rules(self) -> Rules:
        options = {**self._options, "call_back": lambda *to: convert_yielded(self._call_back(*to))}
        return Rules(Library(self._options["seed"], self.url), time.monotonic, **options)

    @property
    def keys(self) -> Mapping[str, str]:
        """The keys by name: `working`, `unknown`, and one for each error that a key can bring."""
        return keys_for(self._options["seed"])

    @property
    def key(self) -> str:
        """A key that works. It is made from the seed and worth nothing anywhere else."""
        return self.keys["working"]

    @property
    def balance(self) -> float:
        """The money that is left on the account of the working key."""
        return round(self._rules.balance, 6)

    @property
    def puzzles(self) -> tuple[Puzzle, ...]:
        """The sample pictures with their questions and answers."""
        return self._rules.library.puzzles

    def recipes(self) -> RecipeTable:
        """How to provoke each error code: `code`, `how`, and `key`, `task`, `steps` to send.

        `steps` is a list of `{"wait": seconds, "method": …, "body": JSON text}`; `<taskId>` in a
        body stands for the id that the last createTask answered.

        >>> recipes = sandbox.recipes().set_index("code")
        >>> recipes.loc["ERROR_KEY_DOES_NOT_EXIST", "how"]
        'Use keys["unknown"], or any text that is no key of the sandbox.'
        """
        return RecipeTable([prepared(one, self.keys, self.url, self.speed) for one in RECIPES])

    def forgive(self) -> None:
        """Lift every ban, so that a class need not wait for 10 minutes."""
        self._rules.forgive()

    def __repr__(self) -> str:
        played = f", plays {self._recording.size} exchanges" if self._recording else ""
        return f"Sandbox({self._state}{played})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        if self._socket is None:
            return _html.bundle(_html.card("Sandbox", "Start it with sandbox.start()."), repr(self))
        return _html.bundle(self._card(), f"{self!r} key={self.key} balance={self.balance:g}")

    def _card(self) -> str:
        pictures = ""
        for puzzle in self.puzzles:
            small = _pictures.thumbnail(puzzle.data, side=240)
            image = _html.picture(small.data, small.media_type, puzzle.question, width=150)
            question = f'<a href="{puzzle.url}" style="font-size:.85em">{puzzle.question}</a>'
            pictures += f'<div style="width:150px">{image}{question}</div>'
        facts = [
            ("Address", f'<a href="{self.url}/">{self._state}</a>'),
            ("Key", f"<code>{self.key}</code>"),
            ("Balance", f"{self.balance:g}"),
        ]
        shown = f'<div style="display:flex;flex-wrap:wrap;gap:.7em">{pictures}</div>'
        return _html.card("Sandbox", _html.facts(facts), shown)

    async def _respond(self, request: HTTPServerRequest) -> Reply:
        if request.method in ("GET", "HEAD") and (served := self._served(request.path)):
            return served
        method = request.path.strip("/") if request.method == "POST" else ""
        fault = self.faults.take(method)
        if fault in BEFORE:
            reply, outcome = shaped(fault, {}), f"fault: {fault}"
        elif self._recording is not None:
            reply, outcome = self._recording.answer(method, request.body)
        else:
            body = self._rules.answer(method, request.body, request.remote_ip or "")
            reply = shaped(fault, body)
            reply = dataclasses.replace(reply, pause=reply.pause / self.speed)
            outcome = str(body.get("errorCode") or body.get("status") or "ok")
            outcome += f", fault: {fault}" if fault else ""
        if self._log is not None:
            kind, number = asked(fields_of(request.body))
            about = number if method == "getTaskResult" else kind
            self._note(method if method in METHODS else "?", about, outcome)
        return reply

    def _note(self, method: str, about: str | int | None, outcome: str) -> None:
        if self._log is not None:
            about = ascii(str(about or ""))[1:-1][:40]
            self._log(f"{time.strftime('%H:%M:%S')}  {method:<14} {about:<26} {outcome}")

    def _may_call(self, url: str) -> bool:
        """Whether somebody waits at an address: what else listens here is not ours to call."""
        if not _pictures.is_url(url) or not is_loopback(urlsplit(url).hostname or ""):
            return False
        port = urlsplit(url).port or (443 if url.lower().startswith("https") else 80)
        return port in self._callback_ports or port in CALLBACK_PORTS

    async def _call_back(self, task_id: int, url: str, after: float) -> None:
        if not self._may_call(url):
            told = "not sent: only to a listener here, or to callback_ports of this machine"
            self._note("callback", task_id, told)
            return
        await asyncio.sleep(after)
        body = self._rules.result(task_id)
        if body is None:
            return
        outcome = "sent"
        try:
            await SimpleAsyncHTTPClient(force_instance=True).fetch(
                url,
                method="POST",
                headers={"Content-Type": "application/json"},
                body=json.dumps(body),
                follow_redirects=False,
                request_timeout=CALLBACK_TIMEOUT,
                raise_error=False,
            )
        except Exception as error:  # whatever the receiver does is the receiver's own affair
            outcome = f"not accepted ({type(error).__name__})"
        self._note("callback", task_id, outcome)

    def _served(self, path: str) -> Reply | None:
        """The page, or a picture; None: there is nothing to get at this path."""
        if path == "/":
            return Reply(200, page(self.url, self.keys, self._card()).encode(), HTML)
        data = self._rules.library.file(path)
        if data is None:
            return Reply(404, b"No such picture.") if path.startswith("/pictures/") else None
        return Reply(200, data, {"Content-Type": "image/png"})


def run(**options: Any) -> int:
    """Run a sandbox in the foreground until SIGINT or SIGTERM; return the process's exit code."""
    say = functools.partial(print, flush=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), Sandbox(**options, log=say) as sandbox:
        say(f"Sandbox at  {sandbox.url}   (open it in a browser: keys, pictures, error codes)")
        say(f"Client key  {sandbox.key}")
        say("Ctrl+C ends it.")
        while True:
            time.sleep(0.5)
    say("The sandbox has ended.")
    return 0
