"""IPython magics: `%load_ext brocap_nb`, then `%%brocap createTask` and `%brocap log`.

A mistake is told in a few lines instead of a traceback, and still ends a run of the notebook.
"""

from __future__ import annotations

import json
import os
import re
from argparse import REMAINDER, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Never

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display
from IPython.utils.process import arg_split

from brocap_nb.api._answers import TaskResult
from brocap_nb.api._errors import BroCapError, CancelledError, InvalidInputError, Problem
from brocap_nb.api._facts import BASE_URL, CATALOGUE, explain
from brocap_nb.api._secrets import KEY_VARIABLE
from brocap_nb.client._client import Client
from brocap_nb.sandbox._shared import shared_log, shared_sandbox
from brocap_nb.tasks._types import task_from_wire, task_types
from brocap_nb.widgets._target import provoke

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from brocap_nb.client._submission import Submission
    from brocap_nb.log import ExchangeLog


class _Parser(ArgumentParser):
    """The options of one command; a mistake in them is a sentence."""

    def error(self, message: str) -> Never:
        said = f"{message[:1].upper()}{message[1:]}"
        raise InvalidInputError(f"{said}. Expected: {self.usage_line()}")

    def usage_line(self) -> str:
        return " ".join(self.format_usage().removeprefix("usage: ").split())


def _variable(text: str) -> str:
    if not text.isidentifier():
        raise ArgumentTypeError(f"{text!r} is no name of a variable")
    return text


_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "task_id": {"metavar": "TASK_ID", "type": int},
    "code": {"metavar": "ERROR_CODE", "nargs": "?"},
    "query": {"nargs": REMAINDER},
    "--live": {"action": "store_true"},
    "--client": {"metavar": "NAME"},
    "-o": {"metavar": "NAME", "dest": "out", "type": _variable},
    "--wait": {"action": "store_true"},
    "--run": {"action": "store_true"},
}
_COMMANDS: Final = {
    "createTask": ("Create a task; the cell is the task as JSON.", "--live --client -o --wait"),
    "getTaskResult": ("Ask for a task's result.", "task_id --live --client -o --wait"),
    "getBalance": ("Ask for the account's balance.", "--live --client -o"),
    "balance": ("Ask for the account's balance.", "--live --client -o"),
    "log": (
        "The log; with a query, those of its rows that fit it. Times are in UTC.",
        "--client query",
    ),
    "errors": ("One row per error code that came: meaning, remedy, example.", "--client"),
    "tasks": ("One row per createTask, its polls and callbacks folded in.", "--client"),
    "latency": ("How long answers took, by method and task type.", "--client"),
    "timeline": ("Every exchange and callback of one task, in order.", "task_id --client"),
    "sandbox": ("The sandbox in this kernel: its address, its key, its pictures.", ""),
    "recipe": (
        "What an error code means, and how to provoke it in the sandbox; --run does it.",
        "code --run",
    ),
}
"""The first word after `%brocap`: what it does, and what may follow it."""


def _parser(name: str) -> _Parser:
    told, options = _COMMANDS[name]
    parser = _Parser(prog=f"%brocap {name}", description=told, add_help=False, allow_abbrev=False)
    either = parser.add_mutually_exclusive_group() if "--live" in options else parser
    for option in options.split():
        to = either if option in ("--live", "--client") else parser
        to.add_argument(option, **_OPTIONS[option])
    return parser


