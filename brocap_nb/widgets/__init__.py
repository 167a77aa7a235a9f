"""What is seen and touched in a notebook. Nothing here talks to the wire.

_console.py     the Console: everything by hand; what is sent, as JSON and as Python
_forms.py       a form made from a task's class
_picture.py     the picture, and the answer on it
_submission_list.py     what was submitted, and how far it is
_target.py      where tasks go, and what shall fail
_log_board.py   the log: _rows.py, _exchange_view.py
_kit.py         what all of them are made of, and their look
"""

from brocap_nb.widgets._console import Console
from brocap_nb.widgets._forms import TaskForm
from brocap_nb.widgets._log_board import LogBoard

__all__ = ["Console", "LogBoard", "TaskForm"]
