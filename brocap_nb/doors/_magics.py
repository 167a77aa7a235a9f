"""IPython magics: `%load_ext brocap_nb`, then `%%brocap createTask` and `%brocap log`.

A thin layer: what a magic returns are the objects of the Python face. A mistake is told in a few
lines instead of a traceback, and still ends a run of the whole notebook.
"""

from __future__ import annotations

import json
import keyword
import os
import re
from argparse import REMAINDER, Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher
from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments
from IPython.display import display
from IPython.utils.process import arg_split

from brocap_nb import _html
from brocap_nb.api import _answers
from brocap_nb.api._errors import (
    ApiError,
    BroCapError,
    CancelledError,
    InvalidInputError,
    InvalidKeyError,
    InvalidTaskError,
)
from brocap_nb.api._facts import CATALOGUE, ErrorCode, explain
from brocap_nb.api._secrets import KEY_VARIABLE
from brocap_nb.client import _requests
from brocap_nb.client._client import Client
from brocap_nb.doors._cell import HELP, masked, near, read_object, task_words
from brocap_nb.sandbox._shared import acquire_sandbox, release_sandbox, shared_log
from brocap_nb.tasks._types import task_from_wire
from brocap_nb.widgets._provoke import provoke

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from brocap_nb.client._submission import Submission
    from brocap_nb.log import ExchangeLog
    from brocap_nb.sandbox import Sandbox

_EXAMPLE: Final = '{"type": "FunCaptchaTaskProxyless", "websiteURL": "…", "websitePublicKey": "…"}'
# What a line may end with: `;`, or a note.
_TAIL: Final = re.compile(r"""((?:"[^"]*"|'[^']*'|[^"'])*?)\s*;?(?:\s+#.*|\s*)""", re.DOTALL)

_Method = TypeVar("_Method", bound=Callable[..., Any])

_COMMANDS: Final[dict[str, Any]] = {}
"""The first word after `%brocap`, and the method that does it; `.parser` knows its options."""

_CLIENT: Final = argument("--client", metavar="NAME")
_TARGET: Final = (
    argument("--sandbox", action="store_true"),
    argument("--live", action="store_true"),
    _CLIENT,
)
_OUTPUT: Final = argument("-o", "--out", metavar="NAME")
_WAIT: Final = argument("--wait", action="store_true")


def _command(name: str, *arguments: Any, takes_cell: bool = False) -> Callable[[_Method], _Method]:
    """Make a method a command: IPython's parser for its options, and an entry in the table."""

    def made(method: _Method) -> _Method:
        for one in reversed(arguments):
            one(method)
        command: Any = magic_arguments(f"brocap {name}")(method)
        command.parser.allow_abbrev = False
        command.takes_cell = takes_cell
        command.options = [o for one in arguments for o in one.args if o.startswith("-")]
        _COMMANDS[name] = command
        return method

    return made


@dataclass(frozen=True)
class Explanation:
    """An error code of the catalogue, and the rows of `Sandbox.recipes()` for it."""

    entry: ErrorCode
    recipes: pd.DataFrame

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        ways = [
            (how, "\n".join(f"{step['method']} {_shown_body(step)}" for step in steps))
            for how, steps in zip(self.recipes["how"], self.recipes["steps"], strict=True)
        ]
        run = ("in the sandbox", f"`%brocap recipe {self.entry.code} --run` does what is below")
        facts = [*self.entry.facts(), ("source", self.entry.source), run]
        return _html.describe(self.entry.code, facts, *ways)


