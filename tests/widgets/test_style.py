"""What a handler raises is shown, without secrets."""

from __future__ import annotations

import pytest

from brocap_nb.api._errors import InvalidInputError
from brocap_nb.widgets._style import Report


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InvalidInputError("A is b; expected c."), "A is b; expected c."),
        (ZeroDivisionError("by <b>nought</b>"), "ZeroDivisionError: by &lt;b&gt;nought&lt;/b&gt;."),
    ],
)
def test_what_is_raised_is_shown_as_text(error: Exception, told: str) -> None:
    report = Report()

    def fail() -> None:
        raise error

    report.guard(fail)("what", "a widget passes")
    assert told in report.value
    assert 'role="alert"' in report.value
    assert report.layout.display != "none"
    report.clear()
    assert report.layout.display == "none"


def test_a_secret_in_it_is_taken_out() -> None:
    report = Report(lambda text: text.replace("hunter2", "<secret>"))
    with report.catching():
        raise ValueError("hunter2 is wrong")
    assert "&lt;secret&gt; is wrong" in report.value
    report.tell("the key is hunter2")
    assert "the key is &lt;secret&gt;" in report.value


def test_ctrl_c_goes_through() -> None:
    with pytest.raises(KeyboardInterrupt), Report().catching():
        raise KeyboardInterrupt
