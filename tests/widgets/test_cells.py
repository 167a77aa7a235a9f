"""In a real kernel: a cell that is run again leaves one console, one sandbox and no threads."""

from __future__ import annotations

from typing import Any

from jupyter_client.manager import start_new_kernel

MAKE = """
import threading
import ipywidgets
from brocap_nb.sandbox import _shared
from brocap_nb.widgets import Console
"""
CELL = "console = Console()\nconsole"
COUNT = """
print(len(ipywidgets.Widget.get_manager_state()["state"]),
      sorted(t.name for t in threading.enumerate() if "brocap" in t.name),
      len(console.log._listeners), _shared._sandbox is console.target.sandbox())
"""


def run(*cells: tuple[str, str]) -> list[list[dict[str, Any]]]:
    """Run cells, each with the id that a front end tells, and return the messages of each."""
    runs = []
    manager, client = start_new_kernel()
    try:
        for cell_id, source in cells:
            content = {"code": source, "silent": False, "store_history": True}
            message = client.session.msg("execute_request", content)
            message["metadata"]["cellId"] = cell_id
            client.shell_channel.send(message)
            runs.append(messages := [])
            while not messages or messages[-1]["content"].get("execution_state") != "idle":
                told = client.get_iopub_msg(timeout=120)
                if told["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                    messages.append(told)
                assert told["msg_type"] != "error", told["content"]["traceback"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return runs


def printed(messages: list[dict[str, Any]]) -> str:
    return "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream").strip()


def first(messages: list[dict[str, Any]], kind: str, words: str = "") -> int:
    """Where the first message of a kind that has these words stands."""
    found = [m["msg_type"] == kind and words in str(m["content"]) for m in messages]
    return found.index(True)


def test_a_cell_that_is_run_again_and_cells_after_it() -> None:
    again = [("b", CELL), ("b", CELL), ("c", COUNT)]
    runs = run(("a", MAKE), ("b", CELL), ("c", COUNT), *again, ("d", CELL), ("c", COUNT))
    once, thrice, other = (printed(runs[number]) for number in (2, 5, 7))
    assert once == thrice  # no model, no thread and no listener more
    assert once.endswith("True")
    assert int(other.split()[0]) > int(once.split()[0])  # another cell has one of its own
    shown = first(runs[3], "display_data", "widget-view+json")  # before the rest is made or closed
    assert first(runs[3], "comm_open", "Submit task") < shown
    assert shown < first(runs[3], "comm_open", "From an address")
    assert shown < first(runs[3], "comm_close")


def test_what_later_cells_do_to_a_console_that_is_shown_already() -> None:
    show = ("c", "from IPython.display import display\ndisplay(console); Console()")
    open_still = "print(console.board.widget.comm is not None)"
    cells = [("a", MAKE), ("b", "console = Console()"), show, show, ("d", open_still)]
    define = "import brocap_nb as bn\nclass LaterTask(bn.Task):\n    {}: str"
    cells += [("e", define.format("first")), ("f", "console.task_type.value = 'LaterTask'")]
    look = "print([v for _, v in console.task_type.options], list(console.form.inputs))"
    runs = run(*cells, ("g", define.format("second")), ("h", look))
    assert printed(runs[4]) == "True"  # the cell that shows it closes only its own
    assert "'LaterTask'" in printed(runs[-1])
    assert "['second']" in printed(runs[-1])
