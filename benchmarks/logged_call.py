"""What a call costs that is typed, redacted and on disk, against one that is none of it.

python benchmarks/logged_call.py
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from typing import Any

import requests
from turns import report, take_turns

import brocap_nb as bn

ANSWER = b'{"errorId": 0, "taskId": 7654321}'
BARE = "requests.Session().post(json=…)"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class Constant(asyncio.Protocol):
    """The cheapest server that there is: it answers each request with the same bytes."""

    def connection_made(self, transport: Any) -> None:
        self.transport, self.data = transport, b""

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, end, body = self.data.partition(b"\r\n\r\n")
        if end:
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            if len(body) >= length:
                self.data = b""
                self.transport.write(HEAD % len(ANSWER) + ANSWER)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Constant, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    task = bn.ComplexImageTask(
        image_urls=["https://i.postimg.cc/s2ZDrHXy/fc1.jpg"],
        question="Pick the image that is the correct way up",
        user_agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like "
        "Gecko) Chrome/126.0.0.0 Safari/537.36",
    )
    key = "0123456789abcdef" * 2
    server = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        with tempfile.TemporaryDirectory() as folder:
            session = requests.Session()
            body = {"clientKey": key, "task": task.to_wire()}
            on_disk = bn.Client(key, base_url=url, log=bn.ExchangeLog(folder))
            in_memory = bn.Client(key, base_url=url, log=bn.ExchangeLog(":memory:"))
            medians = take_turns(
                {
                    BARE: lambda: session.post(f"{url}/createTask", json=body).json(),
                    "client.create_task, log on disk": lambda: on_disk.create_task(task),
                    "client.create_task, log in memory": lambda: in_memory.create_task(task),
                },
                rounds=60,
                calls=50,
            )
            report(medians, base=BARE)
    finally:
        server.terminate()


if __name__ == "__main__":
    asyncio.run(serve()) if sys.argv[1:] == ["serve"] else main()
