"""A process that is killed at any moment loses no exchange whose first byte was sent."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from peer import Peer, http

import brocap_nb as bn

# One process that has imported everything forks each of the runs: four threads that send as fast
# as they can, killed a moment later.
SCRIPT = """
import os, random, signal, sys, threading, time
import brocap_nb as bn
from brocap_nb.api._body import Body
from brocap_nb.client._requests import Request

url, folder, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])

def work(client, name):
    number = 0
    while True:
        number += 1
        fields = {"clientKey": Body.KEY, "n": f"{name}-{number}", "fill": "x" * 300}
        client.send(Request("getBalance", Body.of(fields)))

moment = random.Random(5)
for run in range(runs):
    ready, tell = os.pipe()
    child = os.fork()
    if not child:
        client = bn.Client("k" * 32, base_url=url, log=bn.ExchangeLog(folder))
        for thread in range(4):
            threading.Thread(target=work, args=(client, f"{run}-{thread}")).start()
        os.write(tell, b"x")
        time.sleep(60)
    os.read(ready, 1)
    time.sleep(moment.random() * 0.06)
    os.close(ready), os.close(tell)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


@pytest.mark.filterwarnings("ignore::brocap_nb.LogWarning")  # a torn last line is told and skipped
def test_sigkill_at_any_point_of_many_runs(peer: Peer, tmp_path: Path, full: bool) -> None:
    runs = 200 if full else 60
    arrived: set[str] = set()

    def answer(path: str, body: bytes) -> bytes:
        with contextlib.suppress(ValueError):  # killed in the middle of sending
            arrived.add(json.loads(body)["n"])
        return http(b'{"errorId": 0, "balance": 3}')

    peer.reply = answer
    folder = tmp_path / "log"
    subprocess.run([sys.executable, "-c", SCRIPT, peer.url, str(folder), str(runs)], check=True)
    frame = bn.ExchangeLog(folder).frame()
    kept = {json.loads(request)["n"] for request in frame["request"]}
    assert len(arrived) > 2 * runs
    assert arrived <= kept
    assert set(frame["outcome"]) == {"ok", "no_response"}
    assert frame["exchange_id"].is_unique
    answered = frame[frame["outcome"] == "ok"]
    assert (answered["response"] == '{"errorId": 0, "balance": 3}').all()
