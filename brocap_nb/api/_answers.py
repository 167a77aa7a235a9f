"""The API's answers: read by what the pages document of them, and held against it.

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

import orjson

from brocap_nb import _html
from brocap_nb.api._exchange import Exchange, Outcome
from brocap_nb.api._facts import CATALOGUE, METHODS
from brocap_nb.api._json import is_integer, parse

NOT_AN_OBJECT: Final = "Every answer is a JSON object."


def _is_tiles(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, bool) for v in value)


# What the pages say of a field, and whether a value is so.
_KINDS: Final[Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    "integer": ("is an integer", is_integer),
    "0": ("is 0", lambda value: is_integer(value) and value == 0),
    "0-or-1": ("is 0 or 1", lambda value: is_integer(value) and value in (0, 1)),
    "not-0": ("is an integer, and not 0,", lambda value: is_integer(value) and value != 0),
    "number": (
        "is a decimal number",  # one that a float can hold
        lambda value: type(value) in (int, float) and -1e300 < value < 1e300,
    ),
    "text": ("is a string", lambda value: isinstance(value, str)),
    "filled": ("is a string that is not empty", lambda value: type(value) is str and value != ""),
    "null": ("is null or absent", lambda value: value is None),
    "text-or-null": ("is a string or null", lambda value: isinstance(value, str | None)),
    "code": ("is one of the codes that the pages list", tuple(CATALOGUE).__contains__),
    "status": ("is processing or ready", ("processing", "ready").__contains__),
    "object": ("is an object", lambda value: isinstance(value, dict)),
    "tiles": ("is a list of one boolean for each tile", _is_tiles),
    "absent": ("is absent", lambda value: False),
}

# Methods (* is all), field, ? if it may be absent, when, what it must be for the client to read it
# (- if it does not), what the pages say that it is, and for which task type, if not for any.
_CONTRACT: Final = """
*                      errorId           !  always   integer       0-or-1
*                      errorCode         !  error    -             text
*                      errorCode         ?  error    text-or-null  code
createTask,getBalance  errorDescription  !  error    -             text
*                      errorDescription  ?  error    text-or-null  text-or-null
createTask,getBalance  errorCode         ?  success  -             absent
createTask,getBalance  errorDescription  ?  success  -             absent
getTaskResult          errorCode         ?  success  -             null
getTaskResult          errorDescription  ?  success  -             null
createTask             taskId            !  success  integer       not-0
createTask             taskId            !  error    -             0
getTaskResult          status            !  success  status        status
getTaskResult          solution          !  ready    object        object
getBalance             balance           !  success  number        number
getTaskResult          solution.answer   !  ready    -             tiles   ComplexImageTask
getTaskResult          solution.token    !  ready    -             filled  FunCaptchaTaskProxyless
"""
_MOMENTS: Final = {
    "always": "",
    "success": " if errorId is 0",
    "ready": " if {} is ready",
    "error": " if errorId is not 0",
}


class Rule(NamedTuple):
    """One documented rule about one field: a row of `_CONTRACT`."""

    methods: str
    field: str
    need: str
    when: str
    legible: str
    kind: str
    task_type: str = ""

    @property
    def sentence(self) -> str:
        told = _MOMENTS[self.when].format(f"a {self.task_type}" if self.task_type else "the task")
        return f"{self.field} {_KINDS[self.kind][0]}{told}."


RULES: Final = tuple(Rule(*line.split()) for line in _CONTRACT.strip().splitlines())


class Departure(NamedTuple):
    """One way in which an answer is not what the API documents."""

    field: str  # empty for the answer as a whole
    rule: str  # that it broke, as a sentence
    found: str  # what was there instead, shortened


def departures(method: str, text: str, task_type: str | None = None) -> list[Departure]:
    """Return every way in which an answer to a method departs from the documented contract."""
    method = "getTaskResult" if method == "callback" else method  # its body is the same
    if method not in METHODS:  # another service's: there is no contract
        return []
    try:
        body, wrong = orjson.loads(text), None  # five times as fast, but it refuses what is odd
    except ValueError:
        body, wrong = parse(text)
    if not isinstance(body, dict):
        found = _shown(body if wrong is None else text) if text.strip() else "nothing"
        return [Departure("", NOT_AN_OBJECT, found)]
    return [*_broken(method, body, task_type)]


def _broken(
    method: str, body: dict[str, Any], task_type: str | None = None, *, to_read: bool = False
) -> Iterator[Departure]:
    """What is wrong with each field; with `to_read` only what forbids to read the answer."""
    error_id, solution = body.get("errorId"), body.get("solution")
    moments: tuple[str, ...] = ("always",)
    if is_integer(error_id):
        moments += ("error",) if error_id else ("success",)
        if not error_id and body.get("status") == "ready":
            moments += ("ready",)
    fields = body
    if isinstance(solution, dict):
        fields = body | {f"solution.{name}": value for name, value in solution.items()}
    rules, named, typed = _rules_of(method, task_type, moments, to_read)
    told: set[str] = set()
    for rule, name, fits in rules:
        present = name in fields
        wrong = not fits(fields[name]) if present else rule.need == "!"
        if wrong and told.isdisjoint((name, name.partition(".")[0])):
            told.add(name)
            yield Departure(name, rule.sentence, _shown(fields[name]) if present else "missing")
    if not to_read:
        for name in fields:
            if name not in named and (typed or not name.startswith("solution.")):
                sentence = f"{method} documents no field {_shown(name)}."
                yield Departure(name, sentence, _shown(fields[name]))


@functools.lru_cache
def _rules_of(
    method: str, task_type: str | None, moments: tuple[str, ...], to_read: bool
) -> tuple[list[tuple[Rule, str, Callable[[Any], bool]]], set[str], bool]:
    """The rules for an answer with their checks, all fields that have one, and of any solution."""
    known = [
        rule
        for rule in RULES
        if {"*", method} & {*rule.methods.split(",")} and rule.task_type in ("", task_type)
    ]
    held = [
        (rule, rule.field, _KINDS[kind][1])
        for rule in known
        if (kind := rule.legible if to_read else rule.kind) in _KINDS and rule.when in moments
    ]
    return held, {rule.field for rule in known}, any(rule.task_type for rule in known)


def _shown(value: object) -> str:
    """A JSON value on one short line."""
    try:
        text = str(value) if type(value) is int else json.dumps(value)  # 20 times as fast
    except RecursionError:
        return "a value that is nested too deeply"
    return text if len(text) <= 60 else f"{text[:57]}..."


def tiles_in_words(answer: Sequence[bool]) -> str:
    """Which tiles are chosen, counted from 1, row by row."""
    chosen = [str(number) for number, yes in enumerate(answer, 1) if yes]
    if not chosen:
        return f"none of the {len(answer)} tiles"
    return f"{'tile' if len(chosen) == 1 else 'tiles'} {', '.join(chosen)} of {len(answer)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer without an error. `raw` is all of it, undocumented fields included."""

    raw: Mapping[str, Any] = field(repr=False)
    """The JSON object as it came, less secrets."""

    def _facts(self) -> list[tuple[str, str]]:
        told = {name: getattr(self, name, None) for name in ("task_id", "status", "balance")}
        if isinstance(self, TaskResult) and self.answer is not None:
            told["answer"] = tiles_in_words(self.answer)
        return [(name.replace("_", " "), str(one)) for name, one in told.items() if one is not None]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        body = _html.pretty(json.dumps(self.raw))
        return _html.describe(type(self).__name__, self._facts(), ("the whole answer", body))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedTask(Answer):
    """The answer of `createTask`."""

    task_id: int
    """The service's number of the task."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance(Answer):
    """The answer of `getBalance`."""

    balance: float
    """The account's balance, in the account's currency."""


class Reading(NamedTuple):
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
        said = self._asdict()
        del said["answer"]
        if self.task_id is None:
            del said["task_id"]
        return dataclasses.replace(exchange, **said, **facts)


def read(method: str, http_status: int, text: str) -> Reading:
    """Read the body of an answer to `method`, at any HTTP status. It never raises."""
    body, wrong = parse(text)
    if wrong is not None:
        detail = f"The answer is not JSON ({wrong})."
    elif not isinstance(body, dict):
        detail = f"The answer is {_shown(body)}; the API documents: {NOT_AN_OBJECT}"
    else:
        broken = next(_broken(method, body, to_read=True), None)
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
        code, said = body.get("errorCode"), body.get("errorDescription")
        return Reading(
            outcome=Outcome.API_ERROR,
            error_id=body["errorId"],
            # lone surrogates, which JSON can spell, fit in no column of text
            error_code=code and _html.printable(code, "utf-8"),
            error_description=said and _html.printable(said, "utf-8"),
        )
    answer = Answer(raw=body)
    if method == "createTask":
        answer = CreatedTask(raw=body, task_id=body["taskId"])
    elif method == "getTaskResult":
        solution = body["solution"] if body["status"] == "ready" else None
        answer = TaskResult(raw=body, status=body["status"], solution=solution)
    elif method == "getBalance":
        answer = Balance(raw=body, balance=float(body["balance"]))
    status, task_id = getattr(answer, "status", None), getattr(answer, "task_id", None)
    outcome = Outcome.PROCESSING if status == "processing" else Outcome.OK
    return Reading(outcome=outcome, answer=answer, error_id=0, status=status, task_id=task_id)
