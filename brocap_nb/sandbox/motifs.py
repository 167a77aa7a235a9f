"""What the puzzles show: small drawings on a square of 100 x 100 units, y downwards.

A motif knows nothing of pixels or of Pillow; it draws with a `Pen` (see `pictures`).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeAlias

__all__ = ["ANIMALS", "SHAPES", "SKY", "UPRIGHT", "Motif", "Pen", "Point"]

Point: TypeAlias = tuple[float, float]
"""x to the right and y down, in hundredths of a tile."""


class Pen(Protocol):
    """Draws filled figures. `fill` is a CSS-like colour, with alpha as `#rrggbbaa`."""

    def oval(self, x: float, y: float, rx: float, ry: float, fill: str) -> None:
        """Draw an oval around (x, y) with these half-axes."""

    def box(
        self, left: float, top: float, right: float, bottom: float, fill: str, radius: float = 0
    ) -> None:
        """Draw a rectangle, its corners round if there is a radius."""

    def shape(self, points: Sequence[Point], fill: str) -> None:
        """Draw a polygon."""

    def line(self, points: Sequence[Point], fill: str, width: float) -> None:
        """Draw a line through the points, with round joints and ends."""

    def wedge(self, x: float, y: float, r: float, start: float, end: float, fill: str) -> None:
        """Draw a slice of a circle around (x, y), from `start` to `end` in degrees."""


Motif: TypeAlias = Callable[[Pen], None]
"""Draws a thing into a square of 100 x 100."""


def star_points(
    x: float, y: float, outer: float, inner: float, tips: int, turn: float = -90
) -> list[Point]:
    """Return the outline of a star."""
    points = []
    for index in range(2 * tips):
        radius = inner if index % 2 else outer
        angle = math.radians(turn + 180 * index / tips)
        points.append((x + radius * math.cos(angle), y + radius * math.sin(angle)))
    return points


def bezier(a: Point, b: Point, c: Point, d: Point, count: int = 40) -> list[Point]:
    """Return points along a cubic curve."""
    points = []
    for index in range(count + 1):
        t = index / count
        u = 1 - t
        w = (u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t)
        points.append(
            (
                w[0] * a[0] + w[1] * b[0] + w[2] * c[0] + w[3] * d[0],
                w[0] * a[1] + w[1] * b[1] + w[2] * c[1] + w[3] * d[1],
            )
        )
    return points


# --- things with a clear way up -------------------------------------------------------------


def house(pen: Pen) -> None:
    pen.box(62, 14, 72, 40, "#8d5a45")
    pen.shape([(10, 48), (50, 12), (90, 48)], "#c8553d")
    pen.box(20, 46, 80, 88, "#f7e7c6")
    pen.box(42, 60, 58, 88, "#6b4a3a", 2)
    pen.oval(54, 75, 1.6, 1.6, "#f2c14e")
    for x in (26, 63):
        pen.box(x, 56, x + 11, 68, "#6fb1d6", 1.5)
        pen.line([(x + 5.5, 56), (x + 5.5, 68)], "#f7e7c6", 1.4)
    pen.box(8, 88, 92, 93, "#7aa95c", 2)


def tree(pen: Pen) -> None:
    pen.shape([(44, 92), (47, 55), (53, 55), (56, 92)], "#7b5236")
    for x, y, r in ((35, 48, 19), (65, 48, 19), (50, 30, 22), (50, 50, 20)):
        pen.oval(x, y, r, r, "#4f8f4b")
    for x, y, r in ((42, 27, 9), (32, 43, 8), (60, 42, 8)):
        pen.oval(x, y, r, r, "#69ab5d")
    for x, y in ((38, 55), (58, 30), (68, 54), (50, 44)):
        pen.oval(x, y, 3.2, 3.2, "#d94f4f")
    pen.oval(50, 92, 26, 4, "#7aa95c")


def snowman(pen: Pen) -> None:
    pen.oval(50, 92, 32, 4, "#b9cbd6")
    pen.oval(50, 73, 22, 20, "#ffffff")
    pen.oval(50, 44, 16, 15, "#ffffff")
    pen.oval(50, 24, 12, 11, "#ffffff")
    pen.box(35, 12, 65, 16, "#33384a", 2)
    pen.box(40, 0, 60, 14, "#33384a", 2)
    pen.box(40, 9, 60, 12.5, "#d94f4f")
    for x in (46, 54):
        pen.oval(x, 22, 1.7, 1.7, "#33384a")
    pen.shape([(50, 25), (64, 28), (50, 29)], "#ee8434")
    pen.box(38, 32, 62, 37, "#d94f4f", 2.5)
    pen.box(55, 35, 61, 50, "#d94f4f", 2.5)
    for y in (44, 66, 76):
        pen.oval(50, y, 2, 2, "#33384a")
    pen.line([(34, 45), (16, 34)], "#7b5236", 2.2)
    pen.line([(66, 45), (84, 36)], "#7b5236", 2.2)


def sailboat(pen: Pen) -> None:
    pen.box(48.5, 12, 51.5, 72, "#7b5236")
    pen.shape([(54, 16), (54, 64), (84, 64)], "#fdf6e3")
    pen.shape([(46, 22), (46, 64), (22, 64)], "#e2725b")
    pen.shape([(52, 8), (64, 12), (52, 16)], "#f2c14e")
    pen.shape([(14, 70), (86, 70), (74, 86), (26, 86)], "#3d5a80")
    pen.box(14, 70, 86, 74, "#e0e6ef")
    for x in (14, 34, 54, 74):
        pen.oval(x + 6, 91, 10, 3.4, "#8fc1de")


def teacup(pen: Pen) -> None:
    pen.oval(50, 86, 40, 7, "#d9c7e8")
    pen.oval(78, 55, 14, 14, "#7a5ea8")
    pen.oval(78, 55, 7.5, 7.5, "#f3edf9")
    pen.wedge(49, 42, 33, 0, 180, "#9a7cc7")
    pen.box(34, 66, 64, 84, "#9a7cc7", 6)
    pen.oval(49, 42, 33, 7, "#c3aee0")
    pen.oval(49, 43, 28, 5, "#8a5a3b")
    for x in (38, 50, 62):
        curve = bezier((x, 34), (x - 8, 26), (x + 8, 18), (x, 8))
        pen.line(curve, "#b9b3c6", 2.4)


def lamp(pen: Pen) -> None:
    pen.oval(50, 88, 24, 5, "#4a4e69")
    pen.box(47.5, 44, 52.5, 88, "#5c6080")
    pen.shape([(20, 48), (80, 48), (66, 12), (34, 12)], "#f2b134")
    pen.shape([(20, 48), (38, 48), (44, 12), (34, 12)], "#f7cd75")
    pen.line([(66, 48), (66, 62)], "#5c6080", 1.2)
    pen.oval(66, 63, 2.4, 2.4, "#d94f4f")


def mushroom(pen: Pen) -> None:
    pen.oval(50, 90, 34, 4, "#7aa95c")
    pen.box(38, 46, 62, 90, "#f4e8d4", 9)
    pen.wedge(50, 54, 40, 180, 360, "#d0413f")
    pen.oval(50, 54, 40, 6, "#b93634")
    pen.oval(50, 55, 26, 3.6, "#f4e8d4")
    for x, y, r in ((32, 38, 5), (52, 28, 6.4), (71, 40, 4.6), (44, 45, 3.4), (62, 45, 3)):
        pen.oval(x, y, r, r * 0.9, "#fff7ee")


def car(pen: Pen) -> None:
    pen.oval(50, 80, 46, 4, "#9aa7b0")
    pen.shape([(24, 48), (34, 26), (66, 26), (80, 48)], "#2f7f8f")
    pen.shape([(30, 47), (37, 31), (49, 31), (49, 47)], "#cfe8f0")
    pen.shape([(53, 47), (53, 31), (64, 31), (73, 47)], "#cfe8f0")
    pen.box(6, 46, 94, 70, "#3a9aad", 8)
    pen.oval(91, 56, 3.4, 4.4, "#ffe28a")
    pen.box(6, 54, 10, 61, "#d94f4f", 1.5)
    for x in (26, 74):
        pen.oval(x, 70, 11, 11, "#2b2d3a")
        pen.oval(x, 70, 5, 5, "#c9ced6")


UPRIGHT: Final[tuple[Motif, ...]] = (
    house,
    tree,
    snowman,
    sailboat,
    teacup,
    lamp,
    mushroom,
    car,
)
"""Things whose right way up is plain to see."""


# --- animals --------------------------------------------------------------------------------


def _eyes(pen: Pen, y: float, gap: float, r: float = 4) -> None:
    for x in (50 - gap, 50 + gap):
        pen.oval(x, y, r, r * 1.1, "#26232e")
        pen.oval(x + r * 0.35, y - r * 0.4, r * 0.35, r * 0.35, "#ffffff")


def penguin(pen: Pen) -> None:
    pen.oval(50, 94, 28, 4, "#00000022")
    pen.shape([(26, 50), (8, 74), (14, 78), (32, 66)], "#262b40")
    pen.shape([(74, 50), (92, 74), (86, 78), (68, 66)], "#262b40")
    pen.oval(50, 60, 28, 33, "#2f3550")
    pen.oval(50, 28, 21, 21, "#2f3550")
    pen.oval(50, 66, 20, 26, "#fbfaf5")
    pen.oval(42, 28, 10, 12, "#fbfaf5")
    pen.oval(58, 28, 10, 12, "#fbfaf5")
    _eyes(pen, 26, 7, 3)
    pen.shape([(43, 33), (57, 33), (50, 42)], "#f39c2d")
    for x in (38, 62):
        pen.oval(x, 92, 11, 4.4, "#f39c2d")


def cat(pen: Pen) -> None:
    fur, dark = "#e8a258", "#c47f39"
    pen.shape([(18, 44), (20, 8), (46, 26)], fur)
    pen.shape([(82, 44), (80, 8), (54, 26)], fur)
    pen.shape([(24, 30), (25, 16), (37, 25)], "#f4c9b5")
    pen.shape([(76, 30), (75, 16), (63, 25)], "#f4c9b5")
    pen.oval(50, 54, 36, 33, fur)
    for x in (42, 50, 58):
        pen.line([(x, 23), (x, 34)], dark, 3)
    pen.oval(41, 66, 12, 10, "#fdf0df")
    pen.oval(59, 66, 12, 10, "#fdf0df")
    _eyes(pen, 50, 15, 5)
    pen.shape([(45, 58), (55, 58), (50, 64)], "#d9707a")
    for side in (-1, 1):
        for tilt in (-4, 2, 8):
            pen.line([(50 + side * 18, 64), (50 + side * 44, 62 + tilt)], "#6b4a2a", 1)


def bear(pen: Pen) -> None:
    fur = "#8a5f43"
    for x in (22, 78):
        pen.oval(x, 24, 13, 13, fur)
        pen.oval(x, 24, 7, 7, "#c69a7a")
    pen.oval(50, 54, 37, 35, fur)
    pen.oval(50, 68, 19, 15, "#d8b394")
    _eyes(pen, 48, 14, 4.2)
    pen.oval(50, 61, 6, 4.4, "#2e2320")
    pen.line([(50, 64), (50, 72)], "#2e2320", 1.6)
    pen.line(bezier((42, 72), (45, 77), (55, 77), (58, 72)), "#2e2320", 1.6)


def rabbit(pen: Pen) -> None:
    fur = "#cfc7d6"
    for x in (36, 64):
        pen.oval(x, 24, 9, 24, fur)
        pen.oval(x, 25, 4.6, 18, "#f0b8c4")
    pen.oval(50, 64, 31, 29, fur)
    _eyes(pen, 59, 13, 4.4)
    for x in (42, 58):
        pen.oval(x, 75, 10, 8, "#efeaf3")
    pen.oval(50, 69, 4, 3, "#d9707a")
    pen.box(46, 79, 54, 87, "#ffffff", 1.5)
    pen.line([(50, 79), (50, 87)], "#b8b0c2", 0.9)


def pig(pen: Pen) -> None:
    skin = "#f2a9b4"
    pen.shape([(16, 22), (42, 26), (24, 46)], "#e08c9b")
    pen.shape([(84, 22), (58, 26), (76, 46)], "#e08c9b")
    pen.oval(50, 56, 36, 33, skin)
    _eyes(pen, 48, 16, 4.2)
    pen.oval(50, 64, 15, 11, "#e58c9c")
    for x in (44.5, 55.5):
        pen.oval(x, 64, 3, 4.4, "#a54d60")
    pen.line(bezier((40, 79), (45, 84), (55, 84), (60, 79)), "#a54d60", 1.8)


def frog(pen: Pen) -> None:
    for x in (30, 70):
        pen.oval(x, 30, 15, 15, "#6fae4e")
        pen.oval(x, 29, 9, 9, "#ffffff")
        pen.oval(x, 30, 4.4, 5, "#26232e")
    pen.oval(50, 58, 40, 30, "#7fbf5b")
    pen.oval(50, 72, 26, 13, "#cfe6a8")
    pen.line(bezier((22, 60), (36, 74), (64, 74), (78, 60)), "#37602a", 2.4)
    for x in (45, 55):
        pen.oval(x, 50, 1.4, 1.4, "#37602a")
    for x in (24, 76):
        pen.oval(x, 62, 5, 3.4, "#f0a58c")


def chick(pen: Pen) -> None:
    pen.line([(50, 12), (46, 22)], "#e0a526", 2.4)
    pen.line([(50, 12), (54, 22)], "#e0a526", 2.4)
    pen.oval(50, 56, 34, 35, "#f8d24d")
    pen.oval(20, 62, 8, 14, "#efbf30")
    pen.oval(80, 62, 8, 14, "#efbf30")
    _eyes(pen, 46, 13, 4.2)
    pen.shape([(41, 55), (59, 55), (50, 66)], "#ee8434")
    for x in (30, 70):
        pen.oval(x, 58, 5, 3.6, "#f5a97f")
    for x in (42, 58):
        pen.line([(x, 90), (x, 96), (x - 5, 98)], "#ee8434", 2.2)
        pen.line([(x, 96), (x + 5, 98)], "#ee8434", 2.2)


ANIMALS: Final[tuple[Motif, ...]] = (cat, bear, rabbit, pig, frog, chick)
"""Animals that are no penguin."""


# --- the night sky --------------------------------------------------------------------------


def stars(pen: Pen, chance: random.Random, count: int = 55) -> None:
    for _ in range(count):
        r = chance.choice((0.35, 0.5, 0.8))
        colour = chance.choice(("#ffffffcc", "#ffe9c9cc", "#cfe0ffcc", "#ffffff88"))
        pen.oval(chance.uniform(2, 98), chance.uniform(2, 98), r, r, colour)


def _glow(pen: Pen, x: float, y: float, rx: float, ry: float, colour: str, steps: int) -> None:
    for step in range(steps):
        part = 1 - step / steps
        pen.oval(x, y, rx * part, ry * part, colour)


def spiral_galaxy(pen: Pen, chance: random.Random) -> None:
    turn, way = chance.uniform(0, math.tau), chance.choice((-1, 1))
    _glow(pen, 50, 50, 40, 33, "#6f7fd60c", 14)
    for arm in range(2):
        for index in range(420):
            t = index / 420
            angle = turn + math.pi * arm + way * t * 1.35 * math.tau
            radius = 5 + 37 * t
            x = 50 + radius * math.cos(angle) + chance.gauss(0, 0.8 + 1.8 * t)
            y = 50 + radius * 0.82 * math.sin(angle) + chance.gauss(0, 0.8 + 1.8 * t)
            size = chance.uniform(0.5, 1.9) * (1.25 - 0.6 * t)
            colour = chance.choice(("#b9c8ff70", "#e9dcff78", "#8fa8ff60", "#ffd9ec70"))
            pen.oval(x, y, size, size, colour)
    _glow(pen, 50, 50, 11, 9, "#fff1cf2a", 14)


def elliptical_galaxy(pen: Pen, chance: random.Random) -> None:
    _glow(pen, 50, 50, 36, 22, "#ffe2b414", 26)
    _glow(pen, 50, 50, 9, 6, "#fff6e030", 10)


def ringed_planet(pen: Pen, chance: random.Random) -> None:
    body, band = chance.choice((("#e3b778", "#c9975a"), ("#8fb8c9", "#6d9bb0")))
    _ring(pen, 180, 360)
    pen.oval(50, 50, 23, 23, body)
    for y, half in ((42, 21), (51, 23), (60, 20)):
        pen.box(50 - half, y - 1.8, 50 + half, y + 1.8, band, 1.8)
    _ring(pen, 0, 180)


def _ring(pen: Pen, start: int, end: int) -> None:
    for radius, colour in ((41, "#e9d8b5"), (36, "#b99f77")):
        points = [
            (
                50 + radius * math.cos(math.radians(a)),
                50
                + radius * 0.24 * math.sin(math.radians(a))
                + 0.12 * radius * math.cos(math.radians(a)),
            )
            for a in range(start, end + 1, 3)
        ]
        pen.line(points, colour, 3)


def moon(pen: Pen, chance: random.Random) -> None:
    _glow(pen, 50, 50, 40, 40, "#fff4cf0a", 12)
    pen.oval(50, 50, 29, 29, "#e9e4d4")
    for x, y, r in ((40, 40, 6), (60, 36, 4), (55, 58, 8), (37, 60, 4), (66, 52, 3)):
        pen.oval(x, y, r, r, "#cfc8b4")
        pen.oval(x + 0.8, y + 0.8, r * 0.8, r * 0.8, "#dad4c2")


def comet(pen: Pen, chance: random.Random) -> None:
    for step in range(26):
        part = step / 26
        w = 3 + 15 * (1 - part)
        x, y = 90 - 55 * part, 14 + 48 * part
        pen.oval(x, y, w * 0.55, w * 0.4, "#9fd3ff16")
    for spread in (-9, -3, 3, 9):
        tail = [(33, 64), (86 + spread * 0.4, 14 + spread)]
        pen.line(tail, "#bfe3ff3c", 2.6)
    _glow(pen, 32, 65, 12, 12, "#d9f0ff33", 12)
    pen.oval(32, 65, 5.5, 5.5, "#ffffff")


def star_cluster(pen: Pen, chance: random.Random) -> None:
    _glow(pen, 50, 50, 30, 30, "#7fa0ff0c", 12)
    for _ in range(150):
        angle, radius = chance.uniform(0, math.tau), abs(chance.gauss(0, 12))
        r = chance.uniform(0.5, 1.4)
        colour = chance.choice(("#ffffffee", "#ffdca8ee", "#bcd0ffee"))
        pen.oval(50 + radius * math.cos(angle), 50 + radius * math.sin(angle), r, r, colour)
    for x, y in ((44, 46), (57, 54), (52, 40)):
        pen.shape(star_points(x, y, 5, 0.9, 4), "#ffffff")


SKY: Final = (elliptical_galaxy, ringed_planet, moon, comet, star_cluster)
"""Things of the night sky that are no spiral galaxy."""


# --- small things ---------------------------------------------------------------------------


def star(pen: Pen) -> None:
    pen.shape(star_points(50, 53, 46, 20, 5), "#f2b134")


def heart(pen: Pen) -> None:
    points = []
    for step in range(72):
        t = math.tau * step / 72
        x = 16 * math.sin(t) ** 3
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((50 + 2.6 * x, 46 - 2.6 * y))
    pen.shape(points, "#d94f5c")


def drop(pen: Pen) -> None:
    pen.shape([(50, 4), (75, 50), (25, 50)], "#4d9ed8")
    pen.oval(50, 62, 28.5, 28.5, "#4d9ed8")
    pen.oval(41, 68, 6, 9, "#a9d6f2")


def leaf(pen: Pen) -> None:
    left = bezier((50, 4), (6, 30), (10, 74), (50, 92))
    right = bezier((50, 92), (90, 74), (94, 30), (50, 4))
    pen.shape(left + right, "#5fa05a")
    pen.line([(50, 16), (50, 98)], "#3c7240", 3.4)
    for y in (38, 54, 70):
        pen.line([(50, y), (32, y - 12)], "#3c7240", 2)
        pen.line([(50, y), (68, y - 12)], "#3c7240", 2)


def flower(pen: Pen) -> None:
    for index in range(6):
        angle = math.tau * index / 6
        pen.oval(50 + 26 * math.cos(angle), 50 + 26 * math.sin(angle), 19, 19, "#b884d6")
    pen.oval(50, 50, 15, 15, "#f5d04e")


def key(pen: Pen) -> None:
    pen.oval(26, 50, 22, 22, "#8b93a5")
    pen.oval(26, 50, 11, 11, "#eef0f4")
    pen.box(44, 45, 96, 55, "#8b93a5", 3)
    pen.box(74, 52, 81, 70, "#8b93a5", 2)
    pen.box(87, 52, 94, 66, "#8b93a5", 2)


def apple(pen: Pen) -> None:
    pen.line(bezier((52, 28), (52, 18), (56, 12), (60, 8)), "#6b4a2a", 4)
    pen.oval(70, 17, 13, 6, "#5fa05a")
    pen.oval(37, 58, 27, 32, "#cf3f4a")
    pen.oval(63, 58, 27, 32, "#cf3f4a")
    pen.oval(32, 48, 6, 9, "#ea8b91")


def fish(pen: Pen) -> None:
    pen.shape([(68, 50), (97, 26), (97, 74)], "#e2725b")
    pen.oval(44, 50, 38, 25, "#ee8f6f")
    pen.line(bezier((34, 30), (42, 42), (42, 58), (34, 70)), "#e2725b", 3)
    pen.oval(22, 44, 5, 5, "#ffffff")
    pen.oval(21, 44, 2.6, 2.6, "#26232e")


def umbrella(pen: Pen) -> None:
    pen.line([(50, 10), (50, 80)], "#5c6080", 4)
    pen.line(bezier((50, 80), (50, 96), (68, 96), (68, 82)), "#5c6080", 4)
    pen.wedge(50, 54, 44, 180, 360, "#3aa08f")
    pen.shape([(35, 54), (50, 10), (65, 54)], "#7cc7b8")


SHAPES: Final[tuple[Motif, ...]] = (
    star,
    heart,
    drop,
    leaf,
    flower,
    key,
    apple,
    fish,
    umbrella,
)
"""Small things that are told apart at a glance."""


# --- dice, ropes, arrows --------------------------------------------------------------------

_PIPS: Final = {
    1: ((0, 0),),
    2: ((-1, -1), (1, 1)),
    3: ((-1, -1), (0, 0), (1, 1)),
    4: ((-1, -1), (1, -1), (-1, 1), (1, 1)),
    5: ((-1, -1), (1, -1), (0, 0), (-1, 1), (1, 1)),
    6: ((-1, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (1, 1)),
}


def die(
    pen: Pen, x: float, y: float, size: float, top: int, colour: str, chance: random.Random
) -> None:
    """A die seen from above: `top` on its upper side, two other numbers on the sides in sight."""
    sides = [number for number in range(1, 7) if number not in (top, 7 - top)]
    left = chance.choice(sides)
    right = chance.choice([number for number in sides if number not in (left, 7 - left)])
    w, h = size, size * 0.52  # half the width and half the height of the upper side
    pen.oval(x, y + 1.45 * w, w * 1.05, h * 0.8, "#00000020")
    faces = (
        (top, (x, y), (w, h), (-w, h), _mixed(colour, "#ffffff", 0.18)),
        (left, (x - w / 2, y + h / 2 + w * 0.55), (w, h), (0, w * 1.1), colour),
        (
            right,
            (x + w / 2, y + h / 2 + w * 0.55),
            (w, -h),
            (0, w * 1.1),
            _mixed(colour, "#000000", 0.2),
        ),
    )
    for number, (cx, cy), (ux, uy), (vx, vy), fill in faces:

        def at(u: float, v: float) -> Point:
            return cx + (u * ux + v * vx) / 2, cy + (u * uy + v * vy) / 2  # noqa: B023

        pen.shape([at(-1, -1), at(1, -1), at(1, 1), at(-1, 1)], fill)
        pen.line([at(-1, -1), at(1, -1), at(1, 1), at(-1, 1), at(-1, -1)], "#ffffff55", 0.8)
        for u, v in _PIPS[number]:
            ring = [
                at(u * 0.52 + 0.17 * math.cos(a), v * 0.52 + 0.17 * math.sin(a))
                for a in (math.tau * step / 24 for step in range(24))
            ]
            pen.shape(ring, "#ffffff")


def _mixed(colour: str, other: str, part: float) -> str:
    pairs = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in pairs)


def ropes(pen: Pen, chance: random.Random, count: int) -> None:
    """Twisted ropes of different colours, each from edge to edge; two or three cross."""
    colours = chance.sample(("#b9803f", "#c4574f", "#4a86a8", "#5e9360", "#8a68a8"), count)
    start = chance.uniform(0, math.pi)
    for index, colour in enumerate(colours):
        angle = start + math.pi * index / count + chance.uniform(-0.15, 0.15)
        dx, dy = math.cos(angle), math.sin(angle)
        bend = chance.choice((-1, 1)) * chance.uniform(34, 52)
        ends = [(50 + side * 40 * dx, 50 + side * 40 * dy) for side in (-1, 1)]
        inner = [
            (50 + side * 14 * dx - side * bend * dy, 50 + side * 14 * dy + side * bend * dx)
            for side in (-1, 1)
        ]
        _rope(pen, bezier(ends[0], inner[0], inner[1], ends[1], 90), colour)


def _rope(pen: Pen, path: list[Point], colour: str) -> None:
    dark, light = _mixed(colour, "#000000", 0.35), _mixed(colour, "#ffffff", 0.35)
    pen.line(path, dark, 7.6)
    pen.line(path, colour, 6.2)
    for one, two in zip(path[1:-2:2], path[3::2], strict=False):
        dx, dy = two[0] - one[0], two[1] - one[1]
        long = math.hypot(dx, dy) or 1
        nx, ny = -dy / long * 2.5, dx / long * 2.5
        pen.line([(one[0] + nx, one[1] + ny), (two[0] - nx, two[1] - ny)], light, 0.9)
    for x, y in (path[0], path[-1]):
        pen.oval(x, y, 5, 5, dark)
        pen.oval(x, y, 3.8, 3.8, light)


def arrow(pen: Pen) -> None:
    """Points up."""
    pen.shape([(50, 2), (88, 46), (12, 46)], "#33456b")
    pen.box(36, 40, 64, 96, "#33456b", 5)


def plane(pen: Pen) -> None:
    """Seen from above, its nose up."""
    pen.shape(
        [(46, 38), (54, 38), (98, 66), (98, 74), (54, 60), (46, 60), (2, 74), (2, 66)], "#3d7ea6"
    )
    pen.shape([(46, 80), (54, 80), (72, 92), (72, 97), (28, 97), (28, 92)], "#3d7ea6")
    pen.oval(50, 50, 9.5, 47, "#7fa6c4")
    pen.oval(50, 50, 7.5, 45, "#eef3f8")
    pen.oval(50, 20, 4.6, 7, "#33456b")
    for x in (24, 76):
        pen.oval(x, 58, 4, 8, "#dfe7f0")


def turtle(pen: Pen) -> None:
    """Seen from above, its head up."""
    for x, y in ((22, 32), (78, 32), (24, 78), (76, 78)):
        pen.oval(x, y, 12, 12, "#8cbf6a")
    pen.shape([(44, 88), (56, 88), (50, 100)], "#8cbf6a")
    pen.oval(50, 15, 13, 15, "#8cbf6a")
    for x in (44, 56):
        pen.oval(x, 9, 2.4, 2.4, "#26232e")
    pen.oval(50, 56, 35, 38, "#5b7a3c")
    pen.oval(50, 56, 30, 33, "#7f9c4b")
    pen.shape(star_points(50, 56, 17, 14.8, 3), "#5b7a3c")
    for angle in range(0, 360, 60):
        dx, dy = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        pen.line([(50 + 17 * dx, 56 + 17 * dy), (50 + 30 * dx, 56 + 33 * dy)], "#5b7a3c", 2.4)


def beetle(pen: Pen) -> None:
    """Seen from above, its head up."""
    for y, reach in ((40, 26), (58, 42), (74, 66)):
        for side in (-1, 1):
            pen.line([(50, y), (50 + side * 30, y - 6), (50 + side * 42, reach + 8)], "#3a2f3a", 3)
    for side in (-1, 1):
        pen.line(
            bezier((50, 20), (50 + side * 4, 8), (50 + side * 12, 4), (50 + side * 20, 2)),
            "#3a2f3a",
            2.4,
        )
    pen.oval(50, 24, 15, 13, "#3a2f3a")
    pen.oval(50, 60, 29, 36, "#d0413f")
    pen.wedge(50, 52, 28, 215, 325, "#3a2f3a")
    pen.line([(50, 34), (50, 96)], "#3a2f3a", 2.4)
    for x, y in ((37, 52), (63, 52), (35, 70), (65, 70), (43, 84), (57, 84)):
        pen.oval(x, y, 4.6, 4.6, "#3a2f3a")
    for x in (44, 56):
        pen.oval(x, 18, 2.6, 2.6, "#ffffff")
