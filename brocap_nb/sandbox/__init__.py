"""The service on this machine: on loopback, it keeps the documented rules without an account.

request ─► _server.py ─► _rules.py ─► answer          the shell │ the rules, without a socket
              │              ├─ _recipes.py           how each error code is provoked
              │              └─ _puzzles.py           pictures whose answer is known
              ├─ _recorded.py                         a recorded log instead of the rules
              ├─ _faults.py                           what can go wrong on the way, on request
              └─ _page.py                             the page at GET /
_shared.py       the sandbox and the log that the views of one kernel share

Its server brings Tornado: `Sandbox` comes from `_server.py`, when the first one is asked for.
"""

from brocap_nb.sandbox._puzzles import Puzzle

__all__ = ["Puzzle"]