@magics_class
class BroCapMagics(Magics):
    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._own: dict[str, Client] = {}

    @line_cell_magic
    def brocap(self, line: str, cell: str = "") -> Any:
        """Talk to the task API; `_HELP` is put here."""
        try:
            return self._run(line.rstrip(" ;"), cell)
        except BroCapError as error:
            if isinstance(error, InvalidInputError):  # a key may have been typed
                error.problems = tuple(Problem(p.field, masked(str(p))) for p in error.problems)
                error.args = (masked(str(error)),)
            # IPython asks an exception how it wants to be shown
            lines = f"{type(error).__name__}: {error}".split("\n")
            error.__dict__["_render_traceback_"] = lambda: lines
            raise

    def _run(self, line: str, cell: str) -> Any:
        name, *rest = line.split(None, 1) or [""]
        if not name and not cell.strip():
            return print(_HELP)
        if name not in _COMMANDS:
            raise InvalidInputError(
                f"{name or 'An empty line'} is nothing that %brocap knows; expected one of: "
                f"{', '.join(_COMMANDS)}."
            )
        words = arg_split(*rest, strict=False) if rest else []
        options = _parser(name).parse_args(words)
        if cell.strip() and name != "createTask":
            raise InvalidInputError(
                f"{name} takes no cell. Write it with one percent sign: %brocap {name}"
            )
        answer = self._do(name, options, cell)
        if getattr(options, "out", None):
            self.shell.user_ns[options.out] = answer
        return answer

    def _do(self, name: str, options: Namespace, cell: str) -> Any:
        match name:
            case "createTask":
                hidden, known = self.shell.user_ns_hidden, self.shell.user_ns.items()
                fields = read_object(cell, {k: v for k, v in known if k not in hidden})
                task, client = task_from_wire(fields), self._client(options)
                return _waited(client.submit(task)) if options.wait else client.create_task(task)
            case "getTaskResult":
                client, number = self._client(options), options.task_id
                ask = client.get_task_result
                return _waited(client.resume(number)) if options.wait else ask(number)
            case "balance" | "getBalance":
                return self._client(options).get_balance()
            case "sandbox":
                return shared_sandbox()
            case "recipe":
                return self._recipe(options.code or "", options.run)
        log = self._named(options.client).log if options.client else shared_log()
        if name == "log":
            return self._rows(log, " ".join(options.query)) if options.query else log
        return log.timeline(options.task_id) if name == "timeline" else getattr(log, name)()

    def _rows(self, log: ExchangeLog, query: str) -> Any:
        """The log's rows that fit a query of pandas."""
        frame = log.frame()
        known: dict[str, Any] = {"engine": "python", "local_dict": self.shell.user_ns}
        try:
            try:
                return frame.query(query, **known)
            except InvalidInputError:  # it compares with a time without a zone: UTC is meant
                naive = frame.assign(started_at=frame["started_at"].dt.tz_localize(None))
                return frame.loc[naive.query(query, **known).index]
        except Exception as error:  # an expression of the user's may end in any of them
            raise InvalidInputError(
                f"{query} is no query that pandas understands: "
                f"{str(error) or type(error).__name__}. "
                'Expected a comparison of columns, such as outcome == "api_error". The columns '
                f"are: {', '.join(frame.columns)}.",
                field="query",
            ) from None

    def _recipe(self, code: str, run: bool) -> Any:
        sandbox = shared_sandbox()
        recipes = sandbox.recipes()
        if not code:
            return recipes
        if code not in CATALOGUE:
            raise InvalidInputError(
                f"{code} is no error code that the API documents; %brocap recipe lists all of them."
            )
        if run:
            return provoke(code, sandbox, shared_log())
        display(explain(code))
        told = f"In the sandbox %brocap recipe {code} --run does it."
        return print(*recipes.loc[recipes["code"] == code, "how"], told, sep="\n")

    def _client(self, options: Namespace) -> Client:
        if options.client:
            return self._named(options.client)
        sandbox = None if options.live else shared_sandbox()
        key, url = (sandbox.key, sandbox.url) if sandbox is not None else (None, BASE_URL)
        if url not in self._own:  # a sandbox that was stopped is replaced
            self._own[url] = Client(key, base_url=url, log=shared_log())
        return self._own[url]

    def _named(self, name: str) -> Client:
        found = self.shell.user_ns.get(name)
        if not isinstance(found, Client):
            raise InvalidInputError(
                f"{name} is not the name of a variable that holds a Client, as --client "
                "expects. Make one first."
            )
        return found

    @context_matcher(identifier="brocap_nb")
    def complete(self, context: CompletionContext) -> dict[str, Any]:
        """IPython's hook: what fits at the cursor of a line or cell of ours."""
        above = context.full_text.split("\n")[: context.cursor_line]
        before = "\n".join([*above, context.text_until_cursor])
        typed, words = candidates(before, context.full_text)
        fitting = [word for word in words if word.strip('"').startswith(typed)]
        shown = [SimpleCompletion(word, type="keyword") for word in fitting]
        return {"completions": shown, "matched_fragment": typed, "ordered": True, "suppress": True}


