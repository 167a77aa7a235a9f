"""`brocap-nb app` as a visitor sees it, in a real browser."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from app_process import AppProcess

import brocap_nb as bn

from .driver import VIEWPORT, Front, wait_for

pytestmark = pytest.mark.browser

KEY = secrets.token_hex(16)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    app = AppProcess(tmp_path_factory.mktemp("app"), BROCAP_CLIENT_KEY=KEY)
    yield app
    app.close()


@pytest.fixture
def live_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    folder = tmp_path_factory.mktemp("live")
    app = AppProcess(folder, "--allow-live", BROCAP_CLIENT_KEY=KEY)
    yield app
    app.close()


class Visitor(Front):
    """A browser of its own with the page open."""

    def __init__(self, browser: Any, app: AppProcess) -> None:
        self.context = browser.new_context(viewport=VIEWPORT)
        super().__init__(self.context.new_page(), app)
        self.told: list[str] = []
        self.page.on("console", lambda message: self.told.append(message.text))
        url = app.url

        def opened() -> bool:
            try:
                self.page.goto(url)
            except Exception as error:
                if "ERR_CONNECTION_REFUSED" in str(error):
                    return False
                raise
            return True

        wait_for(opened, "the server to listen")
        self.page.get_by_role("button", name="Submit task").wait_for()

    def submit_a_sample(self) -> None:
        self.page.get_by_role("button", name="Submit task").click()
        self.page.get_by_text(re.compile(r"task \d+: ready")).wait_for()


@pytest.fixture
def visitor(browser: Any, app: AppProcess) -> Iterator[Visitor]:
    visitor = Visitor(browser, app)
    yield visitor
    visitor.context.close()


def test_a_visitor_submits_a_sample_and_takes_the_log_away(
    visitor: Visitor, app: AppProcess, tmp_path: Path
) -> None:
    page = visitor.page
    assert page.get_by_text("Practice service; free, no key needed").count()
    for absent in ("Live service", "on this machine", "inside this kernel"):
        assert page.get_by_text(absent).count() == 0
    prepare = page.get_by_role("button", name="Download your log (.har, keys removed)")
    assert prepare.bounding_box()["y"] < 300, "it stands beside the sentence that names it"
    fonts = [
        page.locator(where).first.evaluate("one => getComputedStyle(one).fontFamily")
        for where in (".brocap button", ".brocap select", ".brocap")
    ]
    assert len(set(fonts)) == 1
    prepare.click()
    page.get_by_text("The log is empty").wait_for()
    visitor.submit_a_sample()
    page.get_by_alt_text(re.compile("The picture with its answer: tile")).wait_for()
    prepare.click()
    with page.expect_download() as begun:
        page.get_by_role("link", name=re.compile(r"Save brocap-log-\w+\.har")).click()
    saved = tmp_path / begun.value.suggested_filename
    begun.value.save_as(saved)
    log = bn.ExchangeLog.from_har(saved)
    methods = list(log.frame()["method"])
    assert methods[0] == "createTask"
    assert set(methods) == {"createTask", "getTaskResult"}
    assert log.frame()["status"].iloc[-1] == "ready"

    # the server's key is nowhere
    assert KEY not in page.content()
    assert KEY not in saved.read_text()
    files = [file for file in app.temporary.rglob("*") if file.is_file()]
    assert not [file for file in files if file.suffix == ".jsonl"], "the log goes with the kernel"
    assert not [file for file in files if KEY.encode() in file.read_bytes()]
    for kernel in app.kernels():
        environment = Path(f"/proc/{kernel}/environ")
        assert not environment.exists() or KEY.encode() not in environment.read_bytes()

    # nothing came from elsewhere, and nothing of ours was refused
    assert visitor.foreign_requests() == []
    assert not [text for text in visitor.told if "Content Security Policy" in text]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_two_visitors_do_not_see_each_others_log(
    visitor: Visitor, browser: Any, app: AppProcess
) -> None:
    visitor.submit_a_sample()
    other = Visitor(browser, app)
    other.page.get_by_text("No request has been made yet.").wait_for()
    before = len(app.kernels())
    other.page.goto("about:blank")
    other.context.close()
    wait_for(lambda: len(app.kernels()) == before - 1, "the kernel of who left to be gone")


def test_live_needs_the_visitors_own_key(browser: Any, live_app: AppProcess) -> None:
    visitor = Visitor(browser, live_app)
    page = visitor.page
    page.get_by_role("button", name="Live service").click()
    page.get_by_text("$BROCAP_CLIENT_KEY is not set: type a key here.").wait_for()
    own = secrets.token_hex(16)
    field = page.get_by_label("Client key of the live service", exact=True)
    field.fill(own)
    field.press("Enter")
    page.get_by_text("a key is set (32 characters)").wait_for()
    assert own not in page.content()
    assert own not in json.dumps(visitor.told)
    assert KEY not in page.content()
    visitor.context.close()
