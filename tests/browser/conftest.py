"""A browser, the servers of three front ends, and a page in each: all on loopback."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest

from .driver import FRONTS, Front, Lab, Refuser, Server, browse, chromium, serve

__all__ = ["Front", "Lab"]

PageOf = Callable[[str], Any]

HOW_TO: Final = (
    "Install the driver with `pip install playwright` and a Chromium with "
    "`apt-get install chromium` (or set BROCAP_CHROMIUM to the path of one)."
)

# An error in the log, a problem, an open section, an answered picture: all that can be seen.
PREPARE: Final = """
import brocap_nb as bn
sandbox = bn.Sandbox(seed=3).start()
client = bn.Client(sandbox.key, base_url=sandbox.url)
try:
    client.create_task(bn.RawTask({"type": "NoSuchTask"}))
except bn.ApiError:
    pass
bn.Console(log=client.log)
"""


def missing(what: str) -> Any:
    """Skip, and say how to install it; where the tests must run, fail."""
    sentence = f"The browser tests need {what}. {HOW_TO}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def refuser() -> Iterator[Refuser]:
    """Takes every request to anywhere but loopback, and refuses it."""
    refuser = Refuser()
    yield refuser
    refuser.close()


@pytest.fixture(scope="session")
def context(refuser: Refuser) -> Iterator[Any]:
    """One browser for all tests: a front end's files are loaded once and come from its cache."""
    if importlib.util.find_spec("playwright") is None:
        missing("Playwright")
    path = chromium() or missing("a Chromium; found neither that nor a Chrome")
    with browse(path, refuser) as context:
        yield context


@pytest.fixture(scope="session")
def browser(context: Any) -> Any:
    """The browser itself, for who wants a profile of their own."""
    return context.browser


@pytest.fixture(scope="session")
def page_of(context: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageOf]:
    """Returns a new page of the front end of a name; its server starts with the first one."""
    with ExitStack() as stack:
        servers: dict[str, Server] = {}

        def page_of(name: str) -> Any:
            if name not in servers:
                root = tmp_path_factory.mktemp(name)
                servers[name] = stack.enter_context(serve(FRONTS[name], root))
            front = FRONTS[name](context.new_page(), servers[name])
            stack.callback(front.close)
            return front

        yield page_of


@pytest.fixture(scope="session")
def lab_page(page_of: PageOf) -> Any:
    return page_of("lab")


@pytest.fixture
def lab(lab_page: Lab) -> Iterator[Lab]:
    """JupyterLab without a notebook; its page stays from test to test."""
    yield lab_page
    lab_page.leave()


@pytest.fixture(scope="session")
def prepared(page_of: PageOf) -> Callable[[str, str], Front]:
    """Returns a front end in a theme with a Console that has done much; it is prepared once."""
    pages: dict[tuple[str, str], Front] = {}

    def prepared(name: str, theme: str) -> Front:
        # Voila's theme is part of the address; in the others it is chosen on the page
        place = name, theme if name == "voila" else ""
        if place not in pages:
            front = page_of(name)
            prepare(front, theme)
            pages[place] = front
        elif name != "voila":
            pages[place].set_theme(theme)
        return pages[place]

    return prepared


def prepare(front: Front, theme: str) -> None:
    """Cancel a task, have another one answered, and leave open what can be opened."""
    front.open(f"shown-{theme}.ipynb", PREPARE, theme=theme)
    front.run_all()
    console = front.console
    console.get_by_label("Task type").select_option("FunCaptchaTaskProxyless")
    console.get_by_label("websiteURL, required").fill("https://example.com/")
    console.get_by_label("websitePublicKey, required").fill("69A21A01-CC7B-B9C6-0F9A-E7FA06677FFC")
    front.submit()
    console.get_by_text("waiting for the answer").wait_for()
    console.get_by_role("button", name="Cancel").click()
    console.get_by_text(re.compile(r"task \d+: cancelled")).wait_for()

    console.get_by_label("Task type").select_option("ComplexImageTask")
    console.get_by_role("button", name="Make it fail").click()
    front.choose_sample(2)
    assert console.get_by_label("metadata.Task, required").input_value()
    front.submit()
    assert re.search(r"tiles? \d", front.answer())
    console.get_by_alt_text(re.compile("The picture with its answer: tile")).wait_for()
    rows = front.rows()
    for kind in ("FunCaptchaTaskProxyless", "ComplexImageTask"):
        rows.filter(has_text="createTask").filter(has_text=kind).wait_for()
    rows.filter(has_text="getTaskResult").filter(has_text="ready").wait_for()
    console.get_by_role("button", name="From an address").click()
    console.get_by_role("button", name="Load picture").click()
    console.get_by_role("alert").filter(has_text="The address is").wait_for()


@pytest.fixture(
    scope="session",
    params=[(name, theme) for name in FRONTS for theme in ("light", "dark")],
    ids="-".join,
)
def shown(
    request: pytest.FixtureRequest, prepared: Callable[[str, str], Front], refuser: Refuser
) -> Front:
    """A Console with much to see, in each front end and theme. Look, but leave it as it is."""
    refuser.hosts.clear()  # those before were asked for by other pages
    return prepared(*request.param)


@pytest.fixture
def theme(request: pytest.FixtureRequest) -> str:
    """The theme in which the Console is shown."""
    return str(request.node.callspec.params["shown"][1])