def _waited(run: Submission) -> TaskResult:
    """Wait in the main thread, so that Ctrl+C and the stop button end it; show how it goes."""
    try:
        handle = display(run, display_id=True)
        while not run.done():
            run.exception(0.2)
            handle.update(run)
    except KeyboardInterrupt:
        run.cancel()
        told = "Stopped before the task had a number. %brocap log shows what was sent."
        if (number := run.task_id) is not None:
            told = f"Stopped waiting. Task {number} goes on at the service: "
            told += f"%brocap getTaskResult {number}"
        raise CancelledError(told, number) from None
    return run.result()


# --- the cell: JSON, with a user's variables in it ---------------------------------------------

_EXPECTED: Final = 'the task, such as {"type": "FunCaptchaTaskProxyless", "websiteURL": "…"}'
_LIKE_A_KEY: Final = re.compile(r"[0-9a-f]{32,}", re.IGNORECASE)

_PIECE: Final = re.compile(r'("(?:[^"\\\n]|\\.)*+"?)|\{[^\W\d]\w*\}|\$[^\W\d]\w*')
_IN_STRING: Final = re.compile(r"\{(?:\{\w+\}|\w+)\}|\${1,2}\w+")

_CURLY: Final = ("\u201c", "\u201d", "\u201e", "\u00ab", "\u00bb", "\u2018", "\u2019")
_NO_CURLY: Final = 'a curly quotation mark ends no text; JSON wants straight ones: "'
_NO_JSON: Final = (
    (("None",), "None is Python; JSON says null"),
    (("True", "False"), "True and False are Python; JSON says true and false"),
    (("'",), "this is a single quotation mark; JSON puts names and texts into double ones"),
    (_CURLY, _NO_CURLY),
    (("\u00a0", "\u2007", "\u202f"), "this is a non-breaking space; type an ordinary one"),
    (("#", "//", "/*"), "JSON has no notes; take this one out"),
    ((";",), "JSON has no semicolon; take it out"),
    (("}", "]"), "something is missing here, or there is a comma too many before it"),
)


