"""A form makes the task that its fields say, and says at the field what is wrong."""

from __future__ import annotations

import base64
import enum
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import ipywidgets as widgets
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from kinds import Everything, everythings, exact, made_tasks, values
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from brocap_nb import tasks
from brocap_nb.errors import InvalidTaskError
from brocap_nb.tasks import ComplexImageTask, Field, FunCaptchaTaskProxyless, RawTask, Task
from brocap_nb.widgets import RawTaskForm, TaskForm, form_for, task_form
from brocap_nb.widgets.controls import ChoiceControl, ListControl, SecretControl, TickControl
from brocap_nb.widgets.form import FieldGroup, FieldRow, TaskFormBase

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
    return str(row_of(form, name)._said.value)


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


# to shrink a task of forty fields takes minutes
QUICK = settings(phases=[Phase.explicit, Phase.reuse, Phase.generate])


@pytest.fixture(scope="module")
def everything() -> TaskForm:
    return TaskForm(Everything)


def test_what_goes_into_a_form_comes_out(everything: TaskForm) -> None:
    @given(everythings)
    @settings(QUICK, max_examples=40)
    def holds(task: Everything) -> None:
        everything.fill(task)
        assert exact(everything.task()) == exact(task)
        before = [control.contents() for control in everything.controls.values()]
        states = {w.model_id: w.get_state() for w in widgets_in(everything)}
        everything.fill(task)
        assert [control.contents() for control in everything.controls.values()] == before
        assert {w.model_id: w.get_state() for w in widgets_in(everything)} == states

    holds()


@given(made_tasks())
@settings(max_examples=40)
def test_a_form_of_a_type_made_up_gives_back_what_it_was_filled_with(task: Task) -> None:
    form = TaskForm(type(task))
    form.fill(task)
    assert exact(form.task()) == exact(task)
    form.close()


SHOWN_IN_FULL = {"title", "start.x", "start.y", "ok", "choice", "words", "count", "ratio", "speed"}
SHOWN_IN_FULL |= {"power", "mode", "maybe", "flags", "numbers", "floats", "speeds", "letters"}
SHOWN_IN_FULL |= {"days", "extra", "either", "anything", "pet", "points", "pair", "tree.name", "at"}
SHOWN_IN_FULL |= {"price", "key"}


def test_what_a_form_shows_is_the_value(everything: TaskForm) -> None:
    """Somebody who types what is shown gets the same: only an empty input has two meanings."""
    names = sorted(SHOWN_IN_FULL)

    @given(everythings)
    @settings(QUICK, max_examples=25, suppress_health_check=list(HealthCheck))
    def holds(task: Everything) -> None:
        everything.fill(task)
        for name in names:
            control = everything.controls[name]
            control._written = None
            if isinstance(control, ListControl):
                for item in control.items:
                    item._written = None
        for node in everything._nodes:
            if isinstance(node, task_form._Group):
                node._written = None
        lists = (task.words, task.flags, task.days, task.floats, task.letters)
        # an empty text and an empty list look like what is left out
        assume(task.title and all(task.words) and (task.tree is None or task.tree.name))
        assume(all(one is None or one for one in lists))
        assert exact(everything.task()) == exact(task)

    holds()


anything_typed = st.text(max_size=30) | st.sampled_from(
    ["1", "-1", "1e999", "nan", "[]", "{}", "null", '{"a": NaN}', "[" * 3000, "9" * 5000, "true"]
)


def test_whatever_is_typed_there_is_a_task_or_a_problem(everything: TaskForm) -> None:
    names = st.sampled_from(sorted(everything.controls))

    @given(st.dictionaries(names, anything_typed, max_size=6))
    @settings(QUICK, max_examples=60)
    def holds(typed: dict[str, str]) -> None:
        for name, text in typed.items():
            control = everything.controls[name]
            if isinstance(control, ListControl):
                control.add.click()
                control = control.items[-1]
            if isinstance(control, SecretControl):
                control.widget.set(text)
            elif isinstance(control, ChoiceControl):
                control.widget.index = len(text) % len(control.widget.options)
            else:
                control.widget.value = bool(text) if isinstance(control, TickControl) else text
        assert (everything.current is None) == bool(everything.problems)
        if everything.current is not None:
            assert isinstance(everything.current, Everything)
        for control in everything.controls.values():
            while isinstance(control, ListControl) and len(control.items) > 4:
                control.remove(control.items[0])

    holds()


def test_checks_that_break_are_told() -> None:
    class Broken(Task, register=False):
        text: str

        @field_validator("text")
        @classmethod
        def _check(cls, text: str) -> str:
            raise KeyError(text)

    form = TaskForm(Broken)
    form.controls["text"].widget.value = "x"
    assert form.current is None
    assert "failed with KeyError" in form.problems[0].sentence


@given(st.text(min_size=1), st.none() | st.text(min_size=1), st.binary(min_size=100, max_size=300))
@settings(max_examples=30)
def test_an_image_task_comes_out_as_it_went_in(
    question: str, agent: str | None, data: bytes
) -> None:
    task = ComplexImageTask.from_image(data, question, user_agent=agent)
    form = TaskForm(ComplexImageTask)
    form.fill(task)
    assert form.task() == task
    form.close()


def test_a_task_with_several_pictures_keeps_them() -> None:
    texts = [base64.b64encode(bytes([n]) * 100).decode() for n in (1, 2)]
    task = ComplexImageTask(images_base64=texts, question="Pick it")
    form = TaskForm(ComplexImageTask)
    form.fill(task)
    assert form.task() == task
    assert form.picker is not None
    form.picker.choose_file(PNG[0], "other.png")
    assert form.task().pictures() == [PNG[0]]


