"""The sandbox over a real socket, with clients that are not ours."""

from __future__ import annotations

import contextlib
import html
import json
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from peer import Peer, http
from waiting import until

import brocap_nb as bn
from brocap_nb.api._errors import SandboxError
from brocap_nb.api._facts import CATALOGUE, METHODS
from brocap_nb.doors._cli import main
from brocap_nb.sandbox._recipes import TOKEN_TASK
from brocap_nb.sandbox._server import Sandbox
from brocap_nb.sandbox._shared import shared_log, shared_sandbox

FAST = 100.0
TOO_BIG = "ERROR_TOO_BIG_CAPTCHA_FILESIZE"


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox(speed=FAST) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    shared.faults.clear()
    shared.forgive()
    return shared


def post(sandbox: Sandbox, method: str, **fields: Any) -> requests.Response:
    fields.setdefault("clientKey", sandbox.key)
    return requests.post(f"{sandbox.url}/{method}", json=fields, timeout=10)


def create(sandbox: Sandbox, **fields: Any) -> int:
    body = post(sandbox, "createTask", **{"task": dict(TOKEN_TASK), **fields}).json()
    assert body["errorId"] == 0, body
    return int(body["taskId"])


def test_what_is_no_method_is_answered_as_such(sandbox: Sandbox) -> None:
    gets = ("GET /createTask", "GET /%ff%00", "PUT /getBalance", "OPTIONS /getBalance")
    for line in (*gets, "BREW /getBalance", "POST /", "POST /pictures/rope.png", "POST /a/b"):
        verb, path = line.split()
        response = requests.request(verb, sandbox.url + path, data=b"{}", timeout=10)
        assert response.status_code == 200
        assert response.json()["errorCode"] == "ERROR_NO_SUCH_METHOD"


def test_a_page_of_another_site_is_refused(sandbox: Sandbox) -> None:
    ours = {"Host": "localhost", "Origin": "http://localhost"}
    origins = ({"Origin": origin} for origin in ("https://elsewhere.example", "null", "http://["))
    hosts = ({"Host": f"{name}elsewhere.example"} for name in ("", "localhost."))
    foreign = [(headers, 403) for headers in (*origins, *hosts)]
    good = [(one, 200) for one in (ours, {"Host": "sandbox.localhost:1"}, {"Host": "[::1]:80"})]
    sent: Any = {"json": {"clientKey": sandbox.key}, "timeout": 5}
    for headers, status in (*foreign, *good):
        for line in ("POST /getBalance", "GET /", "GET /pictures/rope.png"):
            verb, path = line.split()
            answer = requests.request(verb, sandbox.url + path, headers=headers, **sent)
            assert answer.status_code == status, headers
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert (sandbox.key in answer.text) <= (status == 200)


def test_a_huge_body_and_one_in_chunks_are_read_and_answered(sandbox: Sandbox) -> None:
    task = {"type": "ComplexImageTask", "class": "funcaptcha", "imagesBase64": ["A" * 24_000_000]}
    assert post(sandbox, "createTask", task=task).json()["errorCode"] == TOO_BIG
    pieces = (json.dumps({"clientKey": sandbox.key})[i : i + 5].encode() for i in range(0, 60, 5))
    response = requests.post(sandbox.url + "/getBalance", data=pieces, timeout=10)
    assert response.json()["errorId"] == 0


# What a client makes of each kind of fault.
MET = {
    "http_error": "http_429 http_500 http_503",
    "connection_error": "reset reset_midway",
    "timeout": "stall",
    "bad_response": "redirect huge_body truncated_json not_utf8 empty_body html_200 json_list "
    "error_id_string missing_task_id",
    "api_error": "unknown_code",
    "ok": "drip wrong_content_type unknown_status",
}


@pytest.mark.parametrize("fault", Sandbox().faults.names)
def test_a_fault_meets_the_next_request_and_no_other(sandbox: Sandbox, fault: str) -> None:
    (outcome,) = (outcome for outcome, faults in MET.items() if fault in faults.split())
    log, seconds = bn.ExchangeLog(":memory:"), 1 if outcome == "timeout" else 30
    sandbox.faults.next("createTask", fault)
    assert post(sandbox, "getBalance").json()["errorId"] == 0
    with (
        bn.Client(sandbox.key, base_url=sandbox.url, log=log, timeout=seconds) as client,
        contextlib.suppress(bn.ExchangeError),
    ):
        client.create_task(bn.RawTask(TOKEN_TASK))
    assert log[0].outcome == outcome
    assert str(log[0].http_status) in fault or outcome != "http_error"
    create(sandbox)  # which is right again


def test_a_result_is_posted_only_where_somebody_waits_for_it(peer: Peer) -> None:
    lines: list[str] = []
    failing = {**TOKEN_TASK, "websiteURL": "https://proxy-banned.sandbox.test/"}
    others = "http://192.0.2.1/ ftp://127.0.0.1/ http://[ nothing http://localhost.example/"
    with Sandbox(speed=FAST, log=lines.append) as sandbox:
        for url in (f"{peer.url}/result", *others.split()):
            create(sandbox, callbackUrl=url)
        until(lambda: sum("not sent" in line for line in lines) == 6)
    assert peer.requests == []
    port = int(peer.url.rpartition(":")[2])
    with Sandbox(speed=FAST, log=lines.append, callback_ports=[port]) as sandbox:
        peer.say(http(b"", 302, header="Location: /again"))
        create(sandbox, callbackUrl=f"{peer.url}/result?n=1")
        until(lambda: lines[-1].endswith("  sent"))
        peer.say(Peer.STALL)
        post(sandbox, "createTask", task=failing, callbackUrl=peer.url)
        until(lambda: "not accepted" in lines[-1])
    (path, ready), (_, failed) = peer.requests
    assert (path, json.loads(ready)["status"]) == ("/result?n=1", "ready")
    assert json.loads(failed)["errorCode"] == "ERROR_PROXY_BANNED"


