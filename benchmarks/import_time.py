"""What `import brocap_nb` costs, against importing the libraries that it stands on.

python benchmarks/import_time.py
"""

from __future__ import annotations

import os
import subprocess
import sys

from turns import report, take_turns

# without its own bytecode, only this package would be compiled anew on each import
ENVIRONMENT = {n: v for n, v in os.environ.items() if n != "PYTHONDONTWRITEBYTECODE"}


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, env=ENVIRONMENT)


def main() -> None:
    libraries = "import requests, pandas, pydantic, IPython"
    medians = take_turns(
        {
            libraries: lambda: run(libraries),
            "import brocap_nb": lambda: run("import brocap_nb"),
        },
        rounds=30,
    )
    report(medians, base=libraries, unit=1e3, name="ms")


if __name__ == "__main__":
    main()
