"""`brocap-nb app`: the Console as a page, served by Voila, with a kernel for each visitor."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import tempfile
from argparse import Namespace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from brocap_nb._server import Server, is_foreign
from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._secrets import KEY_VARIABLE
from brocap_nb.log import ExchangeLog
from brocap_nb.widgets import _kit as widgets
from brocap_nb.widgets._console import Console

_PAGE: Final = Path(__file__).with_name("app_page")

# The widgets' front end; other extensions of this installation have no business in the page.
_MANAGERS: Final = ("@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8")

# What the page may load is held by the browser: this server and nothing else. Voila's own scripts
# are inline and widgets come as blobs.
_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self'"
)


def run(options: Namespace) -> int:
    """Serve the page until SIGINT or SIGTERM; the help of the command says what the options are."""
    import_module("voila")  # or the command says how to get it
    if not options.idle > 0 or options.visitors < 1:  # 0 minutes would mean never
        raise InvalidInputError(
            f"--idle is {options.idle:g} and --visitors is {options.visitors}; expected "
            "a number of minutes above 0, such as 30, and of at least 1 visitor, such as 10."
        )
    with Server(options.host, options.port, error=InvalidInputError) as probe:
        options.port = probe.port  # a free one for 0
    # the visitors' kernels get this process's environment, and must not spend the owner's money
    os.environ.pop(KEY_VARIABLE, None)
    with tempfile.TemporaryDirectory(prefix="brocap-app-", ignore_cleanup_errors=True) as folder:
        notebook = Path(folder) / "console.ipynb"
        source = (_PAGE / "console.ipynb").read_text()
        given = f"live={options.allow_live}, idle={options.idle:g}"
        notebook.write_text(source.replace("live=False, idle=30", given))
        # a shell that starts a program in the background has it ignore SIGINT
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            _serve(notebook, options)
    print("The app has ended.", flush=True)
    return 0


def _serve(notebook: Path, options: Namespace) -> None:
    from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
    from tornado.httputil import HTTPServerRequest
    from tornado.routing import Matcher, Rule
    from tornado.web import HTTPError, RequestHandler
    from voila.app import Voila

    host, port = options.host, options.port
    names = {name.lower() for name in ("localhost", host, *options.names)}
    seconds = max(1, round(options.idle * 60))

    class Kernels(AsyncMappingKernelManager):
        starting = 0

        async def start_kernel(self, **given: Any) -> str:  # type: ignore[override]
            if len(self) + self.starting >= options.visitors:
                raise HTTPError(
                    503,
                    "So many visitors are here as this page takes at once: %d. A place is free "
                    "when one of them closes the page, or does not use it for so many minutes: %g.",
                    options.visitors,
                    options.idle,
                )
            self.starting += 1
            try:
                return await super().start_kernel(**given)
            finally:
                self.starting -= 1

    class Foreign(Matcher):
        def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
            # a link that leads here is welcome; a frame or a picture would start a kernel
            site, dest = (request.headers.get(f"Sec-Fetch-{name}") for name in ("Site", "Dest"))
            framed = site not in (None, "none", "same-origin") and dest != "document"
            return {} if framed or is_foreign(request, names) else None

    class Refused(RequestHandler):
        def prepare(self) -> None:
            self.set_status(403)
            self.finish(
                "This is not for pages of other sites, nor under this host name. Whoever started "
                "the app allows a name with --host-name.\n"
            )

    class App(Voila):  # type: ignore[misc]
        def setup_template_dirs(self) -> None:
            super().setup_template_dirs()
            self.template_paths.insert(0, str(_PAGE))

        def listen(self) -> None:
            # before all of Voila's, so that a web page in the same browser gets at none of them
            self.app.default_router.rules.insert(0, Rule(Foreign(), Refused))
            shown = f"[{host}]" if ":" in host else host
            print(f"The Console is at  http://{shown}:{port}/\nCtrl+C ends it.", flush=True)
            super().listen()

    app = App(
        log_level="ERROR",
        config_file_paths=[],  # no voila.json of the working directory
        tornado_settings={
            "headers": {"Content-Security-Policy": _POLICY},
            # Voila's page ends its kernel with a POST that lacks the token. Nobody is logged in
            # here: the kernel's id, which cannot be guessed, is what such a request must know.
            "disable_check_xsrf": True,
        },
    )
    app.initialize(
        [
            str(notebook),
            f"--Voila.ip={host}",
            f"--Voila.port={port}",
            "--Voila.port_retries=0",
            f"--Voila.open_browser={options.browser}",
            "--VoilaConfiguration.template=lab",
            "--VoilaConfiguration.allow_template_override=NO",
            "--VoilaConfiguration.file_denylist=.*",
            "--VoilaConfiguration.extension_allowlist=anywidget",
            *(f"--VoilaConfiguration.extension_allowlist={name}" for name in _MANAGERS),
            # an open page that nobody uses holds a kernel too
            f"--MappingKernelManager.cull_idle_timeout={seconds}",
            f"--MappingKernelManager.cull_interval={max(1, min(60, seconds // 4))}",
            "--MappingKernelManager.cull_connected=True",
        ]
    )
    app.voila_configuration.multi_kernel_manager_class = Kernels
    app.start()


class VisitorPage(widgets.View):
    """What a visitor sees: a Console with a log and a sandbox that end with the kernel."""

    def __init__(self, *, live: bool, idle: float) -> None:
        log = ExchangeLog(":memory:")  # it goes with the kernel
        # a visitor must not look into the server's network
        self.console = Console(log=log, live=live, allow_private=False)
        if not live:  # nothing to choose
            told = widgets.HTML(widgets.note("Tasks go to: Practice service; free, no key needed"))
            self.console.target.set_trait("children", [told])
        words = "Download your log (.har, keys removed)"
        download = widgets.Button(description=words)
        self.link = widgets.HTML()
        about = widgets.note(
            "Build a task, send it, and see every request and response. The log is yours alone. It "
            f"is deleted when you close this page, or after {idle:g} minutes without use. To keep "
            "it, take it along:"
        )
        title = widgets.HTML(f'<h1 style="font-size:1.5em;margin:0">brocap_nb</h1>{about}')
        shown = [widgets.panel(title, download, self.link), self.console.widget]
        super().__init__(shown, classes=("brocap", "brocap-blocks"))
        download.on_click(self._prepare)

    def _prepare(self, _: object) -> None:
        """Put a link to the log as it stands now under the button."""
        log = self.console.log
        if not len(log):
            self.link.value = widgets.note("The log is empty: nothing has been sent yet.")
            return
        text = json.dumps(log.to_har(), ensure_ascii=False).encode()
        name = f"brocap-log-{log.session}.har"
        self.link.value = (
            f'<a download="{name}" href="data:application/json;base64,'
            f'{base64.b64encode(text).decode()}">Save {name} '
            f"({len(log):,} exchanges, {len(text):,} bytes)</a>"
        )
