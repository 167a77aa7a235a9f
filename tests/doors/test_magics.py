"""The magics, in a plain IPython shell and in a real kernel."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from app_process import environment
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.completer import provisionalcompleter, rectify_completions
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.manager import start_new_kernel
from peer import Peer, http
from traitlets.config import Config

import brocap_nb as bn
from brocap_nb.doors._magics import candidates, read_object
from brocap_nb.sandbox._shared import shared_log
from brocap_nb.tasks import _types

TEXT = st.text('{}$#/\\",;a\u00e9', max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
TOKEN_TASK = {
    "type": "FunCaptchaTaskProxyless",
    "websiteURL": "https://example.com/login",
    "websitePublicKey": "69A21A01-CC7B-B9C6-0F9A-E7FA06677FFC",
}


def create(options: str = "") -> str:
    return f"%%brocap createTask {options}\n{json.dumps(TOKEN_TASK)}"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: Any) -> Iterator[InteractiveShell]:
    """A shell with the magics."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    InteractiveShell.clear_instance()
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.run_line_magic("load_ext", "brocap_nb")
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture
def run(shell: InteractiveShell) -> Callable[[str], Any]:
    """Run a cell and return its value; what it raises is raised."""

    def run(cell: str) -> Any:
        result = shell.run_cell(cell)
        result.raise_error()
        return result.result

    return run


@pytest.fixture
def told(run: Any, capsys: pytest.CaptureFixture[str]) -> Callable[[str], tuple[Any, str]]:
    """Run a cell that fails; return what it raised and what a person was shown."""

    def told(cell: str) -> tuple[Any, str]:
        capsys.readouterr()
        with pytest.raises(bn.BroCapError) as caught:
            run(cell)
        return caught.value, "".join(capsys.readouterr())

    return told


def test_a_cell_is_a_task_and_a_console_shows_it(
    shell: InteractiveShell, run: Any, capsys: Any
) -> None:
    created = run(create("-o made"))
    assert isinstance(created, bn.CreatedTask)
    assert shell.user_ns["made"] is created
    console = bn.Console()
    assert console.log is run("%brocap log") is shared_log()
    assert "createTask" in console.board.list.children[1].description
    assert console.target.sandbox() is run("%brocap sandbox")
    console.close()  # the magics use the sandbox still
    result = run(f"%brocap getTaskResult {created.task_id} --wait -o answer")
    assert result.token
    assert shell.user_ns["answer"] is result
    shown = capsys.readouterr().out
    assert "status: waiting" in shown
    assert "status: ready" in shown
    assert run(create("--wait")).token != result.token
    frame = shared_log().frame()
    assert set(frame["outcome"]) <= {"ok", "processing"}
    assert frame["task_type"][0] == "FunCaptchaTaskProxyless"
    assert isinstance(run(f"%brocap getTaskResult {created.task_id}"), bn.TaskResult)


def test_a_client_of_the_users(
    shell: InteractiveShell, run: Any, client: bn.Client, peer: Peer
) -> None:
    peer.say(http(b'{"errorId": 0, "balance": 7.5}'))
    shell.user_ns["mine"] = client
    assert run("%brocap balance --client mine").balance == 7.5
    assert [path for path, _ in peer.requests] == ["/getBalance"]
    assert run("%brocap log --client mine") is client.log
    assert (len(client.log), len(shared_log())) == (1, 0)
    frame = run('%brocap log --client mine method == "getBalance"')
    assert list(frame["exchange_id"]) == [client.log[0].exchange_id]


def test_live_goes_to_the_live_service(run: Any, peer: Peer, key: str, monkeypatch: Any) -> None:
    # a proxy on loopback: what would leave this machine asks it for a tunnel, and gets none
    for name, value in {"https_proxy": peer.url, "no_proxy": ""}.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.upper(), value)
    with pytest.raises(bn.InvalidKeyError, match="BROCAP_CLIENT_KEY is not set"):
        run("%brocap balance --live")
    assert peer.requests == []
    peer.say(http(b"", 403))
    monkeypatch.setenv("BROCAP_CLIENT_KEY", key)
    with pytest.raises(bn.RequestConnectionError):
        run("%brocap balance --live")
    assert [path for path, _ in peer.requests] == ["api.brocapgpt.com:443"]
    assert shared_log()[0].url == "https://api.brocapgpt.com/getBalance"


