"""The API's answers: read by what the pages document of them (`read`), and held against it
(`departures`).

`RULES` is the only place where the documented shape of an answer is written down. Where the public
pages are silent, there is no rule. Everything here takes any text and never raises.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from brocap_nb import _html
from brocap_nb.api._exchange import Exchange, Outcome
from brocap_nb.api._facts import CATALOGUE, METHODS, rows
from brocap_nb.api._json import is_integer, parse

NOT_AN_OBJECT: Final = "Every answer is a JSON object."
"""The rule that comes before all others."""


class Rule(NamedTuple):
    """One sentence of the contract about one field: a row of `_CONTRACT`."""

    methods: tuple[str, ...]
    field: str
    required: bool
    when: str
    """`always`, `success` (errorId is 0), `ready` (success, and the status says so) or `error`."""
    task_type: str | None
    legible: Callable[[Any], bool] | None
    fits: Callable[[Any], bool]
    sentence: str


def _is_number(value: Any) -> bool:
    """A number that a float can hold."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and -1e300 < value < 1e300


def _is_tiles(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, bool) for v in value)


_KINDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "integer": is_integer,
    "0": lambda value: is_integer(value) and value == 0,
    "0-or-1": lambda value: is_integer(value) and value in (0, 1),
    "not-0": lambda value: is_integer(value) and value != 0,
    "number": _is_number,
    "text": lambda value: isinstance(value, str),
    "filled-text": lambda value: isinstance(value, str) and value != "",
    "null": lambda value: value is None,
    "text-or-null": lambda value: value is None or isinstance(value, str),
    "known-code": lambda value: isinstance(value, str) and value in CATALOGUE,
    "status": ("processing", "ready").__contains__,
    "object": lambda value: isinstance(value, dict),
    "tiles": _is_tiles,
    "nothing": lambda value: False,
}

# Methods (* is all), field (? if it may be absent), when (for which task type), what it must be
# for the client to read it (- if it does not), and what the pages say that it is.
_CONTRACT: Final = """
*                       errorId            always   integer       0-or-1
    errorId is 0 or 1.
*                       errorCode          error    -             text
    An error has an errorCode, a string.
*                       errorCode?         error    text-or-null  known-code
    errorCode is one of the codes that the pages list.
createTask,getBalance   errorDescription   error    -             text
    An error has an errorDescription, a string.
*                       errorDescription?  error    text-or-null  text-or-null
    errorDescription is a string or null.
createTask,getBalance   errorCode?         success  -             nothing
    errorCode comes only with an error.
createTask,getBalance   errorDescription?  success  -             nothing
    errorDescription comes only with an error.
getTaskResult           errorCode?         success  -             null
    errorCode is null or absent when errorId is 0.
getTaskResult           errorDescription?  success  -             null
    errorDescription is null or absent when errorId is 0.
createTask              taskId             success  integer       not-0
    taskId is an integer, and not 0.
createTask              taskId             error    -             0
    taskId is 0 on an error.
getTaskResult           status             success  status        status
    status is processing or ready.
getTaskResult           solution           ready    object        object
    A ready task has a solution, an object.
getBalance              balance            success  number        number
    balance is a decimal number.
getTaskResult           solution.answer    ready:ComplexImageTask         -  tiles
    The solution of a ComplexImageTask has an answer: one boolean for each tile.
getTaskResult           solution.token     ready:FunCaptchaTaskProxyless  -  filled-text
    The solution of a FunCaptchaTaskProxyless has a token, a string.
"""

RULES: Final = tuple(
    Rule(
        methods=METHODS if methods == "*" else tuple(methods.split(",")),
        field=name.rstrip("?"),
        required=not name.endswith("?"),
        when=when.partition(":")[0],
        task_type=when.partition(":")[2] or None,
        legible=_KINDS.get(legible),
        fits=_KINDS[fits],
        sentence=sentence,
    )
    for (methods, name, when, legible, fits), (sentence,) in rows(_CONTRACT)
)
"""Every documented rule. A field that no rule names is not documented."""


