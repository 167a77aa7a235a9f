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

A check is an ordinary function. It returns True, or False, or a sentence: a hint that fits this
very answer better than the docstring does. The learner puts the answer in the place of `...`. A
parameter that is marked as `int`, `float`, `str`, `list` or `tuple` gets one, whatever form the
answer has; an answer of another kind is told so, and the check does not see it.
"""

from __future__ import annotations

import contextlib
import inspect
import reprlib
from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import Any, Final

from brocap_nb import _html
from brocap_nb.api._errors import BroCapError, InvalidInputError

__all__ = ["Exercise", "Feedback", "exercise"]

_ONE, _MANY = "one number", "several values"
_KINDS: Final = {"int": _ONE, "float": _ONE, "str": "a text", "list": _MANY, "tuple": _MANY}
_GROUPS: Final = (list, tuple, set, frozenset)

_SHORT: Final = reprlib.Repr()
_SHORT.maxother = _SHORT.maxstring = 60


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


class Exercise:
    """A question whose answer, or several, are checked: the decorator of a function.

    Raises:
        InvalidInputError: the function has no docstring, so it could say no more than "wrong".
    """

    def __init__(self, check: Callable[..., object]) -> None:
        self.name: str = check.__name__
        """How it is called in the notebook."""
        self.hint: str = inspect.getdoc(check) or ""
        """What is said to a wrong answer if nothing better is known."""
        if not self.hint:
            raise InvalidInputError(
                f"The exercise {self.name} has no docstring; expected a hint for a wrong answer. "
                "Write one below the line with def."
            )
        self._check = check
        marks = [one.annotation for one in inspect.signature(check).parameters.values()]
        self._kinds = [str(getattr(mark, "__name__", mark)).partition("[")[0] for mark in marks]

    def __call__(self, *answers: object) -> Feedback:
        """Return what is to be said to the answers. It raises nothing, whatever they are."""
        if not answers or any(map(_is_open, answers)):
            todo = "Put your answer in the place of the three dots, then run again."
            return Feedback("not answered yet", todo)
        hint = self.hint
        try:
            given = [_as(kind, one) for kind, one in zip(self._kinds, answers, strict=False)]
            verdict = self._check(*given, *answers[len(given) :])
            if isinstance(verdict, str):
                hint = verdict
            elif verdict:
                return Feedback("right")
        except BroCapError as error:  # it says in words what was wrong
            hint = f"{error}\n{hint}"
        except NameError as error:
            hint = f"{error}. If it is a name from a cell above, run that cell first.\n{hint}"
        except Exception as error:  # of the learner's own function, or of an answer of another kind
            kinds, met = " and ".join(map(_what, answers)), type(error).__name__
            hint = f"Your answer is {kinds}; with it the check met {met}: {error}.\n{hint}"
        shown = ", ".join(map(_SHORT.repr, answers))
        return Feedback("not yet right", f"Your answer: {shown}\n{hint}")

    def __repr__(self) -> str:
        return f"<Exercise {self.name}: call it with your answer, as in {self.name}(…)>"


exercise = Exercise


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
