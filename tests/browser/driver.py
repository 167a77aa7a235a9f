"""Drives JupyterLab, Notebook 7 and Voila in a real headless Chromium, on loopback.

Each front end has the same face (`Front`). Each server has a home of its own, so that nothing of
the user's settings gets in and nothing of a test gets out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

import nbformat
from app_process import environment

TOKEN: Final = "token-of-the-test"
DEADLINE: Final = 90.0
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # nothing but loopback has a name
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
VIEWPORT: Final = {"width": 1400, "height": 1000}
LOOPBACK: Final = ("127.0.0.1", "localhost", None)
SETTINGS: Final = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    "@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}


def chromium() -> str | None:
    """Return the path of a Chromium: the one in `BROCAP_CHROMIUM`, or one that is installed."""
    named = os.environ.get("BROCAP_CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    return next((path for name in names if (path := shutil.which(name))), None)


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """Poll until there is a true value; the deadline is only there to end a hung test."""
    end = time.monotonic() + DEADLINE
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.05)
    return value


class Refuser:
    """A proxy that refuses every request and remembers it.

    Routing in the driver would do as well, but it switches the browser's cache off, and it does
    not see WebSockets, workers, and what the browser asks for of its own accord.
    """

    def __init__(self) -> None:
        self.hosts: list[str] = []
        hosts = self.hosts

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                line = self.rfile.readline(65536).decode("latin-1")  # CONNECT host:port, or GET url
                address = line.split()[1]
                hosts.append(urlsplit(address if "//" in address else f"//{address}").hostname)
                self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.place = "{}:{}".format(*self._server.server_address)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def browse(path: str, refuser: Refuser) -> Iterator[Any]:
    """Run the Chromium at `path`, and give a place for pages that share its cache."""
    from playwright.sync_api import sync_playwright

    arguments = [*ARGUMENTS, f"--proxy-server=http://{refuser.place}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser.new_context(viewport=VIEWPORT)
        finally:
            browser.close()


@dataclass
class Server:
    url: str
    root: Path
    """Home, settings, run files and notebooks: all that the server may write."""
    notebooks: Path

    def ask(self, path: str, method: str = "GET") -> bytes:
        headers = {"Authorization": f"token {TOKEN}"}
        request = urllib.request.Request(f"{self.url}{path}", headers=headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            return bytes(answer.read())


@dataclass
class Wire:
    """What went over a page's WebSockets, in bytes of payload, and in how many messages to it."""

    received: int = 0
    frames: int = 0
    sent: int = 0