def test_the_page_and_the_displays_have_what_they_are_about(sandbox: Sandbox) -> None:
    page = requests.get(sandbox.url, timeout=10).text
    for word in (*METHODS, *CATALOGUE, *sandbox.keys.values(), *sandbox.faults.names):
        assert word in page
    for puzzle in sandbox.puzzles:
        assert puzzle.url in page
        assert puzzle.question in page
        response = requests.get(puzzle.url, timeout=10)
        assert response.headers["Content-Type"] == "image/png"
        assert response.content == puzzle.data
    assert requests.get(f"{sandbox.url}/pictures/none.png", timeout=10).status_code == 404
    assert "color-scheme: light dark" in page
    assert page.count("://") == page.count(sandbox.url), "it loads nothing from elsewhere"
    shown, recipes = sandbox._repr_mimebundle_()["text/html"], sandbox.recipes()
    assert (sandbox.url in shown, sandbox.key in shown, shown.count("<img")) == (True, True, 8)
    shown = html.unescape(recipes._repr_html_())
    assert all(how in shown for how in recipes["how"])
    assert sandbox.key not in shown
    assert type(recipes[recipes["code"] == "ERROR_IP_BANNED"]) is not type(recipes)
    assert pickle.loads(pickle.dumps(recipes)).equals(recipes)


def test_before_and_after_its_life_it_says_what_to_do(capsys: Any) -> None:
    sandbox = Sandbox()
    for name in ("url", "puzzles"):
        with pytest.raises(SandboxError, match=r"start\(\)"):
            getattr(sandbox, name)
    assert "not started" in repr(sandbox)
    assert sandbox.start() is sandbox.start()
    sandbox.faults.next("getBalance", "stall")
    stalled = socket.create_connection(("127.0.0.1", sandbox.port), timeout=5)
    stalled.sendall(b"POST /getBalance HTTP/1.0\r\nContent-Length: 0\r\n\r\n")
    until(lambda: not sandbox.faults.waiting)
    for _ in range(2):
        sandbox.stop()
    with stalled:
        assert stalled.recv(1) == b""
    with pytest.raises(requests.ConnectionError):
        post(sandbox, "getBalance")
    assert "stopped" in repr(sandbox)
    with pytest.raises(SandboxError, match="new one"):
        sandbox.start()
    with Sandbox(port=sandbox.port) as again:  # which is free
        assert post(again, "getBalance").json()["errorId"] == 0
        assert main(["sandbox", f"--port={again.port}"]) == 1
    assert "port=0" in capsys.readouterr().err


def test_what_cannot_be_is_a_sentence(sandbox: Sandbox) -> None:
    wrong: tuple[Any, ...] = ({"port": 70_000}, {"port": "x"}, {"host": "no such host"})
    for options in (*wrong, {"speed": 0}, {"speed": float("nan")}, {"balance": -1}):
        with pytest.raises(SandboxError, match=r".{30}"):
            Sandbox(**options).start()
    with pytest.raises(SandboxError, match="balance is -1; expected a number of at least 0"):
        Sandbox(balance=-1)
    orders: Any = {"createTask": ("getBalence", "reset"), "http_429": ("getBalance", "http_504")}
    for told, order in (orders | {"1 to 1,0": ("getBalance", "reset", 0)}).items():
        with pytest.raises(SandboxError, match=told):
            sandbox.faults.next(*order)


def test_views_share_one_log_and_a_sandbox_that_runs(tmp_path: Path) -> None:
    assert shared_log() is shared_log()
    assert shared_log().folder == tmp_path / "brocap_log"
    sandbox = shared_sandbox()
    bn.Console(log=bn.ExchangeLog(":memory:")).close()
    assert shared_sandbox() is sandbox
    sandbox.stop()
    assert "stopped" not in repr(shared_sandbox())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_as_a_process_it_prints_what_one_needs_and_ends_cleanly(number: signal.Signals) -> None:
    code = "import sys; from brocap_nb.sandbox._server import run; sys.exit(run(speed=50.0))"
    command, pipe = [sys.executable, "-W", "default", "-c", code], subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout is not None
    told = [process.stdout.readline().split() for _ in range(3)]
    url, key, secret = told[0][2], told[1][2], "f" * 32
    for client_key in (key, secret):
        for method in METHODS:
            body = {"clientKey": client_key, "task": dict(TOKEN_TASK), "taskId": 7_654_321}
            requests.post(f"{url}/{method}", json=body, timeout=10)
    requests.post(f"{url}/{secret}", timeout=10)
    evil = {"clientKey": key, "task": {"type": "\x1b[2J\n" + "é" * 99}}
    requests.post(f"{url}/createTask", json=evil, timeout=10)
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) == 9
    first = ("createTask", "FunCaptchaTaskProxyless"), ("7654321",), (), ("KEY_DOES_NOT_EXIST",)
    for line, words in zip(lines, first, strict=False):
        assert all(word in line for word in words)
    assert secret not in out
    assert "\x1b" not in out
