"""A small HTTP server in a thread of its own: the sandbox and the callback listener are made of it.

It uses Tornado, which every Jupyter brings along: a fault has to reach down to the connection.
A web page in the same browser is foreign to it: see `Handler`.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ipaddress
import socket
import sys
import threading
from collections.abc import Callable, Collection
from typing import Any, Final
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.web import Application, RequestHandler

_EVERYWHERE: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}

CALLBACK_PORTS: Final[set[int]] = set()
"""Where callback listeners of this process wait: a sandbox may POST to these."""


class Server:
    """One port of this machine, answered in a thread of its own; 0 takes a free port.

    The handlers work for `owner`, `error` makes an exception of the reason why it cannot listen,
    and `limits` are those of Tornado's `HTTPServer`.
    """

    def __init__(
        self,
        routes: list[tuple[str, type[Handler]]],
        owner: Any,
        host: str,
        port: int,
        *,
        public_url: str | None = None,
        error: Callable[[str], Exception],
        **limits: Any,
    ) -> None:
        self._address, self._error, self._limits = (host, port), error, limits
        self._socket = self._bind()
        self._socket.listen(128)
        self.port = int(self._socket.getsockname()[1])
        self._address = host, self.port
        shown = _EVERYWHERE.get(host, host)
        place = f"[{shown}]" if ":" in shown else shown
        self.url = public_url or f"http://{place}:{self.port}"
        self.names = {"localhost", shown.lower(), urlsplit(self.url).hostname or ""}
        self.open_to_all = host in _EVERYWHERE
        self._application = Application(
            routes, owner=owner, server=self, log_function=lambda handler: None
        )
        self._server: HTTPServer | None = None
        self._opening: asyncio.TimerHandle | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="brocap-server", daemon=True
        )

    def start(self) -> None:
        """Begin to answer; until now a request has waited."""
        self._thread.start()
        self._ready.wait()
        atexit.register(self.stop)

    @property
    def running(self) -> bool:
        """Whether it answers, or will when the port is open again."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Close every connection and stop to listen. It may be called again."""
        atexit.unregister(self.stop)
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(5)

    def refuse(self, seconds: float) -> None:
        """Close the port for so many seconds; 0 opens it again."""
        if self.running:
            asyncio.run_coroutine_threadsafe(self._refuse(seconds), self._loop).result(5)

    # --- in the thread of the loop ----------------------------------------------------------

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._open()
        self._ready.set()
        await self._ended.wait()
        await self._close()
        self._socket.close()

    def _open(self) -> None:
        if self._server is None:
            self._socket.listen(128)
            self._server = HTTPServer(self._application, **self._limits)
            self._server.add_socket(self._socket)

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(server.close_all_connections(), 2)

    async def _refuse(self, seconds: float) -> None:
        if self._opening is not None:
            self._opening.cancel()
        if not seconds:
            self._open()
            return
        if self._server is not None:
            await self._close()
            # bound but not listening: the port stays ours, and whoever knocks is refused
            self._socket = self._bind()
        self._opening = self._loop.call_later(seconds, self._open)

    def _bind(self) -> socket.socket:
        """Return a socket that has the port, or raise `error`."""
        host, port = self._address
        bound = None
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            bound = socket.socket(family, kind, protocol)
            bound.setblocking(False)
            if sys.platform != "win32":  # there it would let two servers share a port
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((address[0], port, *address[2:]))  # getaddrinfo would cut a wrong port
        except (OSError, OverflowError, UnicodeError, TypeError) as error:
            if bound is not None:
                bound.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise self._error(
                f"It cannot listen on {host}, port {port}: {reason}. Choose another port, or "
                "port=0, which takes a free one; the host is one of this machine, such as "
                "127.0.0.1."
            ) from None
        return bound


class Handler(RequestHandler):
    """Answers any verb; what a page of another site sends or asks for is answered HTTP 403.

    A browser names the page's site in `Origin`, and in `Host` the name that was resolved: a name
    of somebody else that leads to this machine is not ours.
    """

    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")

    def compute_etag(self) -> None:
        """No ETag: the service's pages know none."""

    def log_exception(self, *args: Any) -> None:
        """A sender that goes away in the middle is no news."""

    def prepare(self) -> None:
        server: Server = self.settings["server"]
        if is_foreign(self.request, server.names, server.open_to_all):
            self.set_status(403)
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish("This is not for pages of other sites, nor under this host name.\n")


def is_foreign(
    request: HTTPServerRequest, names: Collection[str], open_to_all: bool = False
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
