"""A form makes the task that its fields say, and says at the field what is wrong."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import ipywidgets as widgets
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from brocap_nb import tasks
from brocap_nb.errors import InvalidTaskError
from brocap_nb.tasks import ComplexImageTask, Field, FunCaptchaTaskProxyless, RawTask, Task
from brocap_nb.widgets import RawTaskForm, TaskForm, form_for
from brocap_nb.widgets.form import FieldRow, TaskFormBase

PAGE = "https://example.com/page"
KEY = "69A21A01-CC7B-B9C6-0F9A-E7FA06677FFC"
PNG = (b"\x89PNG\r\n\x1a\n" + bytes(200),)


class Speed(enum.Enum):
    SLOW = "slow"
    FAST = "fast"


class Point(BaseModel):
    x: int
    y: int = 0


class Sample(Task, register=False):
    """One field of each kind."""

    title: str
    """What it is called."""
    count: Annotated[int, Field(ge=0)] = 3
    ratio: float | None = None
    speed: Speed = Speed.SLOW
    mode: Literal["a", "b"] | None = None
    fast: bool = False
    maybe: bool | None = None
    words: tuple[str, ...] | None = None
    numbers: list[int] = Field(default_factory=list)
    start: Point
    end: Point | None = None
    extra: dict[str, Any] | None = None
    either: int | str | None = None


def row_of(form: TaskFormBase, name: str) -> FieldRow:
    return next(row for row in form.rows if name in row.names)


def shown(form: TaskFormBase, name: str) -> str:
    """The HTML of what is wrong with a field."""
    return str(row_of(form, name).children[1].value)


@pytest.fixture
def funcaptcha() -> TaskForm:
    return TaskForm(FunCaptchaTaskProxyless)


def test_labels_are_wire_names_with_required_marks(funcaptcha: TaskForm) -> None:
    labels = [control.widget.description for control in funcaptcha.controls.values()]
    assert labels == [
        "websiteURL (required)",
        "websitePublicKey (required)",
        "funcaptchaApiJSSubdomain",
        "data",
        "userAgent",
    ]


def test_help_comes_from_the_field(funcaptcha: TaskForm) -> None:
    row = row_of(funcaptcha, "websiteURL")
    assert "Address of the page." in row.children[-1].value
    assert row.children[0].tooltip == "Address of the page."


def test_an_untouched_form_does_not_scold(funcaptcha: TaskForm) -> None:
    assert funcaptcha.current is None
    assert [p.field for p in funcaptcha.problems] == ["websiteURL", "websitePublicKey"]
    assert not any(row.sentences for row in funcaptcha.rows)


def test_a_touched_field_says_what_is_wrong_and_keeps_the_input(funcaptcha: TaskForm) -> None:
    control = funcaptcha.controls["websiteURL"]
    control.widget.value = "example.com <b>"
    assert "expected an address that starts with http://" in shown(funcaptcha, "websiteURL")
    assert "<b>" not in shown(funcaptcha, "websiteURL")
    assert control.widget.value == "example.com <b>"
    assert shown(funcaptcha, "websitePublicKey") == ""
    control.widget.value = PAGE
    assert shown(funcaptcha, "websiteURL") == ""


def test_asking_for_the_task_shows_every_problem(funcaptcha: TaskForm) -> None:
    with pytest.raises(InvalidTaskError) as caught:
        funcaptcha.task()
    assert {p.field for p in caught.value.problems} == {"websiteURL", "websitePublicKey"}
    for name in ("websiteURL", "websitePublicKey"):
        assert f"{name} is missing" in shown(funcaptcha, name)


def test_a_filled_form_makes_the_task(funcaptcha: TaskForm) -> None:
    seen: list[Task | None] = []
    funcaptcha.on_change(lambda: seen.append(funcaptcha.current))
    funcaptcha.controls["websiteURL"].widget.value = PAGE
    funcaptcha.controls["websitePublicKey"].widget.value = KEY
    expected = FunCaptchaTaskProxyless(website_url=PAGE, website_public_key=KEY)
    assert funcaptcha.task() == expected
    assert seen == [None, expected]


def test_a_json_field_that_is_no_json_is_told_at_the_field(funcaptcha: TaskForm) -> None:
    funcaptcha.controls["data"].widget.value = '{"blob": '
    assert "data is not JSON" in shown(funcaptcha, "data")


def test_nested_fields_stand_under_their_full_name() -> None:
    form = TaskForm(ComplexImageTask)
    assert "metadata.Task" in form.controls
    with pytest.raises(InvalidTaskError):
        form.task()
    assert "metadata.Task is missing" in shown(form, "metadata.Task")
    assert "There is no picture" in shown(form, "imageUrls")


def test_pictures_have_a_picker_and_no_text_field() -> None:
    form = TaskForm(ComplexImageTask)
    assert form.picker is not None
    assert not {"imageUrls", "imagesBase64"} & form.controls.keys()
    form.controls["metadata.Task"].widget.value = "Pick the penguin"
    form.picker.choose_file(bytes(50), "small.png")
    assert "The picture in imagesBase64[0] has 50 bytes" in shown(form, "imagesBase64")
    form.picker.choose_file(PNG[0], "good.png")
    assert form.task() == ComplexImageTask.from_image(PNG[0], "Pick the penguin")


def test_an_own_type_gets_its_form_with_no_further_code() -> None:
    form = TaskForm(Sample)
    assert list(form.controls)[:2] == ["title", "start.x"]  # what is required comes first
    form.controls["title"].widget.value = "one"
    form.controls["start.x"].widget.value = "4"
    assert form.task() == Sample(title="one", start=Point(x=4))


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("count", "many", "count is &#x27;many&#x27;; expected a whole number, such as 3."),
        ("count", "-1", "greater than or equal to 0"),
        ("ratio", "half", "expected a number, such as 0.5"),
        ("extra", '{\n "a": }', "extra is not JSON: line 2, column 7: expecting value"),
        ("extra", "[1]", "extra is a list; expected an object"),
        ("end.x", "x", "end.x is &#x27;x&#x27;; expected a whole number"),
    ],
)
def test_each_kind_of_control_says_what_it_expected(name: str, typed: str, sentence: str) -> None:
    form = TaskForm(Sample)
    form.controls["title"].widget.value = "one"
    form.controls["start.x"].widget.value = "4"
    form.controls[name].widget.value = typed
    assert sentence in shown(form, name)
    assert form.controls[name].widget.value == typed
    assert len(form.problems) == 1


@pytest.fixture
def other_type() -> Iterator[type[Task]]:
    class OtherTask(Task):
        website_key: str
        "The page's public key."

    yield OtherTask
    del tasks._registry["OtherTask"]


def test_a_type_of_ones_own_in_three_lines(other_type: type[Task]) -> None:
    form = form_for(other_type)
    assert isinstance(form, TaskForm)
    form.controls["websiteKey"].widget.value = "abc"
    assert form.task().to_wire() == {"type": "OtherTask", "websiteKey": "abc"}


lines = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1)
samples = st.builds(
    Sample,
    title=st.text(min_size=1),
    count=st.integers(min_value=0, max_value=2**53),
    ratio=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    speed=st.sampled_from(Speed),
    mode=st.sampled_from(["a", "b", None]),
    fast=st.booleans(),
    maybe=st.sampled_from([True, False, None]),
    words=st.none() | st.lists(lines, min_size=1).map(tuple),
    numbers=st.lists(st.integers()),
    start=st.builds(Point, x=st.integers(), y=st.integers()),
    end=st.none() | st.builds(Point, x=st.integers(), y=st.integers()),
    extra=st.none() | st.dictionaries(lines, st.integers() | lines, min_size=1),
    either=st.none() | st.integers() | lines,
)


@given(samples)
def test_what_goes_into_a_form_comes_out(task: Sample) -> None:
    form = TaskForm(Sample)
    form.fill(task)
    assert form.task() == task


@given(st.text(min_size=1), st.none() | st.text(min_size=1), st.binary(min_size=100, max_size=300))
def test_an_image_task_comes_out_as_it_went_in(
    question: str, agent: str | None, data: bytes
) -> None:
    task = ComplexImageTask.from_image(data, question, user_agent=agent)
    form = TaskForm(ComplexImageTask)
    form.fill(task)
    assert form.task() == task


def test_a_raw_task_is_any_json_object() -> None:
    form = form_for(RawTask)
    assert isinstance(form, RawTaskForm)
    form.editor.widget.value = '{"type": "X", "n": [1, 2.5, null]}'
    assert form.task() == RawTask({"type": "X", "n": [1, 2.5, None]})


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ('{\n  "type": X\n}', "line 2, column 11: expecting value"),
        ('{"a" 1}', "line 1, column 6: expecting &#x27;:&#x27; delimiter"),
        ("", "The task is empty"),
        ("[1]", "RawTask got a list; expected a JSON object"),
        ('{"a": NaN}', "not JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
    ],
)
def test_a_json_mistake_is_told_with_its_place(typed: str, sentence: str) -> None:
    form = RawTaskForm()
    form.editor.widget.value = typed
    assert sentence in shown(form, "task")
    assert form.editor.widget.value == typed
    with pytest.raises(InvalidTaskError):
        form.task()


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.booleans())))
def test_a_raw_task_comes_out_as_it_went_in(body: dict[str, Any]) -> None:
    form = RawTaskForm()
    form.fill(RawTask(body))
    assert form.task().to_wire() == body


def test_a_password_is_typed_into_a_field_that_is_no_state() -> None:
    class ProxyTask(Task, register=False):
        proxy_password: str
        "Password of the proxy."

    form = TaskForm(ProxyTask)
    form.controls["proxyPassword"].write("hunter2-hunter2")
    assert form.task().to_wire()["proxyPassword"] == "hunter2-hunter2"
    states = [widget.get_state() for widget in _widgets_in(form)]
    assert "hunter2" not in repr(states)
    form.controls["proxyPassword"].write(None)
    with pytest.raises(InvalidTaskError, match="proxyPassword is missing"):
        form.task()


def _widgets_in(widget: widgets.Widget) -> list[widgets.Widget]:
    inner = [w for child in getattr(widget, "children", ()) for w in _widgets_in(child)]
    return [widget, *inner]
