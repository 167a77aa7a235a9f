"""Sending and waiting.

_client.py      build, send, read, record
_requests.py    the requests, before the key is put in
_submission.py  waiting for a task, within the limits
_callbacks.py   the listener for results that the service POSTs
"""

from typing import TYPE_CHECKING, Any

from brocap_nb.client._client import Client
from brocap_nb.client._submission import Submission

if TYPE_CHECKING:
    from brocap_nb.client._callbacks import CallbackListener

__all__ = ["CallbackListener", "Client", "Submission"]


def __getattr__(name: str) -> Any:
    # tornado is loaded when the first listener is asked for, not with the package
    if name == "CallbackListener":
        from brocap_nb.client._callbacks import CallbackListener

        return CallbackListener
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
