"""`brocap-nb app` as a process of its own, for the tests of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from waiting import until

import brocap_nb

DEADLINE = 120.0


def environment(root: Path) -> dict[str, str]:
    """This one's, with a home of its own: no proxy, no key, no settings of whoever tests."""
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
        "PYTHONPATH": str(Path(brocap_nb.__file__).parents[1]),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }


class AppProcess:
    """The running command; `url` is the address that it printed."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.output = folder / "output.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "brocap_nb.doors._cli", "app", "--no-browser", *arguments],
                cwd=folder,
                stdout=output,
                stderr=output,
                env=environment(folder) | {"TMPDIR": str(self.temporary)} | variables,
            )

    def printed(self) -> str:
        return self.output.read_text()

    @property
    def url(self) -> str:
        until(lambda: "http://" in self.printed() or self.process.poll() is not None)
        found = re.search(r"http://\S+", self.printed())
        assert found, self.printed()
        return found[0]

    def kernels(self) -> list[int]:
        """The processes that it started."""
        command = ["ps", "-o", "pid=", "--ppid", str(self.process.pid)]
        return [int(pid) for pid in subprocess.run(command, capture_output=True).stdout.split()]

    def stop(self, number: signal.Signals) -> int:
        """Send the signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
