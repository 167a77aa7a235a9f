"""The catalogue of the service's error codes: what each means and what to do about it.

`CATALOGUE` is the only place where a code is described. The error table of the log, the
exceptions, the sandbox and the documentation all read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from brocap_nb import render

__all__ = ["CATALOGUE", "ErrorCode", "explain"]

DOCUMENTED: Final = "BroCapGPT public API pages, error codes"
UNDOCUMENTED: Final = "not in the public API pages"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCode:
    """One error code of the service, with its own help."""

    code: str
    """The code exactly as the service spells it (`CAPCHA` is its own spelling)."""
    meaning: str
    """What the service says with it, as a sentence."""
    remedy: str
    """What a person can do about it, as a sentence."""
    retryable: bool
    """Whether the same request, unchanged, can succeed later."""
    fields: tuple[str, ...] = ()
    """Paths in the request that it is about, such as `task.websiteURL`; none if it is about none
    in particular, as far as the meaning tells."""
    source: str = DOCUMENTED
    """Where the meaning comes from. The remedy is this project's own advice."""

    def facts(self) -> list[tuple[str, str]]:
        """Return label and sentence of what there is to say, for every view."""
        again = "yes, the same request can work later" if self.retryable else "no, not unchanged"
        said = [
            ("meaning", self.meaning),
            ("what to do", self.remedy),
            ("try again?", again),
            ("it is about", " or ".join(f"`{path}`" for path in self.fields)),
            ("source", self.source),
        ]
        return [(label, text) for label, text in said if text]

    def __str__(self) -> str:
        return "\n".join([self.code, *(f"  {label:<12} {text}" for label, text in self.facts())])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        facts = render.facts((label, render.words(text)) for label, text in self.facts())
        return render.bundle(render.card(self.code, facts), str(self))


