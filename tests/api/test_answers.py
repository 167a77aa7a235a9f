"""Any answer can be read, and is held against the documented contract, rule by rule."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import brocap_nb as bn
from brocap_nb.api._answers import NOT_AN_OBJECT, RULES, departures, read
from brocap_nb.api._facts import METHODS

ERROR = {"errorId": 1, "errorCode": "ERROR_ZERO_BALANCE", "errorDescription": "No money"}
CREATED = {"errorId": 0, "taskId": 7654321}
READY: dict[str, Any] = {"errorId": 0, "status": "ready", "solution": {"answer": [True, False]}}
BALANCE = {"errorId": 0, "balance": 12.5}
TILES, TOKEN = "ComplexImageTask", "FunCaptchaTaskProxyless"


def solved(**solution: Any) -> dict[str, Any]:
    return {**READY, "solution": solution}


CODE, SAID, BAD = "errorCode", "errorDescription", "bad_response"
# Answers that break one rule: in which field what was found, and how the client reads it.
BROKEN: list[tuple[str, dict[str, Any], str, str, str, str | None]] = [
    ("getBalance", {"balance": 1}, "errorId", "missing", BAD, None),
    ("getBalance", {**BALANCE, "errorId": False}, "errorId", "false", BAD, None),
    ("getBalance", {**BALANCE, "errorId": 2**63}, "errorId", f"{2**63}", BAD, None),
    ("getBalance", {**ERROR, "errorId": 2}, "errorId", "2", "api_error", None),
    ("getTaskResult", {"errorId": 1}, CODE, "missing", "api_error", None),
    ("getBalance", {**ERROR, CODE: 5}, CODE, "5", BAD, None),
    ("getBalance", {**ERROR, CODE: "NEW"}, CODE, '"NEW"', "api_error", None),
    ("createTask", {**ERROR, SAID: None, "taskId": 0}, SAID, "null", "api_error", None),
    ("getTaskResult", {**ERROR, SAID: 5}, SAID, "5", BAD, None),
    ("createTask", {**CREATED, CODE: None}, CODE, "null", "ok", None),
    ("getBalance", {**BALANCE, SAID: ""}, SAID, '""', "ok", None),
    ("getTaskResult", {**READY, CODE: "N"}, CODE, '"N"', "ok", None),
    ("callback", {**READY, SAID: "x"}, SAID, '"x"', "ok", None),
    ("createTask", {"errorId": 0}, "taskId", "missing", BAD, None),
    ("createTask", {**CREATED, "taskId": 0}, "taskId", "0", "ok", None),
    ("createTask", {**ERROR, "taskId": 9}, "taskId", "9", "api_error", None),
    ("createTask", ERROR, "taskId", "missing", "api_error", None),
    ("getTaskResult", {"errorId": 0}, "status", "missing", BAD, None),
    ("getTaskResult", {"errorId": 0, "status": "queued"}, "status", '"queued"', BAD, None),
    ("getTaskResult", {**READY, "solution": [True]}, "solution", "[true]", BAD, None),
    ("getTaskResult", {"errorId": 0, "status": "ready"}, "solution", "missing", BAD, None),
    ("getBalance", {**BALANCE, "balance": True}, "balance", "true", BAD, None),
    ("getTaskResult", solved(answer=[0, 1]), "solution.answer", "[0, 1]", "ok", TILES),
    ("callback", solved(), "solution.token", "missing", "ok", TOKEN),
    ("getTaskResult", solved(token=""), "solution.token", '""', "ok", TOKEN),
    ("createTask", {**CREATED, "cost": 1}, "cost", "1", "ok", None),
    ("getTaskResult", solved(token="t", ip=1), "solution.ip", "1", "ok", TOKEN),
    ("getBalance", {**BALANCE, "<b>": 1}, "<b>", "1", "ok", None),
]


def test_a_broken_rule_is_told_and_every_rule_has_a_row() -> None:
    told = set()
    for method, answer, field, found, outcome, task_type in BROKEN:
        text = json.dumps(answer)
        (departure,) = departures(method, text, task_type)
        assert (departure.field, departure.found) == (field, found)
        told.add(departure.rule)
        reading = read(method.replace("callback", "getTaskResult"), 200, text)
        assert reading.outcome == outcome, text
        if outcome == BAD:
            assert (reading.detail or "").startswith(f"{field} is {found}; the API documents: ")
    assert {one for one in told if " documents no field " not in one} == {r.sentence for r in RULES}
    assert f"solution.answer is a list of one boolean for each tile if a {TILES} is ready." in told


BUSY: dict[str, Any] = {"errorId": 0, "status": "processing"}
# method, HTTP status, answer, outcome, what else is read; the task's type
READ: list[tuple[str, int, dict[str, Any], str, dict[str, Any], str | None]] = [
    ("createTask", 500, CREATED, "ok", {"task_id": 7654321, "error_id": 0}, None),
    ("createTask", 200, {**ERROR, "taskId": 0}, "api_error", {"task_id": None}, None),
    ("getTaskResult", 200, BUSY, "processing", {}, TILES),
    ("getTaskResult", 200, {**READY, CODE: None, SAID: None}, "ok", {"status": "ready"}, TILES),
    ("getTaskResult", 200, solved(token="t"), "ok", {}, TOKEN),
    ("getTaskResult", 200, solved(anything=1), "ok", {}, "AnotherTask"),
    ("getTaskResult", 200, {**ERROR, SAID: None}, "api_error", {"error_id": 1}, None),
    ("getBalance", 200, {"errorId": 0, "balance": 0}, "ok", {}, None),
    ("getBalance", 403, ERROR, "api_error", {"error_description": "No money"}, None),
    ("callback", 200, READY, "ok", {}, TILES),
    # another service's: no contract of ours
    ("another", 404, {"errorId": 1, CODE: "NEW"}, "api_error", {"error_code": "NEW"}, None),
    ("another", 200, {"errorId": 0, "x": 1}, "ok", {}, None),
]
# method, HTTP status, text, outcome, a part of the sentence
UNREAD = [
    ("getBalance", 200, "<html>", "bad_response", "not JSON"),
    ("getBalance", 502, "<html>", "http_error", "HTTP 502"),
    ("getBalance", 200, " \n", "bad_response", "empty"),
    ("getBalance", 200, '{"errorId": 0, "balance": NaN}', "bad_response", "NaN"),
    ("getBalance", 200, "[" * 100_000, "bad_response", "nested"),
    ("getBalance", 200, "[1]", "bad_response", f"[1]; the API documents: {NOT_AN_OBJECT}"),
    ("getBalance", 404, '{"message": "x"}', "http_error", "errorId is missing"),
    ("createTask", 500, '{"errorId": 0}', "bad_response", "taskId is missing"),
    ("getBalance", 302, "", "bad_response", "redirects are not followed"),
    ("another", 200, '{"errorId": 1, "errorDescription": 5}', "bad_response", "is 5"),
]


def test_an_answer_is_read_or_what_is_wrong_with_it_is_told() -> None:
    for method, status, answer, outcome, expected, task_type in READ:
        assert departures(method, json.dumps(answer), task_type) == []
        reading = read(method.replace("callback", "getTaskResult"), status, json.dumps(answer))
        assert (reading.outcome, reading.detail) == (outcome, None)
        assert {field: getattr(reading, field) for field in expected} == expected
        raw = None if reading.answer is None else reading.answer.raw
        assert raw == (None if outcome == "api_error" else answer), "undocumented fields included"
    for method, status, text, outcome, said in UNREAD:
        reading = read(method, status, text)
        assert (reading.outcome, reading.answer) == (outcome, None)
        assert said in (reading.detail or "")
        if method != "another":
            found = departures(method, text)[0]
            assert (found.rule == NOT_AN_OBJECT) == (not text.startswith('{"') or "NaN" in text)
            assert 0 < len(found.found) <= 60


def test_a_solution_is_typed_where_it_is_documented() -> None:
    def result(**solution: Any) -> bn.TaskResult:
        answer = read("getTaskResult", 200, json.dumps(solved(**solution))).answer
        assert isinstance(answer, bn.TaskResult)
        return answer

    grid = [False, False, False, False, True, False]
    assert (result(answer=grid).answer, result(answer=grid).token) == (tuple(grid), None)
    assert (result(token="abc").token, result(token=5).token) == ("abc", None)
    for other in ([], [1, 0], "4", None):
        assert result(answer=other).answer is None, "an undocumented form is not guessed at"


NAMES = ["errorId", "errorCode", "errorDescription", "taskId", "status", "solution"]
NAMES += ["balance", "answer", "token"]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["ready", "processing", "\ud800", "<script>"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES), inner | st.just(0), max_size=6)
    ),
)
deep = st.integers(1, 6_000).map(
    lambda n: '{"errorId":0,"balance":1,"x":' + "[" * n + "]" * n + "}"
)


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
