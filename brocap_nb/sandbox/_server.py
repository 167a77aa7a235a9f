"""The sandbox on a real socket: a thin shell around the rules."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import math
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from http.client import responses
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from tornado.httpclient import HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from tornado.web import stream_request_body

from brocap_nb import _html
from brocap_nb._server import CALLBACK_PORTS, Handler, Server
from brocap_nb.api._errors import SandboxError
from brocap_nb.api._facts import CALLBACK_TIMEOUT, METHODS
from brocap_nb.sandbox._faults import BEFORE, HTML, ON_THE_WIRE, Faults, Reply, shaped
from brocap_nb.sandbox._page import page
from brocap_nb.sandbox._puzzles import Library, Puzzle
from brocap_nb.sandbox._recipes import RECIPES, RecipeTable, prepared
from brocap_nb.sandbox._recorded import RESET, STALL, WHOLE, Recording
from brocap_nb.sandbox._rules import BODY_LIMIT, Rules, keys_for
from brocap_nb.tasks import _pictures
from brocap_nb.tasks._download import is_loopback
from brocap_nb.tasks._pictures import is_url

if TYPE_CHECKING:
    import pandas as pd

    from brocap_nb.log import ExchangeLog

HUGE_BYTES: Final = 50_000_000
DRIP_SECONDS: Final = 0.1


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
        # what is too large is read, dropped and answered
        super().__init__(_Handler, host, port, error=SandboxError, max_body_size=1 << 40)
        self._seed = seed
        self._options: Any = {"seed": seed, "balance": balance, "speed": speed, "strict": strict}
        self._callback_ports = frozenset(callback_ports)
        self._log = log
        self._lock = threading.Lock()
        self._callbacks: set[asyncio.Task[None]] = set()
        self.faults = Faults()
        """Orders what goes wrong next: `faults.next("createTask", "reset")`."""
        self._recording: Recording | None = None

    @classmethod
    def from_log(
        cls,
        source: str | os.PathLike[str] | ExchangeLog,
        *,
        speed: float = 1.0,
        host: str = "127.0.0.1",
        port: int = 0,
        log: Callable[[str], None] | None = None,
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

        Raises:
            SandboxError: there is nothing to play.
        """
        sandbox = cls(speed=speed, host=host, port=port, log=log)
        sandbox._recording = Recording(source, time.monotonic, speed)
        return sandbox

    def _begin(self) -> None:
        _ = self._rules  # the first request shall find it there

    @functools.cached_property
    def _library(self) -> Library:
        return Library(self._seed, self.url)

    @functools.cached_property
    def _rules(self) -> Rules:
        return Rules(self._library, time.monotonic, **self._options)

    @property
    def keys(self) -> Mapping[str, str]:
        """The keys by name: `working`, `unknown`, and one for each error that a key can bring."""
        return keys_for(self._seed)

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
        return self._library.puzzles

    def recipes(self) -> pd.DataFrame:
        """How to provoke each error code: `code`, `how`, and `key`, `task`, `steps` to send.

        `steps` is a list of `{"wait": seconds, "method": …, "body": JSON text}`; `<taskId>` in a
        body stands for the id that the last createTask answered.

        >>> recipes = sandbox.recipes().set_index("code")
        >>> recipes.loc["ERROR_KEY_DOES_NOT_EXIST", "how"]
        'Use keys["unknown"], or any text that is no key of the sandbox.'
        """
        return RecipeTable(
            [prepared(recipe, self.keys, self.url, self.speed) for recipe in RECIPES]
        )

    def forgive(self) -> None:
        """Lift every ban, so that a class need not wait for 10 minutes."""
        with self._lock:
            self._rules.forgive()

    def __repr__(self) -> str:
        played = f", plays {self._recording.size} exchanges" if self._recording else ""
        return f"Sandbox({self._state}{played})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        if self._thread is None:
            return _html.bundle(_html.card("Sandbox", "Start it with sandbox.start()."), repr(self))
        return _html.bundle(self._card(), f"{self!r} key={self.key} balance={self.balance:g}")

    def _card(self) -> str:
        running = self._running
        state = _html.badge("running" if running else "stopped", good=running or None)
        pictures = ""
        for puzzle in self.puzzles:
            small = _pictures.thumbnail(puzzle.data, side=240)
            image = _html.picture(small.data, small.media_type, puzzle.question, width=150)
            question = f'<a href="{puzzle.url}" style="font-size:.85em">{puzzle.question}</a>'
            pictures += f'<div style="width:150px">{image}{question}</div>'
        facts = [
            ("Address", f'<a href="{self.url}/">{self.url}</a> {state}'),
            ("Key", f"<code>{self.key}</code>"),
            ("Balance", f"{self.balance:g}"),
            ("Tasks kept", str(len(self._rules))),
        ]
        shown = f'<div style="display:flex;flex-wrap:wrap;gap:.7em">{pictures}</div>'
        return _html.card("Sandbox", _html.facts(facts), shown)

    def _answer(
        self, method: str, body: bytes, address: str, fault: str | None = None
    ) -> dict[str, Any]:
        with self._lock:
            answer = self._rules.answer(method, body, address)
        if answer.callback is not None:
            task = asyncio.get_running_loop().create_task(self._call_back(*answer.callback))
            self._callbacks.add(task)  # a loop holds its tasks only weakly
            task.add_done_callback(self._callbacks.discard)
        outcome = f"{answer.outcome}, fault: {fault}" if fault else answer.outcome
        self._note(method, answer.about, outcome)
        return answer.body

    def _note(self, method: str, about: str, outcome: str) -> None:
        if self._log is not None:
            now = datetime.now().astimezone().strftime("%H:%M:%S")
            method = method if method in (*METHODS, "callback") else "?"  # it may be a key
            self._log(f"{now}  {method:<14} {_plain(about):<26} {outcome}")

    def _may_call(self, url: str) -> bool:
        """Whether somebody waits at an address: what else listens here is not ours to call."""
        if not is_url(url) or not is_loopback(urlsplit(url).hostname or ""):
            return False
        port = urlsplit(url).port or (443 if url.lower().startswith("https") else 80)
        return port in self._callback_ports or port in CALLBACK_PORTS

    async def _call_back(self, task_id: int, url: str, after: float) -> None:
        if not self._may_call(url):
            told = "not sent: only to a listener here, or to callback_ports of this machine"
            self._note("callback", str(task_id), told)
            return
        await asyncio.sleep(after)
        with self._lock:
            body = self._rules.result(task_id)
        if body is None:
            return
        request = HTTPRequest(
            url,
            method="POST",
            headers={"Content-Type": "application/json"},
            body=json.dumps(body),
            follow_redirects=False,
            connect_timeout=CALLBACK_TIMEOUT,
            request_timeout=CALLBACK_TIMEOUT,
        )
        with contextlib.closing(SimpleAsyncHTTPClient(force_instance=True)) as client:
            try:
                await client.fetch(request, raise_error=False)
                outcome = "sent"
            except Exception as error:  # whatever the receiver does is the receiver's own affair
                outcome = f"not accepted ({type(error).__name__})"
        self._note("callback", str(task_id), outcome)

    def _served(self, path: str) -> Reply | None:
        """The page, or a picture; None: there is nothing to get at this path."""
        if path == "/":
            return Reply(200, page(self.url, self.keys, self._card()).encode(), HTML)
        if not path.startswith("/pictures/"):
            return None
        data = self._library.file(path)
        if data is None:
            return Reply(404, b"There is no such picture.", {"Content-Type": "text/plain"})
        return Reply(200, data, {"Content-Type": "image/png"})


