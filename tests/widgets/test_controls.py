"""A control reads what it was given, says what it cannot read, and keeps what was typed."""

from __future__ import annotations

import enum
from typing import Any, Literal

import ipywidgets as widgets
import pytest
from kinds import Power, Speed, exact
from pydantic import SecretStr

from brocap_nb.errors import InvalidInputError
from brocap_nb.widgets.controls import (
    NULL,
    ChoiceControl,
    JsonControl,
    ListControl,
    NumberControl,
    SecretControl,
    TextControl,
    TickControl,
    control_for,
)


class Strict(enum.Flag):
    ONE = 1


def list_of(kind: Any, **options: Any) -> ListControl:
    control = control_for(kind, "items", **options)
    assert isinstance(control, ListControl)
    return control


def labels(control: ListControl) -> list[str]:
    return [item.widget.description for item in control.items]


def remove_buttons(control: ListControl) -> list[widgets.Button]:
    return [row.children[1] for row in control._rows.children]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (str, TextControl),
        (int, NumberControl),
        (float | None, NumberControl),
        (bool, TickControl),
        (bool | None, ChoiceControl),
        (Speed, ChoiceControl),
        (Literal["a", "b"], ChoiceControl),
        (list[str], ListControl),
        (set[Speed], ListControl),
        (tuple[bool, ...] | None, ListControl),
        (list[Literal["a", 1]], ListControl),
        (tuple[int, int], JsonControl),
        (list[list[int]], JsonControl),
        (list[int | str], JsonControl),
        (list[int | None], JsonControl),
        (dict[str, int], JsonControl),
        (int | str, JsonControl),
        (Any, JsonControl),
        (SecretStr, SecretControl),
    ],
)
def test_each_type_has_its_control(kind: Any, expected: type) -> None:
    assert type(control_for(kind, "field")) is expected


@pytest.mark.parametrize("name", ["password", "proxyPassword", "proxy_password", "login.api-key"])
def test_a_secret_is_known_by_its_name(name: str) -> None:
    assert isinstance(control_for(str, f"{name} (required)"), SecretControl)
    cookies = control_for(list[str], "cookies")
    assert isinstance(cookies, ListControl)
    cookies.write(["hunter2-hunter2"])
    assert isinstance(cookies.items[0], SecretControl)
    assert cookies.read() == ["hunter2-hunter2"]
    assert "hunter2" not in cookies.described()


def test_one_row_an_item_with_its_number() -> None:
    control = list_of(list[int])
    control.add.click()
    control.add.click()
    assert labels(control) == ["items 1", "items 2"]
    assert [b.description for b in remove_buttons(control)] == ["Remove 1", "Remove 2"]
    assert [b.tooltip for b in remove_buttons(control)] == ["Remove items 1", "Remove items 2"]
    assert control.add.description == "Add to items"
    control.items[0].widget.value = "5"
    control.items[1].widget.value = " 6 "
    assert control.read() == [5, 6]


def test_a_row_goes_and_the_others_keep_what_was_typed() -> None:
    control = list_of(list[int])
    control.write([1, 2, 3])
    control.items[2].widget.value = "three"
    kept = [control.items[0].widget, control.items[2].widget]
    rows = control._rows.children
    remove_buttons(control)[1].click()
    assert [item.widget for item in control.items] == kept
    assert control._rows.children == (rows[0], rows[2])
    assert labels(control) == ["items 1", "items 2"]
    assert control.items[1].widget.value == "three"
    with pytest.raises(InvalidInputError, match="items 2 is 'three'; expected a whole number"):
        control.read()
    assert rows[1].comm is None  # what is gone is in no saved notebook


def test_every_wrong_row_is_named() -> None:
    control = list_of(list[float])
    control.write([1, 2, 3])
    control.items[0].widget.value = "x"
    control.items[2].widget.value = "y"
    with pytest.raises(InvalidInputError) as caught:
        control.read()
    assert [p.sentence.split(" is ")[0] for p in caught.value.problems] == ["items 1", "items 3"]


