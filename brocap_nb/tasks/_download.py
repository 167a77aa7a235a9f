"""Load a file over http(s), bounded in bytes and time, and only from where it may come.

An address that somebody typed may point into the network that this kernel stands in. So the rule
is kept where a connection is made: the name is looked up once, every address it has is checked,
and what was checked is what is connected to. A redirect is a new connection, and checked anew.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import time
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote, urljoin

from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy
from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager, Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.util import Url, make_headers, parse_url

from brocap_nb.api._errors import InvalidImageError

MAX_HOPS: Final = 6
MAX_BYTES: Final = 10_000_000
TIMEOUT: Final = (5.0, 10.0)  # seconds for connecting, and for the next bytes
DEADLINE: Final = 30.0  # seconds for all of it

_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_HEADERS: Final = {"Accept": "image/*,*/*;q=0.5", "Accept-Encoding": "identity"}
_THIS_MACHINE: Final = "this machine itself"


def origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of an http(s) address; None if it is none."""
    with contextlib.suppress(HTTPError):
        scheme, _, host, port, *_ = parse_url(url)
        if host and scheme in _PORTS:
            return scheme, host.strip("[]").rstrip("."), port or _PORTS[scheme]
    return None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or its number; nothing is looked up."""
    with contextlib.suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
        return kind_of_address(str(found[0][4][0])) == _THIS_MACHINE
    return host == "localhost" or host.endswith(".localhost")


def kind_of_address(text: str) -> str | None:
    """Return what an IP address is, in words, if it is not one of the public internet."""
    address: Any = ipaddress.ip_address(text.partition("%")[0])
    if getattr(address, "ipv4_mapped", None) or address in _NAT64:
        return kind_of_address(str(ipaddress.IPv4Address(address.packed[-4:])))
    if address.is_loopback or address.is_unspecified:
        return _THIS_MACHINE
    odd = address.is_reserved or address.is_multicast or not address.is_global
    # not every version of Python knows that these lead into other networks
    odd = odd or getattr(address, "is_site_local", False) or getattr(address, "sixtofour", None)
    return "not on the public internet" if odd else None


def load(url: str, *, allow_private: bool, trusted: Iterable[str]) -> bytes:
    """Return the file at `url`; private addresses are refused, or allowed at all or if trusted."""
    ends, allowed = time.monotonic() + DEADLINE, {origin(address) for address in trusted}
    proxy: Url | None = None
    try:
        for _ in range(MAX_HOPS):
            if (place := origin(url)) is None:
                raise InvalidImageError("it leads to an address that is neither http nor https")
            _, name, port = place
            hosts = [name] if allow_private or place in allowed else _public_addresses(name, port)
            # a proxy would look up the name itself
            by_proxy = allow_private and not is_loopback(name)
            named = select_proxy(url, get_environ_proxies(url)) if by_proxy else None
            proxy = parse_url(named if "://" in named else f"http://{named}") if named else None
            with contextlib.closing(_answer(url, name, hosts, proxy)) as response:
                if not (target := response.get_redirect_location()):
                    return _body(response, ends)
            url = urljoin(url, target)
        raise InvalidImageError(f"it leads on to other addresses more than {MAX_HOPS - 1} times")
    except (HTTPError, OSError, ValueError) as error:
        reason = str(error) if isinstance(error, InvalidImageError) else type(error).__name__
        if time.monotonic() >= ends:
            reason = f"it took longer than {DEADLINE:g} seconds"
        if proxy:
            reason += f", by way of the proxy {proxy._replace(auth=None)}"
        raise InvalidImageError(reason) from None


def _public_addresses(name: str, port: int) -> list[str]:
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    addresses = [str(address[0]) for *_, address in found]
    if kind := next(filter(None, map(kind_of_address, addresses)), None):
        refused = "such addresses are refused: allow private addresses if you trust it"
        raise InvalidImageError(f"{name} is {kind}, and {refused}")
    return addresses


def _answer(url: str, name: str, hosts: list[str], proxy: Url | None) -> BaseHTTPResponse:
    """What the first of the addresses answers that can be connected to, or the proxy."""
    parts = parse_url(url)
    headers = {**_HEADERS, "Host": parts.netloc or ""}
    headers |= make_headers(basic_auth=unquote(parts.auth or "") or None)
    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    roots = named or DEFAULT_CA_BUNDLE_PATH
    trust: Any = {"ca_cert_dir" if os.path.isdir(roots) else "ca_certs": roots}  # noqa: PTH112
    pools = PoolManager(server_hostname=name, **trust)
    if proxy:
        login = make_headers(proxy_basic_auth=unquote(proxy.auth or "") or None)
        pools = ProxyManager(proxy.url, proxy_headers=login, **trust)
    how: Any = {"redirect": False, "retries": False, "timeout": Timeout(*TIMEOUT)}
    problem: Exception = OSError()
    for host in hosts:
        target = parts._replace(auth=None, host=f"[{host}]" if ":" in host else host).url
        try:
            return pools.urlopen("GET", target, headers=headers, preload_content=False, **how)
        except (NewConnectionError, ConnectTimeoutError) as error:
            problem = error
    raise problem


def _body(response: BaseHTTPResponse, ends: float) -> bytes:
    if response.status != 200:
        raise InvalidImageError(f"the server answered HTTP {response.status}")
    packed = response.headers.get("Content-Encoding", "").strip().lower()
    if packed not in ("", "identity"):
        raise InvalidImageError(f"it is packed as {packed[:40]!r}, which was not asked for")
    body = bytearray()
    # a server may send a byte now and then for ever: each comes in time, but not all
    while chunk := response.read1(65_536, decode_content=False):
        body += chunk
        if len(body) > MAX_BYTES:
            raise InvalidImageError(f"it has more than {MAX_BYTES:,} bytes")
        if time.monotonic() >= ends:
            raise InvalidImageError("it came too late")
    return bytes(body)
