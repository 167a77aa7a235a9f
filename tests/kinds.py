"""Task types with fields of every kind, and strategies for tasks of them."""

from __future__ import annotations

import datetime
import enum
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal

from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr, StringConstraints, create_model

from brocap_nb.tasks import Field, Task


class Speed(enum.Enum):
    SLOW = "slow"
    FAST = "fast"


class Power(enum.IntFlag):
    READ = 1
    WRITE = 2


class Point(BaseModel):
    x: int
    y: int = 0


class Nothing(BaseModel):
    """A model that is complete with nothing in it."""

    text: str | None = None


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    tricks: list[str] = Field(default_factory=list)


class Tree(BaseModel):
    name: str
    branch: Tree | None = None


class Everything(Task, register=False):
    """A field of each kind."""

    title: str
    "What it is called."
    start: Point
    "Where it starts."
    ok: bool
    choice: Literal["a", 1, True]
    odd: str | None
    words: list[str]
    count: Annotated[int, Field(ge=0, le=9)] = 3
    ratio: float | None = None
    code: Annotated[str, StringConstraints(pattern="^[a-z]*$", max_length=5)] = "abc"
    nick: str | None = "nick"
    speed: Speed = Speed.SLOW
    power: Power | None = None
    mode: Literal["a", "b"] | None = None
    maybe: bool | None = None
    flags: list[bool] | None = None
    numbers: list[int] = Field(default_factory=list)
    floats: tuple[float, ...] | None = None
    speeds: list[Speed] = Field(default_factory=list)
    letters: set[Literal["a", "b", "c"]] | None = None
    days: list[datetime.date] | None = None
    end: Point | None = None
    empty: Nothing | None = None
    extra: dict[str, Any] | None = None
    either: int | bool | str | None = None
    anything: Any = 5
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    points: list[Point] | None = None
    pair: tuple[int, str] | None = None
    tree: Tree | None = None
    at: datetime.datetime | None = None
    when: datetime.datetime | str | None = None
    price: Decimal | None = None
    key: uuid.UUID | None = None
    pin: SecretStr | None = None
    password: str | None = None


texts = st.text(max_size=20)
floats = st.floats(allow_nan=False, allow_infinity=False)
points = st.builds(Point, x=st.integers(), y=st.integers())
values = st.recursive(
    st.none() | st.booleans() | st.integers() | floats | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=6,
)
times = st.datetimes(timezones=st.none() | st.just(datetime.UTC))
trees = st.recursive(
    st.builds(Tree, name=texts, branch=st.none()),
    lambda inner: st.builds(Tree, name=texts, branch=inner),
    max_leaves=3,
)
everythings = st.builds(
    Everything,
    title=texts,
    start=points,
    ok=st.booleans(),
    choice=st.sampled_from(["a", 1, True]),
    odd=st.none() | texts,
    words=st.lists(texts, max_size=3),
    count=st.integers(0, 9),
    ratio=st.none() | floats,
    code=st.text("abc", max_size=5),
    nick=st.none() | texts,
    speed=st.sampled_from(Speed),
    power=st.none() | st.sampled_from([Power.READ, Power.READ | Power.WRITE]),
    mode=st.sampled_from(["a", "b", None]),
    maybe=st.sampled_from([True, False, None]),
    flags=st.none() | st.lists(st.booleans(), max_size=2),
    numbers=st.lists(st.integers(), max_size=3),
    floats=st.none() | st.lists(floats, max_size=2).map(tuple),
    speeds=st.lists(st.sampled_from(Speed), max_size=2),
    letters=st.none() | st.sets(st.sampled_from("abc")),
    days=st.none() | st.lists(st.dates(), max_size=2),
    end=st.none() | points,
    empty=st.none() | st.builds(Nothing, text=st.none() | texts),
    extra=st.none() | st.dictionaries(texts, values, max_size=2),
    either=st.none() | st.integers(0, 1) | st.booleans() | texts,
    anything=values,
    pet=st.none()
    | st.builds(Cat, lives=st.integers())
    | st.builds(Dog, tricks=st.lists(texts, max_size=2)),
    points=st.none() | st.lists(points, max_size=2),
    pair=st.none() | st.tuples(st.integers(), texts),
    tree=st.none() | trees,
    at=st.none() | times,
    when=st.none() | times | texts,
    price=st.none() | st.decimals(allow_nan=False, allow_infinity=False),
    key=st.none() | st.uuids(),
    pin=st.none() | texts.map(SecretStr),
    password=st.none() | texts,
)

KINDS: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(),
    bool: st.booleans(),
    str: texts,
    float: floats,
    int | None: st.none() | st.integers(),
    bool | int | str: st.booleans() | st.integers(0, 1) | texts,
    list[int]: st.lists(st.integers(), max_size=3),
    list[str] | None: st.none() | st.lists(texts, max_size=3),
    tuple[int, str]: st.tuples(st.integers(), texts),
    set[str]: st.sets(texts, max_size=3),
    dict[str, Any]: st.dictionaries(texts, values, max_size=3),
    Any: values,
    Point: points,
    Nothing | None: st.none() | st.builds(Nothing, text=st.none() | texts),
    Speed: st.sampled_from(Speed),
    Literal["x", None, 1, True]: st.sampled_from(["x", None, 1, True]),
    datetime.date: st.dates(),
}


@st.composite
def made_tasks(draw: st.DrawFn) -> Task:
    """A task of a type that did not exist before."""
    chosen = draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=5))
    fields: dict[str, Any] = {}
    given: dict[str, Any] = {}
    for number, kind in enumerate(chosen):
        name = f"field_{number}"
        default = draw(KINDS[kind]) if draw(st.booleans()) else ...
        fields[name] = (kind, default)
        if default is ... or draw(st.booleans()):
            given[name] = draw(KINDS[kind])
    made = create_model(
        "MadeTask",
        __base__=Task,
        __module__="__main__",
        __cls_kwargs__={"register": False},
        **fields,
    )
    return made(**given)


def exact(value: Any) -> Any:
    """A value in which True is not 1, and a list is no tuple."""
    if isinstance(value, BaseModel):
        return [type(value), [exact(getattr(value, name)) for name in type(value).model_fields]]
    if isinstance(value, (set, frozenset)):
        return [type(value), sorted(map(repr, value))]
    if isinstance(value, (list, tuple)):
        return [type(value), [exact(item) for item in value]]
    if isinstance(value, dict):
        return [type(value), [(exact(name), exact(item)) for name, item in value.items()]]
    return [type(value), value]