@given(st.text(min_size=1), st.sampled_from([None, "{}", "[1]"]), st.none() | st.text())
@settings(max_examples=30)
def test_a_token_task_comes_out_as_it_went_in(
    key: str, data: str | None, agent: str | None
) -> None:
    task = FunCaptchaTaskProxyless(
        website_url=PAGE, website_public_key=key, data=data, user_agent=agent
    )
    form = TaskForm(FunCaptchaTaskProxyless)
    form.fill(task)
    assert form.task() == task
    form.close()


def test_help_says_what_is_allowed_and_what_to_type(everything: TaskForm) -> None:
    helps = {row.names[0]: row.help_text for row in everything.rows}
    assert helps["title"] == "What it is called."
    assert helps["count"] == "At least 0, at most 9."
    assert helps["code"] == "At most 5 long, matching `^[a-z]*$`."
    assert helps["days"] == ""
    assert helps["at"] == "A date and a time, such as 2024-05-31T12:30:00Z."
    assert helps["odd"] == "Left empty, null is sent."
    assert helps["start"] == "Where it starts."
    assert helps["extra"].startswith("Written as JSON")


def test_an_empty_input_says_what_it_means() -> None:
    form = TaskForm(Everything)
    assert form.controls["count"].widget.value == "3"
    assert form.controls["count"].widget.placeholder == "left empty, 3 is sent"
    form.controls["nick"].write("")
    assert form.controls["nick"].widget.placeholder == "(an empty text is sent)"
    assert form.controls["choice"].widget.label == "(choose)"
    assert form.controls["mode"].widget.label == "(left out)"
    assert [label for label, _ in form.controls["speed"].widget.options] == ["slow", "fast"]


def test_a_cleared_value_with_a_default_is_null_where_null_is_allowed() -> None:
    class Default(Task, register=False):
        nick: str | None = "nick"
        count: int = 3

    form = TaskForm(Default)
    form.controls["nick"].widget.value = ""
    form.controls["count"].widget.value = ""
    assert form.task() == Default(nick=None, count=3)


def test_a_group_is_ticked_filled_in_and_left_out() -> None:
    form = TaskForm(Sample)
    form.controls["title"].widget.value = "one"
    form.controls["start.x"].widget.value = "4"
    group = row_of(form, "end")
    assert isinstance(group, FieldGroup)
    assert group.tick is not None
    assert group.tick.description == "end: send these fields"
    assert not group.included
    group.tick.value = True
    assert form.current is None
    assert [p.field for p in form.problems] == ["end.x"]
    form.controls["end.x"].widget.value = "7"
    assert form.task() == Sample(title="one", start=Point(x=4), end=Point(x=7))
    group.tick.value = False
    assert form.task() == Sample(title="one", start=Point(x=4))
    form.controls["end.x"].widget.value = "8"  # who fills it in wants it sent
    assert form.task() == Sample(title="one", start=Point(x=4), end=Point(x=8))


def test_a_problem_of_a_model_as_a_whole_is_told_at_its_group() -> None:
    class Span(BaseModel):
        low: int = 0
        high: int = 1

        @model_validator(mode="after")
        def _check(self) -> Span:
            if self.low > self.high:
                raise ValueError("low is above high")
            return self

    class SpanTask(Task, register=False):
        span: Span = Span()

    form = TaskForm(SpanTask)
    form.controls["span.low"].widget.value = "5"
    assert row_of(form, "span").sentences == ("span: low is above high. Change the value.",)


def test_other_fields_of_an_open_type() -> None:
    class Open(Task, register=False):
        model_config = ConfigDict(extra="allow")
        name: str

    form = TaskForm(Open)
    task = Open(name="x", more=[1, {"a": None}])
    form.fill(task)
    assert form.task() == task
    form.controls["other fields"].widget.value = "[1]"
    assert "are no JSON object" in shown(form, "other fields")
    form.controls["other fields"].widget.value = '{"b": 1}'
    assert form.task() == Open(name="x", b=1)


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


def test_a_raw_task_comes_out_as_it_went_in() -> None:
    form = RawTaskForm()

    @given(st.dictionaries(st.text(), values))
    @settings(max_examples=60)
    def holds(body: dict[str, Any]) -> None:
        form.fill(RawTask(body))
        assert form.task() == RawTask(body)
        shown_text = form.editor.widget.value
        form.editor.widget.value = shown_text + " "  # typed by hand, it is the same
        assert form.task() == RawTask(body)

    holds()


def test_a_password_is_typed_into_a_field_that_is_no_state() -> None:
    class ProxyTask(Task, register=False):
        proxy_password: str
        "Password of the proxy."

    form = TaskForm(ProxyTask)
    form.controls["proxyPassword"].write("hunter2-hunter2")
    assert form.task().to_wire()["proxyPassword"] == "hunter2-hunter2"
    states = [widget.get_state() for widget in widgets_in(form)]
    assert "hunter2" not in repr(states)
    form.controls["proxyPassword"].write(None)
    with pytest.raises(InvalidTaskError, match="proxyPassword is missing"):
        form.task()


def widgets_in(widget: widgets.Widget) -> list[widgets.Widget]:
    inner = [w for child in getattr(widget, "children", ()) for w in widgets_in(child)]
    return [widget, *inner]
