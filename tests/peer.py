"""An HTTP peer on a real socket that answers whatever bytes it is told to."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from http.client import parse_headers
from typing import BinaryIO


def http(
    body: bytes, status: int = 200, content_type: str = "application/json", header: str = ""
) -> bytes:
    """A whole HTTP answer; `header` is one more line."""
    head = [f"HTTP/1.1 {status} X", *([header] if header else []), f"Content-Type: {content_type}"]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body


class Peer:
    """An HTTP peer that answers with the bytes it is told to, whatever they are.

    `reply` is called with each request's path and body, and returns raw bytes; or `Peer.RESET`
    to break the connection, `Peer.STALL` to say nothing, `Peer.DRIP` to come to no end.
    """

    RESET = b"\0reset"
    STALL = b"\0stall"
    DRIP = b"\0drip"

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.reply: Callable[[str, bytes], bytes] = lambda path, body: http(b"{}")
        self.requests: list[tuple[str, bytes]] = []
        self.connections = 0
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        if context is not None:  # each connection shakes hands in its own thread
            self._listener = context.wrap_socket(
                self._listener, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def say(self, *replies: bytes) -> None:
        """Answer with `replies` in turn; the last one again and again."""
        rest = list(replies)
        self.reply = lambda path, body: rest.pop(0) if len(rest) > 1 else rest[0]

    def close(self) -> None:
        self._stop.set()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        broken = contextlib.suppress(OSError, IndexError)
        with broken, connection, connection.makefile("rb") as file:
            while line := file.readline():
                path = line.split()[1].decode()
                headers = parse_headers(file)
                chunked = headers.get("Transfer-Encoding") == "chunked"
                length = int(headers.get("Content-Length", 0))
                body = self._chunks(file) if chunked else file.read(length)
                self.requests.append((path, body))
                reply = self.reply(path, body)
                if reply == self.STALL:
                    self._stop.wait(30)
                    return
                if reply == self.DRIP:
                    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    for _ in range(1_000):
                        connection.sendall(b"x")
                        time.sleep(0.02)
                    return
                before, reset, _ = reply.partition(self.RESET)
                connection.sendall(before)
                if reset:
                    time.sleep(0.05)  # so that what came before is read first
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    return
                if b"content-length" not in before.lower():
                    return

    @staticmethod
    def _chunks(file: BinaryIO) -> bytes:
        body = b""
        while size := int(file.readline(), 16):
            body += file.read(size)
            file.readline()
        file.readline()
        return body
