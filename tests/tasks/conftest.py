"""What the tests of pictures share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from brocap_nb.tasks import _pictures


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """No picture is remembered from one test to the next."""
    _pictures._recent.clear()
    yield
    _pictures._recent.clear()
