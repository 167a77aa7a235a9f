"""A form shows what the service said, and something useful on a page without a kernel."""

from __future__ import annotations

import pytest
from kinds import Everything, Point

from brocap_nb.tasks import ComplexImageTask, FunCaptchaTaskProxyless, RawTask, Task
from brocap_nb.widgets import BodyView, PythonView, RawTaskForm, TaskForm
from brocap_nb.widgets.form import FieldGroup, FieldRow, TaskFormBase

SENTENCE = "The <picture> is refused."


def marked(form: TaskFormBase) -> dict[str, str]:
    rows = (*form.rows, form._whole)
    return {" ".join(row.names): row.marked for row in rows if row.marked}


@pytest.fixture
def image_form() -> TaskForm:
    return TaskForm(ComplexImageTask)


@pytest.mark.parametrize(
    ("field", "row"),
    [
        ("imagesBase64", "imagesBase64 imageUrls"),
        ("imageUrls[0]", "imagesBase64 imageUrls"),
        ("imageUrls.0", "imagesBase64 imageUrls"),
        ("metadata.Task", "metadata.Task"),
        ("metadata", "metadata.Task"),
        ("metadata.Other", "metadata.Task"),
        ("userAgent", "userAgent"),
        ("type", ""),
        ("nothing", ""),
    ],
)
def test_what_the_service_said_stands_at_its_field(
    image_form: TaskForm, field: str, row: str
) -> None:
    image_form.mark([field], SENTENCE)
    assert marked(image_form) == {row: SENTENCE}
    place = next(r for r in (*image_form.rows, image_form._whole) if r.marked)
    html = place.children[1].value
    assert 'role="alert"' in html
    assert "The service on this field:" in html
    assert "The &lt;picture&gt; is refused." in html
    assert place.children[1].layout.display == ""


def test_a_mark_goes_with_the_next_change_of_its_field(image_form: TaskForm) -> None:
    image_form.mark(["userAgent", "class"], SENTENCE)
    image_form.controls["websiteURL"].widget.value = "x"
    assert set(marked(image_form)) == {"userAgent", "class"}
    image_form.controls["userAgent"].widget.value = "x"
    assert set(marked(image_form)) == {"class"}
    image_form.mark([], "")
    assert marked(image_form) == {}
    image_form.mark([], SENTENCE)
    assert marked(image_form) == {"": SENTENCE}
    image_form.controls["userAgent"].widget.value = "y"
    assert marked(image_form) == {}


def test_the_next_mark_takes_the_last_one_away(image_form: TaskForm) -> None:
    image_form.mark(["userAgent"], SENTENCE)
    image_form.mark(["class"], SENTENCE)
    assert set(marked(image_form)) == {"class"}


def test_a_mark_and_a_problem_stand_together() -> None:
    form = TaskForm(FunCaptchaTaskProxyless)
    form.mark(["websiteURL"], SENTENCE)
    with pytest.raises(ValueError, match="is missing"):
        form.task()
    html = form.rows[0].children[1].value
    assert "websiteURL is missing" in html
    assert "is refused" in html


def test_a_raw_form_is_marked_as_a_whole() -> None:
    form = RawTaskForm()
    form.mark(["websiteURL"], SENTENCE)
    assert marked(form) == {"": SENTENCE}


def test_the_problem_comes_right_after_the_control(image_form: TaskForm) -> None:
    row = next(r for r in image_form.rows if "userAgent" in r.names)
    assert row.children[0].description == "userAgent"
    assert "User-Agent" in row.children[1].value  # its help
    row.show(["It is wrong."])
    assert row.children[1] is row._said
    assert "It is wrong." in row.children[1].value
    assert "User-Agent" in row.children[2].value


def bundle(widget: object) -> tuple[str, str]:
    shown = widget._repr_mimebundle_()  # type: ignore[attr-defined]
    assert "application/vnd.jupyter.widget-view+json" in shown
    return shown["text/html"], shown["text/plain"]


def test_a_form_without_a_kernel_shows_its_fields() -> None:
    form = TaskForm(Everything)
    task = Everything(
        title="<b>",
        start=Point(x=41),
        ok=True,
        choice="a",
        odd=None,
        words=["one", "two"],
        extra={"clientKey": "hunter3-hunter3"},
        password="hunter2-hunter2",
    )
    form.fill(task)
    html, plain = bundle(form)
    assert "&lt;b&gt;" in html
    assert "start.x" in html
    assert "41" in html
    assert "one, two" in html
    assert "the form is complete" in html
    assert "hunter" not in html + plain
    assert "brocap" in form._dom_classes
    assert any("<style>" in getattr(child, "value", "") for child in form.children)


def test_a_form_that_is_not_complete_says_what_is_missing() -> None:
    form = TaskForm(FunCaptchaTaskProxyless)
    html, plain = bundle(form)
    assert "websiteURL" in html
    assert "to be filled in" in html
    assert plain == "<TaskForm: 2 problems>"


def test_parts_of_a_form_show_themselves_too() -> None:
    form = TaskForm(Everything)
    form.controls["password"].write("hunter2-hunter2")
    for row in form.rows:
        html, plain = bundle(row)
        assert row.names[0] in html
        assert row.names[0] in plain
        assert "hunter2" not in html + plain
    group = next(row for row in form.rows if isinstance(row, FieldGroup))
    assert "start.x" in bundle(group)[0]
    html, _ = bundle(RawTaskForm())
    assert "MyTask" in html


def test_no_secret_is_told_in_a_sentence() -> None:
    class Checked(Task, register=False):
        password: str

        def model_post_init(self, _: object) -> None:
            raise ValueError(f"{self.password} is too weak")

    form = TaskForm(Checked)
    form.controls["password"].write("hunter2-hunter2")
    assert form.problems
    assert "hunter2" not in repr(form.problems) + form._whole.children[1].value


def test_a_task_is_shown_as_python_and_as_json() -> None:
    task = FunCaptchaTaskProxyless(website_url="https://example.com/", website_public_key="<k>")
    code, body = PythonView(), BodyView()
    for view in (code, body):
        view.show(None, TaskForm(FunCaptchaTaskProxyless).problems)
        assert "2 fields need a look: websiteURL, websitePublicKey" in view.value
        view.show(task)
        html, plain = bundle(view)
        assert html == view.value
        assert "&lt;k&gt;" in html
        assert "<k>" in plain
    assert "bn.FunCaptchaTaskProxyless(" in code.value
    deep: dict[str, object] = {}
    for _ in range(100):
        deep = {"a": deep}
    code.show(RawTask(deep))
    assert "60 levels deep" in code.value


def test_rows_have_short_names() -> None:
    assert repr(FieldRow(("a", "b"), TaskForm(Everything).controls["title"].widget)) == (
        "<FieldRow a or b>"
    )
