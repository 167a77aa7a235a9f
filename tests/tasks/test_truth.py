"""A task has one truth: however it came to be, all that is made of it says the same.

Its code builds it again, and holds no secret and no wall of base64.
"""

from __future__ import annotations

import base64
import copy
import enum
import json
import pickle
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, SecretBytes, SecretStr

import brocap_nb as bn
from brocap_nb.api._body import with_labels
from brocap_nb.api._secrets import Secret, label_of

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
keys = (whole | texts).filter(lambda name: not label_of(name))
texts |= st.just(spelled(PNG))
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
sources = st.lists(pictures, min_size=1, max_size=3).map(lambda them: {"images_base64": them})
image_tasks = st.builds(
    lambda source, fields: bn.ComplexImageTask(**source, **fields),
    sources | st.just({"image_urls": [PAGE]}),
    st.fixed_dictionaries(
        {"question": whole.filter(bool)},
        optional={"user_agent": texts, "website_url": st.just(PAGE)},
    ),
)
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


def change(draw: Callable[[Any], Any], task: bn.Task) -> bn.Task:
    """What a user makes of a task, which was looked at before."""
    repr(task), task.wire_body, task.to_wire(), task._repr_mimebundle_()
    image, own = isinstance(task, bn.ComplexImageTask), isinstance(task, OwnTask)
    new = {"question": "Pick"} if image else {"either": draw(st.booleans() | st.integers(0, 1))}
    ways: list[Callable[[], bn.Task]] = [
        lambda: task,
        lambda: task.model_copy(update=new),
        lambda: copy.deepcopy(task),
    ]
    if not task.wire_body.hidden:
        ways.append(lambda: pickle.loads(pickle.dumps(task)))
    if not own:
        ways.append(lambda: bn.task_from_wire(json.loads(json.dumps(task.to_wire()))))
    if sys.version_info >= (3, 13):
        ways.append(lambda: copy.replace(task, **new))
    if isinstance(task, OwnTask):
        task.table.setdefault("more", []).append(draw(st.integers(-9, 9)))
    return draw(st.sampled_from(ways))()


@settings(max_examples=200)
@given(own_tasks | image_tasks | raw_tasks, st.data())
def test_all_that_is_made_of_a_task_says_the_same(task: bn.Task, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(0, 3))):
        task = change(data.draw, task)
    sent = task.wire_body.wire(Secret("f" * 32)).decode()
    assert json.dumps(task.to_wire()) == sent, "True is not 1"
    if not task.wire_body.hidden:
        assert json.loads(task.wire_body.text) == json.loads(with_labels(sent)[0])
    if isinstance(task, bn.ComplexImageTask):
        assert task.to_wire()["metadata"] == {"Task": task.question}
        assert [*map(spelled, task.pictures())] == [*(task.images_base64 or ())]
    elif isinstance(task, OwnTask):
        assert json.loads(sent)["table"] == task.table
    with tempfile.TemporaryDirectory() as folder:
        built = build(task, Path(folder), OwnTask=OwnTask)
    assert built == task
    sorted_texts = [json.dumps(one.to_wire(), sort_keys=True) for one in (built, task)]
    assert sorted_texts[0] == sorted_texts[1]


def test_code_reads_as_a_person_would_write_it() -> None:
    # a field that holds its default is left out; True is not 1
    task = OwnTask(website_url="it's", either=True, speed=Speed.FAST, table={"a": [1]})
    assert task.to_python() == (
        "import brocap_nb as bn\n"
        "\n"
        "# OwnTask is a type of your own: define or import it first.\n"
        "task = OwnTask(website_url=\"it's\", either=True, speed=2, table={'a': [1]})\n"
    )
    code = bn.ComplexImageTask.from_image(PNG, "Pick it", user_agent="x" * 50).to_python()
    assert "# picture-1.png is the picture's file (208 bytes): put it beside" in code
    assert "from_image(\n    'picture-1.png',\n    question='Pick it',\n" in code


def test_a_secret_is_a_variable_that_its_place_names_and_depth_has_an_end() -> None:
    code = bn.RawTask({"2fa": [{"apiKey": "a"}], "2fa_1": {"api-key": 5}}).to_python()
    assert "'apiKey': os.environ['_2FA_1_API_KEY']" in code
    assert "'api-key': int(os.environ['_2FA_1_API_KEY_2'])" in code
    assert "# $_2FA_1_API_KEY holds a secret, which is not written here" in code
    deep = json.loads('{"a":' * 200 + "1" + "}" * 200)
    with pytest.raises(bn.InvalidInputError, match="too deep"):
        bn.RawTask(deep).to_python()


def test_a_copy_is_checked() -> None:
    task = bn.ComplexImageTask(image_urls=["https://example.com/a.png"], question="Pick")
    with pytest.raises(bn.InvalidTaskError, match=r"metadata.Task is empty"):
        task.model_copy(update={"question": ""})
    other = task.model_copy(update={"image_urls": None, "images_base64": [spelled(PNG)]})
    assert other == bn.ComplexImageTask(images_base64=[spelled(PNG)], question="Pick")


class Plain(BaseModel):
    number: float = 1.0


class Open(bn.Task, register=False):
    plain: Plain | None = None
    anything: Any = None
    table: dict[str, Any] | None = None
    secret: SecretBytes | None = None


def test_what_json_cannot_have_is_told_when_the_task_is_built() -> None:
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"plain": {"number": float("nan")}}, "plain.number", "plain.number is nan. Expected"),
        ({"anything": float("inf")}, "anything", "anything is inf. Expected"),
        ({"anything": [{"x": -float("inf")}]}, "anything.x", "anything.x is -inf. Expected"),
        ({"anything": {"\ud800": 1}}, "", "is not JSON.*surrogates not allowed. Expected"),
        ({"anything": object()}, "", "is not JSON.*Convert the value"),
        ({"secret": SecretBytes(b"\xff")}, "", "is not JSON.*utf-8"),
    ]
    for fields, field, said in wrong:
        with pytest.raises(bn.InvalidTaskError, match=said) as caught:
            Open(**fields)
        assert caught.value.problems[0].field == field

    # half of a character is JSON; a list may be spoilt later
    task = Open(anything=["\ud800"], table={"\udfff": 1})
    assert task.to_wire() == {"type": "Open", "anything": ["\ud800"], "table": {"\udfff": 1}}
    task.anything.append(float("nan"))
    with pytest.raises(bn.InvalidTaskError, match="anything is nan"):
        task.to_wire()
