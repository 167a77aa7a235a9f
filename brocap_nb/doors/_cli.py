"""The command line: `brocap-nb demo`, `lab`, `app`, `sandbox`, `audit`."""

from __future__ import annotations

import io
import os
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import brocap_nb as bn
from brocap_nb._server import Server
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
    options.rest = rest
    if rest and options.command != "lab":
        parser.error(f"unknown argument: {rest[0]}")
    try:
        return int(options.run(options))
    except bn.BroCapError as error:
        problem = str(error)
    except ModuleNotFoundError as error:  # what a command needs is an extra of its name
        install = f'python -m pip install "brocap_nb[{options.command}]"'
        problem = f"{error.name} is not installed. Run: {install}"
    print(f"brocap-nb: {problem}", file=sys.stderr)
    return 1


def _parser() -> ArgumentParser:
    """The options, each under the name that its command's function has for it."""
    parser = ArgumentParser(
        prog="brocap-nb", description="Explore, teach and debug a task API from a notebook."
    )
    parser.add_argument("--version", action="version", version=f"brocap_nb {bn.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    several: dict[str, Any] = {"action": "append", "default": []}

    demo = commands.add_parser("demo", help="the main job in a terminal, against the sandbox")
    demo.set_defaults(run=_demo)
    demo.add_argument("--log", metavar="FOLDER", help="default: ./brocap_log")

    told = "JupyterLab on the quickstart; all options are passed on to it"
    commands.add_parser("lab", help=told).set_defaults(run=_lab)

    sandbox = commands.add_parser("sandbox", help="the sandbox service alone, for any client")
    sandbox.set_defaults(run=_sandbox)
    sandbox.add_argument("--host", default="127.0.0.1")
    sandbox.add_argument("--port", type=int, default=8765, help="default: 8765; 0: any free port")
    sandbox.add_argument("--seed", type=int, default=0, help="same seed, same pictures and keys")
    sandbox.add_argument("--balance", type=float, default=10.0, help="of the working key")
    sandbox.add_argument("--speed", type=float, default=1.0, help="2: answers in half the time")
    told = "let no poll pass that comes sooner than documented"
    sandbox.add_argument("--strict", action="store_true", help=told)
    told = "POST results to a listener there as well; may be repeated"
    sandbox.add_argument(
        "--callback-port", dest="callback_ports", type=int, metavar="PORT", help=told, **several
    )

    told = "the Console alone as a page, for visitors"
    app = commands.add_parser("app", help=told)
    app.set_defaults(run=_app)
    app.add_argument("--port", type=int, default=0, help="default: any free port")
    told = "only print the address"
    app.add_argument("--no-browser", dest="browser", action="store_false", help=told)
    app.add_argument("--host", default="127.0.0.1", help="whoever reaches it can use the page")
    told = "a name under which visitors reach it, such as that of a proxy; may be repeated"
    app.add_argument("--host-name", dest="names", metavar="NAME", help=told, **several)
    told = "visitors may type a key for the live service"
    app.add_argument("--allow-live", action="store_true", help=told)
    told = "end unused kernels; default: 30"
    app.add_argument("--idle", type=float, default=30, metavar="MINUTES", help=told)
    told = "how many at once; default: 10"
    app.add_argument("--visitors", type=int, default=10, metavar="N", help=told)

    audit = commands.add_parser("audit", help="search files for a client key that was saved")
    audit.set_defaults(run=_audit)
    audit.add_argument("paths", nargs="+", metavar="PATH", help="a notebook, log, export or folder")
    return parser


def _demo(options: Namespace) -> int:
    """Submit two tasks to the sandbox, provoke three error codes, print the tables."""
    from brocap_nb.widgets._target import provoke

    log = bn.ExchangeLog(options.log)
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
    print(frame[_SHOWN].round({"elapsed_ms": 1}).astype("string").fillna("").to_string(index=False))
    print(f"\nlog.errors()\n{log.errors(session=log.session)}")
    print(f"\nEvery request and response is kept in {log.folder}")
    return 0 if right else 1


def _sandbox(options: Namespace) -> int:
    from brocap_nb.sandbox._server import run

    names = ("host", "port", "seed", "balance", "speed", "strict", "callback_ports")
    return run(**{name: getattr(options, name) for name in names})


def _app(options: Namespace) -> int:
    from brocap_nb.doors._app import run

    with Server(options.host, options.port, error=bn.InvalidInputError) as probe:
        options.port = probe.port  # a free one for 0
    return run(options)


def _audit(options: Namespace) -> int:
    """Search files for a key; print where one stands. 1: found. 2: a path cannot be read."""
    from brocap_nb.doors._audit import audit

    key = os.environ.get(KEY_VARIABLE, "")
    report = audit(options.paths, key)
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


def _lab(options: Namespace) -> int:
    """Start JupyterLab on the quickstart and stay until it ends; it prints its address."""
    from jupyterlab.labapp import LabApp

    folder = _notebooks()
    LabApp.launch_instance(
        argv=[
            f"--LabApp.default_url=/lab/tree/{QUICKSTART}",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.root_dir={folder}",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            *options.rest,
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
    for page in (package / "notebooks").iterdir():
        if page.is_file() and not (copies / page.name).exists():  # it may have answers in it
            shutil.copy(page, copies)
    return copies


if __name__ == "__main__":
    sys.exit(main())
