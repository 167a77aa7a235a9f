"""What fits at the cursor of an unfinished task."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brocap_nb.doors._completion import JsonPlace, json_place, task_words

IMAGE = ["class", "imageUrls", "imagesBase64", "metadata", "userAgent", "websiteURL"]
TYPES = ["ComplexImageTask", "FunCaptchaTaskProxyless"]


@pytest.mark.parametrize(
    ("before", "typed", "words"),
    [
        ("{", "", ["type"]),
        ('{\n  "ty', "ty", ["type"]),
        ('{"type":', "", TYPES),
        ('{"type": "Comp', "Comp", TYPES),
        ('{"type": "ComplexImageTask", ', "", IMAGE),
        ('{"type": "ComplexImageTask", im', "im", IMAGE),
        ('{"type": "ComplexImageTask", "class": "', "", ["funcaptcha"]),
        ('{"type": "ComplexImageTask", "metadata": {"', "", ["Task"]),
        ('{"type": "ComplexImageTask", "metadata": {"Task": "x"}, "', "", [*IMAGE[:3], *IMAGE[4:]]),
        ('{"type": "NoSuchTask", "', "", []),
        ('{"websiteURL": "a", "', "", ["type"]),
        ('{"type": "ComplexImageTask", "imageUrls": ["a", "b"], "userA', "userA", None),
    ],
)
def test_words(before: str, typed: str, words: list[str] | None) -> None:
    place = json_place(before)
    assert place is not None
    assert place.typed == typed
    found = list(task_words(place, before))
    if words is None:
        assert "userAgent" in found
        assert "imageUrls" not in found
    else:
        assert [word for word in found if word not in _defined_by_other_tests()] == words


def _defined_by_other_tests() -> set[str]:
    from brocap_nb import task_types

    return set(task_types()) - set(TYPES)


def test_the_type_may_stand_behind_the_cursor() -> None:
    before = '{"imageU'
    place = json_place(before)
    assert place is not None
    assert "imageUrls" in list(task_words(place, before + '", "type": "ComplexImageTask"}'))


@pytest.mark.parametrize(
    "before", ["", "  ", '{"type"', '{"a": "x"', '{"a": "x" ', '{"a": [', '{"a": [1, "', '{"a": {}']
)
def test_where_nothing_fits(before: str) -> None:
    assert json_place(before) is None


def test_a_quotation_mark_inside_a_string_does_not_end_it() -> None:
    assert json_place('{"a": "x\\"y') == JsonPlace((), "a", 'x\\"y', True, frozenset({"a"}))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(st.text() | VALUES.map(json.dumps), st.data())
def test_any_text_may_stand_before_the_cursor(text: str, data: st.DataObject) -> None:
    before = text[: data.draw(st.integers(0, len(text)))]
    place = json_place(before)
    if place is not None:
        assert before.endswith(place.typed)
        list(task_words(place, text))


@given(st.dictionaries(st.text(), VALUES), st.text(st.characters(exclude_characters='"\\')))
def test_the_names_before_the_cursor_are_known(fields: dict[str, object], typed: str) -> None:
    before = json.dumps(fields)[:-1] + (", " if fields else "") + '"' + typed
    assert json_place(before) == JsonPlace((), None, typed, True, frozenset(fields))
