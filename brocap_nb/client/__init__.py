"""Sending and waiting.

_client.py      build, send, read, record
_requests.py    the requests, before the key is put in
_submission.py  waiting for a task, within the limits
_callbacks.py   the listener for results that the service POSTs; it brings Tornado, so not here
"""

from brocap_nb.client._client import Client
from brocap_nb.client._submission import Submission

__all__ = ["Client", "Submission"]
