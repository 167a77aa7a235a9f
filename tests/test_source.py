"""The code of a task builds an equal task, and holds no secret and no wall of base64."""

from __future__ import annotations

import base64
import datetime
import os
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch
from uuid import UUID

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from kinds import Point, Power, Speed, exact, made_tasks, points
from pydantic import BaseModel, SecretStr

import brocap_nb as bn
from brocap_nb.source import python_source

PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)
PAGE = "https://example.com/"


class Login(BaseModel):
    model_config = {"populate_by_name": False}
    user: str = bn.Field(alias="user-name")
    password: str | None = None
    pin: SecretStr | None = None


class OwnTask(bn.Task, register=False):
    title: str
    count: int = 3
    ratio: float | None = None
    speed: Speed = Speed.SLOW
    power: Power | None = None
    mode: Literal["a", 1, True, None] = "a"
    either: int | bool | str | None = 1
    words: tuple[str, ...] = ("x",)
    tags: frozenset[int] | None = None
    table: dict[str, list[int | str | None]] = bn.Field(default_factory=dict)
    start: Point
    points: list[Point] | None = None
    at: datetime.datetime | None = None
    day: datetime.date | None = None
    wait: datetime.timedelta | None = None
    price: Decimal | None = None
    key: UUID | None = None
    raw: bytes | None = None
    null: str | None = "not null"


class ProxyTask(bn.Task, register=False):
    proxy_password: str
    login: Login | None = None
    headers: dict[str, Any] | None = None


def build(task: bn.Task, where: Path) -> bn.Task:
    """Run the code of a task with nothing but what it says that it needs."""
    source = python_source(task)
    compile(source.code, "<source>", "exec")
    for name, data in source.files.items():
        (where / name).write_bytes(data)
    scope: dict[str, Any] = {}
    exec(source.code, scope)
    built = scope["task"]
    assert isinstance(built, bn.Task)
    return built


texts = st.text(max_size=30)
zones = st.none() | st.just(datetime.UTC) | st.just(datetime.timezone(datetime.timedelta(hours=5)))
own_tasks = st.builds(
    OwnTask,
    title=texts,
    count=st.integers(),
    ratio=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    speed=st.sampled_from(Speed),
    power=st.none() | st.sampled_from([Power.READ, Power.READ | Power.WRITE, Power(0)]),
    mode=st.sampled_from(["a", 1, True, None]),
    either=st.none() | st.integers(0, 1) | st.booleans() | texts,
    words=st.lists(texts, max_size=3).map(tuple),
    tags=st.none() | st.frozensets(st.integers(), max_size=3),
    table=st.dictionaries(texts, st.lists(st.none() | st.integers() | texts, max_size=2)),
    start=points,
    points=st.none() | st.lists(points, max_size=2),
    at=st.none() | st.datetimes(timezones=zones),
    day=st.none() | st.dates(),
    wait=st.none() | st.timedeltas(),
    price=st.none() | st.decimals(allow_nan=False, allow_infinity=False),
    key=st.none() | st.uuids(),
    raw=st.none() | st.binary(max_size=20),
    null=st.none() | texts,
)
pictures = st.binary(min_size=100, max_size=400) | st.just(PNG)
image_tasks = st.builds(
    lambda data, question, agent, page: bn.ComplexImageTask.from_image(
        data, question, user_agent=agent, website_url=page
    ),
    pictures,
    st.text(min_size=1),
    st.none() | texts,
    st.none() | st.just(PAGE),
)
several = st.lists(pictures, min_size=2, max_size=3).map(
    lambda found: bn.ComplexImageTask(
        images_base64=[base64.b64encode(one).decode() for one in found], question="Pick"
    )
)
token_tasks = st.builds(
    lambda **fields: bn.FunCaptchaTaskProxyless(**fields),  # else the aliases are filled in too
    website_url=st.just(PAGE),
    website_public_key=st.text(min_size=1),
    data=st.sampled_from([None, '{"a": "\'"}']),
    user_agent=st.none() | texts,
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)
raw_tasks = st.dictionaries(texts, json_values, max_size=4).map(bn.RawTask)


