"""`brocap-nb app`: the Console alone as a page, served by Voila.

Each visitor has a kernel of their own, and in it a sandbox and a log that end with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from brocap_nb.api._errors import InvalidInputError
from brocap_nb.api._secrets import KEY_VARIABLE

_PAGE: Final = Path(__file__).with_name("app_page")

# The widgets' front end; other extensions of this installation have no business in the page.
_EXTENSIONS: Final = (
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
    "anywidget",
)

# What the page may load is held by the browser: this server and nothing else. Voila's own scripts
# are inline and widgets come as blobs.
_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self'"
)


def run(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    browser: bool = True,
    allow_live: bool = False,
    idle: float = 30,
    visitors: int = 10,
) -> int:
    """Serve the page until SIGINT or SIGTERM; return the process's exit code, 0.

    The command's help says what the options are.

    Raises:
        InvalidInputError: Voila is not installed, or one of these cannot be.
    """
    if find_spec("voila") is None:
        raise InvalidInputError(
            'Voila is not installed. Run: python -m pip install "brocap_nb[app]"'
        )
    if not idle > 0:
        raise InvalidInputError(
            f"--idle is {idle:g}; expected a number of minutes above 0, such as 30."
        )
    if visitors < 1:
        raise InvalidInputError(
            f"--visitors is {visitors}; expected a number of at least 1, such as 10."
        )
    port = free_port(host, port)
    # the visitors' kernels get this process's environment, and must not spend the owner's money
    os.environ.pop(KEY_VARIABLE, None)
    with tempfile.TemporaryDirectory(prefix="brocap-app-", ignore_cleanup_errors=True) as folder:
        logs = Path(folder) / "visitors"
        logs.mkdir()
        for name in ("TMPDIR", "TEMP", "TMP"):  # a kernel that is killed leaves nothing for long
            os.environ[name] = str(logs)
        # a shell that starts a program in the background has it ignore SIGINT
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            notebook = Path(folder) / "page" / "console.ipynb"
            notebook.parent.mkdir()
            source = (_PAGE / "console.ipynb").read_text()
            options = f"live={allow_live}, idle={idle:g}"
            notebook.write_text(source.replace("live=False, idle=30", options))
            _serve(notebook, host, port, browser, idle, visitors)
    print("The app has ended.", flush=True)
    return 0


def free_port(host: str, port: int) -> int:
    """Return the port if it is free, or a free one for 0.

    Raises:
        InvalidInputError: nothing can listen there.
    """
    try:
        with socket.create_server((host, port)) as probe:
            return int(probe.getsockname()[1])
    except (OSError, OverflowError) as error:
        # what Python adds in brackets repeats the address
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (")[0].rstrip(".")
        raise InvalidInputError(
            f"cannot listen on {host}, port {port}: {reason}. Choose another --port; without it "
            "a free one is taken.",
            field="port",
        ) from None


def _serve(notebook: Path, host: str, port: int, browser: bool, idle: float, visitors: int) -> None:
    from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
    from tornado.web import HTTPError
    from voila.app import Voila

    seconds = max(1, round(idle * 60))

    class Kernels(AsyncMappingKernelManager):
        starting = 0

        async def start_kernel(self, **options: Any) -> str:  # type: ignore[override]
            if len(self) + self.starting >= visitors:
                raise HTTPError(
                    503,
                    "This page takes %s at once, and so many are here. A place is free when one of "
                    "them closes the page, or does not use it for %s.",
                    _counted(visitors, "visitor"),
                    _counted(idle, "minute"),
                )
            self.starting += 1
            try:
                return await super().start_kernel(**options)
            finally:
                self.starting -= 1

    class App(Voila):  # type: ignore[misc]
        def setup_template_dirs(self) -> None:
            super().setup_template_dirs()
            self.template_paths.insert(0, str(_PAGE))

        def listen(self) -> None:
            shown = f"[{host}]" if ":" in host else host
            print(f"The Console is at  http://{shown}:{port}/", flush=True)
            print("Ctrl+C ends it.", flush=True)
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
            f"--Voila.open_browser={browser}",
            "--VoilaConfiguration.template=lab",
            "--VoilaConfiguration.allow_template_override=NO",
            "--VoilaConfiguration.file_denylist=.*",
            *(f"--VoilaConfiguration.extension_allowlist={name}" for name in _EXTENSIONS),
            # an open page that nobody uses holds a kernel too
            f"--MappingKernelManager.cull_idle_timeout={seconds}",
            f"--MappingKernelManager.cull_interval={max(1, min(60, seconds // 4))}",
            "--MappingKernelManager.cull_connected=True",
        ]
    )
    app.voila_configuration.multi_kernel_manager_class = Kernels
    app.start()


def _counted(number: float, what: str) -> str:
    return f"{number:g} {what}{'' if number == 1 else 's'}"
