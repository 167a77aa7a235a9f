"""Pictures are shown small, with their facts; an answer is drawn in a grid that can be changed."""

from __future__ import annotations

import base64
import re

import ipywidgets
import pytest
from pictures import noise, plain

from brocap_nb.widgets import _kit
from brocap_nb.widgets._picture import PictureView

ANSWER = [False, True, False, False, True, False]


@pytest.fixture
def view() -> PictureView:
    return PictureView()


def test_several_pictures_are_a_strip_with_numbers_and_facts(view: PictureView) -> None:
    view.show([noise(600, 400, "JPEG"), noise(50, 500, "JPEG"), b"no picture"], ANSWER)
    told = ["600 x 400 pixels", "50 x 500 pixels", "the service takes 100 to 500,000"]
    figures = view.shown.value.split("<figure")[1:]
    for number, (figure, fact) in enumerate(zip(figures, told, strict=True), 1):
        assert f"<b>Picture {number} of 3. </b>" in figure
        assert fact in figure
    assert view.shown.value.count("<img") == 2
    assert "Picture 1 of 3. The picture with its answer: tiles 2, 5 of 6" in view.shown.value
    assert "Picture 2 of 3. Not answered" in view.shown.value
    view.clear("This task has <no> picture.")
    assert "This task has &lt;no&gt; picture." in view.shown.value
    assert "<img" not in view.shown.value


def test_an_answer_is_drawn_in_a_grid_and_told_in_words_even_if_it_does_not_fit(
    view: PictureView,
) -> None:
    view.show(plain(600, 400), ANSWER)
    assert [label for label, _ in view.grid.options] == ["3 x 2", "2 x 3", "6 x 1", "1 x 6"]
    assert (view.grid.value, view.grid.index) == ((3, 2), 0)
    drawn = set()
    for label, _ in view.grid.options:
        view.grid.label = label
        assert "tiles 2, 5 of 6" in view.shown.value
        drawn.add(view.shown.value)
    assert len(drawn) == 4
    view.show(plain(60, 12), ANSWER)
    for grid, fits in (((1, 6), False), ((6, 1), True)):
        view.grid.value = grid
        assert ("tiles does not fit" not in view.shown.value) is fits
    for data, answer, told, choice in (
        (b"no picture", [True, False], "tile 1 of 2", True),
        (plain(60, 40), [], "none of the 0 tiles", False),
        (plain(60, 40), [True], "tile 1 of 1", False),
        (plain(60, 40), [True, False, True], "tiles 1, 3 of 3", True),
        (plain(60, 40), [False, False], "none of the 2 tiles", True),
    ):
        view.show(data, answer)
        assert told in view.shown.value
        assert (view.grid.layout is not _kit.shown(False)) is choice


def test_what_is_saved_stays_in_the_budget() -> None:
    before = set(ipywidgets.Widget.get_manager_state()["state"])
    view = PictureView()
    files = [noise(900, 600, "JPEG") for _ in range(15)]
    for _ in range(3):  # nothing is left over from before
        view.show(files)
        view.show(files, ANSWER)
    states = ipywidgets.Widget.get_manager_state()["state"]
    saved = repr([state for name, state in states.items() if name not in before])
    uris = re.findall(r'data:image/[^"]+', saved)
    assert len(uris) == 12
    assert sum(map(len, uris)) <= 40_000
    assert base64.b64encode(files[0][:90]).decode() not in saved
