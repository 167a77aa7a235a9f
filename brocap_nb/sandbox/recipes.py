"""How each documented error code is provoked in the sandbox: one table.

`rules` keeps it, `Sandbox.recipes()` and the page at `GET /` show it, and a test walks it. The
codes are the service's (source: BroCapGPT public API pages); the keys, hosts and pictures that
bring them about are the sandbox's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

__all__ = ["BY_HOST", "BY_KEY", "RECIPES", "TASK_ID", "Recipe", "Step", "prepared"]

When: TypeAlias = Literal["always", "create", "first_poll", "result"]

TASK_ID: Final = "<taskId>"
"""Stands in a step's body for the `taskId` that the last createTask answered."""

TOKEN_TASK: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "type": "FunCaptchaTaskProxyless",
        "websiteURL": "https://shop.example/login",
        "websitePublicKey": "69A21A01-CC7B-B9C6-0F9A-E7FA06677FFC",
    }
)
_IMAGE_TASK: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "type": "ComplexImageTask",
        "class": "funcaptcha",
        "metadata": {"Task": "Pick the penguin"},
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a recipe."""

    method: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the body besides `clientKey` and `task`."""
    wait: float = 0.0
    """Seconds to let pass before it, at speed 1."""


_CREATE: Final = Step("createTask")
_POLL: Final = Step("getTaskResult", {"taskId": TASK_ID})
# longer than any task of the sandbox takes
_LATER: Final = Step("getTaskResult", {"taskId": TASK_ID}, wait=3.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to send so that the sandbox answers with `code`."""

    code: str
    how: str
    """What to do, as a sentence."""
    key: str = "working"
    """Name of the key in `Sandbox.keys`. Another name than `working` is itself the trigger."""
    host: str | None = None
    """Host of the task's `websiteURL` that is the trigger."""
    when: When = "create"
    """Which answer a key or host spoils: every one, createTask's, the first poll's, the result."""
    task: Mapping[str, Any] | None = field(default_factory=lambda: TOKEN_TASK)
    """The task without its picture; None if the recipe needs none."""
    picture: str | None = None
    """Name of the picture under /pictures/ that the task points to."""
    steps: tuple[Step, ...] = (_CREATE,)
    """The requests in order; the last one is answered with `code`."""


RECIPES: Final[tuple[Recipe, ...]] = (
    Recipe(
        code="ERROR_KEY_DOES_NOT_EXIST",
        how='Use keys["unknown"], or any text that is no key of the sandbox.',
        key="unknown",
        when="always",
        task=None,
        steps=(Step("getBalance"),),
    ),
    Recipe(
        code="ERROR_ZERO_BALANCE",
        how='Create a task with keys["zero_balance"], or use the balance up.',
        key="zero_balance",
    ),
    Recipe(
        code="ERROR_TOO_BIG_CAPTCHA_FILESIZE",
        how="Send a picture of over 500,000 bytes, such as /pictures/too-big.png.",
        task=_IMAGE_TASK,
        picture="too-big",
    ),
    Recipe(
        code="ERROR_ZERO_CAPTCHA_FILESIZE",
        how="Send a picture of under 100 bytes, such as /pictures/too-small.png.",
        task=_IMAGE_TASK,
        picture="too-small",
    ),
    Recipe(
        code="ERROR_NO_SUCH_CAPCHA_ID",
        how="Ask for a taskId that was never given, or one that is over 5 minutes old.",
        task=None,
        steps=(Step("getTaskResult", {"taskId": 1}),),
    ),
    Recipe(
        code="WRONG_CAPTCHA_ID",
        how='Ask for a taskId that is no number, such as "first".',
        task=None,
        steps=(Step("getTaskResult", {"taskId": "first"}),),
    ),
    Recipe(
        code="ERROR_CAPTCHA_UNSOLVABLE",
        how="Send a picture that the sandbox does not know or that is damaged, such as "
        "/pictures/damaged.png, or ask of a picture what it does not show; then ask for the "
        "result.",
        task=_IMAGE_TASK,
        picture="damaged",
        steps=(_CREATE, _LATER),
    ),
    Recipe(
        code="CAPTCHA_NOT_READY",
        how="Create a task for the host not-ready.sandbox.test: its first getTaskResult says so.",
        host="not-ready.sandbox.test",
        when="first_poll",
        steps=(_CREATE, _POLL),
    ),
    Recipe(
        code="ERROR_IP_NOT_ALLOWED",
        how='Use keys["ip_not_allowed"].',
        key="ip_not_allowed",
        when="always",
        task=None,
        steps=(Step("getBalance"),),
    ),
    Recipe(
        code="ERROR_IP_BANNED",
        how='Use keys["ip_banned"]; or send 10 wrong keys within 10 minutes, and everything from '
        "this address is answered so for 10 minutes, or until sandbox.forgive().",
        key="ip_banned",
        when="always",
        task=None,
        steps=(Step("getBalance"),),
    ),
    Recipe(
        code="ERROR_IP_BLOCKED",
        how='Use keys["ip_blocked"]; or send 10 wrong task ids, or 10 tasks at zero balance, '
        "within 10 minutes: it then lasts for 10 minutes, or until sandbox.forgive().",
        key="ip_blocked",
        when="always",
        task=None,
        steps=(Step("getBalance"),),
    ),
    Recipe(
        code="ERROR_NO_SUCH_METHOD",
        how="Leave the task's type out, or call a method that does not exist.",
        task={"websiteURL": "https://shop.example/login"},
    ),
    Recipe(
        code="ERROR_TOO_MUCH_REQUESTS",
        how="Ask for the result of one task twice within 2 seconds, or more than 120 times.",
        steps=(_CREATE, _POLL, _POLL),
    ),
    Recipe(
        code="ERROR_DOMAIN_NOT_ALLOWED",
        how="Create a task for the host refused.example.",
        host="refused.example",
    ),
    Recipe(
        code="ERROR_TOKEN_EXPIRED",
        how='Create a token task whose data is {"blob":"expired"}, as a string.',
        task={**TOKEN_TASK, "data": '{"blob":"expired"}'},
    ),
    Recipe(
        code="ERROR_NO_SLOT_AVAILABLE",
        how="Create a task for the host no-slot.sandbox.test.",
        host="no-slot.sandbox.test",
    ),
    Recipe(
        code="ERROR_NO_SLOT_AVAILABLE",
        how='Create any task with keys["no_slot"].',
        key="no_slot",
    ),
    Recipe(
        code="ERROR_RECAPTCHA_INVALID_SITEKEY",
        how="Create a token task for the host bad-sitekey.sandbox.test, or leave "
        "websitePublicKey out.",
        host="bad-sitekey.sandbox.test",
    ),
    Recipe(
        code="ERROR_RECAPTCHA_INVALID_DOMAIN",
        how="Create a token task for the host other-domain.sandbox.test, or leave websiteURL out.",
        host="other-domain.sandbox.test",
    ),
    Recipe(
        code="ERROR_RECAPTCHA_TIMEOUT",
        how="Create a task for the host recognition-timeout.sandbox.test and ask for its result.",
        host="recognition-timeout.sandbox.test",
        when="result",
        steps=(_CREATE, _LATER),
    ),
    Recipe(
        code="ERROR_PROXY_CONNECT_REFUSED",
        how="Create a task for the host proxy-refused.sandbox.test and ask for its result.",
        host="proxy-refused.sandbox.test",
        when="result",
        steps=(_CREATE, _LATER),
    ),
    Recipe(
        code="ERROR_PROXY_BANNED",
        how="Create a task for the host proxy-banned.sandbox.test and ask for its result.",
        host="proxy-banned.sandbox.test",
        when="result",
        steps=(_CREATE, _LATER),
    ),
    Recipe(
        code="ERROR_TASK_NOT_SUPPORTED",
        how="Create a task of an unknown type, or a ComplexImageTask of another class than "
        "funcaptcha.",
        task={"type": "NoSuchTask", "websiteURL": "https://shop.example/login"},
    ),
    Recipe(
        code="ERROR_TASK_ABSENT",
        how="Call createTask without a task, or send a body that is no JSON object.",
        task=None,
    ),
)
"""At least one for each documented code."""

BY_KEY: Final[Mapping[str, Recipe]] = MappingProxyType(
    {recipe.key: recipe for recipe in RECIPES if recipe.key != "working"}
)
"""The recipes that a key brings about, by the key's name."""

BY_HOST: Final[Mapping[str, Recipe]] = MappingProxyType(
    {recipe.host: recipe for recipe in RECIPES if recipe.host is not None}
)
"""The recipes that the host of a task's `websiteURL` brings about."""


def prepared(
    recipe: Recipe, keys: Mapping[str, str], url: str, speed: float = 1.0
) -> dict[str, Any]:
    """Return the recipe ready to be sent to one sandbox.

    Args:
        keys: the sandbox's keys, by name.
        url: the sandbox's address.
        speed: the sandbox's speed; waits are divided by it.

    Returns:
        `code`, `how`, `key` (the key itself), `task` (a JSON object or None) and `steps`: a list
        of `{"wait": seconds, "method": …, "body": JSON text}`, in which `TASK_ID` stands for the
        id that the last createTask answered.
    """
    key = keys[recipe.key]
    task = None if recipe.task is None else dict(recipe.task)
    if task is not None and recipe.host is not None:
        task["websiteURL"] = f"https://{recipe.host}/login"
    if task is not None and recipe.picture is not None:
        task["imageUrls"] = [f"{url}/pictures/{recipe.picture}.png"]
    steps = []
    for step in recipe.steps:
        body = {"clientKey": key, **step.fields}
        if step.method == "createTask" and task is not None:
            body["task"] = task
        wait = step.wait / speed
        steps.append({"wait": wait, "method": step.method, "body": json.dumps(body)})
    return {"code": recipe.code, "how": recipe.how, "key": key, "task": task, "steps": steps}
