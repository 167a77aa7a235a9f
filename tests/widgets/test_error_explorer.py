"""A bar for each code, and what there is to say about any of them."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator

import pytest
from waiting import until

import brocap_nb as bn
from brocap_nb.api._facts import CATALOGUE, again
from brocap_nb.widgets._error_explorer import ErrorExplorer

HOW = {"ERROR_TASK_NOT_SUPPORTED": "Send a `type` that there is not."}


@pytest.fixture
def chosen() -> list[str | None]:
    return []


@pytest.fixture
def explorer(used: bn.Client, chosen: list[str | None]) -> Iterator[ErrorExplorer]:
    shown = ErrorExplorer(used.log, chosen=chosen.append, recipes=lambda: HOW)
    yield shown
    shown.close()


def fail(client: bn.Client, body: dict[str, str]) -> None:
    with contextlib.suppress(bn.ApiError):
        client.create_task(bn.RawTask(body))


def test_each_code_has_a_bar_and_the_longest_is_the_commonest(
    explorer: ErrorExplorer, used: bn.Client
) -> None:
    assert "the service has reported none so far" in explorer._title.value
    fail(used, {"type": "NoSuchTask"})
    fail(used, {"type": "NoSuchTask"})
    fail(used, {})
    until(lambda: "2 codes" in explorer._title.value)
    assert [text.strip() for text in explorer.list.texts] == [
        "ERROR_TASK_NOT_SUPPORTED",
        "ERROR_NO_SUCH_METHOD",
    ]
    pictures = [child.children[1].value for child in explorer.list.children[1:]]
    assert [re.findall(r'rect width="([\d.]+)"', p) for p in pictures] == [["100.0"], ["50.0"]]
    assert "2 times" in pictures[0]
    assert "1 time," in pictures[1]


def test_a_click_explains_and_chooses_and_a_second_one_undoes(
    explorer: ErrorExplorer, used: bn.Client, chosen: list[str | None]
) -> None:
    fail(used, {"type": "NoSuchTask"})
    until(lambda: explorer.list.texts)
    explorer.list.click("ERROR_TASK_NOT_SUPPORTED")
    shown = explorer._explanation.value
    assert "not supported" in shown
    assert "task.type" in shown
    assert "Send a <code>type</code> that there is not." in shown
    assert again(False) in shown
    assert explorer.any_code.value == "ERROR_TASK_NOT_SUPPORTED"
    explorer.list.click("ERROR_TASK_NOT_SUPPORTED")
    assert explorer._explanation.value == ""
    assert chosen == ["ERROR_TASK_NOT_SUPPORTED", None]


def test_every_documented_code_can_be_looked_up(
    explorer: ErrorExplorer, chosen: list[str | None]
) -> None:
    assert [value for _, value in explorer.any_code.options] == ["", *CATALOGUE]
    for code, entry in CATALOGUE.items():
        explorer.any_code.value = code
        assert html.escape(entry.meaning.split("`")[0]) in explorer._explanation.value
    assert chosen == []  # that filters nothing


def test_a_code_that_nobody_documented_is_explained_as_such(explorer: ErrorExplorer) -> None:
    explorer.explain("ERROR_OF_TOMORROW")
    assert "do not list this code" in explorer._explanation.value
    assert explorer.code == "ERROR_OF_TOMORROW"


def test_a_code_is_provoked_only_where_that_can_be_done(used: bn.Client) -> None:
    done: list[str] = []

    def provoke(code: str) -> None:
        done.append(code)
        if code == "ERROR_ZERO_BALANCE":
            raise bn.SandboxError("It has stopped.")

    recipes = {**HOW, "ERROR_ZERO_BALANCE": "Be poor."}
    explorer = ErrorExplorer(used.log, recipes=lambda: recipes, provoke=provoke)
    assert explorer.provoke.layout.display == "none"
    explorer.explain("ERROR_TASK_NOT_SUPPORTED")
    assert explorer.provoke.layout.display == ""
    explorer.provoke.click()
    until(lambda: "Done" in explorer._report.value)
    explorer.explain("ERROR_ZERO_BALANCE")
    explorer.provoke.click()
    until(lambda: "It has stopped." in explorer._report.value)
    until(lambda: not explorer.provoke.disabled)
    assert done == ["ERROR_TASK_NOT_SUPPORTED", "ERROR_ZERO_BALANCE"]
    explorer.explain("ERROR_IP_BANNED")
    assert explorer.provoke.layout.display == "none"
    explorer.close()
    assert not used.log._listeners
