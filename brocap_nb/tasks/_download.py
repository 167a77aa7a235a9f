"""Load a file over http(s), bounded in bytes and time, and only from where it may come.

An address that somebody typed may point into the network that this kernel stands in. So the rule
is kept where a connection is made: the name is looked up once, every address it has is checked,
and what was checked is what is connected to. A redirect is a new connection, and checked anew.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Collection
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import unquote, urljoin

from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import Url, make_headers, parse_url

Origin: TypeAlias = tuple[str, str, int]
"""Scheme, host and port."""

MAX_HOPS: Final = 6
_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_HEADERS: Final = {"Accept": "image/*,*/*;q=0.5", "Accept-Encoding": "identity"}
_MOVED: Final = (301, 302, 303, 307, 308)
_THIS_MACHINE: Final = "this machine itself"
_NO_ADDRESS: Final = ("", "", 0)


class DownloadError(Exception):
    """Why nothing was loaded, in a few words."""


class PrivateAddressError(DownloadError):
    """A host is not on the public internet, and such hosts are refused."""


def origin(url: str) -> Origin:
    """Return scheme, host and port of an http(s) address; empty texts if it is none."""
    try:
        parts = parse_url(url)
    except HTTPError:
        return _NO_ADDRESS
    if not parts.host or parts.scheme not in _PORTS:
        return _NO_ADDRESS
    host = parts.host.strip("[]").rstrip(".")
    return parts.scheme, host, parts.port or _PORTS[parts.scheme]


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or its number; nothing is looked up."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False
    return kind_of_address(str(found[0][4][0])) == _THIS_MACHINE


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
        return _THIS_MACHINE
    odd = address.is_reserved or address.is_multicast or getattr(address, "is_site_local", False)
    return "not on the public internet" if odd or not address.is_global else None


def load(
    url: str,
    *,
    max_bytes: int,
    timeout: tuple[float, float],
    deadline: float,
    allow_private: bool,
    trusted: Collection[Origin] = (),
) -> tuple[bytes, bool]:
    """Return the file at `url`, and whether every host on the way was checked to be public.

    `timeout` is for connecting and for the next bytes, `deadline` for all of it, in seconds.

    Raises:
        PrivateAddressError: a host is not on the public internet.
        DownloadError: it cannot be loaded, or is too large.
    """
    ends, public = time.monotonic() + deadline, not allow_private
    proxy: Url | None = None
    try:
        for _ in range(MAX_HOPS):
            place = origin(url)
            if place == _NO_ADDRESS:
                raise DownloadError("it leads to an address that is neither http nor https")
            checked = not allow_private and place not in trusted
            public = public and checked
            # a proxy would look up the name itself
            by_proxy = allow_private and not is_loopback(place[1])
            proxy = _proxy_for(url) if by_proxy else None
            connection = _connected(place, proxy, checked, timeout, ends)
            target, data = _asked(connection, url, proxy, ends, max_bytes)
            if target is None:
                return data, public
            url = urljoin(url, target)
        raise DownloadError(f"it leads on to other addresses more than {MAX_HOPS - 1} times")
    except PrivateAddressError:
        raise
    except (DownloadError, HTTPError, HTTPException, OSError, ValueError) as error:
        reason = str(error) if isinstance(error, DownloadError) else type(error).__name__
        if time.monotonic() >= ends:
            reason = f"it took longer than {deadline:g} seconds"
        if proxy:
            reason += f", by way of the proxy {proxy._replace(auth=None)}"
        raise DownloadError(reason) from None


def _proxy_for(url: str) -> Url | None:
    """The proxy that the environment names for an address."""
    named = select_proxy(url, get_environ_proxies(url))
    if not named:
        return None
    proxy = parse_url(named if "://" in named else f"http://{named}")
    if proxy.scheme != "http":
        raise DownloadError(f"the environment names a proxy of the kind {proxy.scheme!r}")
    return proxy


def _connected(
    place: Origin, proxy: Url | None, checked: bool, timeout: tuple[float, float], ends: float
) -> HTTPConnection:
    """A connection to one of the addresses that the host has now, or that the proxy has."""
    scheme, host, port = place
    if proxy is not None:
        host, port = (proxy.host or "").strip("[]"), proxy.port or _PORTS["http"]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(address[0]) for *_, address in found]
    for address in addresses if checked else ():
        if kind := kind_of_address(address):
            raise PrivateAddressError(f"{host} is {kind}")
    problem: Exception = OSError()
    for address in addresses:
        wait = max(0.001, min(timeout[0], ends - time.monotonic()))
        connection = HTTPConnection(address, port, timeout=wait)
        if scheme == "https":
            connection = HTTPSConnection(
                address, port, timeout=wait, server_hostname=place[1], ssl_context=_context()
            )
            if proxy is not None:
                login = make_headers(proxy_basic_auth=unquote(proxy.auth or "") or None)
                connection.set_tunnel(place[1], place[2], headers=login)
        try:
            connection.connect()
        except (HTTPError, HTTPException, OSError) as error:
            connection.close()
            problem = error
        else:
            connection.timeout = timeout[1]  # from here on it is for the next bytes
            return connection
    raise problem


def _context() -> ssl.SSLContext:
    """Whom to trust, as requests knows it."""
    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    roots = Path(named or DEFAULT_CA_BUNDLE_PATH)
    if roots.is_dir():
        return ssl.create_default_context(capath=roots)
    return ssl.create_default_context(cafile=roots)


def _asked(
    connection: HTTPConnection, url: str, proxy: Url | None, ends: float, max_bytes: int
) -> tuple[str | None, bytes]:
    """Where the answer leads on to, if it does; else its body."""
    parts = parse_url(url)
    target = parts.request_uri
    headers = {**_HEADERS, "Host": parts.netloc or ""}
    headers |= make_headers(basic_auth=unquote(parts.auth or "") or None)
    if proxy is not None and parts.scheme == "http":
        target = parts._replace(auth=None, fragment=None).url
        headers |= make_headers(proxy_basic_auth=unquote(proxy.auth or "") or None)
    try:
        connection.request("GET", target, headers=headers, preload_content=False)
        with closing(connection.getresponse()) as response:
            if response.status in _MOVED and (leads_to := response.headers.get("Location")):
                return leads_to.encode("latin-1").decode("utf-8", "replace"), b""
            if response.status != 200:
                raise DownloadError(f"the server answered HTTP {response.status}")
            packed = response.headers.get("Content-Encoding", "").strip().lower()
            if packed not in ("", "identity"):
                raise DownloadError(f"it is packed as {packed[:40]!r}, which was not asked for")
            data = bytearray()
            # a server may send a byte now and then for ever: each comes in time, but not all
            while chunk := response.read1(65_536, decode_content=False):
                data += chunk
                if len(data) > max_bytes:
                    raise DownloadError(f"it has more than {max_bytes:,} bytes")
                if time.monotonic() >= ends:
                    raise DownloadError("it came too late")
            return None, bytes(data)
    finally:
        connection.close()
