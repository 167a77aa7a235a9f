"""Any answer can be read, and is held against the documented contract, rule by rule."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import responses
from hypothesis import given, settings
from hypothesis import strategies as st
from peer import Peer, http

import brocap_nb as bn
from brocap_nb.api._answers import NOT_AN_OBJECT, RULES, departures, read
from brocap_nb.api._facts import METHODS

ERROR = {"errorId": 1, "errorCode": "ERROR_ZERO_BALANCE", "errorDescription": "No money"}
CREATED = {"errorId": 0, "taskId": 7654321}
READY: dict[str, Any] = {"errorId": 0, "status": "ready", "solution": {"answer": [True, False]}}
BALANCE = {"errorId": 0, "balance": 12.5}
TILES, TOKEN = "ComplexImageTask", "FunCaptchaTaskProxyless"

DOCUMENTED = [
    ("createTask", CREATED, None),
    ("createTask", {**ERROR, "taskId": 0}, None),
    ("getTaskResult", {"errorId": 0, "status": "processing"}, TILES),
    ("getTaskResult", {"errorId": 0, "errorCode": None, **READY, "errorDescription": None}, TILES),
    ("getTaskResult", {**READY, "solution": {"token": "t"}}, TOKEN),
    ("getTaskResult", {**READY, "solution": {"anything": 1}}, "AnotherTask"),
    ("getTaskResult", {**ERROR, "errorDescription": None}, None),
    ("getBalance", {"errorId": 0, "balance": 0}, None),
    ("getBalance", ERROR, None),
    ("callback", READY, TILES),
    ("noSuchMethod", {"errorId": "odd"}, None),  # another service's: no contract of ours
]


@pytest.mark.parametrize(("method", "answer", "task_type"), DOCUMENTED)
def test_a_documented_answer_departs_from_nothing(
    method: str, answer: dict[str, Any], task_type: str | None
) -> None:
    assert departures(method, json.dumps(answer), task_type) == []


# By the rule's sentence: an answer that breaks it, what is said of the field, what was found, how
# the client reads it, and the task's type where that matters.
BAD = "bad_response"
BROKEN: dict[str, list[tuple[Any, ...]]] = {
    "errorId is 0 or 1.": [
        ("getBalance", {"balance": 1}, "errorId", "missing", BAD),
        ("getBalance", {**BALANCE, "errorId": False}, "errorId", "false", BAD),
        ("getBalance", {**BALANCE, "errorId": None}, "errorId", "null", BAD),
        ("getBalance", {**BALANCE, "errorId": "0"}, "errorId", '"0"', BAD),
        ("getBalance", {**BALANCE, "errorId": 2**63}, "errorId", f"{2**63}", BAD),
        ("getBalance", {**ERROR, "errorId": 2}, "errorId", "2", "api_error"),
    ],
    "An error has an errorCode, a string.": [
        ("getTaskResult", {"errorId": 1}, "errorCode", "missing", "api_error"),
        ("getBalance", {**ERROR, "errorCode": 5}, "errorCode", "5", BAD),
    ],
    "errorCode is one of the codes that the pages list.": [
        ("getBalance", {**ERROR, "errorCode": "NEW"}, "errorCode", '"NEW"', "api_error"),
    ],
    "An error has an errorDescription, a string.": [
        (
            *("createTask", {**ERROR, "errorDescription": None, "taskId": 0}),
            *("errorDescription", "null", "api_error"),
        ),
    ],
    "errorDescription is a string or null.": [
        ("getTaskResult", {**ERROR, "errorDescription": 5}, "errorDescription", "5", BAD),
    ],
    "errorCode comes only with an error.": [
        ("createTask", {**CREATED, "errorCode": None}, "errorCode", "null", "ok"),
    ],
    "errorDescription comes only with an error.": [
        ("getBalance", {**BALANCE, "errorDescription": ""}, "errorDescription", '""', "ok"),
    ],
    "errorCode is null or absent when errorId is 0.": [
        ("getTaskResult", {**READY, "errorCode": "NEW"}, "errorCode", '"NEW"', "ok"),
    ],
    "errorDescription is null or absent when errorId is 0.": [
        ("callback", {**READY, "errorDescription": "x"}, "errorDescription", '"x"', "ok"),
    ],
    "taskId is an integer, and not 0.": [
        ("createTask", {"errorId": 0}, "taskId", "missing", BAD),
        ("createTask", {**CREATED, "taskId": "7"}, "taskId", '"7"', BAD),
        ("createTask", {**CREATED, "taskId": 0}, "taskId", "0", "ok"),
    ],
    "taskId is 0 on an error.": [
        ("createTask", {**ERROR, "taskId": 9}, "taskId", "9", "api_error"),
        ("createTask", ERROR, "taskId", "missing", "api_error"),
    ],
    "status is processing or ready.": [
        ("getTaskResult", {"errorId": 0}, "status", "missing", BAD),
        ("getTaskResult", {"errorId": 0, "status": "queued"}, "status", '"queued"', BAD),
        ("getTaskResult", {"errorId": 0, "status": "error"}, "status", '"error"', BAD),
    ],
    "A ready task has a solution, an object.": [
        ("getTaskResult", {**READY, "solution": [True]}, "solution", "[true]", BAD),
        ("getTaskResult", {"errorId": 0, "status": "ready"}, "solution", "missing", BAD),
    ],
    "balance is a decimal number.": [
        ("getBalance", {"errorId": 0}, "balance", "missing", BAD),
        ("getBalance", {**BALANCE, "balance": "12.5"}, "balance", '"12.5"', BAD),
        ("getBalance", {**BALANCE, "balance": True}, "balance", "true", BAD),
    ],
    "The solution of a ComplexImageTask has an answer: one boolean for each tile.": [
        (
            *("getTaskResult", {**READY, "solution": {"answer": [0, 1]}}),
            *("solution.answer", "[0, 1]", "ok", TILES),
        ),
    ],
    "The solution of a FunCaptchaTaskProxyless has a token, a string.": [
        ("callback", {**READY, "solution": {}}, "solution.token", "missing", "ok", TOKEN),
        (
            *("getTaskResult", {**READY, "solution": {"token": ""}}),
            *("solution.token", '""', "ok", TOKEN),
        ),
    ],
}


@pytest.mark.parametrize(
    ("rule", "row"), [(rule, row) for rule, found in BROKEN.items() for row in found]
)
def test_a_broken_rule_is_told(rule: str, row: tuple[Any, ...]) -> None:
    method, answer, field, found, outcome, *task_type = row
    text = json.dumps(answer)
    (departure,) = departures(method, text, *task_type)
    assert (departure.field, departure.rule, departure.found) == (field, rule, found)
    reading = read(method.replace("callback", "getTaskResult"), 200, text)
    assert reading.outcome == outcome
    if outcome == BAD:
        assert (reading.detail or "").startswith(f"{field} is {found}; the API documents: ")


def test_every_rule_has_a_row() -> None:
    assert {rule.sentence for rule in RULES} == set(BROKEN)


@pytest.mark.parametrize(
    ("method", "answer", "task_type", "field"),
    [
        ("createTask", {**CREATED, "cost": 1}, None, "cost"),
        ("createTask", {**CREATED, "status": "ready"}, None, "status"),
        ("getTaskResult", {**READY, "solution.answer": 1}, TILES, "solution.answer"),
        ("getTaskResult", {**READY, "solution": {"token": "t", "ip": 1}}, TOKEN, "solution.ip"),
        ("getBalance", {**BALANCE, "<b>": 1}, None, "<b>"),
    ],
)
def test_a_surplus_field_is_told(
    method: str, answer: dict[str, Any], task_type: str | None, field: str
) -> None:
    (departure,) = departures(method, json.dumps(answer), task_type)
    assert departure.field == field
    assert "documents no field" in departure.rule


def test_what_another_service_answers_is_no_violation(peer: Peer, log: bn.ExchangeLog) -> None:
    peer.say(http(b"<html>"), http(b"[1]"))
    with requests.Session() as session:
        log.attach(session)
        session.get(f"{peer.url}/page")
        assert len(log.violations()) == 0
        session.post(f"{peer.url}/getBalance", json={"clientKey": "k" * 32})
        assert log.violations()["rule"].tolist() == [NOT_AN_OBJECT]
        with responses.RequestsMock() as mocked:
            mocked.post("http://todo.invalid/v1/createTask", json={"id": 5})
            session.post("http://todo.invalid/v1/createTask", json={"title": "Buy milk"})
    assert log[-1].method == "POST /v1/createTask"
    assert len(log.violations()) == 1


@pytest.mark.parametrize("text", ["", "<html>", "[]", "null", '{"a": NaN}', "[" * 100_000])
def test_what_is_no_object_breaks_the_first_rule(text: str) -> None:
    (departure,) = departures("createTask", text)
    assert (departure.field, departure.rule) == ("", NOT_AN_OBJECT)
    assert 0 < len(departure.found) <= 60


NO_KEY = {
    "errorId": 1,
    "errorCode": "ERROR_KEY_DOES_NOT_EXIST",
    "errorDescription": "Account authorization key not found in the system or has incorrect format",
    "taskId": 0,
}
DONE = {"errorId": 0, "errorCode": None, "errorDescription": None, "status": "ready"}

# method, HTTP status, answer, outcome, what else is read
READ: list[tuple[str, int, dict[str, Any], str, dict[str, Any]]] = [
    ("createTask", 200, CREATED, "ok", {"task_id": 7654321, "error_id": 0}),
    ("createTask", 500, CREATED, "ok", {"task_id": 7654321}),
    (
        *("createTask", 200, NO_KEY, "api_error"),
        {
            "error_id": 1,
            "error_code": NO_KEY["errorCode"],
            "error_description": NO_KEY["errorDescription"],
            "task_id": None,
        },
    ),
    ("getBalance", 403, NO_KEY, "api_error", {"error_id": 1}),
    ("getBalance", 200, {"errorId": 12}, "api_error", {"error_id": 12, "error_code": None}),
    ("getBalance", 200, {"errorId": 1, "errorCode": "NEW"}, "api_error", {"error_code": "NEW"}),
    ("another", 404, {"errorId": 1, "errorCode": "NEW"}, "api_error", {"error_code": "NEW"}),
    ("getTaskResult", 200, {"errorId": 0, "status": "processing"}, "processing", {}),
    ("getTaskResult", 200, {**DONE, "solution": {"x": 1}}, "ok", {"status": "ready"}),
    ("getBalance", 200, {"errorId": 0, "balance": 1.25}, "ok", {"error_id": 0}),
    ("getBalance", 200, {"errorId": 0, "balance": 3, "undocumented": []}, "ok", {}),
    ("another", 200, {"errorId": 0, "x": 1}, "ok", {}),
]


@pytest.mark.parametrize(("method", "http_status", "answer", "outcome", "expected"), READ)
def test_an_answer_is_read(
    method: str, http_status: int, answer: dict[str, Any], outcome: str, expected: dict[str, Any]
) -> None:
    reading = read(method, http_status, json.dumps(answer))
    assert (reading.outcome, reading.detail) == (outcome, None)
    assert {field: getattr(reading, field) for field in expected} == expected
    if outcome == "api_error":
        assert reading.answer is None
    else:
        assert reading.answer is not None
        assert reading.answer.raw == answer, "undocumented fields included"


# method, HTTP status, text, outcome, a part of the sentence
UNREAD = [
    ("getBalance", 200, "<html>", "bad_response", "not JSON"),
    ("getBalance", 502, "<html>", "http_error", "HTTP 502"),
    ("getBalance", 200, " \n", "bad_response", "empty"),
    ("getBalance", 200, '{"errorId": 0', "bad_response", "not JSON"),
    ("getBalance", 200, '{"errorId": 0, "balance": NaN}', "bad_response", "NaN"),
    ("getBalance", 200, "[" * 100_000, "bad_response", "nested"),
    ("getBalance", 200, "[1]", "bad_response", f"[1]; the API documents: {NOT_AN_OBJECT}"),
    ("getBalance", 404, "[1]", "http_error", "HTTP 404"),
    ("getBalance", 200, '"x"', "bad_response", 'is "x"'),
    ("getBalance", 200, "null", "bad_response", "is null"),
    ("getBalance", 200, "true", "bad_response", "is true"),
    ("getBalance", 200, "1", "bad_response", "is 1"),
    ("getBalance", 404, '{"message": "x"}', "http_error", "errorId is missing"),
    ("createTask", 500, '{"errorId": 0}', "bad_response", "taskId is missing"),
    ("getBalance", 302, "", "bad_response", "redirects are not followed"),
    ("another", 200, '{"errorId": 1, "errorDescription": 5}', "bad_response", "is 5"),
]


@pytest.mark.parametrize(("method", "http_status", "text", "outcome", "said"), UNREAD)
def test_what_cannot_be_read_is_told(
    method: str, http_status: int, text: str, outcome: str, said: str
) -> None:
    reading = read(method, http_status, text)
    assert (reading.outcome, reading.answer) == (outcome, None)
    assert said in (reading.detail or "")


GRID = [False, False, False, False, True, False]


def result(**solution: Any) -> bn.TaskResult:
    body = json.dumps({**DONE, "solution": solution})
    answer = read("getTaskResult", 200, body).answer
    assert isinstance(answer, bn.TaskResult)
    return answer


def test_a_solution_is_typed_where_it_is_documented() -> None:
    assert result(answer=GRID).answer == tuple(GRID)
    assert result(token="abc").token == "abc"
    assert result(answer=GRID).token is None
    for other in ([], [1, 0], "4", None, {"0": True}):
        assert result(answer=other).answer is None, "an undocumented form is not guessed at"
    assert result(token=5).token is None
    assert "tile 5 of 6" in result(answer=GRID)._repr_mimebundle_()["text/plain"]


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
    st.sampled_from([*METHODS, "another"]),
    st.integers(100, 599),
    st.text(max_size=40) | json_values.map(json.dumps) | deep,
)
def test_any_answer_is_read(method: str, http_status: int, text: str) -> None:
    reading = read(method, http_status, text)
    if reading.outcome == "bad_response" and http_status == 200 and method in METHODS:
        assert departures(method, text), "what the client refuses departs from a rule"
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
    done = read("createTask", 200, '{"errorId": 0, "taskId": 7}').complete(begun, http_status=200)
    assert (done.outcome, done.task_id, done.http_status, done.task_type) == ("ok", 7, 200, "X")
    asked = dataclasses.replace(begun, method="getTaskResult", task_id=7)
    failed = read("getTaskResult", 200, json.dumps(NO_KEY)).complete(asked)
    assert (failed.task_id, failed.error_code) == (7, NO_KEY["errorCode"]), "the id asked for stays"