class Departure(NamedTuple):
    """One way in which an answer is not what the API documents."""

    field: str
    """The field; empty for the answer as a whole."""
    rule: str
    """The rule that it broke, as a sentence."""
    found: str
    """What was there instead, shortened."""


def departures(method: str, text: str, task_type: str | None = None) -> list[Departure]:
    """Return every way in which an answer to a method departs from the documented contract.

    A `callback` has the body of `getTaskResult`, and its rules. Any other method is another
    service's, and there is no contract for its answers. Some task types have a documented solution.
    """
    method = "getTaskResult" if method == "callback" else method
    if method not in METHODS:
        return []
    body, wrong = parse(text)
    if wrong is not None or not isinstance(body, dict):
        found = _shown(body if wrong is None else text) if text.strip() else "nothing"
        return [Departure("", NOT_AN_OBJECT, found)]
    rules = _rules(method, task_type)
    return [*_broken(rules, body), *_surplus(method, task_type, rules, body)]


@functools.lru_cache(maxsize=64)
def _rules(method: str, task_type: str | None) -> Sequence[Rule]:
    return [r for r in RULES if method in r.methods and r.task_type in (None, task_type)]


def _broken(rules: Sequence[Rule], body: Mapping[str, Any]) -> Iterator[Departure]:
    """The first rule of each field that the body breaks."""
    error_id = body.get("errorId")
    moments = ["always"]
    if is_integer(error_id):
        moments += ["error"] if error_id else ["success"]
    if moments[-1] == "success" and body.get("status") == "ready":
        moments += ["ready"]
    told: set[str] = set()
    for rule in rules:
        outer, _, inner = rule.field.partition(".")
        place, name = (body.get(outer), inner) if inner else (body, outer)
        if rule.when not in moments or rule.field in told or not isinstance(place, dict):
            continue
        if not rule.fits(place[name]) if name in place else rule.required:
            told.add(rule.field)
            found = _shown(place[name]) if name in place else "missing"
            yield Departure(rule.field, rule.sentence, found)


def _surplus(
    method: str, task_type: str | None, rules: Sequence[Rule], body: Mapping[str, Any]
) -> Iterator[Departure]:
    """The fields that no rule names."""
    named = {rule.field.partition(".")[::2] for rule in rules}
    for name, value in body.items():
        if (name, "") not in named:
            yield Departure(name, f"{method} documents no field {_shown(name)}.", _shown(value))
    solution = body.get("solution")
    inside = {inner for _, inner in named if inner}
    for name, value in solution.items() if inside and isinstance(solution, dict) else ():
        if name not in inside:
            sentence = f"The solution of a {task_type} documents no field {_shown(name)}."
            yield Departure(f"solution.{name}", sentence, _shown(value))


