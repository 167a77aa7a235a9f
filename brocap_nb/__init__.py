"""brocap_nb: explore, teach and debug a task API from a notebook."""
# ruff: noqa: I001 - the names of one file stand together

from __future__ import annotations

import typing

from brocap_nb.api._answers import (
    Balance as Balance,
    CreatedTask as CreatedTask,
    TaskResult as TaskResult,
)
from brocap_nb.api._errors import (
    ApiError as ApiError,
    BadResponseError as BadResponseError,
    BroCapError as BroCapError,
    CancelledError as CancelledError,
    ExchangeError as ExchangeError,
    ExchangeNotFoundError as ExchangeNotFoundError,
    HttpError as HttpError,
    InvalidImageError as InvalidImageError,
    InvalidInputError as InvalidInputError,
    InvalidKeyError as InvalidKeyError,
    InvalidTaskError as InvalidTaskError,
    NotReadyError as NotReadyError,
    PollLimitError as PollLimitError,
    Problem as Problem,
    RequestConnectionError as RequestConnectionError,
    RequestTimeoutError as RequestTimeoutError,
    SandboxError as SandboxError,
    WaitError as WaitError,
)
from brocap_nb.api._exchange import Exchange as Exchange, Outcome as Outcome
from brocap_nb.api._facts import CATALOGUE as CATALOGUE, ErrorCode as ErrorCode, explain as explain
from brocap_nb.client import Client as Client, Submission as Submission
from brocap_nb.log import ExchangeLog as ExchangeLog, LogWarning as LogWarning
from brocap_nb.tasks._types import (
    ComplexImageTask as ComplexImageTask,
    Field as Field,
    FunCaptchaTaskProxyless as FunCaptchaTaskProxyless,
    RawTask as RawTask,
    Task as Task,
    task_from_wire as task_from_wire,
    task_types as task_types,
)

if typing.TYPE_CHECKING:
    from brocap_nb.client._callbacks import CallbackListener as CallbackListener
    from brocap_nb.sandbox import Puzzle as Puzzle
    from brocap_nb.sandbox._server import Sandbox as Sandbox
    from brocap_nb.widgets import Console as Console

__version__ = "0.1.0"

# These bring a web server, a drawing library, widgets or IPython along: loaded when first used.
_LAZY = {
    "CallbackListener": "client._callbacks",
    "Console": "widgets",
    "Puzzle": "sandbox",
    "Sandbox": "sandbox._server",
    "load_ipython_extension": "doors._magics",
}

# the classes and the catalogue, and three functions
__all__ = [name for name in sorted({*globals(), *_LAZY}) if name[0].isupper()]
__all__ += ["explain", "task_from_wire", "task_types"]

# A traceback names what a user can import, not the file that it lies in.
for _name in __all__:
    if isinstance(_public := globals().get(_name), type) and issubclass(_public, BroCapError):
        _public.__module__ = __name__


def __getattr__(name: str) -> typing.Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
