"""Pictures: measured without ever raising, checked against the limits, marked where asked."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.display import Image as Shown
from peer import Peer, http
from pictures import exif, kinds, noise, plain, raw_png, saved
from PIL import Image, ImageChops, ImageStat

import brocap_nb as bn
from brocap_nb.api._body import media_type
from brocap_nb.tasks import _pictures

PICTURE = noise(60, 40)
OTHERS = {
    "empty": b"",
    "a web page (HTML)": b"\xef\xbb\xbf\n<!DOCTYPE html><html><title>Log in</title>",
    "an SVG drawing": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "an AVIF picture": b"\0\0\0 ftypavif\0\0\0\0",
    "a HEIC picture": b"\0\0\0 ftypmif1\0\0\0\0mif1heic",
    "a TIFF picture": noise(60, 40, "TIFF"),
    "a PDF document": b"%PDF-1.7\n%\xe2\xe3",
    "text": noise(60, 40, "EPS"),  # Pillow would give it to a program of its own
    "of a kind that is not known here": bytes(300),
}

cut_off = st.builds(lambda n, tail: PICTURE[:n] + tail, st.integers(0, 3000), st.binary())
damaged = st.builds(
    lambda at, byte: PICTURE[:at] + bytes([byte]) + PICTURE[at + 1 :],
    st.integers(0, 200),
    st.integers(0, 255),
)


@given(st.binary(max_size=300) | cut_off | damaged)
def test_inspect_takes_any_bytes(data: bytes) -> None:
    facts = _pictures.inspect(data)
    assert facts.size == len(data)
    assert (facts.format is None) == (facts.width is None) == (facts.height is None)
    assert facts.format is not None or facts.problem
    assert str(facts)


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_picture_is_named(kind: str, tmp_path: Path) -> None:
    data, file = OTHERS[kind], tmp_path / "picture.png"
    file.write_bytes(data)
    address = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    for source, what in ((data, "The file"), (file, f"The file '{file}'"), (address, "The file")):
        with pytest.raises(bn.InvalidImageError) as caught:
            bn.ComplexImageTask.from_image(source, "Pick the owl")
        assert f"{kind}, not a picture that the service takes. Expected a PNG" in str(caught.value)
        assert str(caught.value).startswith(what[:60])
    assert kind in (_pictures.inspect(data + b"\n" * 200).problem or "") or not data
    assert ("0 bytes; the service" in (_pictures.inspect(data).problem or "")) == (not data)


def as_image(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_picture_is_upright_wherever_it_is_seen() -> None:
    """Which way each orientation turns it is compared with a browser."""
    left = Image.new("RGB", (120, 80), "blue")
    left.paste("red", (0, 0, 60, 80))
    top = left.transpose(Image.Transpose.ROTATE_270)
    for kind, turn, expected in (("JPEG", 6, top), ("PNG", 6, top), ("JPEG", 3, left.rotate(180))):
        data = saved(left, kind, exif=exif(turn))
        with as_image(data) as image:
            sent = as_image(_pictures.read(image))  # a PIL image is turned before it is sent
        assert not sent.getexif()
        marked = as_image(_pictures.mark_answer(data, [False] * 6))
        small = as_image(_pictures.thumbnail(data).data)
        for seen in (_pictures.opened(data), small, sent, marked):
            assert seen.size == _pictures.inspect(data)[1:3] == expected.size
            off = ImageStat.Stat(ImageChops.difference(seen.convert("RGB"), expected)).mean
            assert max(off) < 30  # the edges of JPEG, and numbers
        assert _pictures.read(data) == data  # a file's bytes are sent as they are


def test_16_bits_of_grey_are_the_same_from_a_file_and_from_pil() -> None:
    data = kinds()["PNG, 16 bits of grey"]  # each kind is compared with a browser
    with as_image(data) as held:
        for seen in (_pictures.opened(data), _pictures.opened(_pictures.read(held))):
            assert [seen.getpixel((x, 0))[0] for x in (0, 24, 47)] == [0, 127, 250]  # type: ignore[index]


def test_a_decompression_bomb_is_refused() -> None:
    for side in (6_400, 9_000, 30_000, 2_000_000_000):
        data = raw_png(8, 0, bytes(range(99)), size=(side, side))
        assert side != 9_000 or "pixels" in (_pictures.inspect(data).problem or "")
        for use in (_pictures.thumbnail, lambda d: _pictures.mark_answer(d, [True])):
            with pytest.raises(bn.InvalidImageError):
                use(data)


def test_a_pil_image_is_read_if_it_says_what_is_white() -> None:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I;16"):
        assert _pictures.inspect(_pictures.read(Image.new(mode, (90, 90)))).format == "PNG"
    for mode in ("I", "F", "I;16B"):
        with pytest.raises(bn.InvalidImageError, match=f"mode '{mode}'.*Scale it to 0 to 255"):
            _pictures.read(Image.new(mode, (90, 90)))
    with pytest.raises(bn.InvalidImageError, match="Expected an image with pixels"):
        _pictures.read(Image.new("L", (0, 0)))


def test_a_picture_comes_from_anywhere(tmp_path: Path, peer: Peer, monkeypatch: Any) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "a.png"
    file.write_bytes(PICTURE)
    text = base64.b64encode(PICTURE).decode()
    for source in (
        *(PICTURE, file, str(file), "~/a.png"),
        *(Shown(data=PICTURE), Shown(filename=str(file)), Shown(data=text)),
        *(text, text.encode(), base64.encodebytes(PICTURE), base64.encodebytes(PICTURE).decode()),
        *(f"data:image/png;base64,{text}", f"\nDATA:;base64,{text.rstrip('=')} "),
        f"data:image/png;base64,{text.replace('+', '%2B').replace('/', '%2f')}".encode(),
        "data:image/png," + "".join(f"%{byte:02x}" for byte in PICTURE),
    ):
        task = bn.ComplexImageTask.from_image(source, "Pick the owl")  # type: ignore[arg-type]
        assert task.pictures() == [PICTURE]
    peer.say(http(PICTURE))
    url = f"{peer.url}/a.png"
    for address in (f" {url}\n", Shown(url=url)):
        task = bn.ComplexImageTask.from_image(address, "Pick the owl")  # type: ignore[arg-type]
        assert (task.image_urls, task.images_base64) == ((url,), None)
        assert task.pictures() == [PICTURE]
        assert "<img" in task._repr_mimebundle_()["text/html"]
    assert len(peer.requests) == 1
    peer.say(http(PICTURE[:99]))
    for small in (f"{peer.url}/small", PICTURE[:99]):
        with pytest.raises(bn.InvalidTaskError, match="99 bytes"):
            bn.ComplexImageTask.from_image(small, "Pick the owl")


def test_what_is_no_picture_is_refused_in_a_sentence_that_quotes_little() -> None:
    long = "x" * 5_001
    for source, said in {
        "no-such.png": re.escape(f"Check the path; it is looked for in {Path.cwd()}."),
        **dict.fromkeys(("", ".", "\0", "~no-such-user/a.png", 5), "Expected the path of a"),
        **dict.fromkeys((long, Path(long)), "too long. Expected"),
        f"http://{long}/": "expected an address",
        f"http://127.0.0.1:9/{long}": "cannot be loaded",
        f"data:image/png;base64,{long}": "its base64 is damaged or cut off",
        "data:image/png;base64,iVBORw0KGg!": "its base64 is damaged or cut off",
        f"data:,{long}": "is text, not a picture",
        long.encode(): "is text, not a picture",
    }.items():
        with pytest.raises(bn.InvalidInputError, match=said) as caught:
            _pictures.read(source)  # type: ignore[arg-type]
        assert str(caught.value).count("x") < 100


def test_what_is_an_address_and_what_is_none() -> None:
    wrong = [*("http://", "http://[", "http://:80/", "http://a:x/", "http://a:0/", "http://a/b c")]
    wrong += ["http://a:65536/", "http://a..b/", "http://.a/", "http://a b/", "http://a/\u200b"]
    for text in (*wrong, "ftp://a/b", "a.png", "", None, b"http://a", "http://a/\n"):
        assert not _pictures.is_url(text)
    for text in (*wrong, f"http://{'a' * 64}.b/"):
        for use in (_pictures.clean_address, _pictures.read):
            with pytest.raises(bn.InvalidInputError, match=r"Write the full address\."):
                use(text)
    for text in ("http://a", "https://A.example.:443/b", "http://[::1]:8080/", "http://u:p@a_b/ü?"):
        assert _pictures.clean_address(f" {text}\r\n") == text


def test_a_picture_is_fetched_once_and_the_latest_are_remembered(peer: Peer) -> None:
    peer.say(http(PICTURE, content_type="image/png"))
    urls = [f"{peer.url}/{number}.png" for number in range(33)]
    for url in (urls[0], *urls):
        assert _pictures.fetch(url) == _pictures.read(url) == PICTURE
    assert len(peer.requests) == 33
    assert (_pictures.fetched(urls[0]), _pictures.fetched(urls[1])) == (None, PICTURE)


@given(st.integers(1, 200), st.integers(1, 2000), st.integers(1, 2000))
def test_a_guessed_grid_holds_the_tiles(tiles: int, width: int, height: int) -> None:
    columns, rows = _pictures.guess_grid(tiles, width, height)
    assert columns * rows == tiles
    assert (columns, rows) in _pictures.grids(tiles)
    assert _pictures.guess_grid(6, 450, 300) == (3, 2)
    assert _pictures.grids(6) == [(3, 2), (2, 3), (6, 1), (1, 6)]  # wide before tall


@given(st.integers(1, 4), st.data())
def test_the_true_tiles_are_marked_and_no_others(columns: int, data: st.DataObject) -> None:
    answer = data.draw(st.lists(st.booleans(), min_size=columns * 3, max_size=columns * 3))
    file = plain(80 * columns, 240)
    marked = as_image(_pictures.mark_answer(file, answer, grid=(columns, 3)))
    assert (marked.format, marked.size) == ("PNG", (80 * columns, 240))
    for index, chosen in enumerate(answer):  # a green edge: at the middle of the tile's bottom
        x, bottom = index % columns * 80 + 40, index // columns * 80 + 79
        pixels: list[Any] = [marked.getpixel((x, bottom - up)) for up in range(6)]
        assert any(g > r + 60 and g > b + 30 for r, g, b in pixels) == chosen
    for wrong in ((4, 2), (-columns, -3), (0, 0)):
        with pytest.raises(bn.InvalidImageError):
            _pictures.mark_answer(file, answer, grid=wrong)
    for small, tiles in ((b"no picture", 1), (plain(2, 2), 6), (file, 0)):
        with pytest.raises(bn.InvalidImageError):
            _pictures.mark_answer(small, [True] * tiles)


def test_a_thumbnail_is_small_and_one_that_is_tall_or_wide_legible() -> None:
    for size in ((40, 30), (900, 700), (3000, 20), (20, 3000), (1, 9000)):
        for max_bytes in (2_000, 40_000):
            small = _pictures.thumbnail(noise(*size), max_bytes=max_bytes)
            assert len(small.data) <= max_bytes
            facts = _pictures.inspect(small.data)
            assert (media_type(small.data), facts.width, facts.height) == small[1:]
    for size in ((100, 2000), (2000, 100), (300, 1200)):
        small = _pictures.thumbnail(plain(*size))
        assert min(small.width, small.height) >= 90
        assert 0.95 < small.width / small.height / (size[0] / size[1]) < 1.05
        (shown,) = _pictures.images([plain(*size)], "x")
        assert ("overflow:auto" in shown) == (size != (300, 1200))


def test_a_thumbnail_has_nothing_of_the_file_but_its_pixels_on_white() -> None:
    clear = saved(Image.new("RGBA", (60, 40), (0, 0, 0, 0)))
    for shown in (_pictures.thumbnail(clear).data, _pictures.mark_answer(clear, [False])):
        assert as_image(shown).convert("RGB").getpixel((55, 35)) == (255, 255, 255)
    told = Image.Exif()
    told[0x010E] = "taken at home"
    file = saved(Image.new("RGB", (60, 40), "red"), "JPEG", exif=told)
    assert b"taken at home" in file
    assert b"taken at home" not in _pictures.thumbnail(file).data