def test_the_log_and_its_summaries(run: Any, told: Any) -> None:
    created = run(create("-o made ;"))
    run("made = made.task_id")
    told("%brocap getTaskResult 1")
    assert run("%brocap balance ; ").balance < 10
    assert list(run("%brocap errors")["error_code"]) == ["ERROR_NO_SUCH_CAPCHA_ID"]
    assert list(run("%brocap tasks")["task_id"]) == [created.task_id]
    assert set(run("%brocap latency")["method"]) >= {"createTask", "getTaskResult"}
    assert list(run("%brocap timeline 1")["error_code"]) == ["ERROR_NO_SUCH_CAPCHA_ID"]
    run("from datetime import datetime\nfloor, noon = 0, datetime(2024, 1, 1, 12)")
    for query, rows in (
        ('outcome == "api_error"', 1),
        ("task_id == 1 or task_id == {made}", 2),  # IPython puts it in
        ("elapsed_ms > @floor", 3),
        ("method != 'a # b;';", 3),
        ("started_at > '2024-01-01'", 3),  # a time without a zone is in UTC
        ("started_at > @noon;", 3),
        ("started_at < '2024-01-01T00:00Z'", 0),
    ):
        assert len(run(f"%brocap log {query}")) == rows, query
    found = run("%brocap log started_at < '2024-01-01' or method == 'getBalance'")
    assert str(found["started_at"].dtype).endswith("UTC]")


def test_variables_in_a_cell(shell: InteractiveShell, run: Any) -> None:
    values = {"size": 3, "tags": ["a", None], "page": 'x"y', "own": {"a": {"b": 1}}}
    shell.user_ns.update(values, last=numpy.float64(0.5), many=numpy.arange(2))
    cell = """{
        "type": "FunCaptchaTaskProxyless",
        "size": {size}, "tags":$tags, "page": {page}, "own": $own, "many": [{last}, {many}],
        "text": "{page} $size {{size}} $$size {nobody} $nobody {tags} # no note, // nor this"
    }"""
    assert read_object(cell, shell.user_ns) == {
        "type": "FunCaptchaTaskProxyless",
        **values,
        "many": [0.5, [0, 1]],
        "text": 'x"y 3 {size} $size {nobody} $nobody ["a", null] # no note, // nor this',
    }
    shell.user_ns["site"] = "https://example.com/login"
    run(create().replace('"https://example.com/login"', "{site}"))
    assert json.loads(shared_log()[0].request)["task"] == TOKEN_TASK
    shell.user_ns["odd"] = object()
    with pytest.raises(bn.InvalidInputError, match="its type is object"):
        run('%%brocap createTask\n{"type": "$odd"}')


@given(st.dictionaries(TEXT, JSON, max_size=4), st.sampled_from([None, 1]))
def test_json_is_read_as_json(value: dict[str, Any], indent: int | None) -> None:
    assert read_object(json.dumps(value, indent=indent), {}) == value


