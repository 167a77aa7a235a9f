"""The command line: `brocap-nb demo`, `lab`, `app`, `sandbox`, `audit`."""

from __future__ import annotations

import io
import os
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import brocap_nb as bn
from brocap_nb.api._secrets import KEY_VARIABLE, SHORTEST

QUICKSTART: Final = "01-quickstart.ipynb"
_PROVOKED = ("ERROR_KEY_DOES_NOT_EXIST", "ERROR_NO_SUCH_CAPCHA_ID", "ERROR_TASK_NOT_SUPPORTED")
_SHOWN: Final = ["exchange_id", "method", "outcome", "error_code", "elapsed_ms"]


def main(arguments: Sequence[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may know few characters
            stream.reconfigure(errors="backslashreplace")
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    command, run = vars(options).pop("command"), vars(options).pop("run")
    if rest and command != "lab":
        parser.error(f"unknown argument: {rest[0]}")
    try:
        return int(run(options, *rest))
    except bn.BroCapError as error:
        problem = str(error)
    except ModuleNotFoundError as error:  # what a command needs is an extra of its name
        install = f'python -m pip install "brocap_nb[{command}]"'
        problem = f"{error.name} is not installed. Run: {install}"
    print(f"brocap-nb: {problem}", file=sys.stderr)
    return 1


def _parser() -> ArgumentParser:
    """The options, each under the name that its command's function has for it."""
    about = "Explore, teach and debug a task API from a notebook."
    parser = ArgumentParser(prog="brocap-nb", description=about)
    parser.add_argument("--version", action="version", version=f"brocap_nb {bn.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    several: dict[str, Any] = {"action": "append", "default": []}

    demo = commands.add_parser("demo", help="the main job in a terminal, against the sandbox")
    demo.set_defaults(run=_demo)
    demo.add_argument("--log", metavar="FOLDER", help="default: ./brocap_log")

    told = "JupyterLab on the quickstart; all options are passed on to it"
    commands.add_parser("lab", help=told).set_defaults(run=_lab)

    sandbox = commands.add_parser("sandbox", help="the sandbox service alone, for any client")
    sandbox.set_defaults(run=lambda o: import_module("brocap_nb.sandbox._server").run(**vars(o)))
    add = sandbox.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=8765, help="default: 8765; 0: any free port")
    add("--seed", type=int, default=0, help="same seed, same pictures and keys")
    add("--balance", type=float, default=10.0, help="of the working key")
    add("--speed", type=float, default=1.0, help="2: answers in half the time")
    add("--strict", action="store_true", help="let no poll pass that comes sooner than documented")
    told = "POST results to a listener there as well; may be repeated"
    add("--callback-port", dest="callback_ports", type=int, metavar="PORT", help=told, **several)

    app = commands.add_parser("app", help="the Console alone as a page, for visitors")
    app.set_defaults(run=lambda options: import_module("brocap_nb.doors._app").run(options))
    add = app.add_argument
    add("--port", type=int, default=0, help="default: any free port")
    add("--no-browser", dest="browser", action="store_false", help="only print the address")
    add("--host", default="127.0.0.1", help="whoever reaches it can use the page")
    told = "a name under which visitors reach it, such as that of a proxy; may be repeated"
    add("--host-name", dest="names", metavar="NAME", help=told, **several)
    add("--allow-live", action="store_true", help="visitors may type a key for the live service")
    told = "end unused kernels; default: 30"
    add("--idle", type=float, default=30, metavar="MINUTES", help=told)
    add("--visitors", type=int, default=10, metavar="N", help="how many at once; default: 10")

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
        page, public_key = "https://example.com/login", "69A21A01-CC7B-B9C6-0F9A-E7FA06677FFC"
        task = bn.FunCaptchaTaskProxyless(website_url=page, website_public_key=public_key)
        token = client.submit(task)
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


def _audit(options: Namespace) -> int:
    """Search files for a key; print where one stands. 1: found. 2: a path cannot be read."""
    from brocap_nb.doors._audit import audit

    key = os.environ.get(KEY_VARIABLE, "")
    findings, unreadable, files = audit(options.paths, key)
    for finding in findings:
        print(finding)
    for path in unreadable:
        print(f"brocap-nb: {path}", file=sys.stderr)
    print(f"{files} files searched, {len(findings)} places found.")
    if len(key) < SHORTEST:
        print(
            f"${KEY_VARIABLE} is not set, or has fewer than {SHORTEST} characters, which any text "
            "may have by chance: only what looks like a key is searched for."
        )
    if findings:
        print("Clear those outputs or delete those files, and get a new key if one was shared.")
    return 1 if findings else 2 if unreadable else 0


def _lab(_: Namespace, *rest: str) -> int:
    """Start JupyterLab on the quickstart and stay until it ends; it prints its address."""
    from jupyterlab.labapp import LabApp

    settings = [
        f"--LabApp.default_url=/lab/tree/{QUICKSTART}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={_notebooks()}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    LabApp.launch_instance(argv=[*settings, *rest])
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
