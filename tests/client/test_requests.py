"""Requests equal the documented JSON."""

from __future__ import annotations

import json
from typing import Any

import brocap_nb as bn
from brocap_nb.api._secrets import Secret
from brocap_nb.client import _requests

KEY = "67b6bcbb1a728ea8d563de6d169a2057"
USER_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)


def sent(request: _requests.Request) -> Any:
    return json.loads(request.body.wire(Secret(KEY)))


def test_create_task_is_the_documented_json() -> None:
    task = bn.ComplexImageTask(
        image_urls=["https://i.postimg.cc/s2ZDrHXy/fc1.jpg"],
        question="Pick the image that is the correct way up",
        user_agent=USER_AGENT,
    )
    documented = {
        "clientKey": KEY,
        "task": {
            "type": "ComplexImageTask",
            "class": "funcaptcha",
            "imageUrls": ["https://i.postimg.cc/s2ZDrHXy/fc1.jpg"],
            "metadata": {"Task": "Pick the image that is the correct way up"},
            "userAgent": USER_AGENT,
        },
    }
    request = _requests.create_task(task)
    assert sent(request) == documented
    assert (request.method, request.task_type) == ("createTask", "ComplexImageTask")
    called = _requests.create_task(task, "http://127.0.0.1:9/done")
    assert sent(called) == {**documented, "callbackUrl": "http://127.0.0.1:9/done"}


def test_the_other_requests_are_the_documented_json() -> None:
    request = _requests.get_task_result(7654321)
    assert sent(request) == {"clientKey": KEY, "taskId": 7654321}
    assert (request.method, request.task_id) == ("getTaskResult", 7654321)
    assert sent(_requests.get_balance()) == {"clientKey": KEY}
    assert _requests.get_balance().method == "getBalance"


def test_the_text_of_a_request_has_no_key() -> None:
    for request in (
        _requests.get_balance(),
        _requests.get_task_result(1),
        _requests.create_task(bn.RawTask({})),
    ):
        assert KEY not in request.body.text
        assert json.loads(request.body.text)["clientKey"] == "<clientKey>"
