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
from brocap_nb.widgets._target import TargetChooser


@pytest.fixture
def view(used: bn.Client, sandbox: bn.Sandbox) -> Iterator[ExchangeView]:
    target = TargetChooser(used.log, client=used, sandbox=sandbox)
    shown = ExchangeView(used.log, target)
    yield shown
    shown.close()
    target.close()


def fail(client: bn.Client, kind: str = "NoSuchTask") -> str:
    with contextlib.suppress(bn.ApiError):
        client.create_task(bn.RawTask({"type": kind, "n": 1}))
    return client.log[-1].exchange_id


def test_it_is_shown_with_its_meaning_its_field_and_its_small_picture(
    view: ExchangeView, used: bn.Client, sandbox: bn.Sandbox
) -> None:
    exchange_id = fail(used, "<img src=x>")
    view.show_exchange(exchange_id)
    shown = view._shown.value
    meaning = html.escape(bn.explain("ERROR_TASK_NOT_SUPPORTED").meaning)
    for text in (meaning, "Check the spelling", "it is about", "request, ", "Content-Type"):
        assert text in shown
    assert f'log["{exchange_id}"]' in view._entry.text.value
    assert "&lt;img src=x&gt;" in shown
    assert "<img src=x>" not in shown
    assert used._secret.reveal() not in shown
    puzzle = sandbox.puzzles[0]
    used.create_task(bn.ComplexImageTask.from_image(puzzle.data, question=puzzle.question))
    view.show_exchange(used.log[-1].exchange_id)
    assert "data:image/" in view._shown.value
    assert "&lt;image/png" in view._shown.value
    assert len(view._shown.value) < 25_000
    view.show_exchange("nobody-1")
    assert "has no exchange &#x27;nobody-1&#x27;" in view._report.value
    view.shut.click()
    assert view.exchange_id is None
    assert view.layout.display == "none"
    assert view._shown.value == ""


@pytest.mark.parametrize("billed", [True, False])
def test_it_is_sent_again_and_compared_and_asked_about_where_it_may_be_billed(
    used: bn.Client, sandbox: bn.Sandbox, billed: bool
) -> None:
    target = TargetChooser(used.log, client=used, sandbox=None if billed else sandbox)
    view = ExchangeView(used.log, target)
    view.show_exchange(fail(used))
    view.again.click()
    if billed:
        assert view.again.description == SURE
        assert len(used.log) == 1
        view.again.click()
    until(lambda: "Sent again as exchange" in view._report.value)
    assert used.log[-1].exchange_id in view._report.value
    assert "no difference" in view._difference.value
    assert len(used.log) == 2
    until(lambda: not view.again.disabled)
    used.get_balance()
    view.show_exchange(used.log[-1].exchange_id)
    view.again.click()  # a balance costs nothing
    until(lambda: len(used.log) == 4)
    until(lambda: not view.again.disabled)


def test_without_a_target_nothing_can_be_sent_and_without_a_key_it_is_told(
    used: bn.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BROCAP_CLIENT_KEY", raising=False)
    target = TargetChooser(used.log)
    target.choice.value = "live"
    view = ExchangeView(used.log, target)
    view.show_exchange(fail(used))
    for _ in range(2):
        view.again.click()
    assert "No client key is set" in view._report.value
    assert not view.again.disabled
    view = ExchangeView(used.log)
    assert view.again not in view.children[0].children


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