@pytest.mark.parametrize(
    "tasks",
    [own_tasks, image_tasks, several, token_tasks, raw_tasks],
    ids=["own", "picture", "pictures", "token", "raw"],
)
def test_the_code_builds_an_equal_task(tasks: st.SearchStrategy[bn.Task], tmp_path: Path) -> None:
    @given(tasks)
    @settings(max_examples=60)
    def holds(task: bn.Task) -> None:
        assume(not python_source(task).variables)  # any name may be one that means a secret
        built = build(task, tmp_path)
        assert built == task
        if not isinstance(task, OwnTask) or task.at is None:  # zones have classes of their own
            assert exact(built) == exact(task)

    holds()


@given(made_tasks())
@settings(max_examples=60)
def test_the_code_of_a_type_made_up_builds_an_equal_task(task: bn.Task) -> None:
    source = python_source(task)
    assume(not source.variables)
    scope = {"MadeTask": type(task)}
    exec(source.code, scope)
    built: Any = scope["task"]
    assert built == task
    assert exact(built) == exact(task)


def test_code_reads_as_a_person_would_write_it() -> None:
    task = OwnTask(title="it's", start=Point(x=1), power=Power.WRITE, count=3)
    assert task.to_python() == (
        "import brocap_nb as bn\n"
        "from kinds import Point, Power\n"
        f"from {__name__} import OwnTask\n"
        "\n"
        'task = OwnTask(title="it\'s", power=Power.WRITE, start=Point(x=1))\n'
    )
    token = bn.FunCaptchaTaskProxyless(
        website_url=PAGE, website_public_key="K" * 36, data='{"blob": 1}'
    )
    assert token.to_python() == (
        "import brocap_nb as bn\n"
        "\n"
        "task = bn.FunCaptchaTaskProxyless(\n"
        f'    website_url="{PAGE}",\n'
        f'    website_public_key="{"K" * 36}",\n'
        "    data='{\"blob\": 1}',\n"
        ")\n"
    )


def test_a_long_picture_is_a_file_and_a_short_one_stays(tmp_path: Path) -> None:
    task = bn.ComplexImageTask.from_image(PNG, "Pick it")
    source = python_source(task)
    assert source.files == {"picture.png": PNG}
    assert 'bn.ComplexImageTask.from_image("picture.png", question="Pick it")' in source.code
    assert "# picture.png is the picture's file (208 bytes)" in source.code
    short = bn.ComplexImageTask.from_image(bytes(100), "Pick it")
    assert short.images_base64 is not None
    assert short.images_base64[0] in short.to_python()
    assert python_source(short).files == {}


def test_base64_that_another_spelling_exists_of_is_written_out() -> None:
    text = base64.b64encode(bytes(151)).decode()
    odd = text[:-3] + "B=="  # the same bytes, but not the same text
    task = bn.ComplexImageTask(images_base64=[odd], question="Pick it")
    assert odd in task.to_python()


def test_no_secret_is_in_the_code(tmp_path: Path) -> None:
    secrets = [f"hunter{number}" for number in range(6)]
    task = ProxyTask(
        proxy_password="hunter0",
        login=Login(**{"user-name": "me"}, password="hunter1", pin=SecretStr("hunter2")),
        headers={
            "Authorization": "hunter3",
            "a": [{"api-key": "hunter4"}],
            "b": {"Cookie": "hunter5"},
        },
    )
    source = python_source(task)
    assert not [one for one in secrets if one in source.code]
    assert len(source.variables) == len(secrets)
    assert 'os.environ["PROXY_PASSWORD"]' in source.code
    with patch.dict(os.environ, zip(source.variables, secrets, strict=True)):
        assert build(task, tmp_path) == task


def test_what_is_too_deep_for_python_is_told() -> None:
    body: dict[str, Any] = {}
    for _ in range(200):
        body = {"a": body}
    with pytest.raises(bn.InvalidInputError, match="60 levels deep"):
        bn.RawTask(body).to_python()


def test_a_field_cannot_hide_the_method() -> None:
    with (
        pytest.warns(UserWarning, match="shadows"),
        pytest.raises(bn.InvalidTaskError, match="every task already has"),
    ):

        class Hiding(bn.Task, register=False):
            to_python: str
