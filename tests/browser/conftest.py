"""A real JupyterLab in a real headless Chromium, on loopback, with a Jupyter home of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import nbformat
import pytest

HOW_TO: Final = (
    "Install the driver with `pip install playwright` and a Chromium with "
    "`apt-get install chromium` (or set BROCAP_CHROMIUM to the path of one)."
)
TOKEN: Final = "token-of-the-test"
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
SETTINGS: Final = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    "@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
DEADLINE: Final = 90.0


def missing(what: str) -> Any:
    """Skip, and say how to install it; where the tests must run, fail."""
    sentence = f"The browser tests need {what}. {HOW_TO}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


def chromium() -> str:
    named = os.environ.get("BROCAP_CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    found = next((path for name in names if (path := shutil.which(name))), None)
    return found or missing(f"a Chromium; looked for {', '.join(names)}")


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """Poll until there is a true value; the deadline is only there to end a hung test."""
    end = time.monotonic() + DEADLINE
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.1)
    return value


@dataclass
class Server:
    """A running JupyterLab."""

    url: str
    root: Path
    """Home, settings, run files and notebooks: all that the server may write."""
    notebooks: Path


@dataclass
class Lab:
    """A notebook that is open in the browser."""

    page: Any
    server: Server
    requests: list[str] = field(default_factory=list)
    """The address of every request that the page made."""

    @property
    def console(self) -> Any:
        return self.page.locator(".brocap").first

    def foreign_requests(self) -> list[str]:
        """The requests to anywhere but loopback."""
        local = ("127.0.0.1", "localhost", None)
        return [url for url in self.requests if urlsplit(url).hostname not in local]

    def open(self, name: str, *cells: str) -> Path:
        """Write a notebook in a folder of its own, open it, and wait for its kernel."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        notebook.metadata.kernelspec = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        return self.open_notebook(name, notebook)

    def open_notebook(self, name: str, notebook: nbformat.NotebookNode) -> Path:
        """Put a notebook into a folder of its own, open it, and wait for its kernel."""
        path = self.server.notebooks / Path(name).stem / name
        path.parent.mkdir()
        nbformat.write(notebook, path)
        name = path.relative_to(self.server.notebooks).as_posix()
        workspace = f"w{time.time_ns()}"
        self.page.goto(f"{self.server.url}/lab/workspaces/{workspace}/tree/{name}?token={TOKEN}")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        # the page says "idle" before it has a kernel: ask the server
        wait_for(lambda: self._kernel_is_idle(name), "a kernel")
        self.page.wait_for_function(
            "!/No Kernel/.test(document.querySelector('.jp-KernelName')?.textContent"
            " ?? 'No Kernel')"
        )
        self.idle()
        return path

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
        """Run all cells and wait for the kernel."""
        self.command("notebook:run-all-cells")
        last = self.page.locator(".jp-CodeCell .jp-InputArea .jp-InputPrompt").last
        wait_for(lambda: "*" not in last.inner_text() and "[ ]" not in last.inner_text(), "all")
        self.idle()

    def idle(self) -> None:
        self.page.wait_for_selector(
            '.jp-Notebook-ExecutionIndicator[data-status="idle"]', state="attached"
        )

    def command(self, name: str) -> None:
        """Run a command of the application."""
        self.page.evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def save(self, path: Path) -> None:
        before = path.stat().st_mtime_ns
        self.command("docmanager:save")
        wait_for(lambda: path.stat().st_mtime_ns != before, "the notebook to be saved")
        self.page.wait_for_timeout(500)

    def _kernel_is_idle(self, name: str) -> bool:
        answer = self.page.context.request.get(
            f"{self.server.url}/api/sessions", headers={"Authorization": f"token {TOKEN}"}
        )
        kernels = [s["kernel"] for s in answer.json() if s["path"] == name and s["kernel"]]
        return bool(
            kernels and kernels[0]["connections"] and kernels[0]["execution_state"] == "idle"
        )


def _environment(root: Path) -> dict[str, str]:
    """Nothing of the user's settings gets in, and nothing of the test gets out."""
    for plugin, settings in SETTINGS.items():
        path = root / "config/lab/user-settings" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    source = Path(__file__).parents[2]
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith(("JUPYTER", "BROCAP"))
    }
    return kept | {
        "HOME": str(root),
        "JUPYTER_CONFIG_DIR": str(root / "config"),
        "JUPYTER_DATA_DIR": str(root / "data"),
        "JUPYTER_RUNTIME_DIR": str(root / "runtime"),
        "IPYTHONDIR": str(root / "ipython"),
        "PYTHONPATH": str(source),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("lab")
    notebooks = root / "notebooks"
    notebooks.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={notebooks}",
        f"--IdentityProvider.token={TOKEN}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        "--LabApp.expose_app_in_browser=True",
    ]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with (root / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=notebooks, env=_environment(root), stdout=log, stderr=log
        )

        def answers() -> bool:
            if process.poll() is not None:
                raise RuntimeError((root / "server.log").read_text())
            try:
                opener.open(f"{url}/api", timeout=2).close()
            except urllib.error.HTTPError:
                return True
            except OSError:
                return False
            return True

        try:
            wait_for(answers, "JupyterLab")
            yield Server(url, root, notebooks)
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright")
    path = chromium()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture
def lab(browser: Any, lab_server: Server, tmp_path: Path) -> Iterator[Lab]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    opened = Lab(page, lab_server)
    page.on("request", lambda request: opened.requests.append(request.url))
    yield opened
    context.close()
    sessions = f"{lab_server.url}/api/sessions"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {"Authorization": f"token {TOKEN}"}
    with opener.open(urllib.request.Request(sessions, headers=headers)) as answer:
        running = json.load(answer)
    for session in running:
        request = urllib.request.Request(
            f"{sessions}/{session['id']}", headers=headers, method="DELETE"
        )
        opener.open(request).close()
