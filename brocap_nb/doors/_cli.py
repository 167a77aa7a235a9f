"""The command line: `brocap-nb demo`, `lab`, `app`, `sandbox`, `audit`."""

from __future__ import annotations

import argparse
import io
import os
import secrets
import shutil
import socket
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import brocap_nb as bn
from brocap_nb.api._secrets import KEY_VARIABLE, SHORTEST

QUICKSTART: Final = "01-quickstart.ipynb"
_PROVOKED: Final = (
    "ERROR_KEY_DOES_NOT_EXIST",
    "ERROR_NO_SUCH_CAPCHA_ID",
    "ERROR_TASK_NOT_SUPPORTED",
)
_SHOWN: Final = ["exchange_id", "method", "outcome", "error_code", "elapsed_ms"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may know few characters
            stream.reconfigure(errors="backslashreplace")
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    given = vars(options)
    command = given.pop("command")
    if rest and command != "lab":
        parser.error(f"unknown argument: {rest[0]}")
    if command == "lab":
        given["rest"] = rest
    doors: dict[str, Callable[..., int]]
    doors = {"demo": _demo, "lab": _lab, "sandbox": _sandbox, "app": _app, "audit": _audit}
    try:
        return doors[command](**given)
    except bn.BroCapError as error:
        print(f"brocap-nb: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    """The options, each under the name that its command's function has for it."""
    parser = argparse.ArgumentParser(
        prog="brocap-nb", description="Explore, teach and debug a task API from a notebook."
    )
    parser.add_argument("--version", action="version", version=f"brocap_nb {bn.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    served = argparse.ArgumentParser(add_help=False)
    served.add_argument("--port", type=int, default=0, help="default: any free port")
    served.add_argument(
        "--no-browser", dest="browser", action="store_false", help="only print the address"
    )

    demo = commands.add_parser("demo", help="the main job in a terminal, against the sandbox")
    demo.add_argument("--log", dest="folder", metavar="FOLDER", help="default: ./brocap_log")

    told = "JupyterLab on the quickstart; other options are passed on to it"
    commands.add_parser("lab", help=told, parents=[served])

    sandbox = commands.add_parser("sandbox", help="the sandbox service alone, for any client")
    sandbox.add_argument("--host", default="127.0.0.1")
    sandbox.add_argument("--port", type=int, default=8765, help="default: 8765; 0: any free port")
    sandbox.add_argument("--seed", type=int, default=0, help="same seed, same pictures and keys")
    sandbox.add_argument("--balance", type=float, default=10.0, help="of the working key")
    sandbox.add_argument("--speed", type=float, default=1.0, help="2: answers in half the time")
    sandbox.add_argument(
        "--strict", action="store_true", help="let no poll pass that comes sooner than documented"
    )
    sandbox.add_argument(
        "--callback-port",
        dest="callback_ports",
        type=int,
        action="append",
        default=[],
        metavar="PORT",
        help="POST results to a listener there as well; may be repeated",
    )

    app = commands.add_parser(
        "app", help="the Console alone as a page, for visitors", parents=[served]
    )
    app.add_argument("--host", default="127.0.0.1", help="whoever reaches it can use the page")
    app.add_argument(
        "--host-name",
        dest="names",
        action="append",
        default=[],
        metavar="NAME",
        help="a name under which visitors reach it, such as that of a proxy; may be repeated",
    )
    app.add_argument(
        "--allow-live", action="store_true", help="visitors may type a key for the live service"
    )
    app.add_argument(
        "--idle", type=float, default=30, metavar="MINUTES", help="end unused kernels; default: 30"
    )
    app.add_argument(
        "--visitors", type=int, default=10, metavar="N", help="how many at once; default: 10"
    )

    audit = commands.add_parser("audit", help="search files for a client key that was saved")
    audit.add_argument("paths", nargs="+", metavar="PATH", help="a notebook, log, export or folder")
    return parser


def _demo(folder: str | None) -> int:
    """Submit two tasks to the sandbox, provoke three error codes, print the tables."""
    from brocap_nb.widgets._fault_chooser import provoke

    log = bn.ExchangeLog(folder)
    with bn.Sandbox() as sandbox:
        print(f"A sandbox service runs at {sandbox.url}; its key is {sandbox.key}.\n")
        client = bn.Client(sandbox.key, base_url=sandbox.url, log=log)
        puzzle = sandbox.puzzles[0]
        picture = client.submit(bn.ComplexImageTask.from_image(puzzle.data, puzzle.question))
        token = client.submit(
            bn.FunCaptchaTaskProxyless(
                website_url="https://example.com/login",
                website_public_key="69A21A01-CC7B-B9C6-0F9A-E7FA06677FFC",
            )
        )
        print("ComplexImageTask and FunCaptchaTaskProxyless: submitted, waiting ...")
        answer = picture.result().answer or ()
        right = answer == puzzle.answer
        print(f"\n{puzzle.question}: tile {answer.index(True) + 1} (right: {right})")
        print(f"Token: {token.result().token}\n")
        for code in _PROVOKED:
            provoke(code, sandbox, log)
    print(f"Provoked on purpose: {', '.join(_PROVOKED)}\n")
    frame = log.frame(bodies=False, session=log.session)
    print(f"log.frame(): {len(frame)} exchanges, some of its columns")
    shown = frame[_SHOWN].round({"elapsed_ms": 1}).astype("string").fillna("")
    print(shown.to_string(index=False))
    print(f"\nlog.errors()\n{log.errors(session=log.session)}")
    print(f"\nEvery request and response is kept in {log.folder}")
    return 0 if right else 1


def _sandbox(**options: Any) -> int:
    from brocap_nb.sandbox._server import run

    return run(**options)


def _app(**options: Any) -> int:
    from brocap_nb.doors._app import run

    options["port"] = _free_port(options["host"], options["port"])
    return run(argparse.Namespace(**options))


def _audit(paths: Sequence[str]) -> int:
    """Search files for a key; print where one stands. 1: found. 2: a path cannot be read."""
    from brocap_nb.doors._audit import audit

    key = os.environ.get(KEY_VARIABLE, "")
    report = audit(paths, key)
    for finding in report.findings:
        print(finding)
    for path in report.unreadable:
        print(f"brocap-nb: {path}", file=sys.stderr)
    print(f"{report.files} files searched, {len(report.findings)} places found.")
    if len(key) < SHORTEST:
        print(
            f"${KEY_VARIABLE} is not set, or has fewer than {SHORTEST} characters, which any text "
            "may have by chance: only what looks like a key is searched for."
        )
    if report.findings:
        print("Clear those outputs or delete those files, and get a new key if one was shared.")
    return 1 if report.findings else 2 if report.unreadable else 0


def _free_port(host: str, port: int) -> int:
    """Return the port if it is free, or a free one for 0."""
    try:
        with socket.create_server((host, port)) as probe:
            return int(probe.getsockname()[1])
    except (OSError, OverflowError) as error:
        reason = str(getattr(error, "strerror", None) or error).rstrip(".")
        raise bn.InvalidInputError(
            f"cannot listen on {host}, port {port}: {reason}. Choose another --port; without it a "
            "free one is taken."
        ) from None


def _lab(port: int, browser: bool, rest: Sequence[str]) -> int:
    """Start JupyterLab on the quickstart and stay until it ends."""
    if find_spec("jupyterlab") is None:
        raise bn.InvalidInputError(
            'JupyterLab is not installed. Run: python -m pip install "brocap_nb[lab]"'
        )
    from jupyterlab.labapp import LabApp

    port = _free_port("127.0.0.1", port)
    folder = _notebooks()
    token = secrets.token_urlsafe(24)
    print(f"JupyterLab: http://127.0.0.1:{port}/lab/tree/{QUICKSTART}?token={token}", flush=True)
    # in the process, so that the token is in no process list
    LabApp.launch_instance(
        argv=[
            str(folder / QUICKSTART),
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={folder}",
            f"--ServerApp.open_browser={browser}",
            f"--IdentityProvider.token={token}",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            *rest,
        ]
    )
    return 0


def _notebooks() -> Path:
    """The notebooks of a clone as they are; those of an installed package as a copy here."""
    package = Path(__file__).parents[1]
    clone = package.parent / "notebooks"
    if (clone / QUICKSTART).is_file():
        return clone
    copies = Path.cwd() / "brocap_notebooks"
    copies.mkdir(exist_ok=True)
    for pattern in ("*.ipynb", "*.md"):
        for page in sorted((package / "notebooks").glob(pattern)):
            if not (copies / page.name).exists():  # it may have answers in it
                shutil.copy(page, copies)
    return copies


if __name__ == "__main__":
    sys.exit(main())
