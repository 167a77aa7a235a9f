"""Load a file over http(s), bounded in bytes and time, and only from where it may come.

An address that somebody typed may point into the network that this kernel stands in. So the rule
is kept where a connection is made: the name is looked up once, every address it has is checked,
and what was checked is what is connected to. A redirect is a new connection, and checked anew.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
import time
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

Origin: TypeAlias = tuple[str, str, int]
"""Scheme, host and port."""

MAX_HOPS: Final = 6
_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_HEADERS: Final = {"Accept": "image/*,*/*;q=0.5", "Accept-Encoding": "identity"}


class DownloadError(Exception):
    """Why nothing was loaded, in a few words."""


class PrivateAddressError(DownloadError):
    """A host is not on the public internet, and such hosts are refused."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file, and whether every host on the way to it was checked to be a public one."""

    data: bytes
    public: bool


def origin(url: str) -> Origin | None:
    """Return scheme, host and port of an http(s) address; None if it is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if host is None or port is None or parts.scheme not in _PORTS:
        return None
    return parts.scheme, host.rstrip("."), port


def kind_of_address(text: str) -> str | None:
    """Return what an IP address is, in words, if it is not one of the public internet."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address.teredo is not None:
            inner = address.teredo[1]
        elif address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return kind_of_address(str(inner))
    if address.is_loopback or address.is_unspecified:
        return "this machine itself"
    if address.is_link_local:
        return "a link-local address"
    if address.is_reserved or address.is_multicast or getattr(address, "is_site_local", False):
        return "a reserved address"
    if address.is_private:
        return "in a private network"
    return None if address.is_global else "a reserved address"


def load(
    url: str,
    *,
    max_bytes: int,
    timeout: Any,
    deadline: float,
    allow_private: bool,
    trusted: Collection[Origin] = (),
) -> Loaded:
    """Load what is at `url`.

    Args:
        url: an http or https address.
        max_bytes: of the file, after it was unpacked.
        timeout: seconds to connect and to wait for the next bytes, as requests takes them.
        deadline: seconds for all of it, from the first connection on.
        allow_private: whether any host may be loaded from. If not, no proxy is used, because it
            would look up the name itself, and no stored login is sent.
        trusted: hosts that may be loaded from all the same.

    Raises:
        PrivateAddressError: a host is not on the public internet.
        DownloadError: it cannot be loaded, or is too large.
    """
    line = _Line(timeout, deadline, allow_private, trusted)
    try:
        with line, requests.Session() as session:
            session.trust_env = allow_private
            session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
            for scheme in _PORTS:
                session.mount(f"{scheme}://", _Adapter(line))
            return _follow(session, line, url, timeout, max_bytes)
    except DownloadError:
        raise
    except zlib.error:
        raise DownloadError("the server packed it in a way that cannot be unpacked") from None
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise DownloadError(line.too_late or type(error).__name__) from None


def _follow(
    session: requests.Session, line: _Line, url: str, timeout: Any, max_bytes: int
) -> Loaded:
    for _ in range(MAX_HOPS):
        with session.get(
            url, headers=_HEADERS, timeout=timeout, stream=True, allow_redirects=False
        ) as response:
            target = session.get_redirect_target(response)
            if target is None:
                return Loaded(_body(response, line, max_bytes), line.public)
        url = urljoin(url, target)
        if origin(url) is None:
            raise DownloadError("it leads on to an address that is neither http nor https")
    raise DownloadError(f"it leads on to other addresses more than {MAX_HOPS - 1} times")


def _body(response: requests.Response, line: _Line, max_bytes: int) -> bytes:
    """The answer's body. It is unpacked here, because only so is the unpacking bounded."""
    if response.status_code != 200:
        raise DownloadError(f"the server answered HTTP {response.status_code}")
    packed = response.headers.get("Content-Encoding", "").strip().lower()
    if packed not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise DownloadError(f"the server packed it as {packed[:40]!r}, which was not asked for")
    unpacker = zlib.decompressobj(wbits=47) if packed not in ("", "identity") else None  # both
    data = bytearray()
    while chunk := response.raw.read(65_536, decode_content=False):
        while chunk:
            if unpacker is None:
                data += chunk
                chunk = b""
            else:
                data += unpacker.decompress(chunk, max_bytes + 1 - len(data))
                chunk = unpacker.unconsumed_tail
            if len(data) > max_bytes:
                raise DownloadError(f"it has more than {max_bytes:,} bytes")
        if line.too_late or (unpacker is not None and unpacker.eof):
            break
    if line.too_late:  # the end that was read is only where it was cut
        raise DownloadError(line.too_late)
    if unpacker is not None and not unpacker.eof:
        raise DownloadError("it is cut off")
    return bytes(data)


class _Line:
    """The connections of one download: checked before they are made, cut when time is over."""

    def __init__(
        self, timeout: Any, deadline: float, allow_private: bool, trusted: Collection[Origin]
    ) -> None:
        self.public = not allow_private
        self._connect_timeout = timeout[0] if isinstance(timeout, tuple) else timeout
        self._seconds, self._ends = deadline, time.monotonic() + deadline
        self._allow_private, self._trusted = allow_private, frozenset(trusted)
        self._held: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(deadline, self._cut)
        self._timer.daemon = True

    @property
    def too_late(self) -> str:
        """What to say once the time is over; empty before."""
        over = time.monotonic() >= self._ends
        return f"it took longer than {self._seconds:g} seconds" if over else ""

    def __enter__(self) -> _Line:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for held in self._held:
                held.close()
            self._held.clear()

    def connect(self, scheme: str, connection: HTTPConnection) -> socket.socket:
        host, port = connection.host.strip("[]"), connection.port
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        if not self._allow_private:
            if (scheme, host.lower().rstrip("."), port) in self._trusted:
                self.public = False
            else:
                for *_, address in found:
                    if kind := kind_of_address(str(address[0])):
                        raise PrivateAddressError(f"{host} is {kind}")
        problem: OSError = OSError("no address")
        for family, kind_of_socket, protocol, _, address in found:
            made = socket.socket(family, kind_of_socket, protocol)
            try:
                for option in connection.socket_options or ():
                    made.setsockopt(*option)
                left = max(self._ends - time.monotonic(), 0.001)
                made.settimeout(min(self._connect_timeout, left))
                made.connect(address)
            except OSError as error:
                made.close()
                problem = error
                continue
            with self._lock:
                # TLS takes the socket over: a second handle stays ours
                self._held.append(made.dup())
            if self.too_late:
                self._cut()
            return made
        raise problem

    def _cut(self) -> None:
        """End what is still being waited for: a server may send a byte now and then for ever."""
        with self._lock:
            for held in self._held:
                try:
                    held.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # ended by itself


class _Adapter(HTTPAdapter):
    """Makes its connections through a line."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        line = self._line

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return line.connect("http", self)

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return line.connect("https", self)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
