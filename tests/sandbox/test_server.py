"""The sandbox over a real socket, with clients that are not ours."""

from __future__ import annotations

import base64
import html
import http.client
import http.server
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from peer import Peer, http
from waiting import until

import brocap_nb.sandbox
from brocap_nb.api._errors import BroCapError, SandboxError
from brocap_nb.api._facts import CATALOGUE, METHODS
from brocap_nb.doors._cli import main
from brocap_nb.sandbox import Sandbox
from brocap_nb.sandbox._recipes import TOKEN_TASK

FAST = 100.0


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
    body = post(sandbox, "createTask", task=dict(TOKEN_TASK), **fields).json()
    assert body["errorId"] == 0, body
    return int(body["taskId"])


def solved(sandbox: Sandbox, task_id: int) -> dict[str, Any]:
    """Poll as the rules allow until there is a result."""
    while True:
        body: dict[str, Any] = post(sandbox, "getTaskResult", taskId=task_id).json()
        if body.get("status") != "processing":
            return body
        time.sleep(2.05)


# --- the way through ------------------------------------------------------------------------


def test_a_picture_goes_in_and_its_answer_comes_out(sandbox: Sandbox) -> None:
    ids = {}
    for puzzle in sandbox.puzzles:
        picture: dict[str, Any] = {"imageUrls": [puzzle.url]}
        if puzzle.name == "penguin":
            picture = {"imagesBase64": [base64.b64encode(puzzle.data).decode()]}
        task = {"type": "ComplexImageTask", "class": "funcaptcha", **picture}
        task["metadata"] = {"Task": puzzle.question}
        ids[puzzle] = post(sandbox, "createTask", task=task).json()["taskId"]
    time.sleep(0.05)
    for puzzle, task_id in ids.items():
        assert tuple(solved(sandbox, task_id)["solution"]["answer"]) == puzzle.answer


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/createTask"),
        ("PUT", "/getBalance"),
        ("OPTIONS", "/getBalance"),
        ("BREW", "/getBalance"),
        ("POST", "/"),
        ("POST", "/pictures/penguin.png"),
        ("POST", "/nothing/here"),
        ("GET", "/%ff%00"),
    ],
)
def test_what_is_no_method_is_answered_as_such(sandbox: Sandbox, verb: str, path: str) -> None:
    response = requests.request(verb, sandbox.url + path, data=b"{}", timeout=10)
    assert response.status_code == 200
    assert response.json()["errorCode"] == "ERROR_NO_SUCH_METHOD"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Host": "elsewhere.example"}, 403),
        ({"Host": "localhost.elsewhere.example"}, 403),
        ({"Host": "localhost", "Origin": "http://localhost"}, 200),
        ({"Host": "sandbox.localhost:1"}, 200),
        ({"Host": "[::1]:80"}, 200),
    ],
)
def test_a_page_of_another_site_is_refused(
    sandbox: Sandbox, headers: dict[str, str], status: int
) -> None:
    for verb, path in (("POST", "/getBalance"), ("GET", "/"), ("GET", "/pictures/rope.png")):
        answer = requests.request(
            verb, sandbox.url + path, json={"clientKey": sandbox.key}, headers=headers, timeout=5
        )
        assert answer.status_code == status
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert (sandbox.key in answer.text) <= (status == 200)


def test_a_body_over_the_limit_is_read_and_answered(sandbox: Sandbox) -> None:
    body = b'{"clientKey": "' + b"x" * 25_000_000 + b'"}'
    response = requests.post(sandbox.url + "/createTask", data=body, timeout=20)
    assert response.json()["errorCode"] == "ERROR_TOO_BIG_CAPTCHA_FILESIZE"


def test_a_body_in_chunks_is_read(sandbox: Sandbox) -> None:
    pieces = (json.dumps({"clientKey": sandbox.key})[i : i + 5].encode() for i in range(0, 60, 5))
    response = requests.post(sandbox.url + "/getBalance", data=pieces, timeout=10)
    assert response.json()["errorId"] == 0


def test_the_recipes_are_shown_in_full(sandbox: Sandbox) -> None:
    recipes = sandbox.recipes()
    shown = html.unescape(recipes._repr_html_())  # type: ignore[operator]
    assert all(how in shown for how in recipes["how"])
    assert sandbox.key not in shown
    assert type(recipes[recipes["code"] == "ERROR_IP_BANNED"]) is not type(recipes)
    assert pickle.loads(pickle.dumps(recipes)).equals(recipes)


# --- faults ---------------------------------------------------------------------------------


