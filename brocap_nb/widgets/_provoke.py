"""Provoke an error code in the sandbox: its recipe is sent, and the exchanges are in a log."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from brocap_nb.api import _answers
from brocap_nb.api._errors import ApiError, SandboxError
from brocap_nb.client import _requests
from brocap_nb.client._client import Client
from brocap_nb.sandbox._recipes import RECIPES, TASK_ID, prepared

if TYPE_CHECKING:
    from brocap_nb.api._exchange import Exchange
    from brocap_nb.log import ExchangeLog
    from brocap_nb.sandbox._server import Sandbox


def provoke(code: str, sandbox: Sandbox, log: ExchangeLog) -> Exchange:
    """Send what makes a sandbox answer with an error code, and return that exchange.

    Bans are lifted first: one that was earned before would be the answer to everything.
    """
    recipe = next(recipe for recipe in RECIPES if recipe.code == code)
    sandbox.forgive()
    ready = prepared(recipe, sandbox.keys, sandbox.url, sandbox.speed)
    task_id: int | None = None
    with Client(ready["key"], base_url=sandbox.url, log=log) as client:
        for step in ready["steps"]:
            time.sleep(step["wait"])
            fields = json.loads(step["body"])
            del fields["clientKey"]
            if fields.get("taskId") == TASK_ID:
                fields["taskId"] = task_id
            try:
                answer = client.send(_requests.call(step["method"], fields))
            except ApiError as error:
                if error.code == code:
                    return log[error.exchange_id]
                raise
            if isinstance(answer, _answers.CreatedTask):
                task_id = answer.task_id
    raise SandboxError(
        f"The sandbox did not answer with {code}, as its recipe says. Was something else ordered "
        "from it? The log shows what came."
    )
