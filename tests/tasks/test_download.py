"""What may be loaded from where, on real sockets: the rule holds for what is connected to."""

from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from peer import Peer, http
from pictures import noise
from waiting import until

import brocap_nb as bn
from brocap_nb.tasks import _download, _pictures

PICTURE = noise()


def moved(target: str) -> bytes:
    return http(b"", 307, header=f"Location: {target}")


@pytest.fixture
def other() -> Iterator[Peer]:
    other = Peer()
    yield other
    other.close()


def port_of(peer: Peer) -> int:
    return urlsplit(peer.url).port or 0


PRIVATE = """
127.0.0.1 127.8.9.1 0.0.0.0 10.1.2.3 172.16.0.1 192.168.0.9 169.254.169.254 100.64.0.1 224.0.0.1
240.0.0.1 255.255.255.255 192.0.2.1 198.18.0.1 :: ::1 fe80::1 fe80::1%eth0 fc00::1 fec0::1 ff02::1
::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 2002:7f00:1:: 64:ff9b::7f00:1 64:ff9b::a00:1
2001:db8::1 100::1
"""
SPELLINGS = """
127.0.0.1 localhost LOCALHOST localhost. 0.0.0.0 127.1 2130706433 0x7f.0.0.1 0x7f000001 0177.0.0.1
[::ffff:127.0.0.1] [::ffff:7f00:1] u:p@127.0.0.1 example.com@localhost
"""


def test_what_is_of_the_public_internet() -> None:
    assert [one for one in PRIVATE.split() if not _download.kind_of_address(one)] == []
    for address in ("1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"):
        assert _download.kind_of_address(address) is None


def test_no_spelling_of_this_machine_is_connected_to(peer: Peer) -> None:
    peer.say(http(PICTURE))
    for number, host in enumerate(SPELLINGS.split(), 1):
        url = f"http://{host}:{port_of(peer)}/a.png"
        with pytest.raises(bn.InvalidImageError) as caught:
            _pictures.fetch(url, allow_private=False)
        assert "is this machine itself, and such addresses are refused" in str(caught.value)
        assert "allow private addresses if you trust it. Expected" in str(caught.value)
        assert caught.value.problems[0].field == "imageUrls"
        assert len(peer.requests) == number - 1
        assert _pictures.fetch(url) == PICTURE  # in Python, its user decides: the address does work