def read_object(cell: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Read a cell as the JSON object of a task."""

    def filled(piece: re.Match[str]) -> str:
        name = piece[0].strip("{}$")
        if piece[1]:
            return _IN_STRING.sub(put_in, piece[0])
        if name in variables:
            return _as_json(name, variables[name])
        raise InvalidInputError(
            f"{piece[0]} stands for a variable, and there is none of this name. Set it in a cell "
            "before."
        )

    def put_in(found: re.Match[str]) -> str:
        name = found[0].strip("{}$")
        if name not in variables:
            return found[0]
        if found[0].startswith(("{{", "$$")):
            return found[0][1:].replace("}}", "}")
        value = variables[name]
        return json.dumps(value if isinstance(value, str) else _as_json(name, value))[1:-1]

    try:
        # first with something as long in a variable's place: so a mistake's column is right
        json.loads(_PIECE.sub(lambda piece: piece[1] or "0".ljust(len(piece[0])), cell))
        value = json.loads(_PIECE.sub(filled, cell))
    except json.JSONDecodeError as error:
        raise InvalidInputError(_told(cell, error)) from None
    except (ValueError, RecursionError) as error:  # such as a number of thousands of digits
        raise InvalidInputError(f"The cell's JSON cannot be read: {error}.") from None
    if not isinstance(value, dict):
        raise InvalidInputError(f"The cell is JSON, but no object; expected {_EXPECTED}.")
    if "clientKey" in value or ("task" in value and "type" not in value):
        raise InvalidInputError(
            "The cell has what createTask puts around a task; expected only the task. Take it out, "
            "above all a clientKey: it is saved with the notebook. Get a new one if it was real."
        )
    return value


def _as_json(name: str, value: object) -> str:
    try:
        return json.dumps(value, allow_nan=False, default=lambda part: part.tolist())  # numpy's
    except (AttributeError, TypeError, ValueError, RecursionError):
        raise InvalidInputError(
            f"{name} cannot be written as JSON: its type is {type(value).__name__}; expected a "
            "text, a number, a list or a dict of them."
        ) from None


def _told(cell: str, error: json.JSONDecodeError) -> str:
    """A mistake in JSON, named for what it is, with the part of its line around it."""
    if not cell.strip():
        return f"The cell is empty; expected {_EXPECTED}, under the %%brocap line."
    rest = cell[error.pos :].lstrip(" \t\r\n")
    line = cell.split("\n")[error.lineno - 1]
    other = _NO_CURLY if any(mark in line for mark in _CURLY) else error.msg
    said = next((said for starts, said in _NO_JSON if rest.startswith(starts)), other)
    start = max(0, error.colno - 41)
    line = masked(line).replace("\t", " ")  # it is as long
    return (
        f"The cell is not JSON: line {error.lineno}, column {error.colno}: {said}.\n"
        f"  {line[start : start + 76]}\n  {' ' * (error.colno - 1 - start)}^"
    )


def masked(text: str) -> str:
    """Return a text with a dot for each character of what is, or looks like, a key."""
    if key := os.environ.get(KEY_VARIABLE):
        text = text.replace(key, "•" * len(key))
    return _LIKE_A_KEY.sub(lambda found: "•" * len(found[0]), text)


# --- completion and help ---------------------------------------------------------------------

_LINE: Final = re.compile(r"\s*(?:[\w.,\s]+=\s*)?%{1,2}brocap\s+(.*)")
_CELL: Final = re.compile(r"%%brocap[ \t]+createTask\b[^\n]*\n")
# Where a name begins, and what is typed of it: behind a brace or a comma outside a string.
_AT_NAME: Final = re.compile(r'(?:[^"]|"(?:[^"\\]|\\.)*+")*[{,]\s*("?)(\w*)', re.DOTALL)
_TYPE: Final = re.compile(r'"type"\s*:\s*("?)(\w*)')


def candidates(before: str, cell: str) -> tuple[str, list[str]]:
    """What is typed of the word at the end of `before`, and what it may become."""
    if (head := _CELL.match(before)) is None:
        line = _LINE.fullmatch(before.rsplit("\n", 1)[-1])
        *words, typed = re.split(r"\s+", line[1]) if line is not None else ("no command", "")
        if not words:
            return typed, list(_COMMANDS)
        if typed.startswith("-"):
            return typed, _COMMANDS.get(words[0], ("", ""))[1].split()
        return typed, list(CATALOGUE) if words[0] == "recipe" else []
    before = before[head.end() :]
    if (place := _TYPE.search(before)) is not None and place.end() == len(before):
        words = list(task_types())
    elif (place := _AT_NAME.fullmatch(before)) is not None:
        task = next((task_types().get(named[2]) for named in _TYPE.finditer(cell)), None)
        fields = task.model_fields if task is not None else {}
        known = ["type", *(info.alias or name for name, info in fields.items())]
        words = [word for word in known if f'"{word}"' not in before]
    else:
        return "", []
    return place[2], words if place[1] else [f'"{word}"' for word in words]


_USES: Final = [f"  {_parser(name).usage_line()}\n      {_COMMANDS[name][0]}" for name in _COMMANDS]
_MORE: Final = """\
Tasks go to a sandbox in this kernel: no key, no internet. --live sends them to the real
service with $BROCAP_CLIENT_KEY; --client NAME uses a Client of yours; --wait waits for the
result; -o NAME puts the answer there. Tab completes all of it.

In a cell, {name} and $name become the value of your variable `name`, as JSON:
    {"type": "MyTask", "size": {size}, "tags": $tags, "page": "https://example.com/{page}"}
Inside a string it is put in as text, and only if there is such a variable: other braces and
dollars stay as they are. Write {{name}} or $$name in a string to send {name} or $name."""

_HEAD: Final = "%brocap COMMAND [options]     in a line; %%brocap METHOD above a cell with JSON"
_HELP: Final = "\n".join([_HEAD, "", *_USES, "", _MORE])
BroCapMagics.brocap.__doc__ = _HELP  # IPython shows this for `%brocap?`


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics and their completions: `%load_ext brocap_nb`; once, if loaded again."""
    if BroCapMagics.__name__ not in shell.magics_manager.registry:
        magics = BroCapMagics(shell)
        shell.register_magics(magics)
        shell.Completer.custom_matchers.append(magics.complete)
