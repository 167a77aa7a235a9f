"""How the sandbox holds up: 32 clients at once, every answer checked for being its own.

python benchmarks/sandbox_load.py [--seconds 60] [--clients 32]

The sandbox runs as a process of its own. Each client creates picture tasks, asks for each when it
should be done, and checks the answer against the puzzle that it sent. Memory is read from /proc
(Linux). Requests per second are told as a ratio to the same server library answering a constant;
the two take turns.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import multiprocessing
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from brocap_nb.sandbox._puzzles import Library

CONSTANT = """
import asyncio, sys
from tornado.web import Application, RequestHandler
class Answer(RequestHandler):
    def post(self):
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(b'{"errorId": 0, "balance": 10.0}')
async def main():
    application = Application([(r".*", Answer)], log_function=lambda handler: None)
    server = application.listen(0, "127.0.0.1")
    port = next(iter(server._sockets.values())).getsockname()[1]
    print(f"http://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
SANDBOX = """
import sys, threading
from brocap_nb.sandbox._server import Sandbox
sandbox = Sandbox(speed=50, balance=1e9).start()
print(sandbox.url, sandbox.key, flush=True)
threading.Event().wait()
"""


@dataclass
class Tally:
    """What one client saw."""

    created: int = 0
    answered: int = 0
    requests: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    ids: list[int] = field(default_factory=list)


class Link:
    """One kept connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)

    def post(self, method: str, body: bytes) -> Any:
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", f"/{method}", body, headers)
        return json.loads(self._connection.getresponse().read())

    def close(self) -> None:
        self._connection.close()


def client(url: str, key: str, seconds: float, number: int, tally: Tally) -> None:
    """Create tasks and ask for their results until the time is up; then ask for the rest."""
    link, chance = Link(url), random.Random(number)
    bodies = _bodies(url, key)
    waiting: deque[tuple[float, int, list[bool]]] = deque()
    end = time.monotonic() + seconds
    while time.monotonic() < end or waiting:
        now = time.monotonic()
        if waiting and waiting[0][0] <= now:
            _ask(link, key, waiting, tally)
        elif now < end:
            body, answer = chance.choice(bodies)
            tally.requests += 1
            created = link.post("createTask", body)
            if created.get("errorId") != 0:
                tally.faults[f"createTask: {created.get('errorCode')}"] += 1
                continue
            tally.created += 1
            tally.ids.append(created["taskId"])
            # longer than any picture task takes at this speed
            waiting.append((time.monotonic() + 0.05, created["taskId"], answer))
        else:
            time.sleep(0.005)
    link.close()


def _ask(link: Link, key: str, waiting: deque[tuple[float, int, list[bool]]], tally: Tally) -> None:
    _, task_id, answer = waiting.popleft()
    body = json.dumps({"clientKey": key, "taskId": task_id}).encode()
    tally.requests += 1
    result = link.post("getTaskResult", body)
    if result.get("status") == "processing":
        waiting.append((time.monotonic() + 2.05, task_id, answer))
    elif result.get("solution") == {"answer": answer}:
        tally.answered += 1
    else:
        tally.faults[f"getTaskResult: {result.get('errorCode') or 'another answer'}"] += 1


def _bodies(url: str, key: str) -> list[tuple[bytes, list[bool]]]:
    """createTask for every puzzle, by address and by content, each with the right answer."""
    made = []
    for puzzle in Library(0, url).puzzles:
        content = base64.b64encode(puzzle.data).decode()
        for place in ({"imageUrls": [puzzle.url]}, {"imagesBase64": [content]}):
            task = {"type": "ComplexImageTask", "class": "funcaptcha", **place}
            task["metadata"] = {"Task": puzzle.question}
            body = json.dumps({"clientKey": key, "task": task}).encode()
            made.append((body, list(puzzle.answer)))
    return made


def _process(url: str, key: str, seconds: float, numbers: range, results: Any) -> None:
    tallies = [Tally() for _ in numbers]
    pairs = zip(numbers, tallies, strict=True)
    threads = [threading.Thread(target=client, args=(url, key, seconds, *pair)) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(tallies)


def load(url: str, key: str, seconds: float, clients: int, processes: int) -> list[Tally]:
    """Run all clients at once and return what they saw. A client that failed is missing."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    shares = [range(n, clients, processes) for n in range(processes)]
    running = [
        context.Process(target=_process, args=(url, key, seconds, share, results))
        for share in shares
    ]
    for process in running:
        process.start()
    tallies = [tally for _ in running for tally in results.get(timeout=seconds + 300)]
    for process in running:
        process.join()
    return tallies


def check(tallies: list[Tally], clients: int) -> list[str]:
    """Return what was lost, mixed up or refused, as sentences."""
    wrong = [f"{count} times {fault}" for t in tallies for fault, count in t.faults.items()]
    ids = [task_id for t in tallies for task_id in t.ids]
    if len(ids) != len(set(ids)):
        wrong.append("A task id was given to two clients.")
    if (lost := sum(t.created - t.answered for t in tallies)) != 0:
        wrong.append(f"{lost} answers were lost.")
    if len(tallies) != clients:
        wrong.append("A client failed.")
    return wrong


def _start(program: str) -> tuple[subprocess.Popen[str], list[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None
    return process, process.stdout.readline().split()


def _rss(process: subprocess.Popen[str]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else float("nan")


def _watch(process: subprocess.Popen[str], seen: list[tuple[float, float]]) -> None:
    start = time.monotonic()
    while process.poll() is None:
        seen.append((time.monotonic() - start, _rss(process)))
        time.sleep(1)


def _rate(url: str, body: bytes, seconds: float) -> float:
    """Requests per second over one connection, small body, small answer."""
    link, count, start = Link(url), 0, time.monotonic()
    while time.monotonic() - start < seconds:
        link.post("getBalance", body)
        count += 1
    rate = count / (time.monotonic() - start)
    link.close()
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()

    sandbox, (url, key) = _start(SANDBOX)
    seen: list[tuple[float, float]] = []
    threading.Thread(target=_watch, args=(sandbox, seen), daemon=True).start()
    start = time.monotonic()
    tallies = load(url, key, options.seconds, options.clients, options.processes)
    took = time.monotonic() - start
    requests = sum(t.requests for t in tallies)
    print(
        f"{options.clients} clients, {took:.0f} s: {requests:,} requests, "
        f"{sum(t.created for t in tallies):,} tasks, {sum(t.answered for t in tallies):,} right"
    )
    print("\n".join(check(tallies, options.clients)) or "Nothing lost, nothing mixed up.")
    warm = next((size for at, size in seen if at >= 15), seen[-1][1])
    for at, size in seen[::5]:
        print(f"  after {at:3.0f} s  {size:6.1f} MB")
    print(
        f"Memory after 15 s {warm:.1f} MB, at the end {seen[-1][1]:.1f} MB: "
        f"{seen[-1][1] / warm:.2f}"
    )

    constant, (plain,) = _start(CONSTANT)
    body = json.dumps({"clientKey": key}).encode()
    rates: dict[str, list[float]] = {plain: [], url: []}
    for _ in range(options.rounds):
        for place, found in rates.items():
            found.append(_rate(place, body, 1))
    ratios = [ours / theirs for theirs, ours in zip(*rates.values(), strict=True)]
    print(
        f"getBalance, one connection: {statistics.median(rates[url]):,.0f}/s; Tornado with a "
        f"constant: {statistics.median(rates[plain]):,.0f}/s; ratio "
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    )
    for process in (sandbox, constant):
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