@magics_class
class BroCapMagics(Magics):
    """`%brocap` and `%%brocap`."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._own: dict[str, Client] = {}

    @line_cell_magic
    def brocap(self, line: str, cell: str | None = None) -> Any:
        """Talk to the task API; `_help()` is put here."""
        try:
            return self._run(line, cell)
        except BroCapError as error:
            # IPython asks an exception how it wants to be shown
            lines = _told(error)
            error.__dict__["_render_traceback_"] = lambda: lines
            raise

    def _run(self, line: str, cell: str | None) -> Any:
        plain = _TAIL.fullmatch(line)
        name, *rest = (plain[1] if plain else line).split(None, 1) or [""]
        if not name:
            if cell is not None and cell.strip():
                raise InvalidInputError(
                    "%%brocap has no method; expected one, such as %%brocap createTask. Write it "
                    "in the cell's first line."
                )
            print(_help())
            return None
        method = _COMMANDS.get(name)
        if method is None:
            raise InvalidInputError(
                f"{masked(name)} is nothing that %brocap knows.{near(name, _COMMANDS)} Expected "
                f"one of: {', '.join(_COMMANDS)}."
            )
        options = _parsed(name, method, *rest)
        out = getattr(options, "out", None)
        if out is not None and (not out.isidentifier() or keyword.iskeyword(out)):
            raise InvalidInputError(
                f"-o got {masked(out)!r}; expected the name of a variable, such as -o answer.",
                field="o",
            )
        if cell is not None and cell.strip() and not method.takes_cell:
            raise InvalidInputError(
                f"{name} takes no cell. Write it with one percent sign: %brocap {name}"
            )
        answer = method(self, options, cell) if method.takes_cell else method(self, options)
        if out:
            self.shell.user_ns[out] = answer
        return answer

    @context_matcher(identifier="brocap_nb")
    def complete(self, context: CompletionContext) -> dict[str, Any]:
        """IPython's hook: what fits at the cursor of a line or cell of ours."""
        lines = context.full_text.split("\n")
        line = lines[context.cursor_line][: context.cursor_position]
        before = "\n".join([*lines[: context.cursor_line], line])
        typed, words = _candidates(before, context.full_text, self.shell) or ("", [])
        fitting = [word for word in words if word.strip('"').startswith(typed)]
        return {
            "completions": [SimpleCompletion(word, type="keyword") for word in fitting],
            "matched_fragment": typed,
            "ordered": True,
            "suppress": True,
        }

    def close(self) -> None:
        """Close the clients that were made here, and let go of the sandbox."""
        for client in self._own.values():
            client.close()
        self._own.clear()
        release_sandbox(self)

    # --- the API's methods ---------------------------------------------------------------

    @_command("createTask", *_TARGET, _WAIT, _OUTPUT, takes_cell=True)
    def _create_task(self, options: Namespace, cell: str | None) -> Any:
        """Create a task; the cell is the task as JSON."""
        fields = self._object(cell, f"the task, such as {_EXAMPLE}")
        if "task" in fields and "type" not in fields:
            raise InvalidTaskError(
                "The cell is a whole body of createTask; expected only its task, an object with "
                "a type. Leave out what is around it.",
                field="task",
            )
        task = task_from_wire(fields)
        client = self._client(options)
        if options.wait:
            return self._waited(client.submit(task))
        return client.create_task(task)

    @_command(
        "getTaskResult",
        argument("task_id", metavar="TASK_ID", nargs="?", type=int),
        *_TARGET,
        _WAIT,
        _OUTPUT,
        takes_cell=True,
    )
    def _get_task_result(self, options: Namespace, cell: str | None) -> Any:
        """Ask for a task's result; the cell is the body, such as {"taskId": 1}."""
        if options.task_id is not None:
            if cell is not None and cell.strip():
                raise InvalidInputError(
                    "There is a cell as well. The taskId is given in the line already. Leave one "
                    "of them out."
                )
            fields: dict[str, Any] = {"taskId": options.task_id}
        else:
            fields = self._object(cell, 'a taskId, such as {"taskId": 1}')
        task_id: Any = fields.get("taskId")
        client = self._client(options)
        plain = isinstance(task_id, int) and not isinstance(task_id, bool) and len(fields) == 1
        if options.wait:
            if not plain:
                raise InvalidInputError(
                    "--wait needs a taskId that is a whole number, and nothing else. Leave --wait "
                    "out to send the body as it is.",
                    field="taskId",
                )
            return self._waited(client.resume(task_id))
        if plain:
            return client.get_task_result(task_id)
        return client.send(_requests.call("getTaskResult", fields))

    @_command("getBalance", *_TARGET, _OUTPUT, takes_cell=True)
    def _get_balance(self, options: Namespace, cell: str | None) -> Any:
        """Ask for the account's balance."""
        fields = self._object(cell, "an object, such as {}") if cell and cell.strip() else {}
        return self._client(options).send(_requests.call("getBalance", fields))

    @_command("balance", *_TARGET, _OUTPUT)
    def _balance(self, options: Namespace) -> Any:
        """The same as getBalance, in a line."""
        return self._get_balance(options, None)

    # --- the log -------------------------------------------------------------------------

    @_command("log", _CLIENT, argument("query", nargs=REMAINDER))
    def _log_rows(self, given: Namespace) -> Any:
        """The log; with a query, those of its rows that fit it. Times are in UTC."""
        log = self._log(given)
        query = " ".join(given.query)
        if not query:
            return log
        frame = log.frame()
        options = {"engine": "python", "local_dict": self.shell.user_ns}
        try:
            try:
                return frame.query(query, **options)
            except InvalidInputError:  # it compares with a time without a zone: UTC is meant
                naive = frame.assign(started_at=frame["started_at"].dt.tz_localize(None))
                return frame.loc[naive.query(query, **options).index]
        except Exception as error:  # an expression of the user's may end in any of them
            unknown = re.search(r"name '(\w+)' is not defined", str(error))
            meant = near(unknown[1], frame.columns) if unknown is not None else ""
            raise InvalidInputError(
                f"{masked(query)} is no query that pandas understands: "
                f"{masked(str(error)) or type(error).__name__}.{meant} Expected a comparison of "
                f'columns, such as outcome == "api_error". The columns are: '
                f"{', '.join(frame.columns)}.",
                field="query",
            ) from None

    @_command("errors", _CLIENT)
    def _errors(self, options: Namespace) -> Any:
        """One row per error code that came: meaning, remedy, example."""
        return self._log(options).errors()

    @_command("tasks", _CLIENT)
    def _tasks(self, options: Namespace) -> Any:
        """One row per createTask, its polls and callbacks folded in."""
        return self._log(options).tasks()

    @_command("latency", _CLIENT)
    def _latency(self, options: Namespace) -> Any:
        """How long answers took, by method and task type."""
        return self._log(options).latency()

    @_command("timeline", argument("task_id", metavar="TASK_ID", type=int), _CLIENT)
    def _timeline(self, options: Namespace) -> Any:
        """Every exchange and callback of one task, in order."""
        return self._log(options).timeline(options.task_id)

    # --- the sandbox ---------------------------------------------------------------------

    @_command("sandbox")
    def _show_sandbox(self, options: Namespace) -> Sandbox:
        """The sandbox in this kernel: its address, its key, its pictures."""
        return acquire_sandbox(self)

    @_command(
        "recipe",
        argument("code", metavar="ERROR_CODE", nargs="?"),
        argument("--run", action="store_true"),
    )
    def _recipe(self, options: Namespace) -> Any:
        """What an error code means, and how to provoke it in the sandbox; --run does it."""
        recipes = acquire_sandbox(self).recipes()
        code = options.code
        if code is None:
            if options.run:
                raise InvalidInputError("--run needs an error code: %brocap recipe ERROR_… --run")
            return recipes
        if code not in CATALOGUE:
            raise InvalidInputError(
                f"{masked(code)} is no error code that the API documents."
                f"{near(code, CATALOGUE)} %brocap recipe lists all of them."
            )
        chosen = recipes[recipes["code"] == code]
        if options.run:
            return provoke(code, acquire_sandbox(self), shared_log())
        return Explanation(CATALOGUE[code], chosen)

    # --- who is asked, and where the answer goes -----------------------------------------

    def _client(self, options: Namespace) -> Client:
        """The client that the options name."""
        named = [f"--{name}" for name in ("sandbox", "live", "client") if getattr(options, name)]
        if len(named) > 1:
            raise InvalidInputError(
                f"{' and '.join(named)} are given; expected at most one of them. Leave one out."
            )
        if options.client:
            return self._client_of(options.client)
        target = "live" if options.live else "sandbox"
        if target not in self._own:
            if options.live:
                if not os.environ.get(KEY_VARIABLE):
                    raise InvalidKeyError(
                        f"--live needs a key, and ${KEY_VARIABLE} is not set. Set it before the "
                        "kernel starts, or make a Client and name it: --client NAME."
                    )
                self._own[target] = Client(log=shared_log())
            else:
                sandbox = acquire_sandbox(self)
                self._own[target] = Client(sandbox.key, base_url=sandbox.url, log=shared_log())
        return self._own[target]

    def _client_of(self, name: str) -> Client:
        """The user's own client, by the name of its variable."""
        namespace = self.shell.user_ns
        found = namespace.get(name)
        if isinstance(found, Client):
            return found
        clients = [n for n, v in namespace.items() if isinstance(v, Client) and n[0] != "_"]
        what = f"is a {type(found).__name__}" if name in namespace else "is not defined"
        have = f"The clients here are: {', '.join(clients)}." if clients else "Make one first."
        raise InvalidInputError(
            f"{masked(name)} {what}; --client expected the name of a variable that holds a "
            f"Client. {have}",
            field="client",
        )

    def _object(self, cell: str | None, expected: str) -> dict[str, Any]:
        hidden = self.shell.user_ns_hidden
        own = {name: value for name, value in self.shell.user_ns.items() if name not in hidden}
        return read_object(cell, expected, own)

    def _log(self, options: Namespace) -> ExchangeLog:
        return self._client_of(options.client).log if options.client else shared_log()

    def _waited(self, run: Submission) -> _answers.TaskResult:
        """Wait in the main thread, so that Ctrl+C and the stop button end it; show how it goes."""
        handle = display(run, display_id=True)
        shown = (run.status, run.polls)
        try:
            ended = False
            while not ended:
                run.exception(0.2)
                ended = run.done()
                if shown != (shown := (run.status, run.polls)) and handle is not None:
                    handle.update(run)
        except KeyboardInterrupt:
            run.cancel()
            raise CancelledError(
                f"Stopped waiting. Task {run.task_id} goes on at the service: "
                f"%brocap getTaskResult {run.task_id}"
                if run.task_id is not None
                else "Stopped before the task had a number. %brocap log shows what was sent.",
                run.task_id,
            ) from None
        return run.result()


