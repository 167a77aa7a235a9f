"""The page of one visitor of `brocap-nb app`: the Console, and its log to take away."""

from __future__ import annotations

import base64
import json
import tempfile
from html import escape
from pathlib import Path
from typing import Final

from brocap_nb.log import ExchangeLog
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._console import Console
from brocap_nb.widgets._style import heading, note, panel, problem_note

DOWNLOAD_LIMIT: Final = 8_000_000
"""Bytes of HAR that are put into a page at most: a browser keeps the link in memory."""


class VisitorPage(widgets.View):
    """A Console with a log and a sandbox of its own; the log is gone when the kernel ends."""

    def __init__(self, *, live: bool = False, idle: float = 30) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="brocap-app-")  # it goes with the kernel
        # a visitor must not look into the server's network
        log = ExchangeLog(Path(self._folder.name) / "log")
        self.console = Console(log=log, live=live, allow_private=False)
        self.download = widgets.Button(
            description="Prepare the log as a file", tooltip="As HAR: browsers can open it"
        )
        self.link = widgets.HTML()
        title = widgets.HTML(
            '<h1 style="font-size:1.5em;margin:0">brocap_nb</h1>'
            + note(
                "Build a task, send it, and see every request and response. The log is yours "
                f"alone. It is deleted when you close this page, or after {idle:g} minutes "
                "without use: take it away before."
            )
        )
        taken = panel(
            widgets.HTML(heading("Take the log away", "HAR 1.2, without keys")),
            self.download,
            self.link,
        )
        super().__init__([title, self.console.widget, taken], layout={"grid_gap": "12px"})
        self.add_class("brocap")
        self.download.on_click(lambda _: self.prepare())

    def __repr__(self) -> str:
        targets = ", ".join(label for label, _ in self.console.target.choice.options)
        return f"<VisitorPage with a Console; tasks can go to: {targets}>"

    def prepare(self) -> None:
        """Put a link to the log as it stands now under the button."""
        log = self.console.log
        if not len(log):
            self.link.value = note("The log is empty: nothing has been sent yet.")
            return
        text = json.dumps(log.to_har(), ensure_ascii=False).encode()
        if len(text) > DOWNLOAD_LIMIT:
            self.link.value = problem_note(
                f"The log has {len(text):,} bytes; a page can hand out {DOWNLOAD_LIMIT:,}. Reload "
                "the page for a new log, and take that away sooner."
            )
            return
        uri = f"data:application/json;base64,{base64.b64encode(text).decode('ascii')}"
        name = f"brocap-log-{log.session}.har"
        self.link.value = (
            f'<a download="{escape(name, quote=True)}" href="{uri}">Save {escape(name)} '
            f"({len(log):,} exchanges, {len(text):,} bytes)</a>"
        )
