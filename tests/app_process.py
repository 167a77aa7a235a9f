"""`brocap-nb app` as a process of its own, for the tests of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import brocap_nb

DEADLINE = 120.0


class AppProcess:
    """The running command; `url` is the address that it printed."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        home = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "RUNTIME")}
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.lower().endswith("_proxy") and not name.startswith(("JUPYTER", "BROCAP"))
        }
        self.output = folder / "output.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "brocap_nb.doors._cli", "app", "--no-browser", *arguments],
                cwd=folder,
                stdout=output,
                stderr=output,
                env=kept
                | home
                | {
                    "IPYTHONDIR": str(folder / "ipython"),
                    "PYTHONPATH": str(Path(brocap_nb.__file__).parents[1]),
                    "TMPDIR": str(self.temporary),
                }
                | variables,
            )

    def printed(self) -> str:
        return self.output.read_text()

    @property
    def url(self) -> str:
        end = time.monotonic() + DEADLINE
        while not (found := re.search(r"http://\S+", self.printed())):
            assert self.process.poll() is None, self.printed()
            assert time.monotonic() < end, "it printed no address"
            time.sleep(0.1)
        return found[0]

    def visitors(self) -> list[Path]:
        """The folders of the visitors who are there."""
        return list(self.temporary.glob("brocap-app-*/visitors/brocap-app-*"))

    def kernels(self) -> list[int]:
        """The processes that it started."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True
        )
        return [int(pid) for pid in listed.stdout.split()]

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send the signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
