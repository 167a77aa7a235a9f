"""The documented contract: one row for each rule, and that documented answers break none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brocap_nb import wire
from brocap_nb.contract import NOT_AN_OBJECT, RULES, departures
from brocap_nb.exchange import Outcome

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
    ("noSuchMethod", {**ERROR, "odd": 1}, None),
]


@pytest.mark.parametrize(("method", "answer", "task_type"), DOCUMENTED)
def test_a_documented_answer_departs_from_nothing(
    method: str, answer: dict[str, Any], task_type: str | None
) -> None:
    assert departures(method, json.dumps(answer), task_type) == []


# The rule's sentence, an answer that breaks it, what is said of the field and what was found.
BROKEN: list[tuple[str, str, dict[str, Any], str | None, str, str]] = [
    ("errorId is 0 or 1.", "getBalance", {"balance": 1}, None, "errorId", "missing"),
    ("errorId is 0 or 1.", "getBalance", {**ERROR, "errorId": 2}, None, "errorId", "2"),
    ("errorId is 0 or 1.", "getBalance", {**BALANCE, "errorId": False}, None, "errorId", "false"),
    (
        "An error has an errorCode, a string.",
        *("getTaskResult", {"errorId": 1}, None),
        *("errorCode", "missing"),
    ),
    (
        "errorCode is one of the codes that the pages list.",
        *("getBalance", {**ERROR, "errorCode": "ERROR_NEW"}, None),
        *("errorCode", '"ERROR_NEW"'),
    ),
    (
        "An error has an errorDescription, a string.",
        *("createTask", {**ERROR, "errorDescription": None, "taskId": 0}, None),
        *("errorDescription", "null"),
    ),
    (
        "errorDescription is a string or null.",
        *("getTaskResult", {**ERROR, "errorDescription": 5}, None),
        *("errorDescription", "5"),
    ),
    (
        "errorCode comes only with an error.",
        *("createTask", {**CREATED, "errorCode": None}, None),
        *("errorCode", "null"),
    ),
    (
        "errorDescription comes only with an error.",
        *("getBalance", {**BALANCE, "errorDescription": ""}, None),
        *("errorDescription", '""'),
    ),
    (
        "errorCode is null or absent when errorId is 0.",
        *("getTaskResult", {**READY, "errorCode": "CAPTCHA_NOT_READY"}, TILES),
        *("errorCode", '"CAPTCHA_NOT_READY"'),
    ),
    (
        "errorDescription is null or absent when errorId is 0.",
        *("callback", {**READY, "errorDescription": "fine"}, TILES),
        *("errorDescription", '"fine"'),
    ),
    (
        "taskId is an integer, and not 0.",
        *("createTask", {**CREATED, "taskId": "7"}, None),
        *("taskId", '"7"'),
    ),
    (
        "taskId is an integer, and not 0.",
        *("createTask", {**CREATED, "taskId": 0}, None),
        *("taskId", "0"),
    ),
    ("taskId is 0 on an error.", "createTask", {**ERROR, "taskId": 9}, None, "taskId", "9"),
    ("taskId is 0 on an error.", "createTask", ERROR, None, "taskId", "missing"),
    (
        "status is processing or ready.",
        *("getTaskResult", {"errorId": 0, "status": "done"}, None),
        *("status", '"done"'),
    ),
    (
        "A ready task has a solution, an object.",
        *("getTaskResult", {**READY, "solution": [True]}, TILES),
        *("solution", "[true]"),
    ),
    (
        "balance is a decimal number.",
        *("getBalance", {**BALANCE, "balance": "12.5"}, None),
        *("balance", '"12.5"'),
    ),
    (
        "The solution of a ComplexImageTask has an answer: one boolean for each tile.",
        *("getTaskResult", {**READY, "solution": {"answer": [0, 1]}}, TILES),
        *("solution.answer", "[0, 1]"),
    ),
    (
        "The solution of a FunCaptchaTaskProxyless has a token, a string.",
        *("callback", {**READY, "solution": {}}, TOKEN),
        *("solution.token", "missing"),
    ),
]


@pytest.mark.parametrize(("rule", "method", "answer", "task_type", "field", "found"), BROKEN)
def test_a_broken_rule_is_told(
    rule: str,
    method: str,
    answer: dict[str, Any],
    task_type: str | None,
    field: str,
    found: str,
) -> None:
    (departure,) = departures(method, json.dumps(answer), task_type)
    assert (departure.field, departure.rule, departure.found) == (field, rule, found)


def test_every_rule_has_a_row() -> None:
    assert {rule.sentence for rule in RULES} == {row[0] for row in BROKEN}


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


@pytest.mark.parametrize("text", ["", "<html>", "[]", "null", '{"a": NaN}', "[" * 100_000])
def test_what_is_no_object_breaks_the_first_rule(text: str) -> None:
    (departure,) = departures("createTask", text)
    assert (departure.field, departure.rule) == ("", NOT_AN_OBJECT)
    assert 0 < len(departure.found) <= 60


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
FIELDS = ("errorId", "errorCode", "errorDescription", "taskId", "status", "solution", "balance")
ANSWERS = st.dictionaries(st.sampled_from(FIELDS), VALUES | st.sampled_from([0, 1, "ready"]))


@given(st.sampled_from(["createTask", "getTaskResult", "getBalance"]), ANSWERS)
def test_what_the_client_refuses_departs_from_a_rule(method: str, answer: dict[str, Any]) -> None:
    text = json.dumps(answer)
    if wire.read(method, 200, text).outcome is Outcome.BAD_RESPONSE:
        assert departures(method, text)
