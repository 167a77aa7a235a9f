"""The commands that serve something, as real processes on loopback."""

from __future__ import annotations

import contextlib
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from app_process import DEADLINE, AppProcess, environment
from waiting import until

import brocap_nb as bn
from brocap_nb.doors import _cli

PRINTED = """
import sys
import brocap_nb as bn
assert not {"IPython", "ipywidgets", "tornado"} & set(sys.modules), "the import is light"
from brocap_nb.exercises import exercise
log = bn.ExchangeLog(":memory:")
with bn.Sandbox(speed=100) as sandbox:
    client = bn.Client(sandbox.key, base_url=sandbox.url, log=log)
    puzzle = sandbox.puzzles[0]
    task = bn.ComplexImageTask.from_image(puzzle.data, question=puzzle.question)
    run = client.submit(task)
    print(sandbox, puzzle, client, task, run, run.result(), run, bn.Console())
print(log, log[0], log.frame(), log.tasks(), log.errors(), log.latency(), log.violations())
print(log.timeline(log[0].task_id), log.to_curl(0), bn.explain("ERROR_ZERO_BALANCE"))
@exercise
def one(answer):
    "It is one."
    return answer == 1
print(one, one(2), one(1))
"""
KEY = secrets.token_hex(16)
COMMAND = ("-m", "brocap_nb.doors._cli")
SESSION = requests.Session()
SESSION.trust_env = False  # no proxy


def fetch(url: str, headers: Mapping[str, str] | None = None) -> requests.Response:
    """A page; asked for again until the server listens."""
    answers: list[requests.Response] = []

    def asked() -> bool:
        with contextlib.suppress(requests.ConnectionError):
            answers.append(SESSION.get(url, headers=headers, timeout=DEADLINE))
        return bool(answers)

    until(asked)
    return answers[0]


def test_the_app_serves_the_console_to_so_many_visitors(request: Any, tmp_path: Path) -> None:
    options = ("--visitors=2", "--host-name=Class.example")
    app = AppProcess(tmp_path, *options, BROCAP_CLIENT_KEY=KEY)
    request.addfinalizer(app.close)
    own = {"Host": "class.example", "Origin": "https://class.example"}
    answer = fetch(app.url, own)
    page, headers = answer.text, str(answer.headers)
    assert "<title>brocap_nb Console</title>" in page
    assert "VisitorPage" in page

    # nothing of it comes from elsewhere, and the browser is told so
    assert "cdn" not in page.lower()
    assert "default-src 'self'" in headers
    assert "Content-Security-Policy" in headers

    # pages of other sites get nothing, and neither do files beside the page
    framed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe"}
    for path in ("", "voila/static/voila.js", f"api/kernels/{secrets.token_hex(16)}/channels"):
        for foreign in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, framed):
            refused = fetch(app.url + path, foreign)
            assert refused.status_code == 403
            assert "not for pages of other sites" in refused.text
    assert fetch(f"{app.url}voila/files/console.ipynb").status_code == 403
    assert len(app.kernels()) == 1

    # a second visitor, whom a link led here, has a kernel of their own
    fetch(app.url, {**framed, "Sec-Fetch-Dest": "document"})
    until(lambda: len(app.kernels()) == 2)
    kernels = app.kernels()
    for kernel in kernels if sys.platform == "linux" else ():
        environment = Path(f"/proc/{kernel}/environ").read_bytes()
        assert b"JPY_PARENT_PID" in environment
        assert b"BROCAP" not in environment
    assert KEY not in page + headers + app.printed()

    # a third one is told of it
    refused = fetch(app.url)
    assert refused.status_code == 503
    assert "visitors are here as this page takes at once: 2." in refused.text
    assert "does not use it for so many minutes: 30" in refused.text
    assert len(app.kernels()) == 2

    assert app.stop(signal.SIGINT) == 0
    assert "Traceback" not in app.printed()
    assert list(app.temporary.glob("brocap-app-*")) == []
    until(lambda: not any(Path(f"/proc/{kernel}").exists() for kernel in kernels))


def test_an_idle_kernel_ends_and_its_log_with_it(request: Any, tmp_path: Path) -> None:
    app = AppProcess(tmp_path, "--idle=0.05", "--allow-live", "--host=127.0.0.1")
    request.addfinalizer(app.close)
    fetch(app.url)
    until(lambda: not app.kernels())
    assert app.stop(signal.SIGTERM) == 0
    assert "Traceback" not in app.printed()


def test_what_cannot_be_served_is_a_sentence(capsys: Any, monkeypatch: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports, unfit = (taken.getsockname()[1], 99999), ("--idle=0", "--idle=nan", "--visitors=0")
        said = "minutes above 0, such as 30, and of at least 1 visitor"
        told = dict.fromkeys((f"app {option}" for option in unfit), said)
        told |= {f"app --port={n}": f"cannot listen on 127.0.0.1, port {n}: " for n in ports}
        for arguments, sentence in told.items():
            assert _cli.main([*arguments.split(), "--no-browser"]) == 1
            out, err = capsys.readouterr()
            assert (out, sentence in err) == ("", True), "no address that nothing answers"
    monkeypatch.setitem(sys.modules, "voila", None)
    assert _cli.main(["app", "--no-browser"]) == 1
    assert 'pip install "brocap_nb[app]"' in capsys.readouterr().err


def started(*arguments: str) -> subprocess.Popen[str]:
    settings = environment(Path.cwd()) | {"PYTHONIOENCODING": "cp1252"}
    command, pipe = [sys.executable, *arguments], subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, encoding="cp1252", env=settings)


def test_a_strict_sandbox() -> None:
    with started(*COMMAND, "sandbox", "--port=0", "--strict") as process:
        assert process.stdout is not None
        url, key = (process.stdout.readline().split()[2] for _ in range(2))
        with bn.Client(key, base_url=url) as client:
            site = {"website_url": "https://a.example/", "website_public_key": "k"}
            task = client.create_task(bn.FunCaptchaTaskProxyless(**site))
            assert client.get_task_result(task.task_id).status == "processing"
            with pytest.raises(bn.ApiError, match="ERROR_TOO_MUCH_REQUESTS"):
                client.get_task_result(task.task_id, paced=False)
        process.terminate()


def test_a_terminal_that_knows_few_characters_gets_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "\u4e2d.txt").write_text("api_key = 67b6bcbb1a728ea8d563de6d169a2057")
    demo, searched = started(*COMMAND, "demo"), started(*COMMAND, "audit", ".")
    processes = demo, searched, started("-c", PRINTED)
    (table, found, printed), errors = zip(*(one.communicate() for one in processes), strict=True)
    assert "Traceback" not in "".join(errors)
    assert "right: True" in table
    table = table.partition("some of its columns\n")[2].partition("\n\n")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "\\u4e2d.txt: line 1: looks like a key (67b6…)" in found
    assert printed.endswith(" right\n")