def run(**options: Any) -> int:
    """Run a sandbox in the foreground until SIGINT or SIGTERM; return the process's exit code."""

    say = functools.partial(print, flush=True)
    ended = threading.Event()
    sandbox = Sandbox(**options, log=say).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with sandbox:
        say(f"Sandbox at  {sandbox.url}   (open it in a browser: keys, pictures, error codes)")
        say(f"Client key  {sandbox.key}")
        say("Ctrl+C ends it.")
        # with a timeout: on Windows a wait without one cannot be interrupted
        while not ended.wait(0.5):
            pass
    say("The sandbox has ended.")
    return 0


# --- the handler ----------------------------------------------------------------------------


@stream_request_body
class _Handler(Handler):
    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Server", "sandbox")

    def prepare(self) -> None:
        self.sandbox: Sandbox = self.settings["server"]
        self.body = bytearray()
        super().prepare()

    def data_received(self, chunk: bytes) -> None:
        if len(self.body) <= BODY_LIMIT:
            self.body += chunk

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        # a verb that HTTP itself does not know ends here
        answer = self.settings["server"]._answer("", b"", self.request.remote_ip or "")
        self.send_reply(shaped(None, "", answer))

    async def any_verb(self) -> None:
        sandbox, path = self.sandbox, self.request.path
        method = path.strip("/") if self.request.method == "POST" else ""
        fault = sandbox.faults.take(method)
        served = sandbox._served(path) if self.request.method in ("GET", "HEAD") else None
        if served is not None:
            self.send_reply(served)
        elif fault in BEFORE:
            sandbox._note(method, "", f"fault: {fault}")
            self.send_reply(shaped(fault, method, {}))
        elif sandbox._recording is not None:
            await self.play(sandbox._recording, method)
        else:
            answer = sandbox._answer(method, bytes(self.body), self.request.remote_ip or "", fault)
            await self.spoil(fault, shaped(fault, method, answer))

    get = head = post = put = patch = delete = options = any_verb

    async def play(self, recording: Recording, method: str) -> None:
        """Answer from a recording, and end the connection as it ended then."""
        with self.sandbox._lock:
            played = recording.answer(method, bytes(self.body))
        self.sandbox._note(method, played.about, played.outcome)
        await asyncio.sleep(played.wait)
        reply, whole = played.reply, played.end == WHOLE
        if whole and reply.status not in (204, 304):
            self.send_reply(reply)
        else:
            await self.send_pieces(reply, len(reply.body) + (not whole), [reply.body], played.end)

    async def spoil(self, fault: str | None, reply: Reply) -> None:
        """Send a reply as a fault of the wire has it."""
        size = len(reply.body)
        if fault not in ON_THE_WIRE:
            self.send_reply(reply)
        elif fault in ("reset", "stall"):
            await self.send_pieces(Reply(0, b""), 0, (), STALL if fault == "stall" else RESET)
        elif fault == "reset_midway":
            await self.send_pieces(reply, size, [reply.body[: size // 2]], RESET)
        elif fault == "drip":
            drops = (bytes([byte]) for byte in reply.body)
            await self.send_pieces(reply, size, drops, pause=DRIP_SECONDS / self.sandbox.speed)
        else:
            start, end = reply.body[:-1] + b', "padding": "', b'"}'
            pieces = (start, *[b"." * 1_000_000] * (HUGE_BYTES // 1_000_000), end)
            await self.send_pieces(reply, sum(map(len, pieces)), pieces)

    def send_reply(self, reply: Reply) -> None:
        self.set_status(reply.status)
        self.clear_header("Content-Type")
        for name, value in reply.headers.items():
            self.set_header(name, value)
        self.finish(reply.body)

    async def send_pieces(
        self,
        reply: Reply,
        length: int,
        pieces: Iterable[bytes],
        end: str = WHOLE,
        pause: float = 0.0,
    ) -> None:
        """Send on the bare connection: a head that promises `length` bytes, pieces, and the end."""
        # closing comes last whatever happens; StreamClosedError: the client gave up, as it should
        stream = self.detach()
        with contextlib.closing(stream), contextlib.suppress(StreamClosedError):
            if reply.status:  # else not a byte of an answer comes
                lines = [f"HTTP/1.1 {reply.status} {responses.get(reply.status, 'Unknown')}"]
                lines += [f"{name}: {value}" for name, value in reply.headers.items()]
                lines += [f"Content-Length: {length}", "Connection: close", "", ""]
                await stream.write("\r\n".join(lines).encode("latin-1"))
                for piece in pieces:
                    await stream.write(piece)
                    await asyncio.sleep(pause)
                await asyncio.sleep(0.1)  # a reset overtakes what the client has not read yet
            if end == STALL:
                await stream.read_until_close()
            elif end == RESET:  # a close that sends RST instead of FIN
                linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
                with contextlib.suppress(OSError, AttributeError):  # it is closed already
                    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def _plain(text: str) -> str:
    """Text from a request as it may stand in a line of a terminal."""
    shown = text if text.isascii() and text.isprintable() else ascii(text)
    return shown if len(shown) <= 40 else shown[:39] + "~"
