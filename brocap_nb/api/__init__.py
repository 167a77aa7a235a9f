"""What the API documents, and one exchange with it.

_facts.py       error codes with their help, limits, methods
_errors.py      one exception tree
_exchange.py    one HTTP attempt, frozen, and its outcome
_answers.py     the contract's rules: answers are read by them, departures told
_json.py        JSON that may be anything
_secrets.py     what is secret, and how it is found
_body.py        JSON in pieces: bytes for the wire, text for the log
"""

from brocap_nb.api._facts import CALLBACK_TIMEOUT as CALLBACK_TIMEOUT
from brocap_nb.api._facts import IMAGE_MAX_BYTES as IMAGE_MAX_BYTES
from brocap_nb.api._facts import IMAGE_MIN_BYTES as IMAGE_MIN_BYTES
from brocap_nb.api._facts import METHODS as METHODS
from brocap_nb.api._facts import POLL_INTERVAL as POLL_INTERVAL
from brocap_nb.api._facts import POLL_LIMIT as POLL_LIMIT
from brocap_nb.api._facts import RESULT_LIFETIME as RESULT_LIFETIME

__all__ = [name for name in sorted(globals()) if name.isupper()]
