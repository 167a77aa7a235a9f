"""IPython magics: `%load_ext brocap_nb`, then `%%brocap createTask` and `%brocap log`.

A thin layer: what a magic returns are the objects of the Python face. A mistake is told in a few
lines instead of a traceback, and still ends a run of the whole notebook.
"""

from __future__ import annotations

import os
import re
from argparse import REMAINDER, ArgumentParser, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Never

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display
from IPython.utils.process import arg_split

from brocap_nb.api import _answers
from brocap_nb.api._errors import (
    BroCapError,
    CancelledError,
    InvalidInputError,
    InvalidKeyError,
    InvalidTaskError,
)
from brocap_nb.api._facts import CATALOGUE, explain
from brocap_nb.api._secrets import KEY_VARIABLE
from brocap_nb.client._client import Client
from brocap_nb.doors._cell import HELP, masked, near, read_object, task_words
from brocap_nb.sandbox._shared import acquire_sandbox, release_sandbox, shared_log
from brocap_nb.tasks._types import task_from_wire
from brocap_nb.widgets._provoke import provoke

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from brocap_nb.client._submission import Submission
    from brocap_nb.log import ExchangeLog
    from brocap_nb.sandbox import Sandbox

_EXAMPLE: Final = '{"type": "FunCaptchaTaskProxyless", "websiteURL": "…", "websitePublicKey": "…"}'
# What a line may end with: `;`, or a note.
_TAIL: Final = re.compile(r"""((?:"[^"]*"|'[^']*'|[^"'])*?)\s*;?(?:\s+#.*|\s*)""", re.DOTALL)


class _Parser(ArgumentParser):
    """The options of one command; a mistake in them is a sentence."""

    def error(self, message: str) -> Never:
        said = masked(message)
        raise InvalidInputError(f"{said[:1].upper()}{said[1:]}. Expected: {self.usage_line()}")

    def usage_line(self) -> str:
        return " ".join(self.format_usage().removeprefix("usage: ").split())


_PARSERS: Final[dict[str, _Parser]] = {}
"""The first word after `%brocap`, and what may follow it."""

_Options = dict[str, dict[str, Any]]
_CLIENT: Final[_Options] = {"--client": {"metavar": "NAME"}}
_SENT: Final[_Options] = {
    "--sandbox": {"action": "store_true"},
    "--live": {"action": "store_true"},
    **_CLIENT,
    "-o": {"metavar": "NAME", "dest": "out"},
}
_WAIT: Final[_Options] = {"--wait": {"action": "store_true"}}


def _command(name: str, options: _Options) -> Callable[[Callable[..., Any]], Any]:
    """Make a method a command with these options; its docstring is the help."""

    def made(method: Callable[..., Any]) -> Callable[..., Any]:
        parser = _PARSERS[name] = _Parser(
            prog=f"%brocap {name}", description=method.__doc__, add_help=False, allow_abbrev=False
        )
        for option, settings in options.items():
            parser.add_argument(option, **settings)
        words = [option for option in options if option.startswith("-")]
        parser.set_defaults(do=method, words=words)
        return method

    return made


