"""Requests equal the documented JSON; any answer can be read."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import brocap_nb as bn
from brocap_nb import wire
from brocap_nb.redaction import Secret

KEY = "67b6bcbb1a728ea8d563de6d169a2057"
USER_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
METHODS = ("createTask", "getTaskResult", "getBalance", "another")


def sent(request: wire.Request) -> Any:
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
    request = wire.create_task(task)
    assert sent(request) == documented
    assert (request.method, request.task_type) == ("createTask", "ComplexImageTask")
    called = wire.create_task(task, "http://127.0.0.1:9/done")
    assert sent(called) == {**documented, "callbackUrl": "http://127.0.0.1:9/done"}


def test_the_other_requests_are_the_documented_json() -> None:
    request = wire.get_task_result(7654321)
    assert sent(request) == {"clientKey": KEY, "taskId": 7654321}
    assert (request.method, request.task_id) == ("getTaskResult", 7654321)
    assert sent(wire.get_balance()) == {"clientKey": KEY}
    assert wire.get_balance().method == "getBalance"


def test_the_text_of_a_request_has_no_key() -> None:
    for request in (wire.get_balance(), wire.get_task_result(1), wire.create_task(bn.RawTask({}))):
        assert KEY not in request.body.text
        assert json.loads(request.body.text)["clientKey"] == "<clientKey>"


NO_KEY = {
    "errorId": 1,
    "errorCode": "ERROR_KEY_DOES_NOT_EXIST",
    "errorDescription": "Account authorization key not found in the system or has incorrect format",
    "taskId": 0,
}
TILES = [False, False, False, False, True, False]
READY = {"errorId": 0, "errorCode": None, "errorDescription": None, "status": "ready"}

# method, HTTP status, answer, outcome, what else is read (or a part of the sentence)
ANSWERS: dict[str, tuple[str, int, Any, str, dict[str, Any] | str]] = {
    "created": ("createTask", 200, {"errorId": 0, "taskId": 7654321}, "ok", {"task_id": 7654321}),
    "created at 500": ("createTask", 500, {"errorId": 0, "taskId": 7}, "ok", {"task_id": 7}),
    "no such key": (
        "createTask",
        200,
        NO_KEY,
        "api_error",
        {
            "error_id": 1,
            "error_code": NO_KEY["errorCode"],
            "error_description": NO_KEY["errorDescription"],
            "task_id": None,
        },
    ),
    "an error at 403": ("getBalance", 403, NO_KEY, "api_error", {"error_id": 1}),
    "an error id of 12": ("getBalance", 200, {"errorId": 12}, "api_error", {"error_code": None}),
    "an unknown code": (
        "getBalance",
        200,
        {"errorId": 1, "errorCode": "NEW"},
        "api_error",
        {"error_code": "NEW"},
    ),
    "processing": (
        "getTaskResult",
        200,
        {"errorId": 0, "status": "processing"},
        "processing",
        {"status": "processing"},
    ),
    "ready": (
        "getTaskResult",
        200,
        {**READY, "solution": {"answer": TILES}},
        "ok",
        {"status": "ready"},
    ),
    "balance": ("getBalance", 200, {"errorId": 0, "balance": 1.25}, "ok", {"error_id": 0}),
    "whole balance": ("getBalance", 200, {"errorId": 0, "balance": 3}, "ok", {}),
    "undocumented method": ("another", 200, {"errorId": 0, "x": 1}, "ok", {}),
    "undocumented field": ("getBalance", 200, {"errorId": 0, "balance": 1, "x": []}, "ok", {}),
    "not JSON": ("getBalance", 200, "<html>", "bad_response", "not JSON"),
    "not JSON at 502": ("getBalance", 502, "<html>", "http_error", "HTTP 502"),
    "empty": ("getBalance", 200, " \n", "bad_response", "empty"),
    "cut off": ("getBalance", 200, '{"errorId": 0', "bad_response", "not JSON"),
    "NaN": ("getBalance", 200, '{"errorId": 0, "balance": NaN}', "bad_response", "NaN"),
    "a list": ("getBalance", 200, [1], "bad_response", "a list"),
    "a list at 404": ("getBalance", 404, [1], "http_error", "HTTP 404"),
    "a string": ("getBalance", 200, '"x"', "bad_response", "a string"),
    "null": ("getBalance", 200, "null", "bad_response", "null"),
    "true": ("getBalance", 200, "true", "bad_response", "a boolean"),
    "a number": ("getBalance", 200, "1", "bad_response", "a number"),
    "other JSON at 404": ("getBalance", 404, {"message": "x"}, "http_error", "errorId is missing"),
    "no errorId": ("getBalance", 200, {"balance": 1}, "bad_response", "errorId is missing"),
    "errorId as text": ("getBalance", 200, {"errorId": "0"}, "bad_response", 'errorId is "0"'),
    "errorId as truth": ("getBalance", 200, {"errorId": False}, "bad_response", "errorId is false"),
    "errorId null": ("getBalance", 200, {"errorId": None}, "bad_response", "errorId is null"),
    "huge errorId": ("getBalance", 200, {"errorId": 2**63}, "bad_response", "an integer"),
    "errorCode a number": (
        "getBalance",
        200,
        {"errorId": 1, "errorCode": 5},
        "bad_response",
        "errorCode is 5",
    ),
    "no taskId": ("createTask", 200, {"errorId": 0}, "bad_response", "taskId is missing"),
    "taskId as text": (
        "createTask",
        200,
        {"errorId": 0, "taskId": "7"},
        "bad_response",
        'taskId is "7"',
    ),
    "no taskId at 500": ("createTask", 500, {"errorId": 0}, "bad_response", "taskId is missing"),
    "no status": ("getTaskResult", 200, {"errorId": 0}, "bad_response", "status is missing"),
    "status unknown": (
        "getTaskResult",
        200,
        {"errorId": 0, "status": "queued"},
        "bad_response",
        'status is "queued"',
    ),
    "ready, no solution": ("getTaskResult", 200, READY, "bad_response", "solution is missing"),
    "solution a list": (
        "getTaskResult",
        200,
        {**READY, "solution": []},
        "bad_response",
        "solution is []",
    ),
    "no balance": ("getBalance", 200, {"errorId": 0}, "bad_response", "balance is missing"),
    "balance as text": (
        "getBalance",
        200,
        {"errorId": 0, "balance": "1"},
        "bad_response",
        'balance is "1"',
    ),
    "redirect": ("getBalance", 302, "", "bad_response", "redirects are not followed"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_read(name: str) -> None:
    method, http_status, answer, outcome, expected = ANSWERS[name]
    text = answer if isinstance(answer, str) else json.dumps(answer)
    reading = wire.read(method, http_status, text)
    assert reading.outcome == outcome
    if isinstance(expected, str):
        assert expected in (reading.detail or "")
        assert reading.answer is None
    else:
        assert reading.detail is None
        assert {field: getattr(reading, field) for field in expected} == expected
    if outcome in ("ok", "processing"):
        assert reading.answer is not None
        assert reading.answer.raw == json.loads(text), "undocumented fields included"


def result(**solution: Any) -> bn.TaskResult:
    body = json.dumps({**READY, "solution": solution})
    answer = wire.read("getTaskResult", 200, body).answer
    assert isinstance(answer, bn.TaskResult)
    return answer


def test_a_solution_is_typed_where_it_is_documented() -> None:
    assert result(answer=TILES).answer == tuple(TILES)
    assert result(token="abc").token == "abc"
    assert result(answer=TILES).token is None
    for other in ([], [1, 0], "4", None, {"0": True}):
        assert result(answer=other).answer is None, "an undocumented form is not guessed at"
    assert result(token=5).token is None
    assert "tile 5 of 6" in result(answer=TILES)._repr_mimebundle_()["text/plain"]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["ready", "processing", "\ud800", "<script>"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "errorId",
                    "errorCode",
                    "errorDescription",
                    "taskId",
                    "status",
                    "solution",
                    "balance",
                    "answer",
                    "token",
                ]
            ),
            inner | st.just(0),
            max_size=6,
        )
    ),
)
deep = st.integers(1, 6_000).map(
    lambda n: '{"errorId":0,"balance":1,"x":' + "[" * n + "]" * n + "}"
)


@settings(deadline=None)
@given(
    st.sampled_from(METHODS),
    st.integers(100, 599),
    st.text(max_size=40) | json_values.map(json.dumps) | deep,
)
def test_any_answer_is_read(method: str, http_status: int, text: str) -> None:
    reading = wire.read(method, http_status, text)
    assert (reading.answer is not None) == (reading.outcome in ("ok", "processing"))
    if reading.outcome == "http_error":
        assert http_status >= 400
    assert (reading.detail is None) == (reading.outcome in ("ok", "processing", "api_error"))
    for name in ("error_code", "error_description", "status", "detail"):
        (getattr(reading, name) or "").encode()
    if reading.answer is not None:
        for shown in reading.answer._repr_mimebundle_().values():
            shown.encode()
            assert "<script" not in shown or shown.lstrip()[0] != "<"


def test_a_reading_completes_its_exchange() -> None:
    begun = bn.Exchange(
        exchange_id="s-1",
        started_at=datetime(2026, 1, 2, tzinfo=UTC),
        session="s",
        method="createTask",
        task_type="X",
    )
    done = wire.read("createTask", 200, '{"errorId": 0, "taskId": 7}').complete(
        begun, http_status=200
    )
    assert (done.outcome, done.task_id, done.http_status, done.task_type) == ("ok", 7, 200, "X")
    asked = dataclasses.replace(begun, method="getTaskResult", task_id=7)
    failed = wire.read("getTaskResult", 200, json.dumps(NO_KEY)).complete(asked)
    assert (failed.task_id, failed.error_code) == (7, NO_KEY["errorCode"]), "the id asked for stays"
