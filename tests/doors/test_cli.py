"""The commands that serve something, as real processes on loopback."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from app_process import DEADLINE, AppProcess
from waiting import until

from brocap_nb.doors import _cli

PRINTED = """
import brocap_nb as bn
from brocap_nb.exercises import exercise
log = bn.ExchangeLog(":memory:")
with bn.Sandbox() as sandbox:
    client = bn.Client(sandbox.key, base_url=sandbox.url, log=log)
    puzzle = sandbox.puzzles[0]
    task = bn.ComplexImageTask.from_image(puzzle.data, question=puzzle.question)
    run = client.submit(task)
    print(sandbox, puzzle, client, task, run, run.result(), run)
    try:
        client.get_task_result(1)
    except bn.ApiError as error:
        print(error, bn.explain(error.code))
print(log, log[0], log[-1], log.frame(), log.errors(), log.latency(), log.violations())
print(log.timeline(log[0].task_id), log.to_curl(log[0].exchange_id))
print(bn.Console())
@exercise
def one(answer):
    "It is one."
    return answer == 1
print(one, one(2))
print(one(1))
"""
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., AppProcess]]:
    started: list[AppProcess] = []

    def start(*arguments: str, **variables: str) -> AppProcess:
        folder = tmp_path / f"app{len(started)}"
        folder.mkdir()
        started.append(AppProcess(folder, *arguments, **variables))
        return started[-1]

    yield start
    for app in started:
        app.close()


def fetch(url: str) -> tuple[str, str]:
    """A page and its headers; it may be asked for a moment before the server listens."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            with OPENER.open(url, timeout=DEADLINE) as answer:
                return answer.read().decode(), str(answer.headers)
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError:
            assert time.monotonic() < end
            time.sleep(0.1)


def environment_of(process: int) -> bytes:
    return Path(f"/proc/{process}/environ").read_bytes()


def test_the_app_serves_the_console_to_a_visitor(start: Callable[..., AppProcess]) -> None:
    key = secrets.token_hex(16)
    app = start(BROCAP_CLIENT_KEY=key)
    page, headers = fetch(app.url)
    assert "<title>brocap_nb Console</title>" in page
    assert "VisitorPage with a Console; tasks can go to: Sandbox on this machine\\u003e" in page
    assert "Live service" not in page

    # nothing of it comes from elsewhere, and the browser is told so
    assert "cdn" not in page.lower()
    assert "default-src 'self'" in headers
    assert "Content-Security-Policy" in headers

    # a second visitor has a kernel and a folder of their own
    fetch(app.url)
    assert len(app.visitors()) == 2
    kernels = app.kernels()
    assert len(kernels) == 2
    if sys.platform == "linux":
        assert b"JPY_PARENT_PID" in environment_of(kernels[0])
        for kernel in kernels:
            assert key.encode() not in environment_of(kernel)
            assert b"BROCAP" not in environment_of(kernel)
    assert key not in page + headers + app.printed()

    # files beside the page are not served
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(f"{app.url}voila/files/console.ipynb")
    assert refused.value.code == 403

    assert app.stop(signal.SIGINT) == 0
    assert "Traceback" not in app.printed()
    assert list(app.temporary.glob("brocap-app-*")) == []
    until(lambda: not any(Path(f"/proc/{kernel}").exists() for kernel in kernels))


def test_an_idle_kernel_ends_and_its_folder_with_it(start: Callable[..., AppProcess]) -> None:
    app = start("--idle", "0.05", "--allow-live", "--host", "127.0.0.1")
    page, _ = fetch(app.url)
    assert "tasks can go to: Sandbox on this machine, Live service" in page
    until(lambda: not app.kernels())
    until(lambda: not app.visitors())
    assert app.stop(signal.SIGTERM) == 0
    assert "Traceback" not in app.printed()


def test_the_app_takes_so_many_visitors_and_says_so(start: Callable[..., AppProcess]) -> None:
    app = start("--visitors", "1")
    fetch(app.url)
    with pytest.raises(urllib.error.HTTPError) as full:
        fetch(app.url)
    assert full.value.code == 503
    page = full.value.read().decode()
    assert "This page takes 1 visitor at once, and so many are here." in page
    assert "does not use it for 30 minutes" in page
    assert len(app.kernels()) == 1
    assert app.stop(signal.SIGINT) == 0
    assert "Traceback" not in app.printed()


@pytest.mark.parametrize("command", ["lab", "app"])
def test_a_port_that_cannot_be_had_is_a_sentence(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert _cli.main([command, "--no-browser", f"--port={port}"]) == 1
    assert _cli.main([command, "--no-browser", "--port=99999"]) == 1
    told = capsys.readouterr()
    assert told.out == ""  # no address that nothing answers
    assert f"cannot listen on 127.0.0.1, port {port}: " in told.err
    assert "cannot listen on 127.0.0.1, port 99999: " in told.err


@pytest.mark.parametrize("idle", ["0", "-1", "nan"])
def test_the_app_wants_a_time(capsys: pytest.CaptureFixture[str], idle: str) -> None:
    assert _cli.main(["app", f"--idle={idle}"]) == 1
    assert "number of minutes above 0" in capsys.readouterr().err


def test_the_app_wants_a_visitor(capsys: pytest.CaptureFixture[str]) -> None:
    assert _cli.main(["app", "--visitors=0"]) == 1
    assert "expected a number of at least 1" in capsys.readouterr().err


def test_a_terminal_that_knows_few_characters_gets_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "\u4e2d.txt").write_text("api_key = 67b6bcbb1a728ea8d563de6d169a2057")
    variables = {"PYTHONIOENCODING": "cp1252", "PYTHONPATH": str(Path(_cli.__file__).parents[2])}

    def printed(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            encoding="cp1252",
            cwd=tmp_path,
            env=os.environ | variables,
        )
        assert "Traceback" not in done.stderr
        return done.stdout

    demo = printed("-m", "brocap_nb.doors._cli", "demo")
    assert "right: True" in demo
    table = demo.partition("some of its columns\n")[2].partition("\n\n")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "\\u4e2d.txt: line 1: looks like a key (67b6…)" in printed(
        "-m", "brocap_nb.doors._cli", "audit", "."
    )
    assert printed("-c", PRINTED).endswith("\nright\n")


def test_without_voila_the_app_says_how_to_get_it(tmp_path: Path) -> None:
    # an interpreter that finds the package and its dependencies, but no Voila
    code = (
        "import sys, importlib.machinery as machinery\n"
        "class Without(machinery.PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        return None if name == 'voila' else super().find_spec(name, path, target)\n"
        "sys.meta_path = [Without if f is machinery.PathFinder else f for f in sys.meta_path]\n"
        "sys.meta_path = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
        "from brocap_nb.doors._cli import main\n"
        "sys.exit(main(['app', '--no-browser']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(_cli.__file__).parents[2])},
    )
    assert done.returncode == 1
    assert 'pip install "brocap_nb[app]"' in done.stderr
