"""Exercises that check themselves: those of the teaching notebooks, and your own.

    >>> from brocap_nb.exercises import exercise
    >>> frame = client.log.frame()
    >>> @exercise
    ... def polls(answer: int):
    ...     "Count the rows whose method is getTaskResult."
    ...     return answer == (frame["method"] == "getTaskResult").sum()
    >>> print(polls(3))
    not yet right
    Your answer: 3
    Count the rows whose method is getTaskResult.
    >>> polls(0).verdict
    'right'

A check returns True, or False, or a sentence: a hint that fits this very answer better than the
docstring does. The learner puts the answer in the place of `...`. A parameter that is marked as
`int`, `float`, `str`, `list` or `tuple` gets one, whatever form the answer has.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import reprlib
from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import Any, Final

from brocap_nb import _html
from brocap_nb.api._errors import BroCapError, InvalidInputError

__all__ = ["Feedback", "exercise"]

_ONE, _MANY = "one number", "several values"
_KINDS: Final = {"int": _ONE, "float": _ONE, "str": "a text", "list": _MANY, "tuple": _MANY}
_GROUPS: Final = (list, tuple, set, frozenset)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What is said to an answer. It is true only if the answer is right."""

    verdict: str
    """`right`, `not yet right` or `not answered yet`."""
    sentence: str = ""
    """What to do next, or the answer in short and the hint; empty if the answer is right."""

    def __bool__(self) -> bool:
        return self.verdict == "right"

    def __str__(self) -> str:
        return f"{self.verdict}\n{self.sentence}".rstrip("\n")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        good = {"right": True, "not yet right": False}.get(self.verdict)
        badge, style = _html.badge(self.verdict, good=good), "margin-top:.3em;white-space:pre-line"
        html = f'<div style="{style}">{_html.text(self.sentence)}</div>' if self.sentence else ""
        return _html.bundle(f'<div style="line-height:1.45">{badge}{html}</div>', str(self))


def exercise(check: Callable[..., object]) -> Any:
    """Return a function that says to one answer, or several, what `check` thinks of them.

    It raises nothing, whatever they are. Its `hint` is the docstring of `check`.

    Raises:
        InvalidInputError: the function has no docstring, so it could say no more than "wrong".
    """
    if not (hint := inspect.getdoc(check) or ""):
        raise InvalidInputError(
            f"The exercise {check.__name__} has no docstring; expected a hint for a wrong answer. "
            "Write one below the line with def."
        )
    marks = [one.annotation for one in inspect.signature(check).parameters.values()]
    kinds = [str(getattr(mark, "__name__", mark)).partition("[")[0] for mark in marks]

    @functools.wraps(check)
    def ask(*answers: object) -> Feedback:
        if not answers or any(map(_is_open, answers)):
            todo = "Put your answer in the place of the three dots, then run again."
            return Feedback("not answered yet", todo)
        said = hint
        try:
            given = [_as(kind, one) for kind, one in zip(kinds, answers, strict=False)]
            verdict = check(*given, *answers[len(given) :])
            if isinstance(verdict, str):
                said = verdict
            elif verdict:
                return Feedback("right")
        except BroCapError as error:  # it says in words what was wrong
            said = f"{error}\n{hint}"
        except NameError as error:
            said = f"{error}. If it is a name from a cell above, run that cell first.\n{hint}"
        except Exception as error:  # of the learner's own function, or an answer of another kind
            kinds_met, met = " and ".join(map(_what, answers)), type(error).__name__
            said = f"Your answer is {kinds_met}; with it the check met {met}: {error}.\n{hint}"
        shown = ", ".join(map(reprlib.repr, answers))
        return Feedback("not yet right", f"Your answer: {shown}\n{said}")

    ask.hint = hint  # type: ignore[attr-defined]
    return ask


def _is_open(answer: object) -> bool:
    """Whether the dots still stand there, also inside a list, tuple, set or dict."""
    if isinstance(answer, dict):
        answer = list(answer.values())
    return any(part is ... for part in (answer if isinstance(answer, _GROUPS) else [answer]))


def _as(kind: str, answer: Any) -> Any:
    """The answer as one of a kind; as it is if the kind is none of ours."""
    if kind not in _KINDS:
        return answer
    plain = getattr(answer, "tolist", lambda: answer)()  # of numpy, or a column
    if isinstance(plain, _GROUPS) and kind in ("list", "tuple"):
        return list(plain) if kind == "list" else tuple(plain)
    if isinstance(plain, _GROUPS) and len(plain) == 1:
        (plain,) = plain
    if kind == "str" and isinstance(plain, str):
        return plain.strip()
    if kind in ("int", "float") and not isinstance(plain, bool):
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            number = float(plain)
            return int(number) if number.is_integer() else number
    raise InvalidInputError(f"Your answer is {_what(answer)}; expected {_KINDS[kind]}.")


def _what(answer: object) -> str:
    """What an answer is, in a few words."""
    if answer is None or isinstance(answer, bool):
        return str(answer)
    name = {str: "text", int: "number", float: "number"}.get(type(answer), type(answer).__name__)
    size = len(answer) if isinstance(answer, Sized) and not isinstance(answer, str) else None
    unit = "row" if hasattr(answer, "columns") else "value"
    many = "" if size is None else f" of {size} {unit}{'' if size == 1 else 's'}"
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}{many}"