def _shown(value: object, limit: int = 60) -> str:
    """A JSON value on one short line."""
    try:
        text = json.dumps(value)
    except RecursionError:
        return "a value that is nested too deeply"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer without an error. `raw` is all of it, undocumented fields included."""

    raw: Mapping[str, Any] = field(repr=False)
    """The JSON object as it came, less secrets."""

    def _facts(self) -> list[tuple[str, str]]:
        return []

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        body = _html.pretty(json.dumps(self.raw))
        return _html.describe(type(self).__name__, self._facts(), ("the whole answer", body))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedTask(Answer):
    """The answer of `createTask`."""

    task_id: int
    """The service's number of the task."""

    def _facts(self) -> list[tuple[str, str]]:
        return [("task id", str(self.task_id))]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult(Answer):
    """The answer of `getTaskResult`."""

    status: str
    """`processing` or `ready`."""
    solution: Mapping[str, Any] | None
    """The solution, different for each task type; None while processing."""

    @property
    def ready(self) -> bool:
        """Whether there is a solution."""
        return self.status == "ready"

    @property
    def answer(self) -> tuple[bool, ...] | None:
        """One boolean for each tile of the picture, row by row; None if there are none."""
        tiles: Any = (self.solution or {}).get("answer")
        return tuple(tiles) if _is_tiles(tiles) else None

    @property
    def token(self) -> str | None:
        """The token of a token task; None if there is none."""
        token = (self.solution or {}).get("token")
        return token if isinstance(token, str) else None

    def _facts(self) -> list[tuple[str, str]]:
        facts = [("status", self.status)]
        if self.answer is not None:
            chosen = [str(number) for number, true in enumerate(self.answer, 1) if true]
            facts.append(("answer", f"tile {', '.join(chosen) or 'none'} of {len(self.answer)}"))
        return facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance(Answer):
    """The answer of `getBalance`."""

    balance: float
    """The account's balance, in the account's currency."""

    def _facts(self) -> list[tuple[str, str]]:
        return [("balance", f"{self.balance:g}")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an answer says: its outcome, the fields for the log, and the typed answer."""

    outcome: Outcome
    answer: Answer | None = None
    error_id: int | None = None
    error_code: str | None = None
    error_description: str | None = None
    status: str | None = None
    task_id: int | None = None
    detail: str | None = None

    def complete(self, exchange: Exchange, **facts: Any) -> Exchange:
        """Return the exchange with what its answer says, and `facts`, other fields of it."""
        return dataclasses.replace(
            exchange,
            outcome=self.outcome,
            task_id=exchange.task_id if self.task_id is None else self.task_id,
            error_id=self.error_id,
            error_code=self.error_code,
            error_description=self.error_description,
            status=self.status,
            detail=self.detail,
            **facts,
        )


_READ_BY: Final = tuple(
    rule._replace(fits=rule.legible) for rule in RULES if rule.legible is not None
)
_READ: Final[Mapping[str, Sequence[Rule]]] = {
    method: tuple(rule for rule in _READ_BY if method in rule.methods) for method in METHODS
}
# an error can be read whatever the method is
_READ_ANY: Final = tuple(rule for rule in _READ_BY if rule.methods == METHODS)


def read(method: str, http_status: int, text: str) -> Reading:
    """Read the body of an answer to `method`, at any HTTP status. It never raises."""
    body, wrong = parse(text)
    if wrong is not None:
        detail = f"The answer is not JSON ({wrong})."
    elif not isinstance(body, dict):
        detail = f"The answer is {_shown(body)}; the API documents: {NOT_AN_OBJECT}"
    else:
        broken = next(_broken(_READ.get(method, _READ_ANY), body), None)
        if broken is None:
            return _typed(method, body)
        detail = f"{broken.field} is {broken.found}; the API documents: {broken.rule}"
    api_body = isinstance(body, dict) and is_integer(body.get("errorId"))
    if http_status >= 400 and not api_body:
        return Reading(outcome=Outcome.HTTP_ERROR, detail=f"HTTP {http_status}. {detail}")
    if 300 <= http_status < 400:
        detail = f"HTTP {http_status}: redirects are not followed, the key is in the body. {detail}"
    return Reading(outcome=Outcome.BAD_RESPONSE, detail=detail)


def _typed(method: str, body: dict[str, Any]) -> Reading:
    """What a body says that broke no rule of those that it is read by."""
    if body["errorId"] != 0:
        return Reading(
            outcome=Outcome.API_ERROR,
            error_id=body["errorId"],
            error_code=_clean(body.get("errorCode")),
            error_description=_clean(body.get("errorDescription")),
        )
    task_id, status, outcome = None, None, Outcome.OK
    answer = Answer(raw=body)
    if method == "createTask":
        task_id = body["taskId"]
        answer = CreatedTask(raw=body, task_id=task_id)
    elif method == "getTaskResult":
        status = body["status"]
        solution = body["solution"] if status == "ready" else None
        answer = TaskResult(raw=body, status=status, solution=solution)
        outcome = Outcome.OK if status == "ready" else Outcome.PROCESSING
    elif method == "getBalance":
        answer = Balance(raw=body, balance=float(body["balance"]))
    return Reading(outcome=outcome, answer=answer, error_id=0, status=status, task_id=task_id)


def _clean(text: str | None) -> str | None:
    """Lone surrogates, which JSON can spell, fit in no column of text."""
    return text if text is None else text.encode("utf-8", "backslashreplace").decode("utf-8")