# --- completion ------------------------------------------------------------------------------

_LINE: Final = re.compile(r"^\s*(?:[\w.,\s]+=\s*)?%{1,2}brocap\s+(?P<rest>.*)$", re.DOTALL)
_CELL: Final = re.compile(r"^%%brocap[ \t]+(?P<method>\w+)[^\n]*\n")


def _candidates(before: str, cell: str, shell: InteractiveShell) -> tuple[str, list[str]] | None:
    """What is typed of the word at the cursor, and what it may become; None: not ours."""
    head = _CELL.match(before)
    if head is not None:
        if head["method"] != "createTask":
            return None
        return task_words(before[head.end() :], cell[head.end() :])
    line = _LINE.match(before.rsplit("\n", 1)[-1])
    if line is None:
        return None
    *words, typed = re.split(r"\s+", line["rest"].lstrip())
    if not words:
        return typed, list(_COMMANDS)
    method = _COMMANDS.get(words[0])
    if method is None:
        return None
    if typed.startswith("-"):
        return typed, list(method.options)
    if words[0] == "log":
        typed = re.split(r"\W", typed)[-1]
    return typed, list(_arguments(words[0], words[-1], shell))


def _arguments(command: str, previous: str, shell: InteractiveShell) -> Iterator[str]:
    if previous == "--client":
        yield from (n for n, v in shell.user_ns.items() if isinstance(v, Client) and n[0] != "_")
    elif command == "recipe":
        yield from CATALOGUE
    elif command == "log":
        yield from shared_log().frame(bodies=False).columns