def _summary(name: str, told: str) -> Any:
    """A command that shows a summary of the log."""

    def shown(self: BroCapMagics, options: Namespace) -> Any:
        return getattr(self._log(options), name)()

    shown.__doc__ = told
    return _command(name, _CLIENT)(shown)


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
            return self._run(line, cell or "")
        except BroCapError as error:
            # IPython asks an exception how it wants to be shown
            lines = f"{type(error).__name__}: {error}".split("\n")
            error.__dict__["_render_traceback_"] = lambda: lines
            raise

    def _run(self, line: str, cell: str) -> Any:
        plain = _TAIL.fullmatch(line)
        name, *rest = (plain[1] if plain else line).split(None, 1) or [""]
        if not name and not cell.strip():
            print(_help())
            return None
        if name not in _PARSERS:
            raise InvalidInputError(
                f"{masked(name) or 'An empty line'} is nothing that %brocap knows."
                f"{near(name, _PARSERS)} Expected one of: {', '.join(_PARSERS)}."
            )
        try:
            words = arg_split(*rest, strict=True) if rest else []
        except ValueError:  # shlex
            raise InvalidInputError(
                f"A quotation mark in the line of {name} is not closed. Close it."
            ) from None
        options = _PARSERS[name].parse_args(words)
        out = getattr(options, "out", None)
        if out is not None and not out.isidentifier():
            raise InvalidInputError(f"-o got {masked(out)!r}; expected the name of a variable.")
        if cell.strip() and name != "createTask":
            raise InvalidInputError(
                f"{name} takes no cell. Write it with one percent sign: %brocap {name}"
            )
        options.cell = cell
        answer = options.do(self, options)
        if out:
            self.shell.user_ns[out] = answer
        return answer

    @context_matcher(identifier="brocap_nb")
    def complete(self, context: CompletionContext) -> dict[str, Any]:
        """IPython's hook: what fits at the cursor of a line or cell of ours."""
        lines = context.full_text.split("\n")
        line = lines[context.cursor_line][: context.cursor_position]
        before = "\n".join([*lines[: context.cursor_line], line])
        typed, words = _candidates(before, context.full_text)
        fitting = (word for word in words if word.strip('"').startswith(typed))
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

    @_command("createTask", _SENT | _WAIT)
    def _create_task(self, options: Namespace) -> Any:
        """Create a task; the cell is the task as JSON."""
        hidden = self.shell.user_ns_hidden
        own = {name: value for name, value in self.shell.user_ns.items() if name not in hidden}
        fields = read_object(options.cell, f"the task, such as {_EXAMPLE}", own)
        if "task" in fields and "type" not in fields:
            raise InvalidTaskError(
                "The cell is a whole body of createTask; expected only its task. Leave out what "
                "is around it.",
                field="task",
            )
        task = task_from_wire(fields)
        client = self._client(options)
        return self._waited(client.submit(task)) if options.wait else client.create_task(task)

    @_command("getTaskResult", {"task_id": {"metavar": "TASK_ID", "type": int}, **_SENT, **_WAIT})
    def _get_task_result(self, options: Namespace) -> Any:
        """Ask for a task's result."""
        client = self._client(options)
        if options.wait:
            return self._waited(client.resume(options.task_id))
        return client.get_task_result(options.task_id)

    @_command("balance", _SENT)
    @_command("getBalance", _SENT)
    def _get_balance(self, options: Namespace) -> Any:
        """Ask for the account's balance."""
        return self._client(options).get_balance()

    # --- the log -------------------------------------------------------------------------

    @_command("log", {**_CLIENT, "query": {"nargs": REMAINDER}})
    def _log_rows(self, options: Namespace) -> Any:
        """The log; with a query, those of its rows that fit it. Times are in UTC."""
        log, query = self._log(options), " ".join(options.query)
        if not query:
            return log
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
                f"{masked(query)} is no query that pandas understands: "
                f"{masked(str(error)) or type(error).__name__}. Expected a comparison of "
                f'columns, such as outcome == "api_error". The columns are: '
                f"{', '.join(frame.columns)}.",
                field="query",
            ) from None

    _errors = _summary("errors", "One row per error code that came: meaning, remedy, example.")
    _tasks = _summary("tasks", "One row per createTask, its polls and callbacks folded in.")
    _latency = _summary("latency", "How long answers took, by method and task type.")

    @_command("timeline", {"task_id": {"metavar": "TASK_ID", "type": int}, **_CLIENT})
    def _timeline(self, options: Namespace) -> Any:
        """Every exchange and callback of one task, in order."""
        return self._log(options).timeline(options.task_id)

    # --- the sandbox ---------------------------------------------------------------------

    @_command("sandbox", {})
    def _show_sandbox(self, options: Namespace) -> Sandbox:
        """The sandbox in this kernel: its address, its key, its pictures."""
        return acquire_sandbox(self)

    @_command(
        "recipe",
        {"code": {"metavar": "ERROR_CODE", "nargs": "?"}, "--run": {"action": "store_true"}},
    )
    def _recipe(self, options: Namespace) -> Any:
        """What an error code means, and how to provoke it in the sandbox; --run does it."""
        code, sandbox = options.code, acquire_sandbox(self)
        recipes = sandbox.recipes()
        if code is None and not options.run:
            return recipes
        if code not in CATALOGUE:
            raise InvalidInputError(
                f"{masked(code or 'No code')} is no error code that the API documents."
                f"{near(code or '', CATALOGUE)} %brocap recipe lists all of them."
            )
        if options.run:
            return provoke(code, sandbox, shared_log())
        display(explain(code))
        print(*recipes.loc[recipes["code"] == code, "how"], sep="\n")
        print(f"In the sandbox %brocap recipe {code} --run does it.")
        return None

    # --- who is asked, and where the answer goes -----------------------------------------

    def _client(self, options: Namespace) -> Client:
        """The client that the options name."""
        if (options.sandbox, options.live, options.client is not None).count(True) > 1:
            raise InvalidInputError("Expected at most one of --sandbox, --live and --client.")
        if options.client:
            return self._named(options.client)
        target = "live" if options.live else "sandbox"
        if target not in self._own:
            if not options.live:
                sandbox = acquire_sandbox(self)
                self._own[target] = Client(sandbox.key, base_url=sandbox.url, log=shared_log())
            elif os.environ.get(KEY_VARIABLE):
                self._own[target] = Client(log=shared_log())
            else:
                raise InvalidKeyError(
                    f"--live needs a key, and ${KEY_VARIABLE} is not set. Set it before the "
                    "kernel starts, or make a Client and name it: --client NAME."
                )
        return self._own[target]

    def _named(self, name: str) -> Client:
        """The user's own client, by the name of its variable."""
        found = self.shell.user_ns.get(name)
        if not isinstance(found, Client):
            raise InvalidInputError(
                f"{masked(name)} is not the name of a variable that holds a Client, as --client "
                "expects. Make one first."
            )
        return found

    def _log(self, options: Namespace) -> ExchangeLog:
        return self._named(options.client).log if options.client else shared_log()

    def _waited(self, run: Submission) -> _answers.TaskResult:
        """Wait in the main thread, so that Ctrl+C and the stop button end it; show how it goes."""
        handle = display(run, display_id=True)
        shown, ended = (run.status, run.polls), False
        try:
            while not ended:
                run.exception(0.2)
                ended = run.done()
                if shown != (shown := (run.status, run.polls)):
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


# --- completion and help ---------------------------------------------------------------------

_LINE: Final = re.compile(r"\s*(?:[\w.,\s]+=\s*)?%{1,2}brocap\s+(.*)")
_CELL: Final = re.compile(r"%%brocap[ \t]+createTask\b[^\n]*\n")


def _candidates(before: str, cell: str) -> tuple[str, list[str]]:
    """What is typed of the word at the cursor, and what it may become."""
    if (head := _CELL.match(before)) is not None:
        return task_words(before[head.end() :], cell[head.end() :])
    line = _LINE.fullmatch(before.rsplit("\n", 1)[-1])
    *words, typed = re.split(r"\s+", line[1]) if line is not None else ("no command", "")
    if not words:
        return typed, list(_PARSERS)
    if typed.startswith("-") and words[0] in _PARSERS:
        return typed, _PARSERS[words[0]].get_default("words")
    return typed, list(CATALOGUE) if words[0] == "recipe" else []


def _help() -> str:
    lines = ["%brocap COMMAND [options]     in a line; %%brocap METHOD above a cell with JSON", ""]
    for parser in _PARSERS.values():
        lines += [f"  {parser.usage_line()}", f"      {parser.description}"]
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
