"""Provoke an error code in the sandbox: its recipe is sent, and the exchanges are in a log."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from brocap_nb.api import _answers
from brocap_nb.api._errors import ApiError, InvalidInputError, SandboxError
from brocap_nb.api._facts import CATALOGUE
from brocap_nb.client import _requests
from brocap_nb.client._client import Client
from brocap_nb.sandbox._recipes import RECIPES, TASK_ID, prepared

if TYPE_CHECKING:
    from brocap_nb.api._exchange import Exchange
    from brocap_nb.log import ExchangeLog
    from brocap_nb.sandbox import Sandbox


def provoke(code: str, sandbox: Sandbox, log: ExchangeLog) -> Exchange:
    """Send what makes a sandbox answer with an error code, and return that exchange.

    Bans are lifted first: one that was earned before would be the answer to everything.
    """
    recipe = next((recipe for recipe in RECIPES if recipe.code == code), None)
    if recipe is None:
        raise InvalidInputError(
            f"There is no recipe for {code!r}; expected one of {', '.join(CATALOGUE)}.",
            field="code",
        )
    sandbox.forgive()
    ready = prepared(recipe, sandbox.keys, sandbox.url, sandbox.speed)
    with Client(ready["key"], base_url=sandbox.url, log=log) as client:
        task_id: int | None = None
        *before, last = ready["steps"]
        for step in before:
            answer = client.send(_request(step, task_id))
            if isinstance(answer, _answers.CreatedTask):
                task_id = answer.task_id
        try:
            client.send(_request(last, task_id))
        except ApiError as error:
            if error.code == code:
                return log[error.exchange_id]
            raise
    raise SandboxError(
        f"The sandbox did not answer with {code}, as its recipe says. Was something else ordered "
        "from it? The log shows what came."
    )


def _request(step: Mapping[str, Any], task_id: int | None) -> _requests.Request:
    """The request of a step, after its wait."""
    time.sleep(step["wait"])
    fields = json.loads(step["body"])
    del fields["clientKey"]
    if fields.get("taskId") == TASK_ID:
        fields["taskId"] = task_id
    return _requests.call(step["method"], fields)
