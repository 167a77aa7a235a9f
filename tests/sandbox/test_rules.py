"""The rules, with a clock that the test holds, and the puzzles that they know."""

from __future__ import annotations

import base64
import io
import itertools
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import saved
from PIL import Image

from brocap_nb.api._answers import departures
from brocap_nb.api._facts import IMAGE_MAX_BYTES, METHODS
from brocap_nb.sandbox._puzzles import Library
from brocap_nb.sandbox._recipes import BY_HOST, TOKEN_TASK
from brocap_nb.sandbox._rules import Rules, keys_for

URL = "http://127.0.0.1:5000"
HERE = "127.0.0.1"


class Desk:
    """Rules, and a clock to turn."""

    def __init__(self, **options: Any) -> None:
        self.now = 1_000.0
        self.library = Library(options.get("seed", 0), URL)
        self.rules = Rules(self.library, lambda: self.now, **options)

    def send(self, method: str, address: str = HERE, **fields: Any) -> dict[str, Any]:
        fields.setdefault("clientKey", self.rules.keys["working"])
        return self.raw(method, json.dumps(fields).encode(), address)

    def raw(self, method: str, body: bytes, address: str = HERE) -> dict[str, Any]:
        return self.rules.answer(method, body, address)

    def create(self, task: Any = TOKEN_TASK, **fields: Any) -> int:
        body = self.send("createTask", task=dict(task), **fields)
        assert body["errorId"] == 0, body
        return int(body["taskId"])

    def poll(self, task_id: Any, **fields: Any) -> dict[str, Any]:
        return self.send("getTaskResult", taskId=task_id, **fields)

    def image_task(self, **changes: Any) -> dict[str, Any]:
        puzzle = self.library.puzzles[1]
        task = {
            "type": "ComplexImageTask",
            "class": "funcaptcha",
            "imagesBase64": [base64.b64encode(puzzle.data).decode()],
            "metadata": {"Task": puzzle.question},
        }
        return {**task, **changes}


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_task_is_processed_answered_and_paid_for(desk: Desk) -> None:
    task_id = desk.create(desk.image_task())
    assert desk.poll(task_id)["status"] == "processing"
    desk.now += 2.0
    body = desk.poll(task_id)
    assert (body["status"], desk.rules.result(task_id)) == ("ready", body)
    assert body["solution"]["answer"] == desk.library.puzzles[1].answer
    key = desk.rules.keys["working"] + "__nocache"  # tolerated, and so is a number as a string
    for kind in ("FunCaptchaTaskProxyless", "FunCaptchaTask", "HCaptchaTask", "CaptchaFoxTask"):
        task_id = desk.create({**TOKEN_TASK, "type": kind}, clientKey=key, softId=7)
        desk.now += 3.0
        assert desk.poll(str(task_id))["solution"]["token"].startswith("SANDBOX-TOKEN-")
    desk.send("createTask", task={"type": "Nothing"})  # what is refused costs nothing
    assert "key not found" in desk.send("createTask", clientKey="x")["errorDescription"]
    assert 9.985 < desk.send("getBalance")["balance"] < 10


def test_the_same_seed_tells_the_same_story() -> None:
    def story(seed: int) -> list[Any]:
        desk = Desk(seed=seed)
        tasks = [desk.create(task) for task in (desk.image_task(), TOKEN_TASK) for _ in range(10)]
        desk.now += 1.2  # some are ready by now: how long each takes belongs to the story
        early = [desk.poll(task_id)["status"] for task_id in tasks]
        desk.now += 2.0
        return [dict(desk.rules.keys), early, [desk.poll(task_id) for task_id in tasks]]

    assert story(3) == story(3)
    for part, other in zip(story(3), story(4), strict=True):
        assert part != other


def test_speed_scales_the_wait() -> None:
    for speed in (0.5, 10.0):
        desk = Desk(speed=speed)
        for task, least, most in ((desk.image_task(), 0.3, 2.0), (TOKEN_TASK, 1.0, 3.0)):
            task_id = desk.create(task)
            for wait, status in ((least - 0.01, "processing"), (most - least + 0.01, "ready")):
                desk.now += wait / speed
                assert desk.poll(task_id)["status"] == status


def test_strictly_there_are_two_seconds_between_polls_and_120_of_them() -> None:
    desk = Desk(strict=True)
    task_id = desk.create()
    desk.poll(task_id)
    # one that is refused does not start them anew; and a network's jitter is no haste
    for wait, code in ((1.9, "ERROR_TOO_MUCH_REQUESTS"), (0.06, None)):
        desk.now += wait
        assert desk.poll(task_id)["errorCode"] == code
    for count in range(4, 122):
        desk.now += 2.0
        said = "ERROR_TOO_MUCH_REQUESTS" if count == 121 else None
        assert desk.poll(task_id)["errorCode"] == said


