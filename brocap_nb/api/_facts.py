"""What the service documents: its methods, its limits, and its error codes with their help.

Source of every fact: the BroCapGPT public API pages. What to do about a code is this project's own
advice. `CATALOGUE` is the only place where a code is described, and `ErrorCode.facts` the only one
that puts its help into words: the log, the exceptions, the views and the documentation show that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from brocap_nb import _html

METHODS: Final = ("createTask", "getTaskResult", "getBalance")
"""The methods of the API."""
BASE_URL: Final = "https://api.brocapgpt.com"

IMAGE_MIN_BYTES: Final = 100
"""Smallest picture the service takes, in bytes of the file (not of its base64)."""
IMAGE_MAX_BYTES: Final = 500_000
"""Largest picture the service takes, in bytes of the file (not of its base64)."""
POLL_INTERVAL: Final = 2.0
"""Shortest time between two `getTaskResult` requests for one task, in seconds."""
POLL_LIMIT: Final = 120
"""Most `getTaskResult` requests for one task."""
RESULT_LIFETIME: Final = 300.0
"""How long after its creation a task's result can be asked for, in seconds."""
CALLBACK_TIMEOUT: Final = 2.0
"""How long the service waits for the receiver of a callback, in seconds."""


def method_of(verb: str, url: str) -> str:
    """Return the API's method that a request calls; of another service, the verb and the path."""
    try:
        place = urlsplit(url)
    except ValueError:  # of a foreign HAR
        return f"{verb} /"
    host, last = place.hostname or "", place.path.rstrip("/").rpartition("/")[2]
    here = host in ("localhost", "::1") or host.startswith("127.")  # a sandbox
    if verb == "POST" and last in METHODS and (here or f".{host}".endswith(".brocapgpt.com")):
        return last
    return f"{verb} {place.path or '/'}"


AGAIN: Final = "same request again?"


def again(retryable: bool) -> str:
    """Answer `AGAIN`: whether the same request, unchanged, can succeed later."""
    return "Yes, later" if retryable else "No, change it first"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCode:
    """One error code of the service. The remedy is this project's own advice."""

    code: str
    """The code exactly as the service spells it (`CAPCHA` is its own spelling)."""
    meaning: str
    """What the service says with it, as a sentence."""
    remedy: str
    """What a person can do about it, as a sentence."""
    retryable: bool
    """Whether the same request, unchanged, can succeed later."""
    fields: tuple[str, ...] = ()
    """Paths in the request that it is about, such as `task.websiteURL`, if any in particular."""

    def facts(self, said: str | None = None) -> list[tuple[str, str]]:
        """Return label and text of what there is to say, for every view.

        `said` is the description that came with the code; told if it is not just the meaning.
        """
        same = (said or "").strip(" .").casefold() == self.meaning.strip(" .").casefold()
        pairs = [
            ("meaning", self.meaning),
            ("the service says", "" if same else said or ""),
            ("what to do", self.remedy),
            (AGAIN, again(self.retryable)),
            ("it is about", " or ".join(f"`{path}`" for path in self.fields)),
        ]
        return [(label, text) for label, text in pairs if text]

    def sentence(self, said: str | None = None) -> str:
        """Return the same in one line of text, for an exception or a log."""
        said = dict(self.facts(said)).get("the service says", "").rstrip(".")
        told = f" The service says: {said}." if said else ""
        return f"{self.meaning}{told} {self.remedy} {AGAIN.capitalize()} {again(self.retryable)}."

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return _html.describe(self.code, self.facts())


def rows(table: str) -> Iterator[tuple[list[str], list[str]]]:
    """Read a table of facts: each row is a line of words and, indented below it, lines of text."""
    for row in re.split(r"\n(?=\S)", table.strip()):
        head, *lines = row.splitlines()
        yield head.split(), [line.strip() for line in lines]


