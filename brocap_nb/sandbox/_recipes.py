"""How each documented error code is provoked in the sandbox: one table.

`rules` keeps it, `Sandbox.recipes()` and the page at `GET /` show it, and a test walks it. The
codes are the service's (source: BroCapGPT public API pages); the keys, hosts and pictures that
bring them about are the sandbox's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from brocap_nb.api._facts import rows
from brocap_nb.log._tables import ShownTable

TASK_ID: Final = "<taskId>"  # stands in a step's body for what the last createTask answered

TOKEN_TASK: Final[Mapping[str, Any]] = {
    "type": "FunCaptchaTaskProxyless",
    "websiteURL": "https://shop.example/login",
    "websitePublicKey": "69A21A01-CC7B-B9C6-0F9A-E7FA06677FFC",
}
_TASKS: Final[Mapping[str, Mapping[str, Any]]] = {
    "token": TOKEN_TASK,
    "image": {
        "type": "ComplexImageTask",
        "class": "funcaptcha",
        "metadata": {"Task": "Pick the penguin"},
    },
    "untyped": {"websiteURL": "https://shop.example/login"},
    "unknown": {"type": "NoSuchTask", "websiteURL": "https://shop.example/login"},
    "expired": {**TOKEN_TASK, "data": '{"blob":"expired"}'},
    "none": {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to send so that the sandbox answers with `code`."""

    code: str
    how: str
    key: str = "working"  # in `Sandbox.keys`; another one is itself the trigger
    host: str | None = None  # of the task's `websiteURL`, if it is the trigger
    picture: str | None = None  # under /pictures/
    task: str = "token"  # in `_TASKS`
    steps: str = "create"  # the last one is answered with `code`


# The code, and what differs from a recipe's defaults; below it what to do, as a sentence.
_TABLE: Final = """
ERROR_KEY_DOES_NOT_EXIST  key=unknown  steps=balance
    Use keys["unknown"], or any text that is no key of the sandbox.
ERROR_ZERO_BALANCE  key=zero_balance
    Create a task with keys["zero_balance"], or use the balance up.
ERROR_TOO_BIG_CAPTCHA_FILESIZE  task=image  picture=too-big
    Send a picture of over 500,000 bytes, such as /pictures/too-big.png.
ERROR_ZERO_CAPTCHA_FILESIZE  task=image  picture=too-small
    Send a picture of under 100 bytes, such as /pictures/too-small.png.
ERROR_NO_SUCH_CAPCHA_ID  steps=poll-1
    Ask for a taskId that was never given, or one that is over 5 minutes old.
WRONG_CAPTCHA_ID  steps=poll-first
    Ask for a taskId that is no number, such as "first".
ERROR_CAPTCHA_UNSOLVABLE  task=image  picture=damaged  steps=create,later
    Send a picture that the sandbox does not know or that is damaged, such as /pictures/damaged.png,
    or ask of a picture what it does not show; then ask for the result.
CAPTCHA_NOT_READY  host=not-ready.sandbox.test  steps=create,poll
    Create a task for the host not-ready.sandbox.test: its first getTaskResult says so.
ERROR_IP_NOT_ALLOWED  key=ip_not_allowed  steps=balance
    Use keys["ip_not_allowed"].
ERROR_IP_BANNED  key=ip_banned  steps=balance
    Use keys["ip_banned"]; or send 10 wrong keys within 10 minutes, and everything from this address
    is answered so for 10 minutes, or until sandbox.forgive().
ERROR_IP_BLOCKED  key=ip_blocked  steps=balance
    Use keys["ip_blocked"]; or send 10 wrong task ids, or 10 tasks at zero balance, within 10
    minutes: it then lasts for 10 minutes, or until sandbox.forgive().
ERROR_NO_SUCH_METHOD  task=untyped
    Leave the task's type out, or call a method that does not exist.
ERROR_TOO_MUCH_REQUESTS  steps=create,poll,poll,poll,poll
    Ask for the result of one task four times without a pause (with Sandbox(strict=True): twice
    within 2 seconds), or more than 120 times.
ERROR_DOMAIN_NOT_ALLOWED  host=refused.example
    Create a task for the host refused.example.
ERROR_TOKEN_EXPIRED  task=expired
    Create a token task whose data is {"blob":"expired"}, as a string.
ERROR_NO_SLOT_AVAILABLE  host=no-slot.sandbox.test
    Create a task for the host no-slot.sandbox.test.
ERROR_RECAPTCHA_INVALID_SITEKEY  host=bad-sitekey.sandbox.test
    Create a token task for the host bad-sitekey.sandbox.test, or leave websitePublicKey out.
ERROR_RECAPTCHA_INVALID_DOMAIN  host=other-domain.sandbox.test
    Create a token task for the host other-domain.sandbox.test, or leave websiteURL out.
ERROR_RECAPTCHA_TIMEOUT  host=recognition-timeout.sandbox.test  steps=create,later
    Create a task for the host recognition-timeout.sandbox.test and ask for its result.
ERROR_PROXY_CONNECT_REFUSED  host=proxy-refused.sandbox.test  steps=create,later
    Create a task for the host proxy-refused.sandbox.test and ask for its result.
ERROR_PROXY_BANNED  host=proxy-banned.sandbox.test  steps=create,later
    Create a task for the host proxy-banned.sandbox.test and ask for its result.
ERROR_TASK_NOT_SUPPORTED  task=unknown
    Create a task of an unknown type, or a ComplexImageTask of another class than funcaptcha.
ERROR_TASK_ABSENT  task=none
    Call createTask without a task, or send a body that is no JSON object.
"""


RECIPES: Final = tuple(
    Recipe(code=code, how=" ".join(how), **dict(word.split("=") for word in words))
    for (code, *words), how in rows(_TABLE)
)
"""One for each documented code."""

# those that a key brings about, by its name, and those that the host of `websiteURL` does
BY_KEY: Final = {r.key: r for r in RECIPES if r.key != "working"}
BY_HOST: Final = {r.host: r for r in RECIPES if r.host is not None}


def prepared(recipe: Recipe, keys: Mapping[str, str], url: str, speed: float) -> dict[str, Any]:
    """Return the recipe ready to be sent to one sandbox, as `Sandbox.recipes` describes it."""
    key, task = keys[recipe.key], dict(_TASKS[recipe.task])
    if recipe.host is not None:
        task["websiteURL"] = f"https://{recipe.host}/login"
    if recipe.picture is not None:
        task["imageUrls"] = [f"{url}/pictures/{recipe.picture}.png"]
    steps = []
    for step in recipe.steps.split(","):
        body: dict[str, Any] = {"clientKey": key}
        method = {"balance": "getBalance", "create": "createTask"}.get(step, "getTaskResult")
        if method == "createTask" and task:
            body["task"] = task
        if method == "getTaskResult":
            body["taskId"] = {"poll-1": 1, "poll-first": "first"}.get(step, TASK_ID)
        wait = 3.1 / speed if step == "later" else 0.0  # longer than any task of ours takes
        steps.append({"wait": wait, "method": method, "body": json.dumps(body)})
    sent = task if task and "create" in recipe.steps else None
    return {"code": recipe.code, "how": recipe.how, "key": key, "task": sent, "steps": steps}


class RecipeTable(ShownTable):
    """Prepared recipes: one row for each way to provoke an error code."""

    _title = "How to provoke each error code"
    _columns = "code how"