def test_an_empty_row_is_not_sent_but_an_empty_text_that_was_given_is() -> None:
    control = list_of(list[str])
    control.write(["a", ""])
    control.add.click()
    assert control.read() == ["a", ""]
    assert control.items[1].widget.placeholder == "(an empty text is sent)"


def test_no_items_says_what_is_sent() -> None:
    control = list_of(list[str])
    assert control.read() is None
    assert "it is left out" in control._told.value
    control.write([])
    assert control.read() == []
    assert "an empty list is sent" in control._told.value
    emptied = list_of(list[str], emptied=[])
    emptied.write(["a"])
    assert emptied._told.layout.display == "none"
    remove_buttons(emptied)[0].click()
    assert emptied.read() == []


def test_enter_leads_to_the_next_input_and_from_the_last_to_a_new_one() -> None:
    control = list_of(list[str])
    control.write(["a", "b"])
    enter = {"event": "submit"}
    control.items[0].widget._handle_custom_msg(enter, [])
    assert len(control.items) == 2
    control.items[1].widget._handle_custom_msg(enter, [])
    assert len(control.items) == 3
    control.items[2].widget._handle_custom_msg(enter, [])  # still empty: one is enough
    assert len(control.items) == 3


def test_a_change_in_any_row_is_told() -> None:
    control, seen = list_of(list[bool]), []
    control.on_change(lambda: seen.append(control.read()))
    control.add.click()
    control.items[0].widget.value = True
    control.add.click()
    remove_buttons(control)[0].click()
    assert seen == [[False], [True], [True, False], [False]]


def test_choices_that_are_equal_are_told_apart() -> None:
    control = control_for(Literal["1", 1, True, None], "field", none="(choose)")
    assert [label for label, _ in control.widget.options] == [
        *("(choose)", "'1'", "1", "True", "None")
    ]
    for index, value in enumerate([None, "1", 1, True, NULL]):
        control.widget.index = index
        assert exact(control.read()) == exact(value)
        control.write(value)
        assert control.widget.index == index


def test_flags_are_a_sum() -> None:
    control = control_for(Power, "power")
    assert "1 (READ), 2 (WRITE)" in control.hint
    control.write(Power.WRITE)
    assert control.widget.value == "2"
    control.widget.value = "3"
    assert control.read() == Power.READ | Power.WRITE
    strict = control_for(Strict, "strict")
    strict.widget.value = "8"
    with pytest.raises(InvalidInputError, match="strict is 8, which is no sum"):
        strict.read()


def test_a_value_that_is_no_choice_is_shown_all_the_same() -> None:
    control = control_for(Literal["a"], "field")
    control.write("b")
    assert (control.read(), control.widget.label) == ("b", "b")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ('{\n "a": }', "field is not JSON: line 2, column 7: expecting value"),
        ("{'a': 1}", "line 1, column 2: expecting property name"),
        ('{"a": NaN}', "field is not JSON: NaN is no value of JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
    ],
)
def test_a_json_mistake_has_its_place(typed: str, sentence: str) -> None:
    control = JsonControl("field (required)")
    control.widget.value = typed
    with pytest.raises(InvalidInputError, match=r"field .*\.$") as caught:
        control.read()
    assert sentence in str(caught.value)
    assert control.widget.value == typed


def test_json_null_is_a_value_and_an_empty_text_is_none() -> None:
    control = JsonControl("field")
    assert control.read() is None
    control.widget.value = "null"
    assert control.read() is NULL
    control.write(NULL)
    assert control.widget.value == "null"


def test_what_a_control_describes_holds_no_secret() -> None:
    control = JsonControl("field")
    control.write({"proxyPassword": "hunter2-hunter2", "a": 1})
    assert "hunter2" not in control.described()
    assert '"a": 1' in control.described()
    secret = control_for(SecretStr, "pin")
    secret.write(SecretStr(" hunter2 "))
    assert secret.read() == " hunter2 "
    assert "hunter2" not in secret.described() + repr(vars(secret))
