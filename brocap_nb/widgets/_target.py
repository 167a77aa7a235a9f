"""Where tasks are sent: the sandbox of this kernel, the live service, or a given client."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from brocap_nb.api._errors import InvalidKeyError
from brocap_nb.api._secrets import KEY_VARIABLE, Secret
from brocap_nb.client._client import Client
from brocap_nb.sandbox._shared import shared_sandbox
from brocap_nb.widgets import _kit as widgets

if TYPE_CHECKING:
    from brocap_nb.log import ExchangeLog
    from brocap_nb.sandbox._server import Sandbox

SANDBOX, LIVE, GIVEN = "sandbox", "live", "given"


class TargetChooser(widgets.VBox):
    """Chooses where tasks go, and makes the client for it."""

    def __init__(
        self,
        log: ExchangeLog,
        *,
        client: Client | None = None,
        sandbox: Sandbox | None = None,
        live: bool = True,
    ) -> None:
        self._log, self._given, self._sandbox = log, client, sandbox
        self._own: dict[str, Client] = {}
        choices = [("Practice sandbox", SANDBOX)]
        if live:
            choices.append(("Live service", LIVE))
        if client is not None:
            choices.insert(0, ("The given client", GIVEN))
        self.choice = widgets.ToggleButtons(options=choices, description="Send tasks to")
        self._words = widgets.HTML(self._told())
        super().__init__([self.choice, self._words])
        self.choice.observe(lambda _: self._draw(), "value")

    @cached_property
    def key(self) -> widgets.SecretField:
        """Where a key is typed, made when it is seen first; its `secret` is the key, or None."""
        made = widgets.SecretField(label="Client key of the live service")
        made.observe(self._key_changed, "secret")
        return made

    @property
    def _secret(self) -> Secret | None:
        return self.key.secret if "key" in self.__dict__ else None

    def redact(self, text: str) -> str:
        """Return a text without the key that was typed."""
        return self._secret.redact(text) if self._secret is not None else text

    @property
    def live(self) -> bool:
        """Whether tasks go to the live service."""
        return bool(self.choice.value == LIVE)

    @property
    def to_sandbox(self) -> bool:
        """Whether tasks go to the sandbox that `sandbox()` returns."""
        if self.choice.value == GIVEN and self._given is not None:
            return self._sandbox is not None and self._given.base_url == self._sandbox.url
        return bool(self.choice.value == SANDBOX)

    def client(self) -> Client:
        """Return the client of the chosen target.

        Raises:
            InvalidKeyError: the live service is chosen and there is no usable key.
        """
        target = self.choice.value
        if target == GIVEN and self._given is not None:
            return self._given
        if target not in self._own:
            self._own[target] = self._make(target)
        return self._own[target]

    def sandbox(self) -> Sandbox:
        """The sandbox in use. The first call may start it."""
        return self._sandbox if self._sandbox is not None else shared_sandbox()

    def close(self) -> None:
        """Close the clients made here."""
        for client in self._own.values():
            client.close()
        self._own.clear()
        if "key" in self.__dict__:
            self.key.close()
        super().close()

    def _make(self, target: str) -> Client:
        if target == SANDBOX:
            sandbox = self.sandbox()
            return Client(sandbox.key, base_url=sandbox.url, log=self._log)
        secret = self._secret
        if secret is None and not os.environ.get(KEY_VARIABLE):
            raise InvalidKeyError(
                "No client key is set; the live service needs one. Type it under “Send "
                f"tasks to” and press Enter, or set ${KEY_VARIABLE} before the kernel starts."
            )
        return Client(secret.reveal() if secret is not None else None, log=self._log)

    def _key_changed(self, _: Any) -> None:
        if (old := self._own.pop(LIVE, None)) is not None:
            old.close()
        self._draw()

    def _draw(self) -> None:
        self.children = (self.choice, self._words, *([self.key] if self.live else ()))
        self._words.value = self._told()

    def _told(self) -> str:
        if self.choice.value == SANDBOX:
            return widgets.note(
                "Free: a small service that keeps the documented rules. No key, no internet."
            )
        if not self.live:
            return widgets.note(f"Tasks go to {self._given.base_url}." if self._given else "")
        if self._secret is not None:
            source = "The key typed here is used."
        elif os.environ.get(KEY_VARIABLE):
            source = f"${KEY_VARIABLE} is set and is used, unless another key is typed here."
        else:
            source = f"${KEY_VARIABLE} is not set: type a key here."
        return widgets.note(
            f"Each task is billed to your account. {source} It is kept in memory only."
        )