def test_a_client_that_asks_each_second_is_served_and_a_loop_without_a_pause_is_not() -> None:
    desk = Desk(speed=0.1)
    task_id = desk.create()
    said = [desk.poll(task_id)["errorCode"] for _ in range(5)]
    assert said.index("ERROR_TOO_MUCH_REQUESTS") >= 2, "a few quick ones pass"
    desk.now += 3.0
    for late in (0.0, 0.3, -0.3, 0.0) * 4:  # each second, but for the jitter of a network
        desk.now += late
        assert desk.poll(task_id)["errorCode"] is None
        desk.now += 1.0 - late


def test_a_result_can_be_asked_for_within_five_minutes_and_is_then_gone(desk: Desk) -> None:
    old = desk.create()
    desk.now += 300.0
    young = desk.create()
    assert desk.poll(old)["status"] == "ready"
    desk.now += 0.1
    for _ in range(30):  # an id that was once given blocks nobody
        assert desk.poll(old)["errorCode"] == "ERROR_NO_SUCH_CAPCHA_ID"
    assert desk.poll(young)["errorId"] == 0
    assert (len(desk.rules._tasks), desk.rules.result(old)) == (1, None)


def test_a_task_that_is_kept_is_small_and_one_that_is_gone_takes_nothing() -> None:
    desk = Desk(balance=100.0)
    task, count = desk.image_task(), 3_000
    desk.poll(desk.create(task))  # what is made once is made
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(count):
            desk.poll(desk.create(task))
        kept = tracemalloc.get_traced_memory()[0] - before
        desk.now += 301.0
        desk.send("getBalance")
        left = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(desk.rules._tasks) == 0
    assert kept < 300 * count
    assert left < kept / 2  # the table itself stays


def picture(size: int) -> dict[str, Any]:
    return {"imagesBase64": [base64.b64encode(bytes(size)).decode()]}


SMALL, BIG = "ERROR_ZERO_CAPTCHA_FILESIZE", "ERROR_TOO_BIG_CAPTCHA_FILESIZE"
UNSUPPORTED, UNSOLVABLE = "ERROR_TASK_NOT_SUPPORTED", "ERROR_CAPTCHA_UNSOLVABLE"
# what an image task has instead, the code of its creation, and that of its result
IMAGES: list[tuple[dict[str, Any], str | None, str | None]] = [
    *((picture(size), SMALL, None) for size in (0, 99)),
    *((picture(size), None, UNSOLVABLE) for size in (100, 500_000)),
    (picture(500_001), BIG, None),
    ({"imagesBase64": None}, SMALL, None),
    ({"class": "other"}, UNSUPPORTED, None),
    ({"metadata": {"Task": "Pick the spiral galaxy"}}, None, UNSOLVABLE),
    ({"metadata": {"Task": " pick THE  penguin? "}}, None, None),
    ({"metadata": None}, None, UNSOLVABLE),
    *(({"imagesBase64": [text]}, None, UNSOLVABLE) for text in ("%%%", 7)),
    *(
        ({"imagesBase64": None, "imageUrls": [url]}, None, UNSOLVABLE)
        for url in ("http://192.0.2.1/never-fetched.png", "http://[broken", 7)
    ),
]


def test_what_is_wrong_with_a_task(desk: Desk) -> None:
    for changes, at_once, later in IMAGES:
        created = desk.send("createTask", task=desk.image_task(**changes))
        assert created.get("errorCode") == at_once, changes
        if at_once is None:
            assert desk.poll(created["taskId"])["status"] == "processing"
            desk.now += 2.0
            assert desk.poll(created["taskId"])["errorCode"] == later, changes
    for task, code in (
        ([], "ERROR_TASK_ABSENT"),
        ({"type": 5}, "ERROR_NO_SUCH_METHOD"),
        ({"type": "funcaptchataskproxyless"}, UNSUPPORTED),
        ({**TOKEN_TASK, "websitePublicKey": None}, "ERROR_RECAPTCHA_INVALID_SITEKEY"),
        ({**TOKEN_TASK, "websiteURL": "shop"}, "ERROR_RECAPTCHA_INVALID_DOMAIN"),
        ({**TOKEN_TASK, "data": '{"blob":"fresh"}'}, None),
        ({**TOKEN_TASK, "data": "["}, None),
    ):
        assert desk.send("createTask", task=task).get("errorCode") == code, task
    long = (b"[" * 100_000, b'{"taskId": ' + b"9" * 10_000 + b"}")
    for body in (b"", b"{", b"[]", b"NaN", b'{"task": Infinity}', b"\xff\xfe\xfa", *long):
        for method in METHODS:
            assert desk.raw(method, body)["errorCode"] == "ERROR_TASK_ABSENT"


