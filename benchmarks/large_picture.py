"""What a call with a picture of 500,000 bytes costs, known to the log or new to it.

python benchmarks/large_picture.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import requests
from turns import report, take_turns

import brocap_nb as bn

SIZE = 500_000
ROUNDS = 60


def new_task() -> bn.ComplexImageTask:
    """A task of a picture that nobody has seen before."""
    return bn.ComplexImageTask.from_image(
        b"\x89PNG\r\n\x1a\n" + os.urandom(SIZE - 8), "Pick the penguin"
    )


def main() -> None:
    key = "0123456789abcdef" * 2
    command = [sys.executable, str(Path(__file__).with_name("logged_call.py")), "serve"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        with tempfile.TemporaryDirectory() as folder:
            session = requests.Session()
            client = bn.Client(key, base_url=url, log=bn.ExchangeLog(folder))
            known = new_task()
            body = {"clientKey": key, "task": known.to_wire()}
            unseen = iter([new_task() for _ in range(ROUNDS + 2)])
            bare = "requests.Session().post(json=…)"
            medians = take_turns(
                {
                    bare: lambda: session.post(f"{url}/createTask", json=body).json(),
                    "client.create_task, picture known": lambda: client.create_task(known),
                    "client.create_task, picture new": lambda: client.create_task(next(unseen)),
                },
                rounds=ROUNDS,
            )
            report(medians, base=bare)
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
