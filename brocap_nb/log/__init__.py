"""What went and came: a durable, append-only record of every HTTP attempt.

_journal.py       the lines and pictures on disk: written, and read
_rows.py          rows in the kernel, and the frame; _segments.py: columns kept beside the lines
_folders.py       what other processes write, in one folder or many: read on, follow, tell
_recorder.py      begin, send, finish; any `requests.Session` recorded
_log.py           ExchangeLog, all of it for users
summaries.py      errors, latency, tasks, timeline, over any engine; engines.py: the folder
                  read by another engine
_tables.py        how the log and its summaries look; _swimlane.py
_search.py        pages of rows; _export.py: HAR, cURL, Python; _diff.py: two exchanges
"""

from brocap_nb.api._exchange import Exchange, Outcome
from brocap_nb.log._journal import LogWarning
from brocap_nb.log._log import ExchangeLog

__all__ = ["Exchange", "ExchangeLog", "LogWarning", "Outcome"]
