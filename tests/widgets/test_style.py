"""What a handler raises is shown, without secrets."""

from __future__ import annotations

import pytest

from brocap_nb.api._errors import InvalidInputError
from brocap_nb.widgets._kit import Report


def test_what_is_raised_is_shown_as_text_without_secrets() -> None:
    report = Report(lambda text: text.replace("hunter2", "<secret>"))
    for error, told in (
        (InvalidInputError("A is b; expected c."), "A is b; expected c."),
        (ZeroDivisionError("by <b>nought</b>"), "ZeroDivisionError: by &lt;b&gt;nought&lt;/b&gt;."),
        (ValueError("hunter2 is wrong"), "ValueError: &lt;secret&gt; is wrong."),
    ):
        with report.catching():
            raise error
        assert told in report.value
        assert 'role="alert"' in report.value
        assert report.layout.display != "none"
    report.tell("the key is hunter2")
    assert "the key is &lt;secret&gt;" in report.value
    report.clear()
    assert report.layout.display == "none"


def test_ctrl_c_goes_through() -> None:
    with pytest.raises(KeyboardInterrupt), Report().catching():
        raise KeyboardInterrupt