def test_what_is_wrong_with_a_task_id(desk: Desk) -> None:
    ids = {"ERROR_NO_SUCH_CAPCHA_ID": (1, -1, "12", "9" * 5_000)}
    for code, given_ids in (ids | {"WRONG_CAPTCHA_ID": ("x", "٣", True, 1.5, None)}).items():
        for task_id in given_ids:
            assert desk.poll(task_id)["errorCode"] == code
        desk.rules.forgive()
    other = desk.poll(desk.create(), clientKey=desk.rules.keys["zero_balance"])
    assert other["errorCode"] == "ERROR_NO_SUCH_CAPCHA_ID", "a task belongs to its key"


def test_ten_errors_of_a_kind_ban_the_address_for_ten_minutes(desk: Desk) -> None:
    poor = desk.rules.keys["zero_balance"]
    for code, fail in (
        ("ERROR_IP_BANNED", lambda: desk.send("getBalance", clientKey="x")),
        ("ERROR_IP_BLOCKED", lambda: desk.poll(5)),
        ("ERROR_IP_BLOCKED", lambda: desk.send("createTask", clientKey=poor, task={})),
    ):
        for _ in range(10):
            assert fail()["errorCode"] != code
        assert desk.send("getBalance")["errorCode"] == code
        assert desk.send("getBalance", "192.0.2.7")["errorId"] == 0
        desk.now += 599.0
        assert desk.send("getBalance")["errorCode"] == code
        desk.now += 1.0
        assert desk.send("getBalance")["errorId"] == 0
        desk.rules.forgive()


_text = st.text(st.characters(exclude_categories=()), max_size=20) | st.sampled_from(
    ["ComplexImageTask", "FunCaptchaTaskProxyless", "funcaptcha", "AAAA", URL]
    + [f"https://{host}/" for host in BY_HOST]
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)
_names = ["class", "websiteURL", "websitePublicKey", "data", "metadata"]
_names += ["imagesBase64", "imageUrls"]
_member = _text | st.lists(_text) | st.fixed_dictionaries({"Task": _text}) | _json
_tasks = st.fixed_dictionaries({"type": _text | _json}, optional=dict.fromkeys(_names, _member))
_requests = st.fixed_dictionaries(
    {"clientKey": st.sampled_from(list(keys_for(0).values())) | _json},
    optional={
        "task": _tasks | _json,
        "taskId": st.integers(7_654_320, 7_654_330) | _json,
        "callbackUrl": _text | _json,
    },
)
_sent = st.tuples(_json | _requests, st.sampled_from(["utf-8", "utf-16"])).map(
    lambda sent: json.dumps(sent[0]).encode(sent[1])
)
_steps = st.tuples(st.sampled_from(METHODS), st.binary(max_size=60) | _sent, st.floats(0, 400))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_steps, min_size=1, max_size=12))
def test_every_answer_is_a_documented_one(steps: list[tuple[str, bytes, float]]) -> None:
    desk = Desk()
    for method, sent, wait in steps:
        desk.now += wait
        assert departures(method, json.dumps(desk.raw(method, sent))) == []


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


def test_a_puzzle_is_found_when_encoded_anew_and_a_huge_picture_is_not_unpacked() -> None:
    library = Library(0, URL)
    kinds = [("PNG", 600), ("JPEG", 600), ("WEBP", 600), ("PNG", 300), ("JPEG", 150)]
    kinds += [("JPEG", 1_200), ("JPEG", 3_000)]
    for puzzle, (kind, width) in itertools.product(library.puzzles, kinds):
        image = opened(puzzle.data).resize((width, width * 2 // 3))
        anew = saved(image, kind, compress_level=1, quality=50)
        assert anew != puzzle.data
        assert len(anew) < IMAGE_MAX_BYTES
        assert library.find(anew) is (puzzle if width < 3_000 else None)


def test_an_address_is_looked_up_and_never_fetched() -> None:
    library, name = Library(0, URL), "pictures/penguin.png"
    for url in (f"{URL}/{name}", f"http://localhost:5000/{name}?again"):
        assert library.of({"imageUrls": [url]}) == library.puzzles[1].data
    others = ("127.0.0.1:5001", "192.0.2.1:5000", "127.0.0.1:99999")
    unknown = (f"{URL}/pictures/penguin", f"{URL}/pictures/../penguin.png", "http://[", "")
    for url in (*(f"http://{other}/{name}" for other in others), *unknown):
        assert library.of({"imageUrls": [url]}) is None, url
