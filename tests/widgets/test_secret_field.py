"""The secret is held in Python only: never in state, a repr or a message to the browser."""

from __future__ import annotations

import json
import secrets

import pytest

from brocap_nb.widgets._secret_field import SecretField


@pytest.fixture
def key() -> str:
    return secrets.token_hex(16)


def typed(field: SecretField, value: str) -> None:
    """What the browser's message does."""
    field._handle_custom_msg({"value": value}, [])


def test_a_typed_secret_is_kept_and_told_in_words(key: str) -> None:
    field = SecretField()
    assert field.secret is None
    assert field.status == "no key is set"
    typed(field, f"  {key}\n")
    assert field.secret is not None
    assert field.secret.reveal() == key
    assert field.status == "a key is set (32 characters)"


def test_it_shows_in_no_state_repr_or_bundle(key: str) -> None:
    field = SecretField()
    typed(field, key)
    state = json.dumps(field.get_state(), default=str)
    shown = f"{field!r} {field} {field._repr_mimebundle_()} {vars(field)!r}"
    assert key not in state
    assert key not in shown
    assert key not in json.dumps({n: field.trait_defaults(n) for n in field.keys}, default=str)


def test_clearing_forgets_it_and_tells_observers(key: str) -> None:
    field, told = SecretField(), []
    field.observe(lambda _: told.append(field.length), "secret")
    typed(field, key)
    for odd in (None, 1, {}, {"value": 3}):
        field._handle_custom_msg(odd, [])
    typed(field, "")
    assert field.secret is None
    assert told == [32, 0]
