from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Lab

OUT = Path("/tmp/shots")
OUT.mkdir(exist_ok=True)
PREPARE = """
import brocap_nb as bn
sandbox = bn.Sandbox(seed=3).start()
client = bn.Client(sandbox.key, base_url=sandbox.url)
for task in (bn.RawTask({"type": "NoSuchTask"}), bn.RawTask({}), bn.RawTask({"type": "NoSuchTask"})):
    try:
        client.create_task(task)
    except bn.ApiError:
        pass
"""


@pytest.mark.parametrize(("theme", "width"), [("light", 1400), ("dark", 420)])
def test_shot(lab: Lab, theme: str, width: int) -> None:
    lab.open(
        f"shot-{theme}-{width}.ipynb",
        PREPARE,
        "console = bn.Console(sandbox=sandbox, log=client.log)\nconsole",
    )
    if width < 800:
        lab.command("application:toggle-left-area")
    lab.page.set_viewport_size({"width": width, "height": 3200 if width > 800 else 5200})
    lab.page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
        f"JupyterLab {theme.capitalize()}",
    )
    lab.run_cell(0)
    lab.run_cell(1)
    c = lab.console
    try:
        c.get_by_label("Sample picture").select_option(index=2)
        c.get_by_text("inside the limits").wait_for()
        c.get_by_role("button", name="Submit task").click()
        c.get_by_text("Answer: tile").first.wait_for(timeout=20000)
        c.get_by_role("button", name="ERROR_").first.click()
        lab.page.wait_for_timeout(800)
        c.get_by_role("button", name="createTask").first.click()
        lab.page.wait_for_timeout(800)
        c.get_by_role("button", name="As cURL").click()
    finally:
        lab.page.mouse.move(5, 5)
        lab.page.wait_for_timeout(1500)
        c.screenshot(path=str(OUT / f"{theme}-{width}.png"))
