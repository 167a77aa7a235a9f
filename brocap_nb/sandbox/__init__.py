"""A service of one's own on loopback that keeps the documented rules: no account, no internet.

    request ─► server.py ─► rules.py ─► answer          the shell │ the rules, without a socket
                  │             ├─ recipes.py           how each error code is provoked
                  │             └─ pictures.py          puzzles whose answer is known
                  ├─ recorded.py                        a recorded log instead of the rules
                  ├─ faults.py                          what can go wrong on the way, on request
                  └─ page.py                            the page at GET /

Nothing here comes from the client: the two share the facts of the API and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from brocap_nb.sandbox.pictures import Puzzle

if TYPE_CHECKING:
    from brocap_nb.sandbox.server import Sandbox

__all__ = ["Puzzle", "Sandbox"]


def __getattr__(name: str) -> Any:
    # tornado is loaded when the first sandbox is asked for, not with the package
    if name == "Sandbox":
        from brocap_nb.sandbox.server import Sandbox

        return Sandbox
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
