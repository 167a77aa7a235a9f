"""What the API documents, and one exchange with it.

_facts.py       error codes with their help, limits, methods
_errors.py      one exception tree
_exchange.py    one HTTP attempt, frozen, and its outcome
_answers.py     the contract's rules: answers are read by them, departures told
_json.py        JSON that may be anything
_secrets.py     what is secret, and how it is found
_body.py        JSON in pieces: bytes for the wire, text for the log
"""

from brocap_nb.api._facts import (
    CALLBACK_TIMEOUT,
    IMAGE_MAX_BYTES,
    IMAGE_MIN_BYTES,
    METHODS,
    POLL_INTERVAL,
    POLL_LIMIT,
    RESULT_LIFETIME,
)

__all__ = [
    "CALLBACK_TIMEOUT",
    "IMAGE_MAX_BYTES",
    "IMAGE_MIN_BYTES",
    "METHODS",
    "POLL_INTERVAL",
    "POLL_LIMIT",
    "RESULT_LIFETIME",
]
