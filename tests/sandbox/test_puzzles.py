"""The puzzles: solvable, inside the limits, the same for the same seed, found by their looks."""

from __future__ import annotations

import io
import itertools

from pictures import saved
from PIL import Image

from brocap_nb.api._facts import IMAGE_MAX_BYTES
from brocap_nb.sandbox._puzzles import Library

URL = "http://127.0.0.1:5000"


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def tiles(data: bytes) -> list[bytes]:
    """The pixels of each tile, row by row."""
    image = opened(data)
    corners = [(left, top) for top in (0, 200) for left in (0, 200, 400)]
    return [image.crop((x, y, x + 200, y + 200)).tobytes() for x, y in corners]


def test_a_puzzle_is_three_by_two_tiles_of_which_one_is_right_and_a_seed_says_where() -> None:
    library = Library(0, URL)
    for one, other in zip(library.puzzles, Library(1, URL).puzzles, strict=True):
        assert sorted(tiles(one.data)) == sorted(tiles(other.data))
        right = {tiles(p.data)[p.answer.index(True)] for p in (one, other)}
        assert len(right) == 1, one
        assert one.data == other.data or library.find(other.data) is None
        for puzzle in (one, other):
            assert opened(puzzle.data).size == (600, 400)
            assert (puzzle.columns, puzzle.rows) == (3, 2)
            assert sorted(puzzle.answer) == [False] * 5 + [True]
            assert puzzle.url == f"{URL}/pictures/{puzzle.name}.png"


def test_a_puzzle_is_found_when_a_browser_has_encoded_it_anew() -> None:
    library = Library(0, URL)
    whole, half = (600, 400), (300, 200)
    kinds = [("PNG", whole), ("JPEG", whole), ("WEBP", whole), ("PNG", half), ("JPEG", (150, 100))]
    for puzzle, (kind, size) in itertools.product(library.puzzles, kinds):
        anew = saved(opened(puzzle.data).resize(size), kind, compress_level=1, quality=50)
        assert anew != puzzle.data
        assert library.find(anew) is puzzle


def test_a_file_that_unpacks_to_a_huge_picture_is_not_unpacked() -> None:
    library = Library(0, URL)
    for size, found in (((1_200, 800), True), ((3_000, 2_000), False)):
        data = saved(opened(library.puzzles[0].data).resize(size), "JPEG")
        assert len(data) < IMAGE_MAX_BYTES
        assert (library.find(data) is not None) == found


def test_an_address_is_looked_up_and_never_fetched() -> None:
    library, name = Library(0, URL), "pictures/penguin.png"
    for url in (f"{URL}/{name}", f"http://localhost:5000/{name}?again"):
        assert library.of({"imageUrls": [url]}) == library.puzzles[1].data
    others = ("127.0.0.1:5001", "192.0.2.1:5000", "127.0.0.1:99999")
    unknown = (f"{URL}/pictures/penguin", f"{URL}/pictures/../penguin.png", "http://[", "")
    for url in (*(f"http://{other}/{name}" for other in others), *unknown):
        assert library.of({"imageUrls": [url]}) is None, url
