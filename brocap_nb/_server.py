"""A small HTTP server in a thread of its own: the sandbox and the callback listener are made of it.

It uses Tornado, which Jupyter brings along: a fault has to reach down to the connection.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ipaddress
import socket
import struct
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from http.client import responses
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

from tornado.gen import convert_yielded
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from tornado.iostream import StreamClosedError
from tornado.log import app_log

_EVERYWHERE: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}

CALLBACK_PORTS: Final[set[int]] = set()  # of this process: a sandbox may POST to these


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request is answered with, and how the connection ends."""

    status: int  # 0: not a byte of an answer comes
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0  # seconds before it
    pause: float = 0.0  # seconds between two bytes of the body
    end: Literal["whole", "reset", "stall"] = "whole"


_FOREIGN: Final = Reply(403, b"This is not for pages of other sites, nor under this host name.\n")


class Server:
    """One port of this machine, answered in a thread of its own; 0 takes a free port."""

    _public: str | None = None  # its address from outside, if that is another

    def __init__(
        self, host: str, port: int, *, error: Callable[[str], Exception], **limits: Any
    ) -> None:
        self._address, self._error = (host, port), error
        self._limits = limits  # those of Tornado's HTTPServer
        self._socket: Any = None  # there is one from the start on
        self._ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="brocap-server", daemon=True
        )

    def start(self) -> Self:
        """Start to listen; returns itself. It does nothing if it listens already.

        Raises:
            BroCapError: the port is taken or cannot be listened on, or it was stopped.
        """
        if self._socket is None:
            host, port = self._address
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            try:
                self._socket = socket.create_server((host, port), family=family, backlog=128)
            except (OSError, OverflowError, UnicodeError, TypeError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                raise self._error(
                    f"It cannot listen on {host}, port {port}: {reason}. Choose another port, or "
                    "port=0, which takes a free one; the host is one of this machine, such as "
                    "127.0.0.1."
                ) from None
            self._socket.setblocking(False)
            self._address = host, int(self._socket.getsockname()[1])
            self._begin()
            self._thread.start()
            self._ready.wait()
            atexit.register(self.stop)
        self._check_running()
        return self

    def stop(self) -> None:
        """Close every connection and stop to listen. It may be called again."""
        if self._socket is None:
            return
        atexit.unregister(self.stop)
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._address[1]

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        if self._socket is None:
            self._check_running()
        host, port = self._address
        shown = _EVERYWHERE.get(host, host)
        place = f"[{shown}]" if ":" in shown else shown
        return self._public or f"http://{place}:{port}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._state})"

    @property
    def _state(self) -> str:
        if self._socket is None:
            return "not started"
        return self.url if self._thread.is_alive() else f"{self.url}, stopped"

    def _begin(self) -> None:
        """Get ready; the port is known, and nothing is answered yet."""

    def _check_running(self) -> None:
        if not self._thread.is_alive():
            name = type(self).__name__
            raise self._error(
                f"This {name} does not listen. Call start() first, or write `with {name}() as …:`. "
                "One that has been stopped stays so: make a new one."
            )

    async def _respond(self, request: HTTPServerRequest) -> Reply:
        raise NotImplementedError

    async def _answer(self, request: HTTPServerRequest) -> None:
        try:
            host = self._address[0]
            names = {"localhost", _EVERYWHERE.get(host, host).lower(), urlsplit(self.url).hostname}
            foreign = is_foreign(request, names, host in _EVERYWHERE)
            reply = _FOREIGN if foreign else await self._respond(request)
        except Exception as error:  # of ours, told without its text: it may hold anything
            app_log.error("A request cannot be answered (%s)", type(error).__name__)
            reply = Reply(500)
        await asyncio.sleep(reply.wait)
        connection: Any = request.connection
        headers = HTTPHeaders({**reply.headers, "X-Content-Type-Options": "nosniff"})
        empty = reply.status in (204, 304)
        if not empty:  # one that is broken off promises more than comes
            headers["Content-Length"] = str(len(reply.body) + (reply.end != "whole"))
        line = ResponseStartLine("", reply.status, responses.get(reply.status, "Unknown"))
        body = b"" if empty or request.method == "HEAD" else reply.body
        with contextlib.suppress(StreamClosedError):  # the client gave up, as it should
            if reply.status:
                await connection.write_headers(line, headers, b"" if reply.pause else body)
            for byte in body if reply.pause else b"":
                await asyncio.sleep(reply.pause)
                await connection.write(bytes([byte]))
            if reply.end == "whole":
                connection.finish()
                return
        with contextlib.closing(connection.detach()) as stream:
            if reply.end == "stall":
                await stream.read_until_close()
            await asyncio.sleep(0.1)  # a reset overtakes what the client has not read yet
            linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
            with contextlib.suppress(OSError, AttributeError):  # it is closed already
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = HTTPServer(lambda request: convert_yielded(self._answer(request)), **self._limits)
        server.add_socket(self._socket)
        self._ready.set()
        await self._ended.wait()
        server.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.close_all_connections(), 2)


def is_foreign(
    request: HTTPServerRequest, names: Collection[str | None], open_to_all: bool = False
) -> bool:
    """Whether a page of another site sends this, or it asks for a host that is not ours."""
    host, origin = request.host, request.headers.get("Origin")
    try:
        if origin is not None and urlsplit(origin).netloc != host:
            return True
        name = urlsplit(f"//{host}").hostname or ""
        known = open_to_all or name in names or name.endswith(".localhost")
        return not (known or ipaddress.ip_address(name))
    except ValueError:  # no address, so a name that is not ours
        return True
