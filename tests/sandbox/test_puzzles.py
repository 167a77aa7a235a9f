"""The puzzles: solvable, inside the limits, the same for the same seed, found by their looks."""

from __future__ import annotations

import base64
import io
import itertools

from PIL import Image

from brocap_nb.api._facts import IMAGE_MAX_BYTES, IMAGE_MIN_BYTES
from brocap_nb.sandbox._puzzles import Library

URL = "http://127.0.0.1:5000"


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def test_a_puzzle_is_three_by_two_tiles_of_which_one_is_right() -> None:
    for puzzle in (*Library(0, URL).puzzles, *Library(1, URL).puzzles):
        image = opened(puzzle.data)
        assert image.size == (600, 400)
        assert (puzzle.columns, puzzle.rows) == (3, 2)
        assert sorted(puzzle.answer) == [False] * 5 + [True]
        assert puzzle.url == f"{URL}/pictures/{puzzle.name}.png"


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


def test_a_puzzle_is_found_when_a_browser_has_encoded_it_anew() -> None:
    library = Library(0, URL)
    whole, half = (600, 400), (300, 200)
    kinds = [("PNG", whole), ("JPEG", whole), ("WEBP", whole), ("PNG", half), ("JPEG", (150, 100))]
    for puzzle, (kind, size) in itertools.product(library.puzzles, kinds):
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


def test_a_file_that_unpacks_to_a_huge_picture_is_not_unpacked() -> None:
    library = Library(0, URL)
    for size, found in (((1_200, 800), True), ((3_000, 2_000), False)):
        buffer = io.BytesIO()
        opened(library.puzzles[0].data).resize(size).save(buffer, format="JPEG")
        assert len(buffer.getvalue()) < IMAGE_MAX_BYTES
        assert (library.find(buffer.getvalue()) is not None) == found


def test_three_pictures_are_wrong_on_purpose() -> None:
    library = Library(0, URL)
    names = ("too-big", "too-small", "damaged")
    big, small, damaged = (library.file(f"/pictures/{name}.png") or b"" for name in names)
    assert len(big) == IMAGE_MAX_BYTES + 1
    assert opened(big).size == (600, 400)
    assert len(small) == IMAGE_MIN_BYTES - 1
    assert library.find(damaged) is None
    assert library.file("/pictures/none.png") is None


def test_an_address_is_looked_up_and_never_fetched() -> None:
    library, name = Library(0, URL), "pictures/penguin.png"
    for url in (f"{URL}/{name}", f"http://localhost:5000/{name}?again"):
        assert library.of({"imageUrls": [url]}) == library.puzzles[1].data
    others = ("127.0.0.1:5001", "192.0.2.1:5000", "127.0.0.1:99999")
    unknown = (f"{URL}/pictures/penguin", f"{URL}/pictures/../penguin.png", "http://[", "")
    for url in (*(f"http://{other}/{name}" for other in others), *unknown):
        assert library.of({"imageUrls": [url]}) is None, url


def test_a_puzzle_shows_itself() -> None:
    puzzle = Library(0, URL).puzzles[1]
    shown = puzzle._repr_mimebundle_()["text/html"]
    assert base64.b64encode(puzzle.data).decode() in shown
    assert puzzle.question in shown
    assert "penguin" in repr(puzzle)
