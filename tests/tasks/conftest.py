"""What the tests of pictures share."""

from __future__ import annotations

import pytest

from brocap_nb.tasks import _pictures


@pytest.fixture(autouse=True)
def _forget() -> None:
    """No picture is remembered from one test to the next."""
    _pictures._recent.clear()