# The code, whether the same request can work later, the fields that it is about (see ErrorCode);
# below it a line with the meaning, then the remedy. In the order of the service's pages.
_CODES: Final = """
ERROR_KEY_DOES_NOT_EXIST  no  clientKey
    The key is unknown to the service or is malformed.
    Compare the key with the one in your account: 32 hexadecimal characters, no spaces. Correct it
    before you try again: repeated wrong keys get the address banned.
ERROR_ZERO_BALANCE  no
    The account has no money.
    Look at get_balance() and top the account up, then send the task again.
ERROR_TOO_BIG_CAPTCHA_FILESIZE  no  task.imagesBase64 task.imageUrls
    The image is over 500,000 bytes.
    Save the picture smaller, or as JPEG, until it is at most 500,000 bytes.
ERROR_ZERO_CAPTCHA_FILESIZE  no  task.imagesBase64 task.imageUrls
    The image is under 100 bytes.
    Check that the picture was really read: an empty or broken file is this small.
ERROR_NO_SUCH_CAPCHA_ID  no  taskId
    The task id is unknown, or the task is over 5 minutes old.
    Use the taskId that createTask returned, with the same key, within 5 minutes; if it is older,
    create the task anew.
WRONG_CAPTCHA_ID  no  taskId
    The task id is unknown, or the task is over 5 minutes old.
    Use the taskId that createTask returned, as an integer; if it is older than 5 minutes, create
    the task anew.
ERROR_CAPTCHA_UNSOLVABLE  no  task.imagesBase64 task.imageUrls task.metadata.Task
    Not supported, no answer in the image, or a damaged image.
    Look at the picture and the question: does one fit the other, and does the picture open? Then
    create a new task.
CAPTCHA_NOT_READY  later
    The task is not solved yet.
    Ask again in 2 seconds or later.
ERROR_IP_NOT_ALLOWED  no
    This key may not be used from this address.
    Add this machine's address to the key's list of allowed addresses.
ERROR_IP_BANNED  later  clientKey
    Too many requests with a wrong key came from this address.
    Stop sending, wait about 10 minutes, correct the key, then try once.
ERROR_IP_BLOCKED  later
    This address made too many errors.
    Stop sending, look at log.errors() for what went wrong before, and repair that.
ERROR_NO_SUCH_METHOD  no  task.type
    The value of `type` is wrong, or there is no such API method.
    Check the spelling of the task's type and of the method: createTask, getTaskResult, getBalance.
ERROR_TOO_MUCH_REQUESTS  later
    Results of one task were asked for too often.
    Keep 2 seconds between two requests for one task, and at most 120 in all; submit() and resume()
    do so.
ERROR_DOMAIN_NOT_ALLOWED  no  task.websiteURL
    The service does not take tasks for this domain.
    Check websiteURL; a domain that the service refuses cannot be used.
ERROR_TOKEN_EXPIRED  no  task.data
    The one-time extra token (`data`) has expired.
    Get a fresh value for `data` from your page and create the task with it at once.
ERROR_NO_SLOT_AVAILABLE  later
    No server is free.
    Wait a few seconds and create the task again.
ERROR_RECAPTCHA_INVALID_SITEKEY  no  task.websitePublicKey
    The site key is wrong.
    Copy the public key from your page once more.
ERROR_RECAPTCHA_INVALID_DOMAIN  no  task.websiteURL
    The site key does not belong to this domain.
    Give the websiteURL of the very page that the site key was made for.
ERROR_RECAPTCHA_TIMEOUT  later
    Recognition took too long.
    Create the task again.
ERROR_PROXY_CONNECT_REFUSED  later
    The proxy could not be reached.
    Check the proxy's address, port, user and password, and that it is running.
ERROR_PROXY_BANNED  no
    The proxy's address is banned.
    The task cannot be done through this proxy; do not send it again unchanged.
ERROR_TASK_NOT_SUPPORTED  no  task.type task.class
    The task's type is wrong or not supported.
    Check the spelling of `type` and, for an image task, of `class`.
ERROR_TASK_ABSENT  no  task
    There is no `task` object, or the body is not valid JSON.
    Look at the request in the log: it needs a `task` that is a JSON object.
"""

CATALOGUE: Final[Mapping[str, ErrorCode]] = MappingProxyType(
    {
        code: ErrorCode(
            code=code,
            meaning=meaning,
            remedy=" ".join(remedy),
            retryable=later == "later",
            fields=tuple(fields),
        )
        for (code, later, *fields), (meaning, *remedy) in rows(_CODES)
    }
)
"""Every documented code, in the order of the service's pages."""


def explain(code: str) -> ErrorCode:
    """Return the entry of `code`; for a code outside the catalogue, one that says so.

    A code that nobody has documented may come any day. It is kept and shown as it came.

    >>> bn.explain("ERROR_NO_SLOT_AVAILABLE").remedy
    'Wait a few seconds and create the task again.'
    >>> bn.explain("ERROR_OF_TOMORROW").meaning
    'The public API pages do not list this code.'
    """
    return CATALOGUE.get(code) or ErrorCode(
        code=code,
        meaning="The public API pages do not list this code.",
        remedy="Read the description that came with it, and the whole answer in the log.",
        retryable=False,
    )