_ENTRIES = (
    ErrorCode(
        code="ERROR_KEY_DOES_NOT_EXIST",
        meaning="The key is unknown to the service or is malformed.",
        remedy="Compare the key with the one in your account: 32 hexadecimal characters, no "
        "spaces. Correct it before you try again: repeated wrong keys get the address banned.",
        retryable=False,
        fields=("clientKey",),
    ),
    ErrorCode(
        code="ERROR_ZERO_BALANCE",
        meaning="The account has no money.",
        remedy="Look at get_balance() and top the account up, then send the task again.",
        retryable=False,
    ),
    ErrorCode(
        code="ERROR_TOO_BIG_CAPTCHA_FILESIZE",
        meaning="The image is over 500,000 bytes.",
        remedy="Save the picture smaller, or as JPEG, until it is at most 500,000 bytes.",
        retryable=False,
        fields=("task.imagesBase64", "task.imageUrls"),
    ),
    ErrorCode(
        code="ERROR_ZERO_CAPTCHA_FILESIZE",
        meaning="The image is under 100 bytes.",
        remedy="Check that the picture was really read: an empty or broken file is this small.",
        retryable=False,
        fields=("task.imagesBase64", "task.imageUrls"),
    ),
    ErrorCode(
        code="ERROR_NO_SUCH_CAPCHA_ID",
        meaning="The task id is unknown, or the task is over 5 minutes old.",
        remedy="Use the taskId that createTask returned, with the same key, within 5 minutes; "
        "if it is older, create the task anew.",
        retryable=False,
        fields=("taskId",),
    ),
    ErrorCode(
        code="WRONG_CAPTCHA_ID",
        meaning="The task id is unknown, or the task is over 5 minutes old.",
        remedy="Use the taskId that createTask returned, as an integer; if it is older than "
        "5 minutes, create the task anew.",
        retryable=False,
        fields=("taskId",),
    ),
    ErrorCode(
        code="ERROR_CAPTCHA_UNSOLVABLE",
        meaning="Not supported, no answer in the image, or a damaged image.",
        remedy="Look at the picture and the question: does one fit the other, and does the "
        "picture open? Then create a new task.",
        retryable=False,
        fields=("task.imagesBase64", "task.imageUrls", "task.metadata.Task"),
    ),
    ErrorCode(
        code="CAPTCHA_NOT_READY",
        meaning="The task is not solved yet.",
        remedy="Ask again in 2 seconds or later.",
        retryable=True,
    ),
    ErrorCode(
        code="ERROR_IP_NOT_ALLOWED",
        meaning="This key may not be used from this address.",
        remedy="Add this machine's address to the key's list of allowed addresses.",
        retryable=False,
    ),
    ErrorCode(
        code="ERROR_IP_BANNED",
        meaning="Too many requests with a wrong key came from this address.",
        remedy="Stop sending, wait about 10 minutes, correct the key, then try once.",
        retryable=True,
        fields=("clientKey",),
    ),
    ErrorCode(
        code="ERROR_IP_BLOCKED",
        meaning="This address made too many errors.",
        remedy="Stop sending, look at log.errors() for what went wrong before, and repair that.",
        retryable=True,
    ),
    ErrorCode(
        code="ERROR_NO_SUCH_METHOD",
        meaning="The value of `type` is wrong, or there is no such API method.",
        remedy="Check the spelling of the task's type and of the method: createTask, "
        "getTaskResult, getBalance.",
        retryable=False,
        fields=("task.type",),
    ),
    ErrorCode(
        code="ERROR_TOO_MUCH_REQUESTS",
        meaning="Results of one task were asked for too often.",
        remedy="Keep 2 seconds between two requests for one task, and at most 120 in all; "
        "submit() and resume() do so.",
        retryable=True,
    ),
    ErrorCode(
        code="ERROR_DOMAIN_NOT_ALLOWED",
        meaning="The service does not take tasks for this domain.",
        remedy="Check websiteURL; a domain that the service refuses cannot be used.",
        retryable=False,
        fields=("task.websiteURL",),
    ),
    ErrorCode(
        code="ERROR_TOKEN_EXPIRED",
        meaning="The one-time extra token (`data`) has expired.",
        remedy="Get a fresh value for `data` from your page and create the task with it at once.",
        retryable=False,
        fields=("task.data",),
    ),
    ErrorCode(
        code="ERROR_NO_SLOT_AVAILABLE",
        meaning="No server is free.",
        remedy="Wait a few seconds and create the task again.",
        retryable=True,
    ),
    ErrorCode(
        code="ERROR_RECAPTCHA_INVALID_SITEKEY",
        meaning="The site key is wrong.",
        remedy="Copy the public key from your page once more.",
        retryable=False,
        fields=("task.websitePublicKey",),
    ),
    ErrorCode(
        code="ERROR_RECAPTCHA_INVALID_DOMAIN",
        meaning="The site key does not belong to this domain.",
        remedy="Give the websiteURL of the very page that the site key was made for.",
        retryable=False,
        fields=("task.websiteURL",),
    ),
    ErrorCode(
        code="ERROR_RECAPTCHA_TIMEOUT",
        meaning="Recognition took too long.",
        remedy="Create the task again.",
        retryable=True,
    ),
    ErrorCode(
        code="ERROR_PROXY_CONNECT_REFUSED",
        meaning="The proxy could not be reached.",
        remedy="Check the proxy's address, port, user and password, and that it is running.",
        retryable=True,
    ),
    ErrorCode(
        code="ERROR_PROXY_BANNED",
        meaning="The proxy's address is banned.",
        remedy="The task cannot be done through this proxy; do not send it again unchanged.",
        retryable=False,
    ),
    ErrorCode(
        code="ERROR_TASK_NOT_SUPPORTED",
        meaning="The task's type is wrong or not supported.",
        remedy="Check the spelling of `type` and, for an image task, of `class`.",
        retryable=False,
        fields=("task.type", "task.class"),
    ),
    ErrorCode(
        code="ERROR_TASK_ABSENT",
        meaning="There is no `task` object, or the body is not valid JSON.",
        remedy="Look at the request in the log: it needs a `task` that is a JSON object.",
        retryable=False,
        fields=("task",),
    ),
)

CATALOGUE: Final[Mapping[str, ErrorCode]] = MappingProxyType({e.code: e for e in _ENTRIES})
"""Every documented code, in the order of the service's pages."""


def explain(code: str) -> ErrorCode:
    """Return the entry of `code`; for a code outside the catalogue, one that says so.

    A code that nobody has documented may come any day. It is kept and shown as it came.

    >>> bn.explain("ERROR_NO_SLOT_AVAILABLE").remedy
    'Wait a few seconds and create the task again.'
    >>> bn.explain("ERROR_OF_TOMORROW").meaning
    'The public API pages do not list this code.'
    """
    known = CATALOGUE.get(code)
    if known is not None:
        return known
    return ErrorCode(
        code=code,
        meaning="The public API pages do not list this code.",
        remedy="Read the description that came with it, and the whole answer in the log.",
        retryable=False,
        source=UNDOCUMENTED,
    )
