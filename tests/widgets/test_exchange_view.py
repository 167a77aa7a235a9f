"""An exchange in full, and what can be done with it."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Iterator

import pytest
from pictures import noise
from waiting import until

import brocap_nb as bn
from brocap_nb.widgets._exchange_view import SURE, ExchangeView


@pytest.fixture
def view(used: bn.Client) -> Iterator[ExchangeView]:
    shown = ExchangeView(used.log, client=lambda: used)
    yield shown
    shown.close()


def fail(client: bn.Client, kind: str = "NoSuchTask") -> str:
    with contextlib.suppress(bn.ApiError):
        client.create_task(bn.RawTask({"type": kind, "n": 1}))
    return client.log[-1].exchange_id


def all_of(view: ExchangeView) -> str:
    return str(view._head.value + view._bodies.value)


def test_it_is_shown_side_by_side_with_its_meaning_and_the_field(
    view: ExchangeView, used: bn.Client
) -> None:
    assert view.layout.display == "none"
    exchange_id = fail(used, "<img src=x>")
    view.show_exchange(exchange_id)
    shown = all_of(view)
    meaning = html.escape(bn.explain("ERROR_TASK_NOT_SUPPORTED").meaning)
    about = "It is about <code>"
    for text in (meaning, "Check the spelling", about, "Request", "Response", "Content-Type"):
        assert text in shown
    assert f'log["{exchange_id}"]' in view._entry.text.value
    assert shown.count("look here") == 1
    assert shown.index("&lt;img src=x&gt;") < shown.index("look here")
    assert "<img src=x>" not in shown
    assert used._secret.reveal() not in shown
    view.shut.click()
    assert view.exchange_id is None
    assert view.layout.display == "none"
    assert all_of(view) == ""


def test_the_picture_of_the_request_is_small(
    view: ExchangeView, used: bn.Client, sandbox: bn.Sandbox
) -> None:
    puzzle = sandbox.puzzles[0]
    used.create_task(bn.ComplexImageTask.from_image(puzzle.data, question=puzzle.question))
    view.show_exchange(used.log[-1].exchange_id)
    assert "data:image/" in all_of(view)
    assert "&lt;image/png" in all_of(view)
    assert len(all_of(view)) < 25_000


def test_it_is_sent_again_and_compared(view: ExchangeView, used: bn.Client) -> None:
    exchange_id = fail(used)
    view.show_exchange(exchange_id)
    view.again.click()
    until(lambda: "Sent again as exchange" in view._report.value)
    assert used.log[-1].exchange_id in view._report.value
    assert "no difference" in view._difference.value
    assert len(used.log) == 2
    until(lambda: not view.again.disabled)


def test_a_task_that_may_be_billed_is_asked_about_first(used: bn.Client) -> None:
    view = ExchangeView(used.log, client=lambda: used, billed=lambda: True)
    view.show_exchange(fail(used))
    view.again.click()
    assert view.again.description == SURE
    assert len(used.log) == 1
    view.again.click()
    until(lambda: len(used.log) == 2)
    until(lambda: not view.again.disabled)
    used.get_balance()
    view.show_exchange(used.log[-1].exchange_id)
    view.again.click()  # a balance costs nothing
    until(lambda: len(used.log) == 4)
    until(lambda: not view.again.disabled)


def test_without_a_client_nothing_can_be_sent_and_without_its_key_it_is_told(
    used: bn.Client,
) -> None:
    def no_client() -> bn.Client:
        raise bn.InvalidKeyError("There is no key.")

    view = ExchangeView(used.log, client=no_client)
    view.show_exchange(fail(used))
    view.again.click()
    until(lambda: "There is no key." in view._report.value)
    until(lambda: not view.again.disabled)
    view = ExchangeView(used.log)
    assert view.again not in view.children[1].children


def test_another_row_is_compared_instead_of_opened(view: ExchangeView, used: bn.Client) -> None:
    first, second = fail(used), fail(used, "OtherTask")
    view.show_exchange(first)
    view.compare.value = True
    assert "Click the row" in view._report.value
    view.show_exchange(second)
    assert view.exchange_id == first
    assert "request.task.type" in view._difference.value
    assert not view.compare.value
    view.show_exchange(second)
    assert view.exchange_id == second
    assert view._difference.value == ""


def test_it_is_shown_as_code_unless_it_is_too_long_for_a_notebook(
    view: ExchangeView, used: bn.Client
) -> None:
    view.show_exchange(fail(used))
    for button, part in ((view.curl, "curl -sS"), (view.python, "requests.request")):
        button.click()
        assert part in view._code.text.value
        assert "BROCAP_CLIENT_KEY" in view._code.text.value
    used.create_task(bn.ComplexImageTask.from_image(noise(200, 100), question="Pick"))
    view.show_exchange(used.log[-1].exchange_id)
    assert view._code.text.value == ""
    view.curl.click()
    assert f"log.to_curl(&quot;{view.exchange_id}&quot;)" in view._code.text.value
    assert len(view._code.text.value) < 2_000


def test_an_exchange_that_is_gone_is_told(view: ExchangeView) -> None:
    view.show_exchange("nobody-1")
    assert "has no exchange &#x27;nobody-1&#x27;" in view._report.value
    assert view.layout.display != "none"
