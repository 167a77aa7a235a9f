"""The puzzles: solvable, inside the limits, the same for the same seed, found by their looks."""

from __future__ import annotations

import base64
import io
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from brocap_nb.api._facts import IMAGE_MAX_BYTES, IMAGE_MIN_BYTES
from brocap_nb.sandbox._puzzles import Library, Puzzle

URL = "http://127.0.0.1:5000"
SEEDS = (0, 1, 2)


@pytest.fixture(scope="module", params=SEEDS)
def library(request: pytest.FixtureRequest) -> Library:
    return Library(request.param, URL)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def test_there_are_eight_questions(library: Library) -> None:
    assert len({puzzle.question for puzzle in library.puzzles}) == 8
    assert len({puzzle.name for puzzle in library.puzzles}) == 8


def test_a_puzzle_is_three_by_two_tiles_of_which_one_is_right(library: Library) -> None:
    for puzzle in library.puzzles:
        image = opened(puzzle.data)
        assert image.size == (600, 400)
        assert (puzzle.columns, puzzle.rows) == (3, 2)
        assert sorted(puzzle.answer) == [False] * 5 + [True]
        assert puzzle.url == f"{URL}/pictures/{puzzle.name}.png"


def test_a_puzzle_is_well_inside_the_limits_of_size(library: Library) -> None:
    for puzzle in library.puzzles:
        assert IMAGE_MIN_BYTES <= len(puzzle.data) <= 40_000, puzzle


def test_no_tile_is_empty(library: Library) -> None:
    for puzzle in library.puzzles:
        image = opened(puzzle.data)
        for index in range(6):
            left, top = index % 3 * 200, index // 3 * 200
            tile = image.crop((left + 20, top + 20, left + 180, top + 180))
            # a bare background holds a few hundred shades and no dark or strong one
            darkest = min(low for low, _ in tile.getextrema())  # type: ignore[misc]
            assert darkest < 120, (puzzle, index)


def test_the_same_seed_shuffles_the_same_and_another_seed_otherwise() -> None:
    first = {p.name: p.data for p in Library(11, URL).puzzles}
    assert all(first[p.name] != p.data for p in Library(0, URL).puzzles)
    assert {p.name: p.data for p in Library(11, URL).puzzles} == first


def tiles(data: bytes) -> list[bytes]:
    """The pixels of each tile, row by row."""
    image = opened(data)
    corners = [(left, top) for top in (0, 200) for left in (0, 200, 400)]
    return [image.crop((x, y, x + 200, y + 200)).tobytes() for x, y in corners]


def test_every_seed_shows_the_same_tiles_and_the_answer_is_one_and_the_same() -> None:
    for one, other in zip(Library(0, URL).puzzles, Library(1, URL).puzzles, strict=True):
        assert sorted(tiles(one.data)) == sorted(tiles(other.data))
        right = {tiles(p.data)[p.answer.index(True)] for p in (one, other)}
        assert len(right) == 1, one


def test_the_answer_is_the_penguin_and_the_one_rope(library: Library) -> None:
    def black(tile: bytes) -> int:
        return sum(value < 64 for value in tile)

    def bare(tile: bytes) -> int:
        return sum(value > 190 for value in tile)

    for name, most in (("penguin", black), ("rope", bare)):
        puzzle = next(puzzle for puzzle in library.puzzles if puzzle.name == name)
        shown = tiles(puzzle.data)
        assert puzzle.answer.index(True) == shown.index(max(shown, key=most))


def test_the_right_tile_is_not_always_the_same() -> None:
    tiles = {p.answer.index(True) for seed in SEEDS for p in Library(seed, URL).puzzles}
    assert len(tiles) == 6


