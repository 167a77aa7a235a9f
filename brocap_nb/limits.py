"""The limits that the service documents, as numbers.

Source of every value: the BroCapGPT public API pages (`createTask`, `getTaskResult`,
`ComplexImageTask`).
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CALLBACK_TIMEOUT",
    "IMAGE_MAX_BYTES",
    "IMAGE_MIN_BYTES",
    "POLL_INTERVAL",
    "POLL_LIMIT",
    "RESULT_LIFETIME",
]

IMAGE_MIN_BYTES: Final = 100
"""Smallest picture the service takes, in bytes of the file (not of its base64)."""

IMAGE_MAX_BYTES: Final = 500_000
"""Largest picture the service takes, in bytes of the file (not of its base64)."""

POLL_INTERVAL: Final = 2.0
"""Shortest time between two `getTaskResult` requests for one task, in seconds."""

POLL_LIMIT: Final = 120
"""Most `getTaskResult` requests for one task."""

RESULT_LIFETIME: Final = 300.0
"""How long after its creation a task's result can be asked for, in seconds."""

CALLBACK_TIMEOUT: Final = 2.0
"""How long the service waits for the receiver of a callback, in seconds."""
