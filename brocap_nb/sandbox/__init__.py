"""The service on this machine: on loopback, it keeps the documented rules without an account.

request ─► _server.py ─► _rules.py ─► answer          the shell │ the rules, without a socket
              │              ├─ _recipes.py           how each error code is provoked
              │              └─ _puzzles.py           pictures whose answer is known
              ├─ _recorded.py                         a recorded log instead of the rules
              ├─ _faults.py                           what can go wrong on the way, on request
              └─ _page.py                             the page at GET /
_shared.py       the sandbox and the log that the views of one kernel share
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from brocap_nb.sandbox._puzzles import Puzzle

if TYPE_CHECKING:
    from brocap_nb.sandbox._server import Sandbox

__all__ = ["Puzzle", "Sandbox"]


def __getattr__(name: str) -> Any:
    # tornado is loaded when the first sandbox is asked for, not with the package
    if name == "Sandbox":
        from brocap_nb.sandbox._server import Sandbox

        return Sandbox
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