def test_a_puzzle_is_found_by_its_bytes(library: Library) -> None:
    for puzzle in library.puzzles:
        assert library.find(puzzle.data) is puzzle


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("PNG", (600, 400)),
        ("JPEG", (600, 400)),
        ("WEBP", (600, 400)),
        ("PNG", (300, 200)),
        ("JPEG", (150, 100)),
    ],
)
def test_a_puzzle_is_found_when_a_browser_has_encoded_it_anew(
    kind: str, size: tuple[int, int]
) -> None:
    library = Library(0, URL)
    for puzzle in library.puzzles:
        buffer = io.BytesIO()
        opened(puzzle.data).resize(size).save(buffer, kind, compress_level=1, quality=50)
        assert buffer.getvalue() != puzzle.data
        assert library.find(buffer.getvalue()) is puzzle


def test_a_puzzle_with_two_tiles_exchanged_is_another_one() -> None:
    library = Library(0, URL)
    for puzzle in library.puzzles:
        for one, other in itertools.combinations(range(6), 2):
            image = opened(puzzle.data)
            places = [(n % 3 * 200, n // 3 * 200) for n in (one, other)]
            parts = [image.crop((x, y, x + 200, y + 200)) for x, y in places]
            for part, place in zip(parts, reversed(places), strict=True):
                image.paste(part, place)
            buffer = io.BytesIO()
            image.save(buffer, "JPEG")
            assert library.find(buffer.getvalue()) is None, (puzzle, one, other)


def test_the_puzzle_of_another_seed_is_not_taken_for_ours() -> None:
    library = Library(0, URL)
    for seed in (1, 2):
        assert [library.find(p.data) for p in Library(seed, URL).puzzles] == [None] * 8


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8"])
)
@settings(max_examples=100, deadline=None)
def test_what_is_no_puzzle_is_not_found(data: bytes, start: bytes) -> None:
    assert Library(0, URL).find(start + data) is None


def test_every_cut_off_puzzle_is_not_found() -> None:
    library = Library(0, URL)
    data = library.puzzles[0].data
    for size in (0, 8, 33, 100, 5_000, len(data) // 2):
        assert library.find(data[:size]) is None


def test_a_file_that_unpacks_to_a_huge_picture_is_not_unpacked() -> None:
    library = Library(0, URL)
    for size, found in (((1_200, 800), True), ((3_000, 2_000), False)):
        buffer = io.BytesIO()
        opened(library.puzzles[0].data).resize(size).save(buffer, format="JPEG")
        assert len(buffer.getvalue()) < IMAGE_MAX_BYTES
        assert (library.find(buffer.getvalue()) is not None) == found


def test_three_pictures_are_wrong_on_purpose(library: Library) -> None:
    big, small, damaged = (library.file(name) for name in ("too-big", "too-small", "damaged"))
    assert big is not None
    assert small is not None
    assert damaged is not None
    assert len(big) == IMAGE_MAX_BYTES + 1
    assert opened(big).size == (600, 400)
    assert len(small) == IMAGE_MIN_BYTES - 1
    assert library.find(damaged) is None
    assert library.file("none") is None


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (f"{URL}/pictures/penguin.png", True),
        ("http://localhost:5000/pictures/penguin.png?again", True),
        ("http://127.0.0.1:5001/pictures/penguin.png", False),
        ("http://192.0.2.1:5000/pictures/penguin.png", False),
        (f"{URL}/pictures/penguin", False),
        (f"{URL}/pictures/../penguin.png", False),
        ("http://127.0.0.1:99999/pictures/penguin.png", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_an_address_is_looked_up_and_never_fetched(url: str, found: bool) -> None:
    assert (Library(0, URL).at(url) is not None) == found


def test_a_puzzle_shows_itself() -> None:
    puzzle = Library(0, URL).puzzles[1]
    shown = puzzle._repr_mimebundle_()["text/html"]
    assert base64.b64encode(puzzle.data).decode() in shown
    assert puzzle.question in shown
    assert "penguin" in repr(puzzle)
    assert len(repr(puzzle)) < 120
    assert isinstance(puzzle, Puzzle)