def broken(expected: type[Exception], words: str) -> Callable[[Callable[[], Any]], None]:
    def check(call: Callable[[], Any]) -> None:
        with pytest.raises(expected, match=words):
            call()

    return check


def answered(good: Callable[[requests.Response], object]) -> Callable[[Callable[[], Any]], None]:
    def check(call: Callable[[], requests.Response]) -> None:
        response = call()
        assert good(response), (response.status_code, response.headers, response.content[:200])

    return check


def _not_utf8(response: requests.Response) -> bool:
    try:
        response.content.decode()
    except UnicodeDecodeError:
        return True
    return False


OBSERVED: dict[str, Callable[[Callable[[], Any]], None]] = {
    "http_429": answered(lambda r: r.status_code == 429 and r.headers["Retry-After"] == "2"),
    "http_500": answered(lambda r: r.status_code == 500 and "<html>" in r.text),
    "http_502": answered(lambda r: r.status_code == 502 and "<html>" in r.text),
    "http_503": answered(lambda r: r.status_code == 503 and "<html>" in r.text),
    "redirect": answered(
        lambda r: (
            r.history[0].status_code == 307
            and r.url.endswith("/moved/createTask")
            and r.json()["errorCode"] == "ERROR_NO_SUCH_METHOD"
        )
    ),
    "reset": broken(requests.ConnectionError, "reset"),
    "reset_midway": broken(requests.RequestException, "reset|Connection broken"),
    "stall": broken(requests.ReadTimeout, "timed out"),
    "drip": answered(lambda r: r.json()["taskId"] > 0 and r.elapsed.total_seconds() < 10),
    "huge_body": answered(lambda r: len(r.content) > 50_000_000 and r.json()["taskId"] > 0),
    "wrong_content_type": answered(
        lambda r: r.headers["Content-Type"].startswith("text/html") and r.json()["taskId"] > 0
    ),
    "truncated_json": broken(requests.JSONDecodeError, "char"),
    "not_utf8": answered(_not_utf8),
    "gzip": answered(lambda r: r.headers["Content-Encoding"] == "gzip" and r.json()["taskId"] > 0),
    "empty_body": answered(lambda r: r.status_code == 200 and r.content == b""),
    "html_200": answered(lambda r: r.status_code == 200 and "<html>" in r.text),
    "json_list": answered(lambda r: r.json()[0]["taskId"] > 0),
    "error_id_string": answered(lambda r: r.json()["errorId"] == "0"),
    "missing_task_id": answered(lambda r: r.json() == {"errorId": 0}),
    "unknown_status": answered(lambda r: r.json()["status"] == "queued"),
    "unknown_code": answered(lambda r: r.json()["errorCode"] not in CATALOGUE),
}


@pytest.mark.parametrize("fault", Sandbox().faults.names)
def test_a_fault_meets_the_next_request_and_no_other(sandbox: Sandbox, fault: str) -> None:
    def call() -> requests.Response:
        response = requests.post(
            sandbox.url + "/createTask",
            json={"clientKey": sandbox.key, "task": dict(TOKEN_TASK)},
            timeout=0.5 if fault == "stall" else 20,
        )
        if fault == "truncated_json":
            response.json()
        return response

    sandbox.faults.next("createTask", fault)
    assert post(sandbox, "getBalance").json()["errorId"] == 0
    OBSERVED[fault](call)
    assert call().json()["errorId"] == 0


@pytest.mark.parametrize(
    ("method", "fault", "times", "hint"),
    [
        ("getBalence", "reset", 1, "Did you mean 'getBalance'"),
        ("getBalance", "http_504", 1, "Did you mean 'http_50"),
        ("getBalance", "xyzzy", 1, "Expected one of: http_429"),
        ("getBalance", "reset", 0, "from 1 to 1,000,000"),
    ],
)
def test_an_unknown_fault_gets_a_hint(
    sandbox: Sandbox, method: str, fault: str, times: int, hint: str
) -> None:
    with pytest.raises(BroCapError, match=hint):
        sandbox.faults.next(method, fault, times)


# --- callbacks ------------------------------------------------------------------------------


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
        peer.say(http(b"", 302).replace(b"\r\n\r\n", b"\r\nLocation: /again\r\n\r\n", 1))
        create(sandbox, callbackUrl=f"{peer.url}/result?n=1")
        until(lambda: lines[-1].endswith("  sent"))
        peer.say(Peer.STALL)
        post(sandbox, "createTask", task=failing, callbackUrl=peer.url)
        until(lambda: "not accepted" in lines[-1])
    (path, ready), (_, failed) = peer.requests
    assert (path, json.loads(ready)["status"]) == ("/result?n=1", "ready")
    assert json.loads(failed)["errorCode"] == "ERROR_PROXY_BANNED"


