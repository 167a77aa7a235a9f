"""The secret is held in Python only: never in state, a repr or a message to the browser."""

from __future__ import annotations

import secrets

from brocap_nb.widgets._kit import SecretField


def test_a_typed_secret_is_kept_told_in_words_shown_nowhere_and_cleared() -> None:
    key, field = secrets.token_hex(16), SecretField()
    told: list[int] = []
    field.observe(lambda _: told.append(field.length), "secret")
    assert (field.secret, field.status) == (None, "no key is set")
    field._handle_custom_msg({"value": f"  {key}\n"}, [])  # what the browser sends
    for odd in (None, 1, {}, {"value": 3}):
        field._handle_custom_msg(odd, [])
    assert field.secret is not None
    assert field.secret.reveal() == key
    assert field.status == "a key is set (32 characters)"
    defaults = {name: field.trait_defaults(name) for name in field.keys}
    assert key not in f"{field.get_state()} {defaults} {field!r} {field} {vars(field)!r}"
    assert key not in str(field._repr_mimebundle_())
    field._handle_custom_msg({"value": ""}, [])
    assert field.secret is None
    assert told == [32, 0]
