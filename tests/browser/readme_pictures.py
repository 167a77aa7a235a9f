"""Makes the README's pictures from the real Console in the real JupyterLab.

python -m pytest tests/browser/readme_pictures.py
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .driver import Lab

PICTURES = Path(__file__).parents[2] / ".github" / "pictures"
PREPARE = """
import brocap_nb as bn
sandbox = bn.Sandbox(seed=3).start()
client = bn.Client(sandbox.key, base_url=sandbox.url)
for task in (bn.RawTask({"type": "NoSuchTask"}), bn.RawTask({})):
    try:
        client.create_task(task)
    except bn.ApiError:
        pass
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_picture(lab: Lab, theme: str) -> None:
    cell = "console = bn.Console(sandbox=sandbox, log=client.log)\nconsole"
    lab.open(f"picture-{theme}.ipynb", PREPARE, cell, theme=theme)
    lab.page.set_viewport_size({"width": 1400, "height": 2600})
    lab.run_cell(0)
    lab.run_cell(1)
    lab.choose_sample(2)
    lab.submit()
    lab.answer()
    lab.page.mouse.move(5, 5)
    PICTURES.mkdir(parents=True, exist_ok=True)
    lab.page.wait_for_timeout(1000)
    lab.console.screenshot(path=str(PICTURES / f"console-{theme}.png"))