# --- helpers of the commands -----------------------------------------------------------------


def _parsed(name: str, method: Any, text: str = "") -> Namespace:
    """Parse a command's options with IPython's parser, and tell a mistake as a sentence."""
    parser = method.parser
    usage = _usage(method)
    try:
        options, rest = parser.parse_known_args(arg_split(text, strict=True))
    except UsageError as error:
        said = masked(str(error))
        raise InvalidInputError(f"{said[:1].upper()}{said[1:]}. Expected: {usage}") from None
    except ValueError:  # shlex
        raise InvalidInputError(
            f"A quotation mark in the line of {name} is not closed. Close it."
        ) from None
    if not rest:
        return Namespace(**vars(options))
    if not rest[0].startswith("-"):
        raise InvalidInputError(f"There is a word too many. Expected: {usage}")
    option = rest[0].partition("=")[0]
    if option in ("--key", "--client-key", "-k"):
        raise InvalidInputError(
            f"There is no option {option}: a key in a cell is saved with the notebook. Set "
            f"${KEY_VARIABLE} before the kernel starts, and use --live."
        )
    raise InvalidInputError(
        f"{masked(option)} is no option of {name}.{near(option, method.options)} Expected: {usage}"
    )


def _shown_body(step: dict[str, Any]) -> str:
    fields = json.loads(step["body"])
    del fields["clientKey"]
    after = f"   (after {step['wait']:.3g} s)" if step["wait"] else ""
    return json.dumps(fields, ensure_ascii=False) + after


