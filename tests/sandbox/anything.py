"""Requests of any shape, and what every answer has to look like."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from brocap_nb.api._facts import CATALOGUE
from brocap_nb.sandbox._recipes import BY_HOST
from brocap_nb.sandbox._rules import Answer, keys_for

URL = "http://127.0.0.1:5000"


def assert_documented(method: str, answer: Answer) -> None:
    """Whatever was asked, the answer has a shape that the API documents."""
    body = json.loads(json.dumps(answer.body))
    assert body["errorId"] in (0, 1)
    if body["errorId"] == 1:
        assert body["errorCode"] in CATALOGUE
        assert isinstance(body["errorDescription"], str)
        assert ("taskId" in body) == (method == "createTask")
        assert body.get("taskId", 0) == 0
    elif method == "createTask":
        assert isinstance(body["taskId"], int)
    elif method == "getTaskResult":
        assert body["status"] in ("processing", "ready")
        assert ("solution" in body) == (body["status"] == "ready")
    else:
        assert isinstance(body["balance"], (int, float))


_text = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=20),
    st.sampled_from(["ComplexImageTask", "FunCaptchaTaskProxyless", "funcaptcha", "AAAA", URL]),
    st.sampled_from([f"https://{host}/" for host in BY_HOST]),
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)
_task = st.fixed_dictionaries(
    {"type": _text | _json},
    optional={
        "class": _text | _json,
        "imagesBase64": st.lists(_text) | _json,
        "imageUrls": st.lists(_text) | _json,
        "metadata": st.fixed_dictionaries({"Task": _text}) | _json,
        "websiteURL": _text | _json,
        "websitePublicKey": _text | _json,
        "data": _text | _json,
    },
)
_keys = st.sampled_from(list(keys_for(0).values()))
_requests = st.fixed_dictionaries(
    {"clientKey": _keys | _json},
    optional={
        "task": _task | _json,
        "taskId": st.integers(7_654_320, 7_654_330) | _json,
        "callbackUrl": _text | _json,
    },
)
bodies = st.one_of(
    st.binary(max_size=60),
    _json.map(lambda value: json.dumps(value).encode()),
    _requests.map(lambda value: json.dumps(value).encode()),
    _requests.map(lambda value: json.dumps(value).encode("utf-16")),
)
