"""brocap_nb: explore, teach and debug a task API from a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from brocap_nb.api._answers import Balance, CreatedTask, TaskResult
from brocap_nb.api._errors import (
    ApiError,
    BadResponseError,
    BroCapError,
    CancelledError,
    ExchangeError,
    ExchangeNotFoundError,
    HttpError,
    InvalidImageError,
    InvalidInputError,
    InvalidKeyError,
    InvalidTaskError,
    NotReadyError,
    PollLimitError,
    Problem,
    RequestConnectionError,
    RequestTimeoutError,
    SandboxError,
    WaitError,
)
from brocap_nb.api._exchange import Exchange, Outcome
from brocap_nb.api._facts import CATALOGUE, ErrorCode, explain
from brocap_nb.client._client import Client
from brocap_nb.client._submission import Submission
from brocap_nb.log import ExchangeLog, LogWarning
from brocap_nb.tasks._types import (
    ComplexImageTask,
    Field,
    FunCaptchaTaskProxyless,
    RawTask,
    Task,
    task_from_wire,
    task_types,
)

if TYPE_CHECKING:
    from brocap_nb.client._callbacks import CallbackListener
    from brocap_nb.sandbox import Puzzle
    from brocap_nb.sandbox._server import Sandbox
    from brocap_nb.widgets import Console

__version__ = "0.1.0"

__all__ = [
    "CATALOGUE",
    "ApiError",
    "BadResponseError",
    "Balance",
    "BroCapError",
    "CallbackListener",
    "CancelledError",
    "Client",
    "ComplexImageTask",
    "Console",
    "CreatedTask",
    "ErrorCode",
    "Exchange",
    "ExchangeError",
    "ExchangeLog",
    "ExchangeNotFoundError",
    "Field",
    "FunCaptchaTaskProxyless",
    "HttpError",
    "InvalidImageError",
    "InvalidInputError",
    "InvalidKeyError",
    "InvalidTaskError",
    "LogWarning",
    "NotReadyError",
    "Outcome",
    "PollLimitError",
    "Problem",
    "Puzzle",
    "RawTask",
    "RequestConnectionError",
    "RequestTimeoutError",
    "Sandbox",
    "SandboxError",
    "Submission",
    "Task",
    "TaskResult",
    "WaitError",
    "explain",
    "task_from_wire",
    "task_types",
]

# These bring a web server, a drawing library, widgets or IPython along: loaded when first used.
_LAZY = {
    "CallbackListener": "client._callbacks",
    "Console": "widgets",
    "Puzzle": "sandbox",
    "Sandbox": "sandbox._server",
    "load_ipython_extension": "doors._magics",
    "unload_ipython_extension": "doors._magics",
}

# A traceback names what a user can import, not the file that it lies in.
for _name in __all__:
    if isinstance(_public := globals().get(_name), type) and issubclass(_public, BroCapError):
        _public.__module__ = __name__


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