@dataclass
class Front:
    """A page of a front end, and the notebook that is open in it."""

    page: Any
    server: Server
    requests: list[str] = field(default_factory=list)
    name: str = ""
    """The open notebook's path, from the server's folder of notebooks."""
    _passed: Wire = field(default_factory=Wire)

    COMMAND: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        self.page.set_default_timeout(60_000)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", self._listen)

    @property
    def console(self) -> Any:
        """The first Console on the page."""
        return self.page.locator(".brocap").first

    def foreign_requests(self) -> list[str]:
        """The requests to anywhere but loopback; all of them were refused."""
        return [url for url in self.requests if urlsplit(url).hostname not in LOOPBACK]

    @contextmanager
    def wire(self) -> Iterator[Wire]:
        """Count what goes over the WebSockets; the figures are there when the block has ended."""
        self.page.evaluate("0")  # what the browser has reported comes before this answer
        before, wire = replace(self._passed), Wire()
        yield wire
        self.page.evaluate("0")
        wire.received = self._passed.received - before.received
        wire.frames = self._passed.frames - before.frames
        wire.sent = self._passed.sent - before.sent

    def quiet(self) -> None:
        """Wait until nothing goes over the WebSockets for longer than any drawing is put off."""

        def nothing_came() -> bool:
            before = replace(self._passed)
            self.page.wait_for_timeout(1_200)
            return self._passed == before

        wait_for(nothing_came, "quiet")

    def _listen(self, socket: Any) -> None:
        def size(payload: str | bytes) -> int:
            return len(payload.encode() if isinstance(payload, str) else payload)

        def received(payload: str | bytes) -> None:
            self._passed.received += size(payload)
            self._passed.frames += 1

        def sent(payload: str | bytes) -> None:
            self._passed.sent += size(payload)

        socket.on("framereceived", received)
        socket.on("framesent", sent)

    def open(self, name: str, *cells: str, theme: str = "light") -> Path:
        """Write a notebook of these code cells in a folder of its own, and open it."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook.metadata.kernelspec = kernel
        return self.open_notebook(name, notebook, theme=theme)

    def open_notebook(
        self, name: str, notebook: nbformat.NotebookNode, *, theme: str = "light"
    ) -> Path:
        """Put a notebook into a folder of its own, and open it."""
        path = self.server.notebooks / f"{Path(name).stem}-{time.time_ns()}" / name
        path.parent.mkdir()
        nbformat.write(notebook, path)
        self.name = path.relative_to(self.server.notebooks).as_posix()
        self._show(theme)
        return path

    def set_width(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": 1000})

    def focused(self) -> str:
        """The name of what has the focus, as far as an attribute, a label or its text gives it."""
        return str(
            self.page.evaluate(
                """() => {
                  const e = document.activeElement;
                  const label = e.getAttribute('aria-label') || e.labels?.[0]?.textContent;
                  return (label || e.textContent || '').trim();
                }"""
            )
        )

    def tab_to(self, name: str) -> Any:
        """Press Tab until what has the focus begins with that name."""
        passed = []
        for _ in range(40):
            self.page.keyboard.press("Tab")
            passed.append(self.focused()[:80])
            if passed[-1].startswith(name):
                return self.page.locator(":focus")
        raise AssertionError(f"no Tab leads to {name!r}, only to {passed}")

    # the Console's steps, in one place

    def choose_sample(self, index: int = 1) -> None:
        """Choose a sample picture, counted from 1, and wait until it is shown."""
        sample = self.console.locator(".brocap-samples button").nth(index - 1)
        sample.click()
        sample.and_(self.page.locator(".mod-active")).wait_for()
        self.console.get_by_alt_text("The picture of the task").wait_for()

    def submit(self) -> None:
        self.console.get_by_role("button", name="Submit task").click()

    def answer(self) -> str:
        """Wait for the answer to a picture, and return it in words."""
        answer = self.console.get_by_text(re.compile(r"Answer: tiles? "))
        answer.wait_for()
        return str(answer.inner_text())

    def rows(self) -> Any:
        """The rows of the log that are shown: a request each, newest first."""
        buttons = self.console.locator(".brocap-log").get_by_role("button")
        return buttons.and_(self.page.locator(".brocap-row"))


class _Jupyter(Front):
    """What JupyterLab and Notebook 7 share: the same notebook, with other things around it."""

    def load(self) -> None:
        """Load the whole page, with the notebook; its kernel, if it has one, goes on."""
        self.page.goto(self._address())
        self._settle()

    def set_theme(self, theme: str) -> None:
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })",
            f"JupyterLab {theme.capitalize()}",
        )
        light = str(theme == "light").lower()
        self.page.locator(f"body[data-jp-theme-light={light}]").wait_for(state="attached")

    def _show(self, theme: str) -> None:
        self.load()
        if theme != "light":
            self.set_theme(theme)

    def _settle(self) -> None:
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        # the page says "idle" before it has a kernel: ask the server
        wait_for(self._kernel_is_idle, "a kernel")
        self.page.wait_for_function(
            "!/No Kernel/.test(document.querySelector('.jp-KernelName')?.textContent"
            " ?? 'No Kernel')"
        )
        self.idle()

    def run_cell(self, index: int = 0, *, wait: bool = True) -> None:
        """Run a cell and wait for the kernel; the first keys after loading may get lost."""
        cell = self.page.locator(".jp-CodeCell").nth(index)
        prompt = cell.locator(".jp-InputArea .jp-InputPrompt")
        before = prompt.inner_text()

        def took() -> bool:
            cell.locator(".jp-InputArea-editor .cm-content").click()
            self.page.keyboard.press("Control+Enter")
            for _ in range(20):
                if prompt.inner_text() != before:
                    return True
                self.page.wait_for_timeout(100)
            return False

        wait_for(took, "the cell to run")
        if wait:
            self.idle()

    def run_all(self) -> None:
        self.command("notebook:run-all-cells")
        last = self.page.locator(".jp-CodeCell .jp-InputArea .jp-InputPrompt").last
        wait_for(lambda: "*" not in last.inner_text() and "[ ]" not in last.inner_text(), "all")
        self.idle()

    def idle(self) -> None:
        self.page.wait_for_selector(
            '.jp-Notebook-ExecutionIndicator[data-status="idle"]', state="attached"
        )

    def command(self, name: str) -> None:
        self.page.evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def run_aside(self, code: str) -> None:
        self.page.evaluate(
            "code => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
            ".requestExecute({ code, silent: true }).done.then(() => true)",
            code,
        )

    def restart(self) -> None:
        kernel = self._sessions()[0]["kernel"]["id"]
        self.server.ask(f"/api/kernels/{kernel}/restart", "POST")
        wait_for(self._kernel_is_idle, "the new kernel")
        self.idle()

    def save(self, path: Path) -> None:
        before = path.stat().st_mtime_ns
        self.command("docmanager:save")
        wait_for(lambda: path.stat().st_mtime_ns != before, "the notebook to be saved")

    def close(self) -> None:
        self.page.close()
        self.end_kernel()

    def end_kernel(self) -> None:
        for session in self._sessions():
            self.server.ask(f"/api/sessions/{session['id']}", "DELETE")

    def _sessions(self) -> list[dict[str, Any]]:
        running = json.loads(self.server.ask("/api/sessions"))
        return [session for session in running if session["path"] == self.name]

    def _kernel_is_idle(self) -> bool:
        kernels = [session["kernel"] for session in self._sessions() if session["kernel"]]
        return bool(
            kernels and kernels[0]["connections"] and kernels[0]["execution_state"] == "idle"
        )


class Lab(_Jupyter):
    COMMAND = (
        *("-m", "jupyterlab"),
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        "--LabApp.expose_app_in_browser=True",
    )

    def leave(self) -> None:
        """Close the notebook and end its kernel; the page is there for another one."""
        if self._is_loaded():
            self.page.evaluate(
                "[...window.jupyterapp.shell.widgets('main')].forEach(one => one.dispose())"
            )
            self.page.locator(".jp-Notebook").wait_for(state="detached")
        self.end_kernel()
        self.page.set_viewport_size(VIEWPORT)
        self.requests.clear()

    def _show(self, theme: str) -> None:
        """In the page that is there: to load JupyterLab costs more than most tests."""
        if self._is_loaded():
            self.page.evaluate(
                "path => window.jupyterapp.commands.execute('docmanager:open', { path })", self.name
            )
            self._settle()
        else:
            self.load()
        self.set_theme(theme)

    def _is_loaded(self) -> bool:
        started = self.page.evaluate("Boolean(window.jupyterapp)")
        return started and not self.page.locator(".jp-Dialog").count()

    def set_width(self, width: int) -> None:
        if self.page.locator("#jp-left-stack").is_visible():  # it leaves no room on a phone
            self.command("application:toggle-left-area")
        super().set_width(width)

    def _address(self) -> str:
        # a workspace of its own: no other test's notebook is open beside it
        workspace = f"w{time.time_ns()}"
        return f"{self.server.url}/lab/workspaces/{workspace}/tree/{self.name}?token={TOKEN}"


class Notebook(_Jupyter):
    COMMAND = (*("-m", "notebook"), "--JupyterNotebookApp.expose_app_in_browser=True")

    def _address(self) -> str:
        return f"{self.server.url}/notebooks/{self.name}?token={TOKEN}"


class Voila(Front):
    """Voila: it runs the notebook and shows only what comes out, each page with its own kernel."""

    COMMAND = (
        *("-m", "voila", "--Voila.ip=127.0.0.1", f"--Voila.token={TOKEN}"),
        # a kernel whose page is gone, and was not closed, ends as well
        *("--MappingKernelManager.cull_interval=30", "--MappingKernelManager.cull_idle_timeout=60"),
    )

    def _show(self, theme: str) -> None:
        self.page.goto(f"{self.server.url}/voila/render/{self.name}?theme={theme}&token={TOKEN}")

    def run_all(self) -> None:
        """Wait until the notebook, which runs as its page is loaded, has run."""
        self.page.wait_for_selector("#loading", state="hidden")

    def close(self) -> None:
        config = self.page.locator("#jupyter-config-data")
        kernel = json.loads(config.text_content())["kernelId"] if config.count() else None
        self.page.close()
        if kernel is not None:
            self.server.ask(f"/voila/api/shutdown/{kernel}", "POST")


FRONTS: Final[dict[str, type[Front]]] = {"lab": Lab, "notebook": Notebook, "voila": Voila}


@contextmanager
def serve(front: type[Front], root: Path) -> Iterator[Server]:
    """Run the server of a front end; `root` is an empty folder."""
    notebooks = root / "notebooks"
    notebooks.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(f"http://127.0.0.1:{port}", root, notebooks)
    for plugin, settings in SETTINGS.items():
        path = root / "config/lab/user-settings" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    command = [sys.executable, *front.COMMAND, "--no-browser"]
    if front is Voila:
        command += [f"--port={port}", str(notebooks)]
    else:
        command += [
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={notebooks}",
            f"--IdentityProvider.token={TOKEN}",
        ]
    log = root / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=notebooks, env=environment(root), stdout=stream, stderr=stream
        )

        def answers() -> bool:
            if process.poll() is not None:
                raise RuntimeError(log.read_text())
            try:
                server.ask("/")
            except urllib.error.HTTPError:
                return True
            except OSError:
                return False
            return True

        try:
            wait_for(answers, f"the server of {front.__name__}")
            yield server
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