def _told(error: BroCapError) -> list[str]:
    """The few lines that stand in for a traceback."""
    name = type(error).__name__
    if not isinstance(error, ApiError):
        return f"{name}: {error}".split("\n")
    exchange = error.exchange
    place = f"{exchange.exchange_id}, HTTP {exchange.http_status}, in %brocap log"
    facts = [*explain(error.code).facts(error.description), ("exchange", place)]
    return [f"{name}: {error.code}", *_html.lines(facts)]


def _usage(method: Any) -> str:
    return " ".join(method.parser.format_usage().removeprefix("::").split())


def _help() -> str:
    lines = ["%brocap COMMAND [options]     in a line; %%brocap METHOD above a cell with JSON", ""]
    for method in _COMMANDS.values():
        lines += [f"  %{_usage(method)}", f"      {method.parser.description}"]
    return "\n".join([*lines, "", _TARGETS, "", HELP])


_TARGETS: Final = f"""\
Tasks go to a sandbox in this kernel: no key, no internet. --live sends them to the real
service with ${KEY_VARIABLE}; --client NAME uses a Client of yours; --wait waits for the
result; -o NAME puts the answer there. Tab completes all of it."""

# IPython shows this for `%brocap?`
BroCapMagics.brocap.__doc__ = _help()


# --- the extension ---------------------------------------------------------------------------


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics and their completions: `%load_ext brocap_nb`."""
    unload_ipython_extension(shell)
    magics = BroCapMagics(shell)
    shell.register_magics(magics)
    shell.Completer.custom_matchers.append(magics.complete)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away again: `%unload_ext brocap_nb`."""
    registered = shell.magics_manager.registry.pop("BroCapMagics", None)
    if registered is not None:
        shell.Completer.custom_matchers.remove(registered.complete)
        registered.close()
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("brocap", None)
