"""The code of a task builds an equal task, and holds no secret and no wall of base64."""

from __future__ import annotations

import base64
import enum
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ConfigDict, SecretStr

import brocap_nb as bn
from brocap_nb.api._secrets import label_of

PAGE = "https://example.com/"
HIDDEN = "hunter2\"'\\"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)


def spelled(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Speed(enum.Enum):
    SLOW = "slow"
    FAST = 2


class OwnTask(bn.Task, register=False):
    model_config = ConfigDict(extra="allow")
    website_url: str = bn.Field(alias="websiteURL")
    größe: float = 1.0
    either: int | bool | str | None = 1
    speed: Speed = Speed.SLOW
    table: dict[str, list[int | str | None]] = bn.Field(default_factory=dict)
    secrets: list[SecretStr] | None = None
    token: str | None = bn.Field(None, alias="apiKey")
    password: str | None = bn.Field(None, alias="pw")


# half a surrogate is JSON, but pydantic refuses it in a text with a least length
whole = st.text(max_size=20) | st.sampled_from(["type", "class", "self", "ﬁ", "it's"])
texts = st.text(st.characters(), max_size=20) | st.sampled_from(["a\nb\\", '\'"""', "x " * 99])
texts |= st.just(spelled(PNG))
keys = (whole | texts).filter(lambda name: not label_of(name))
own_tasks = st.fixed_dictionaries(
    {"website_url": texts},
    optional={
        "größe": st.floats(allow_nan=False, allow_infinity=False),
        "either": st.none() | st.integers(0, 1) | st.booleans() | texts,
        "speed": st.sampled_from(Speed),
        "table": st.dictionaries(st.sampled_from(["a", "it's"]), st.lists(texts | st.integers())),
        "secrets": st.lists(st.just(HIDDEN), max_size=2),
        **dict.fromkeys(("token", "password"), st.just(HIDDEN)),
        **dict.fromkeys(("Extra", "class", "two words", "ﬁ", "type"), texts),
    },
).map(lambda fields: OwnTask(**fields))
pictures = (st.just(PNG) | st.binary(min_size=100, max_size=300)).map(spelled)
image_tasks = st.fixed_dictionaries(
    {"images_base64": st.lists(pictures, min_size=1, max_size=3), "question": whole.filter(bool)},
    optional={"user_agent": texts, "website_url": st.just(PAGE)},
).map(lambda fields: bn.ComplexImageTask(**fields))
scalars = st.none() | st.booleans() | st.integers() | st.floats(-1e308, 1e308) | texts
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=3)
        | st.fixed_dictionaries({"api-key": st.just(HIDDEN) | st.just(None)}, optional={"x": inner})
    ),
    max_leaves=12,
)
raw_tasks = st.dictionaries(keys, values, max_size=4).map(bn.RawTask)


def build(task: bn.Task, folder: Path, **scope: Any) -> bn.Task:
    """Run the code of a task with nothing but what it says that it needs."""
    code = task.to_python()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in re.findall(r"# (picture-\d+\.\w+) is the picture", code):
            (folder / name).write_bytes(PNG)
        for name in re.findall(r"# \$(\w+) holds a secret", code):
            patch.setenv(name, HIDDEN)
        exec(compile(code, "<source>", "exec"), scope)
    assert spelled(PNG) not in code
    assert ascii(HIDDEN)[1:-1] not in code
    built: bn.Task = scope["task"]
    return built


@settings(max_examples=200)
@given(own_tasks | image_tasks | raw_tasks)
def test_the_code_builds_an_equal_task(task: bn.Task) -> None:
    with tempfile.TemporaryDirectory() as folder:
        built = build(task, Path(folder), OwnTask=OwnTask)
    assert built == task
    sent = [json.dumps(one.to_wire(), sort_keys=True) for one in (built, task)]
    assert sent[0] == sent[1]  # True is not 1 here


def test_code_reads_as_a_person_would_write_it() -> None:
    # a field that holds its default is left out; True is not 1
    task = OwnTask(website_url="it's", either=True, speed=Speed.FAST, table={"a": [1]})
    assert task.to_python() == (
        "import brocap_nb as bn\n"
        "\n"
        "# OwnTask is a type of your own: define or import it first.\n"
        "task = OwnTask(website_url=\"it's\", either=True, speed=2, table={'a': [1]})\n"
    )
    task = bn.ComplexImageTask.from_image(PNG, "Pick it", user_agent="x" * 40)
    assert task.to_python() == (
        "import brocap_nb as bn\n"
        "\n"
        "# picture-1.png is the picture's file (208 bytes): put it beside the notebook.\n"
        "task = bn.ComplexImageTask.from_image(\n"
        "    'picture-1.png',\n"
        "    question='Pick it',\n"
        f"    user_agent='{'x' * 40}',\n"
        ")\n"
    )


def test_a_secret_is_a_variable_that_its_place_names_and_depth_has_an_end() -> None:
    code = bn.RawTask({"2fa": [{"apiKey": "a"}], "2fa_1": {"api-key": 5}}).to_python()
    assert "'apiKey': os.environ['_2FA_1_API_KEY']" in code
    assert "'api-key': int(os.environ['_2FA_1_API_KEY_2'])" in code
    assert "# $_2FA_1_API_KEY holds a secret, which is not written here" in code
    deep = json.loads('{"a":' * 200 + "1" + "}" * 200)
    with pytest.raises(bn.InvalidInputError, match="too deep"):
        bn.RawTask(deep).to_python()
