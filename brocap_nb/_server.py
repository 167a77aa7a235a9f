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
import threading
from collections.abc import Callable, Collection
from typing import Any, Final, Self
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.web import Application, RequestHandler

_EVERYWHERE: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}

CALLBACK_PORTS: Final[set[int]] = set()
"""Where callback listeners of this process wait: a sandbox may POST to these."""


class Server:
    """One port of this machine, answered in a thread of its own; 0 takes a free port."""

    def __init__(
        self,
        handler: type[Handler],
        host: str,
        port: int,
        *,
        public_url: str | None = None,
        error: Callable[[str], Exception],
        **limits: Any,
    ) -> None:
        self._handler, self._address, self._public = handler, (host, port), public_url
        self._error, self._limits = error, limits  # the limits are those of Tornado's HTTPServer
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Start to listen; returns itself. It does nothing if it listens already.

        Raises:
            BroCapError: the port is taken or cannot be listened on, or it was stopped.
        """
        if self._thread is None:
            self._socket = self._listen()
            self._address = self._address[0], int(self._socket.getsockname()[1])
            self._thread = threading.Thread(
                target=lambda: asyncio.run(self._serve()), name="brocap-server", daemon=True
            )
            self._begin()
            self._thread.start()
            self._ready.wait()
            atexit.register(self.stop)
        self._check_running()
        return self

    def stop(self) -> None:
        """Close every connection and stop to listen. It may be called again."""
        if self._thread is None:
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
        if self._thread is None:
            self._check_running()
        host, port = self._address
        shown = _EVERYWHERE.get(host, host)
        place = f"[{shown}]" if ":" in shown else shown
        return self._public or f"http://{place}:{port}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._state})"

    @property
    def _state(self) -> str:
        if self._thread is None:
            return "not started"
        return self.url if self._running else f"{self.url}, stopped"

    @property
    def _running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _begin(self) -> None:
        """Get ready; the port is known, and nothing is answered yet."""

    def _check_running(self) -> None:
        if not self._running:
            name = type(self).__name__
            raise self._error(
                f"This {name} does not listen. Call start() first, or write `with {name}() as …:`. "
                "One that has been stopped stays so: make a new one."
            )

    def _is_foreign(self, request: HTTPServerRequest) -> bool:
        host = self._address[0]
        names = {"localhost", _EVERYWHERE.get(host, host).lower(), urlsplit(self.url).hostname}
        return is_foreign(request, names, host in _EVERYWHERE)

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        application = Application(
            [(r".*", self._handler)], server=self, log_function=lambda _: None
        )
        server = HTTPServer(application, **self._limits)
        server.add_socket(self._socket)
        self._ready.set()
        await self._ended.wait()
        server.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.close_all_connections(), 2)

    def _listen(self) -> socket.socket:
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listening = socket.create_server((host, port), family=family, backlog=128)
        except (OSError, OverflowError, UnicodeError, TypeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise self._error(
                f"It cannot listen on {host}, port {port}: {reason}. Choose another port, or "
                "port=0, which takes a free one; the host is one of this machine, such as "
                "127.0.0.1."
            ) from None
        listening.setblocking(False)
        return listening


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
        if self.settings["server"]._is_foreign(self.request):
            self.set_status(403)
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish("This is not for pages of other sites, nor under this host name.\n")


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