def test_a_recipe_is_told_and_done(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code = "ERROR_TOO_MUCH_REQUESTS"
    assert run(f"%brocap recipe {code}") is None
    told = " ".join(capsys.readouterr().out.split())
    assert bn.CATALOGUE[code].meaning.split("`")[0] in told
    assert f"%brocap recipe {code} --run does it" in told
    exchange = run(f"%brocap recipe {code} --run")
    assert exchange.error_code == code
    assert shared_log()[-1] == exchange
    assert set(run("%brocap recipe")["code"]) == set(bn.CATALOGUE)


def test_help_lists_the_commands(shell: InteractiveShell, run: Any, capsys: Any) -> None:
    assert run("%brocap") is None
    listed = capsys.readouterr().out
    assert listed.strip() in shell.object_inspect_text("%brocap")
    assert "%brocap createTask [--live | --client NAME] [-o NAME] [--wait]" in listed
    for word in ("getTaskResult", "getBalance", "log", "errors", "recipe", "{name} and $name"):
        assert word in listed
    before, sandbox = len(shell.Completer.custom_matchers), run("%brocap sandbox")
    run("%reload_ext brocap_nb")  # which changes nothing
    assert len(shell.Completer.custom_matchers) == before
    assert run("%brocap sandbox") is sandbox
    console = bn.Console()
    for _ in range(2):  # one that was stopped is replaced, for both
        assert run("%brocap balance") == console.target.client().get_balance()
        run("%brocap sandbox").stop()
    console.close()


def test_a_mistake_in_the_json_is_pointed_at(told: Any) -> None:
    lines = told('%%brocap createTask\n{\n  "type": "A",\n  "websiteURL" "b"\n}')[1].splitlines()
    assert "line 3, column 16" in lines[0]
    assert lines[1].index('"b"') == lines[2].index("^")
    long = '{"type": "A", "x": "' + "y" * 5_000 + '", oops, "z": "' + "y" * 5_000 + '"}'
    lines = told(f"%%brocap createTask\n{long}")[1].splitlines()
    assert lines[1][lines[2].index("^") :].startswith("oops")
    assert max(map(len, lines)) < 120


WRONG = {  # what stands behind %brocap or %%brocap, with a cell below; and what is said to it
    "errors\nx": "errors takes no cell",
    "creatTask": "expected one of: createTask",
    "getTaskResult 10000000000000000000000000": "expected a whole number",
    "balance # note": "Unrecognized arguments: # note",
    "balance --clent x": "--clent x. Expected: %brocap balance [--live | --client NAME]",
    "balance -o 1st": "'1st' is no name of a variable. Expected: %brocap balance",
    "balance --live --client x": "--client: not allowed with argument --live",
    "balance --client nobody": "not the name of a variable that holds",
    "recipe ERROR_ZERO_BALNCE": "%brocap recipe lists all of them",
    "log outcome ==": "no query that pandas understands",
    "\n  \n": "The cell is empty",
    "\n[1]": "no object",
    f"\n[1{5_000 * '0'}]": "cannot be read",
    '\n{"task": {"type": "A"}}': "expected only the task",
    '\n{"type": "FunCaptchaTaskProxyless"}': "websiteURL is missing",
    '\n{"type": {no_such}}': "{no_such} stands for a variable",
    '\n{\n\u00a0"type": "a"}': "line 2, column 1: this is a non-breaking",
    "\n{\u201ctype\u201d: 1}": "column 2: a curly quotation mark ends no text",
    "\n{'type': 1}": "column 2: this is a single quotation mark",
    '\n{"type": "a"} # note': "JSON has no notes",
    '\n{"type": "a",\n}': "is not JSON: line",
    '\n{"type": "a"};': "JSON has no semicolon",
    '\n{"type": [1, True]}': "column 14: True and False are Python",
}


def test_wrong_input_gets_a_sentence_and_sends_nothing(told: Any) -> None:
    for typed, said in WRONG.items():
        command = f"createTask{typed}" if typed[0] == "\n" else typed
        magic = "%%brocap" if "\n" in typed else "%brocap"
        error, shown = told(f"{magic} {command}")
        assert isinstance(error, bn.InvalidInputError)
        assert said in shown, typed
        assert "Traceback" not in shown
        assert len(shown.splitlines()) <= 3
    assert len(shared_log()) == 0


TYPED = (
    "%%brocap createTask --key={key}\n{}",
    "%brocap {key}",
    "%brocap balance {key}",
    "%brocap balance --client {key}",
    "%brocap recipe {key}",
    '%%brocap createTask\n{"type": {{key}}}',
    '%brocap log error_code == "{key}" and and',
    '%%brocap createTask\n{"clientKey": "{key}", "task": {}}',
    '%%brocap createTask\n{"type": "a", "x": "' + "y" * 400 + '{key}", -]',
    '%%brocap createTask\n{"type": "a", "x": "{key}' + "z" * 22 + '"]',
)


def test_a_key_that_is_typed_is_not_shown(told: Any, monkeypatch: Any) -> None:
    typed = "a" + secrets.token_hex(16)[1:]
    own = "own-key-" + secrets.token_urlsafe(12).replace("-", "x")  # of any shape
    monkeypatch.setenv("BROCAP_CLIENT_KEY", own)
    for cell in TYPED:
        for key in (typed, own):
            error, shown = told(cell.replace("{key}", key))
            text = f"{shown}{error}{vars(error)}"
            assert not any(key[at : at + 10] in text for at in range(len(key) - 9)), cell
    assert len(shared_log()) == 0


COMPLETED = {
    "%bro": ("%bro", ["%brocap", "%%brocap"]),
    "rows = %brocap lat": ("lat", ["latency"]),
    "%%brocap crea": ("crea", ["createTask"]),
    "%brocap recipe ERROR_ZERO_B": ("ERROR_ZERO_B", ["ERROR_ZERO_BALANCE"]),
    "%brocap log --c": ("--c", ["--client"]),
    '%%brocap createTask\n{"type": "Fun': ("Fun", ["FunCaptchaTaskProxyless"]),
    '%%brocap createTask --wait\n{\n  "ty': ("ty", ["type"]),
    '%%brocap createTask\n{"type": "ComplexImageTask",\n "imageU': ("imageU", ["imageUrls"]),
    '%%brocap createTask\n{"type": "ComplexImageTask", cl': ("cl", ['"class"']),
}


def test_completion(shell: InteractiveShell, run: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(_types, "_registry", dict(_types._registry))

    def complete(code: str, behind: str = "") -> tuple[str, list[str]]:
        """The text that would be replaced at the end of `code`, and what is offered for it."""
        with provisionalcompleter():
            text = code + behind
            found = [*rectify_completions(text, shell.Completer.completions(text, len(code)))]
        assert {one.end for one in found} == {len(code)}
        return code[found[0].start :], [one.text for one in found]

    run("import brocap_nb as bn\nclass MyOwnTask(bn.Task):\n    page_address: str")
    run("brocap_log_size = 1")
    for code, (typed, expected) in COMPLETED.items():
        assert complete(code) == (typed, expected)
    typed_behind = '", "type": "MyOwnTask"}'
    assert complete('%%brocap createTask\n{"pa', typed_behind) == ("pa", ["pageAddress"])
    assert "brocap_log_size" in complete("1 + brocap_l")[1], "other code is left alone"
    # inside a value there is nothing to offer, however much stands before it
    for cell in (
        *("", '{"type"', '{"a": "x"', '{"a": "x, ', '{"a": "\\\\", "b": "', "x", '"' * 20_001),
        *('{"a":' * 5_000 + "[", '{"a": "' + '\\"' * 5_000 + ", "),
    ):
        text = f"%%brocap createTask\n{cell}"
        assert candidates(text, text)[1] == []


def test_in_a_kernel_an_error_is_a_line_and_one_can_stop(tmp_path: Path, request: Any) -> None:
    manager, client = start_new_kernel(cwd=str(tmp_path), env=environment(tmp_path))
    request.addfinalizer(lambda: manager.shutdown_kernel(now=True))
    request.addfinalizer(client.stop_channels)

    def run(code: str) -> list[str]:
        reply = client.execute_interactive(code, output_hook=stop, timeout=90)["content"]
        return list(reply.get("traceback", []))

    stopped: list[object] = []

    def stop(message: dict[str, Any]) -> None:
        shown = message["content"].get("data", {}).get("text/plain", "")
        if "status: waiting" in shown and not stopped:
            stopped.append(manager.interrupt_kernel())

    assert not run(
        "%load_ext brocap_nb\nimport brocap_nb as bn\nslow = bn.Sandbox(speed=0.001).start()\n"
        "to_slow = bn.Client(slow.key, base_url=slow.url)"
    )
    (line,) = run('%%brocap createTask -o unset\n{"type": "NoSuchTask"}')
    entry = bn.CATALOGUE["ERROR_TASK_NOT_SUPPORTED"]
    for part in (f"ApiError: {entry.code}: ", entry.meaning, entry.remedy, "[exchange "):
        assert part in line
    assert "NameError" in "".join(run("unset"))
    (said,) = run(create("--wait --client to_slow"))
    assert re.search(r"CancelledError: .* Task (\d+) goes on .*: %brocap getTaskResult \1$", said)