@pytest.fixture
def names(monkeypatch: Any) -> dict[str, list[str]]:
    """What a name server says of a name: something else each time that it is asked."""
    real, known = socket.getaddrinfo, dict[str, list[str]]()

    def asked(host: str, *args: object, **kwargs: object) -> object:
        if host in known and "flags" not in kwargs:  # which ask for a number
            host = known[host].pop(0)
        return real(host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    return known


def test_what_was_checked_is_connected_to(names: dict[str, list[str]], monkeypatch: Any) -> None:
    class Watched(socket.socket):
        def connect(self, address: object) -> None:
            connected.append(address)
            raise OSError("no packet leaves this machine in a test")

    connected: list[object] = []
    # what is reserved for documentation stands for a public address; then this machine
    names["rebind.example"] = ["203.0.113.7", "127.0.0.1"]
    monkeypatch.setattr(socket, "socket", Watched)
    monkeypatch.setattr(_download, "kind_of_address", lambda a: "here" if a[:3] == "127" else None)
    with pytest.raises(bn.InvalidImageError, match="cannot be loaded"):
        _pictures.fetch("http://rebind.example:99/", allow_private=False)
    assert (connected, names) == ([("203.0.113.7", 99)], {"rebind.example": ["127.0.0.1"]})


def test_only_a_trusted_host_and_port_are_allowed_at_each_hop(peer: Peer, other: Peer) -> None:
    for one in (peer, other):
        one.say(http(PICTURE))
    url, trusted = f"{peer.url}/x.png", [f"{peer.url}/some/puzzle.png", "no address"]
    assert _pictures.fetch(url, allow_private=False, trusted=trusted) == PICTURE
    assert _pictures.fetched(url) == PICTURE  # what is remembered does not leak past the rule
    peer.say(moved(f"{other.url}/secret.png"))
    moves, elsewhere = f"{peer.url}/moves.png", f"http://localhost:{port_of(peer)}/x.png"
    for refused in (f"{other.url}/x.png", elsewhere, moves, url):
        trusted = [] if refused == url else trusted
        with pytest.raises(bn.InvalidImageError, match=r"is this machine itself.* are refused"):
            _pictures.fetch(refused, allow_private=False, trusted=trusted)
    assert (len(peer.requests), other.requests) == (2, [])
    assert _pictures.fetch(moves) == PICTURE  # where it is allowed it is followed


@pytest.fixture
def proxy(other: Peer, monkeypatch: Any) -> Peer:
    """A proxy that the environment names, with a login."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, other.url.replace("//", "//user:word@"))
    other.say(http(b"from the proxy"))
    return other


ELSEWHERE = "192.0.2.1"  # reserved for documentation: nothing is there


def test_the_environments_proxy_is_used_elsewhere(proxy: Peer, peer: Peer, names: Any) -> None:
    peer.say(http(PICTURE))
    for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "0.0.0.0"):
        assert _pictures.fetch(f"http://{host}:{port_of(peer)}/a.png") == PICTURE
    names["trusted.example"] = ["127.0.0.1"]
    url = f"http://trusted.example:{port_of(peer)}/a.png"
    # a proxy would look the name up itself, so the rule takes none
    assert _pictures.fetch(url, allow_private=False, trusted=[url]) == PICTURE
    assert proxy.requests == []
    _pictures._recent.clear()
    for elsewhere in (url, f"http://{ELSEWHERE}/a%20b.png?c=d"):
        assert _pictures.fetch(elsewhere) == b"from the proxy"
        assert proxy.requests[-1][0] == elsewhere


def test_a_proxy_that_failed_is_named_without_its_login(proxy: Peer, monkeypatch: Any) -> None:
    proxy.say(http(b"no", 502))
    with_login = proxy.url.replace("//", "//user:word@")
    for named, reason in (
        (with_login, "HTTP 502|OSError|ProxyError"),
        ("127.0.0.1:9", "ProxyError"),
        ("socks5://127.0.0.1:9", "Unknown"),
    ):
        for scheme in ("http", "https"):
            monkeypatch.setenv(f"{scheme}_proxy", named)
            with pytest.raises(bn.InvalidImageError, match=reason) as caught:
                _pictures.fetch(f"{scheme}://{ELSEWHERE}/a.png")
            shown = named.replace("user:word@", "")
            assert f"{shown.removeprefix('http://')}. Expected" in str(caught.value)
            assert "word" not in str(caught.value)


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[str]:
    """The address of an https server on 127.0.0.1 whose certificate is for `localhost`."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes a certificate with openssl, which is not here")
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    made += ["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(made, cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    peer = Peer(context)
    peer.say(http(PICTURE))
    yield f"https://localhost:{port_of(peer)}/a.png"
    peer.close()


def test_the_certificate_is_that_of_the_name(secure: str, tmp_path: Path, monkeypatch: Any) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(bn.InvalidImageError, match="SSL"):
        _pictures.fetch(secure)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "cert.pem"))
    assert _pictures.fetch(secure, allow_private=False, trusted=[secure]) == PICTURE
    with pytest.raises(bn.InvalidImageError, match="SSL"):
        _pictures.fetch(secure.replace("localhost", "127.0.0.1"))
    _pictures._recent.clear()
    monkeypatch.setattr(_download, "kind_of_address", lambda _: None)  # what is checked is pinned
    assert _pictures.fetch(secure, allow_private=False) == PICTURE


PACKED = http(gzip.compress(bytes(1_000_000)), header="Content-Encoding: gzip")
BAD_SERVERS = {
    "not found": (http(b"", 404), "HTTP 404"),
    "reset": (Peer.RESET, "Error"),
    "reset inside": (http(PICTURE)[:-50] + Peer.RESET, "Error"),
    "not HTTP": (b"hello\r\n\r\n", "ProtocolError"),
    "drip": (Peer.DRIP, "longer than 0.5 seconds"),  # each byte comes in time for a read
    "silence": (Peer.STALL, "Timeout"),
    "endless": (http(bytes(300_000)), "more than 100,000 bytes"),
    "packed": (PACKED, "packed as 'gzip', which was not asked"),
    "to a file": (moved("file:///etc/passwd"), "neither http nor https"),
    "to itself": (moved("data:image/png,x"), "neither http nor https"),
    "to and fro": (moved("/again"), "more than 5 times"),
}


@pytest.mark.parametrize("name", BAD_SERVERS)
def test_a_server_that_fails_is_told(name: str, peer: Peer, monkeypatch: Any) -> None:
    monkeypatch.setattr(_download, "TIMEOUT", (0.3, 0.3))
    monkeypatch.setattr(_download, "MAX_BYTES", 100_000)
    monkeypatch.setattr(_download, "DEADLINE", 0.5 if name == "drip" else 30)
    reply, reason = BAD_SERVERS[name]
    peer.say(reply)
    url = f"{peer.url}/a.png"
    with pytest.raises(bn.InvalidImageError, match=reason) as caught:
        _pictures.fetch(url)
    assert url in str(caught.value)
    assert caught.value.problems[0].field == "imageUrls"
    assert _pictures.fetched(url) is None


OPEN = Path("/proc/self/fd")


@pytest.mark.skipif(not OPEN.is_dir(), reason="counts open files in /proc")
def test_no_connection_is_left_open(peer: Peer) -> None:
    peer.say(http(PICTURE))
    _pictures.fetch(f"{peer.url}/warm.png")
    before = len([*OPEN.iterdir()])
    for number in range(20):
        _pictures.fetch(f"{peer.url}/{number}.png")
    until(lambda: len([*OPEN.iterdir()]) <= before)  # the peer closes after us