# --- the page and the displays --------------------------------------------------------------


def test_the_page_shows_everything_and_loads_nothing_from_elsewhere(sandbox: Sandbox) -> None:
    html = requests.get(sandbox.url, timeout=10).text
    for word in (*METHODS, *CATALOGUE, *sandbox.keys.values(), *sandbox.faults.names):
        assert word in html
    for puzzle in sandbox.puzzles:
        assert puzzle.url in html
        assert puzzle.question in html
        response = requests.get(puzzle.url, timeout=10)
        assert response.headers["Content-Type"] == "image/png"
        assert response.content == puzzle.data
    assert requests.get(f"{sandbox.url}/pictures/none.png", timeout=10).status_code == 404
    assert "color-scheme: light dark" in html
    assert html.count("://") == html.count(sandbox.url)


def test_the_display_has_the_address_the_key_and_the_pictures(sandbox: Sandbox) -> None:
    bundle = sandbox._repr_mimebundle_()
    assert sandbox.url in bundle["text/html"]
    assert sandbox.key in bundle["text/html"]
    assert bundle["text/html"].count("<img") == 8
    assert len(bundle["text/html"]) < 120_000
    assert sandbox.url in bundle["text/plain"]


# --- life -----------------------------------------------------------------------------------


def test_the_port_is_free_again_after_stop_which_may_be_called_twice() -> None:
    sandbox = Sandbox().start()
    port = int(sandbox.url.rpartition(":")[2])
    assert sandbox.start() is sandbox
    sandbox.stop()
    sandbox.stop()
    with pytest.raises(requests.ConnectionError):
        post(sandbox, "getBalance")
    assert "stopped" in repr(sandbox)
    with Sandbox(port=port) as again:
        assert post(again, "getBalance").json()["errorId"] == 0


def test_before_and_after_its_life_it_says_what_to_do() -> None:
    sandbox = Sandbox()
    with pytest.raises(SandboxError, match=r"start\(\)"):
        _ = sandbox.url
    with pytest.raises(SandboxError, match=r"start\(\)"):
        _ = sandbox.puzzles
    assert "not started" in sandbox._repr_mimebundle_()["text/plain"]
    assert not hasattr(sandbox, "anything_else")
    sandbox.start().stop()
    with pytest.raises(SandboxError, match="new one"):
        sandbox.start()


def test_it_stops_while_a_connection_stalls() -> None:
    with Sandbox() as sandbox:
        sandbox.faults.next("getBalance", "stall")
        stalled = socket.create_connection(("127.0.0.1", int(sandbox.url.rpartition(":")[2])))
        stalled.sendall(
            b"POST /getBalance HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
        )
        until(lambda: not sandbox.faults.waiting)
    stalled.settimeout(5)
    assert stalled.recv(1) == b""
    stalled.close()
    assert "stopped" in repr(sandbox)


@pytest.mark.parametrize(
    "options",
    [
        {"port": 70_000},
        {"host": "no such host"},
        {"speed": 0},
        {"speed": float("nan")},
        {"balance": -1},
    ],
)
def test_what_cannot_be_started_gets_a_sentence(options: dict[str, Any]) -> None:
    with pytest.raises(SandboxError, match=r".{30}"):
        Sandbox(**options).start()


def test_the_import_is_light() -> None:
    code = (
        "import sys, types; sys.modules['brocap_nb'] = m = types.ModuleType('brocap_nb');"
        f"m.__path__ = {list(brocap_nb.__path__)!r}; import brocap_nb.sandbox;"
        "sys.exit(' '.join({'tornado', 'PIL', 'pandas', 'asyncio'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# --- a process of its own -------------------------------------------------------------------

RUN = "import sys; from brocap_nb.sandbox._server import run; sys.exit(run(speed=50.0))"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_as_a_process_it_prints_what_one_needs_and_ends_cleanly(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", RUN],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONDEVMODE": "1"},
    )
    assert process.stdout is not None
    url = process.stdout.readline().split()[2]
    key = process.stdout.readline().split()[2]
    process.stdout.readline()
    secret = "f" * 32
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
    assert "createTask" in lines[0]
    assert "FunCaptchaTaskProxyless" in lines[0]
    assert "7654321" in lines[1]
    assert "ERROR_KEY_DOES_NOT_EXIST" in lines[3]
    assert len(lines) == 9
    assert secret not in out
    assert "\x1b" not in out


def test_a_process_that_cannot_start_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    with Sandbox() as sandbox:
        assert main(["sandbox", f"--port={sandbox.port}"]) == 1
    assert "port=0" in capsys.readouterr().err
