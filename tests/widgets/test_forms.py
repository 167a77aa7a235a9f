"""What is typed into a form is the task that is sent; what is wrong is said at its field."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import ipywidgets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Secret, SecretStr, create_model

import brocap_nb as bn
from brocap_nb.widgets import TaskForm
from brocap_nb.widgets._kit import SecretField

PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)


class Speed(enum.Enum):
    SLOW = "slow"
    FAST = 2


class Point(BaseModel):
    x: int
    y: int = 0


class Tree(BaseModel):
    trees: list[Tree] = []


class Account(BaseModel):
    name: str
    password: str


def form_of(**fields: Any) -> TaskForm:
    """The form of a type with these fields, each an annotation and a default."""
    made = create_model("OneTask", __base__=bn.Task, __cls_kwargs__={"register": False}, **fields)
    return TaskForm(made)


def enter(form: TaskForm, name: str, what: Any) -> None:
    """Type a text, choose a label or set a tick."""
    widget = form.inputs[name].widget
    if isinstance(widget, SecretField):
        widget._handle_custom_msg({"value": what}, [])
    else:
        widget.value = what


def said(form: TaskForm, name: str = "") -> str:
    """What stands below a field; without a name, below the form."""
    (row,) = [row for row in form.rows if (name in row.names if name else not row.names)]
    return str(row.said.value)


def widgets_in(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    yield widget
    for inner in getattr(widget, "children", ()):
        yield from widgets_in(inner)


def state(form: TaskForm) -> str:
    """All that a front end could save of a form."""
    return repr([widget.get_state() for widget in widgets_in(form)])


KINDS: dict[str, tuple[Any, Any, Any]] = {
    "text": (str, " as it is ", " as it is "),
    "whole number": (int, " 42 ", 42),
    "strict number": (Annotated[int, bn.Field(strict=True)], "7", 7),
    "number": (float, "0.5", 0.5),
    "yes or no": (bool, "true", True),
    "literal number": (Literal[1, True, "a"], "1", 1),
    "enum": (Speed, "2", 2),
    "date": (datetime.date, "2024-05-31", "2024-05-31"),
    "time": (datetime.datetime, "2024-05-31T12:30:00Z", "2024-05-31T12:30:00Z"),
    "decimal": (decimal.Decimal, '"0.1000000000000000055"', "0.1000000000000000055"),
    "texts": (list[str], "one, two\n\n three", ["one, two", " three"]),
    "numbers": (list[int], "1\n 2 \n", [1, 2]),
    "enums": (list[Literal["a", "b"]], "b\na", ["b", "a"]),
    "object": (dict[str, Any], '{"a": [1, null]}', {"a": [1, None]}),
    "trees": (list[Tree], '[{"trees": [{}]}]', [{"trees": [{"trees": []}]}]),
    "pair": (tuple[int, str], '[1, "1"]', [1, "1"]),
    "either": (int | str, '"3"', "3"),
    "anything": (Any, "[true]", [True]),
    "secret": (SecretStr, "hunter2-hunter2", "hunter2-hunter2"),
    "secrets": (list[SecretStr], '["hunter2-hunter2"]', ["hunter2-hunter2"]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_typed_is_what_is_sent(kind: str) -> None:
    annotation, typed, wire = KINDS[kind]
    for field in ((annotation, ...), (annotation | None, None)):
        form = form_of(field=field)
        empty = form.inputs["field"].text
        enter(form, "field", typed)
        assert form.current is not None
        assert form.task().to_wire() == {"type": "OneTask", "field": wire}
        assert json.dumps(form.task().to_wire()["field"]) == json.dumps(wire)  # 1 is not 1.0
    enter(form, "field", empty)
    assert form.task().to_wire() == {"type": "OneTask"}


@pytest.mark.parametrize(
    ("annotation", "typed", "sentence"),
    [
        (Annotated[str, bn.Field(pattern="^[a-z]*$")], "<B>", "should match pattern"),
        (int, "many", "field is &#x27;many&#x27;; expected a whole number, such as 3. Change it."),
        (int, "9" * 5000, "expected a whole number"),
        (Annotated[int, bn.Field(ge=0)], "-1", "greater than or equal to 0"),
        (float, "half", "expected a number, such as 0.5"),
        (float, "nan", "finite number"),
        (datetime.date, "31.5.2024", "valid date"),
        (decimal.Decimal, '"1,5"', "valid decimal"),
        (list[int], "1\nx", "field[1] is &#x27;x&#x27;; expected a whole number"),
        (dict[str, int], '{\n "a": }', "field is not JSON: Expecting value: line 2 column 7"),
        (dict[str, int], "[1]", "field is of type list; expected an object"),
        (Any, "[" * 100_000, "field is not JSON"),
        (Point | None, '{"x": "one"}', "field.x: Input should be a valid integer"),
        (Secret[int], "hunter2-hunter2", "expected a whole number"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_stays(
    annotation: Any, typed: str, sentence: str
) -> None:
    form = form_of(field=(annotation, ...))
    enter(form, "field", typed)
    assert form.current is None
    assert len(form.problems) == 1
    assert sentence in said(form, "field")
    assert 'role="alert"' in said(form, "field")
    assert len(said(form, "field")) < 400
    assert "<B>" not in said(form, "field")
    assert form.inputs["field"].text == typed
    assert "hunter2" not in state(form)


@given(st.text(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=40)
def test_any_text_and_number_is_read_as_it_is_written(text: str, whole: int, number: float) -> None:
    form = form_of(text=(str | None, None), whole=(int, ...), number=(float, ...))
    for name, typed in (("text", text), ("whole", str(whole)), ("number", repr(number))):
        enter(form, name, typed)
    task: Any = form.task()
    assert (task.text, task.whole, task.number) == (text or None, whole, number)
    form.close()


typed_texts = st.text(max_size=30) | st.sampled_from(
    ["1", "-1", "1e999", "nan", "[]", "{}", "null", '{"a": NaN}', "[" * 3000, "9" * 5000, "true"]
)


def test_whatever_is_typed_there_is_a_task_or_a_problem() -> None:
    kinds = enumerate(annotation for annotation, _, _ in KINDS.values())
    form = form_of(**{f"field_{number}": (kind | None, None) for number, kind in kinds})
    names = st.sampled_from([name for name, one in form.inputs.items() if not one._choices])

    @given(st.dictionaries(names, typed_texts, max_size=6))
    @settings(max_examples=60)
    def holds(typed: dict[str, str]) -> None:
        for name, text in typed.items():
            enter(form, name, text)
        assert (form.current is None) == bool(form.problems)

    holds()


class HelpedTask(bn.Task, register=False):
    aURLList: list[Literal["a", "b"]]  # noqa: N815
    "Some words."
    end: Point | None = None
    count: int = 3
    agent: str | None = bn.Field(None, examples=["curl"])
    day: datetime.date | None = None
    speed: Speed = Speed.SLOW
    mode: Literal["x", None] = None


def test_an_input_says_its_name_what_it_takes_and_what_is_sent() -> None:
    form = TaskForm(HelpedTask)
    made = {name: one.widget for name, one in form.inputs.items()}
    assert made["aURLList"].description == "A URL list (aURLList, required)"
    assert "Some words. One a line: a, b." in said(form, "aURLList")
    assert "Written as JSON: an object of x, y." in said(form, "end")
    hints = [made[name].placeholder for name in ("count", "agent", "day")]
    assert hints == ["left empty, 3 is sent", "such as curl", "such as 2024-05-31"]
    assert made["speed"].options == ("slow", "2")
    assert made["mode"].options == ("(left out)", "x")
    assert form_of(field=(Speed, ...)).inputs["field"].widget.options == ("(choose)", "slow", "2")


def test_a_form_does_not_scold_before_it_is_touched() -> None:
    seen: list[bn.Task | None] = []
    form = TaskForm(bn.FunCaptchaTaskProxyless, changed=lambda: seen.append(form.current))
    assert 'role="alert"' not in state(form)
    enter(form, "websiteURL", "example.com")
    assert "starts with http://" in said(form, "websiteURL")
    assert "alert" not in said(form, "websitePublicKey")
    with pytest.raises(bn.InvalidTaskError) as caught:
        form.task()
    assert caught.value.problems == form.problems
    assert "websitePublicKey is missing" in said(form, "websitePublicKey")
    enter(form, "websiteURL", "https://a.example/")
    enter(form, "websitePublicKey", "69A21A01")
    assert seen == [None, None, form.task()]
    assert "alert" not in state(form)


def test_a_picture_is_picked_and_what_is_wrong_with_it_said_there() -> None:
    form: Any = TaskForm(bn.ComplexImageTask)
    with pytest.raises(bn.InvalidTaskError, match="metadata"):
        form.task()
    assert "There is no picture" in said(form, "imageUrls")
    enter(form, "metadata.Task", "Pick the penguin")
    form.picker.choose_file(PNG[:50], "small.png")
    assert "The picture in imagesBase64[0] has 50 bytes" in said(form, "imagesBase64")
    form.picker.choose_file(PNG, "good.png")
    assert form.task() == bn.ComplexImageTask.from_image(PNG, "Pick the penguin")


def test_what_the_service_said_stands_at_its_field_until_it_is_changed() -> None:
    form, sentence = TaskForm(bn.ComplexImageTask), "The <picture> is refused."
    for field, place in (
        ("imageUrls[0]", "imagesBase64"),
        ("type", ""),
        ("", ""),
        ("metadata", "metadata.Task"),
    ):
        form.mark(["class"], "Something else.")
        form.mark([field], sentence)
        assert "Rejected by the service:</b> The &lt;picture&gt; is refused." in said(form, place)
        assert state(form).count("is refused") == 1
        assert "Something else" not in state(form)
    enter(form, "websiteURL", "x")
    assert "is refused" in said(form, "metadata.Task")
    enter(form, "metadata.Task", "x")
    assert "is refused" not in state(form)


def test_a_raw_task_is_any_json_object_and_what_is_none_says_why() -> None:
    form = TaskForm(bn.RawTask)
    assert form.task() == bn.RawTask({"type": "MyTask"})
    for typed, told in (("{\n X}", "line 2"), ("", "The task is empty"), ("[1]", "a list is no")):
        enter(form, "task", typed)
        assert told in said(form, "task") + said(form)
        assert form.inputs["task"].text == typed
        assert form.current is None
    enter(form, "task", '{"type": "X", "n": [1, 2.5, null]}')
    assert form.task() == bn.RawTask({"type": "X", "n": [1, 2.5, None]})


class Card(BaseModel):
    number: SecretStr


class AccountTask(bn.Task, register=False):
    proxy_password: str = "default-password"
    account: Account | None = None
    accounts: list[Account] = bn.Field(default=[Account(name="x", password="default-password")])
    cookies: list[str] | None = None
    card: Card | None = None
    token: Secret[int] | None = None
    fault: int = 0

    def model_post_init(self, _: object) -> None:
        if self.fault:
            raise [ValueError, KeyError][self.fault - 1](f"{self.proxy_password} is too weak")


def test_a_secret_is_no_state_however_it_is_nested_and_in_no_sentence() -> None:
    form = TaskForm(AccountTask)
    account = {"name": "me", "password": "s3cr3t"}
    for name, typed in (
        ("proxyPassword", "hunter2-hunter2"),
        ("account", json.dumps(account)),
        ("accounts", json.dumps([account])),
        ("cookies", '["hunter2-hunter2"]'),
        ("card", '{"number": "hunter2-hunter2"}'),
    ):
        enter(form, name, typed)
    sent = form.task().to_wire()
    assert (sent["account"], sent["cookies"]) == (account, ["hunter2-hunter2"])
    shown = state(form) + form._repr_mimebundle_()["text/html"] + repr(form)
    for fault, told in (("1", "is too weak"), ("2", "failed with KeyError")):
        enter(form, "fault", fault)
        assert told in said(form)
        shown += state(form) + repr(form.problems)
    for secret in ("hunter2", "s3cr3t", "default-password"):
        assert secret not in shown
    enter(form, "fault", "")
    assert said(form) == ""
    enter(form, "proxyPassword", "")
    assert form.task().to_wire()["proxyPassword"] == "default-password"


def test_a_form_without_a_kernel_shows_its_fields_and_its_look_is_there_once() -> None:
    form = form_of(field=(Annotated[str, bn.Field(description="The page's key.")], ...))
    shown = form._repr_mimebundle_()["text/html"]
    assert "field is missing; it is required (The page&#x27;s key)" in shown
    enter(form, "field", "<b>" + 50_000 * "x")
    shown = form._repr_mimebundle_()["text/html"]
    assert "&lt;b&gt;xxx" in shown
    assert len(shown) < 8_000
    for _ in range(2):
        form._ipython_display_()
    assert state(form).count("<style>") == 1
