"""In a real kernel: a cell that is run again leaves one console, one sandbox and no threads."""

from __future__ import annotations

from jupyter_client.manager import start_new_kernel

MAKE = """
import threading
import ipywidgets
from brocap_nb import session
from brocap_nb.widgets import Console
"""
CELL = "console = Console()\nconsole"
COUNT = """
print(len(ipywidgets.Widget.get_manager_state()["state"]),
      sorted(t.name for t in threading.enumerate() if "brocap" in t.name),
      len(console.log._listeners), session._sandbox is console.target.sandbox(),
      len(session._users))
"""


def run(*cells: tuple[str, str]) -> list[str]:
    """Run cells, each with the id that a front end tells, and return what they print."""
    printed = []
    manager, client = start_new_kernel()
    try:
        for cell_id, source in cells:
            content = {"code": source, "silent": False, "store_history": True}
            message = client.session.msg("execute_request", content)
            message["metadata"]["cellId"] = cell_id
            client.shell_channel.send(message)
            while True:
                told = client.get_iopub_msg(timeout=120)
                if told["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                    continue
                assert told["msg_type"] != "error", told["content"]["traceback"]
                if told["msg_type"] == "stream":
                    printed.append(told["content"]["text"].strip())
                if told["content"].get("execution_state") == "idle":
                    break
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return printed


def test_running_a_cell_again_replaces_its_console() -> None:
    once, again, other = run(
        ("a", MAKE),
        ("b", CELL),
        ("c", COUNT),
        ("b", CELL),
        ("b", CELL),
        ("c", COUNT),
        ("d", CELL),
        ("c", COUNT),
    )
    assert once == again  # no model, no thread and no listener more
    assert once.endswith("True 1")
    assert other.endswith("True 2")  # another cell has one of its own
    assert int(other.split()[0]) > int(once.split()[0])
