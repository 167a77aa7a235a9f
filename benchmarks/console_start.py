"""How long a Console takes to be usable in the browser, against a bare form of as many controls.

python benchmarks/console_start.py

In JupyterLab and a headless Chromium, each turn in a kernel of its own with the libraries
imported: from running the cell until a task type can be chosen and the task submitted, until the
log below is there as well, and until the samples are, with their pictures. Then the cell is run
again in that kernel, whose sandbox is running by then.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import ipywidgets as widgets
from turns import report

import brocap_nb as bn
from brocap_nb.widgets._kit import SecretField

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser.driver import Lab, Refuser, Wire, browse, chromium, serve

ROUNDS = 8
IMPORTS = "import ipywidgets as widgets\nfrom brocap_nb.widgets import Console"
CONSOLE = "console = Console()\nconsole"
FORM = """
form = widgets.VBox([getattr(widgets, kind)(**options) for kind, options in {parts!r}])
form.children += (widgets.Button(description="Submit task"),)
form.add_class("bare")
form
"""

# Runs the active cell; milliseconds until the block that it shows is usable, until its log is
# there, and until its pictures are.
TIME = """async place => {
  const frame = () => new Promise(requestAnimationFrame);
  document.querySelectorAll(place).forEach(old => old.classList.add('old'));
  const shown = () => document.querySelector(`${place}:not(.old)`);
  const log = () => [...shown()?.querySelectorAll('.brocap-log .widget-html-content') ?? []];
  const complete = () => place === '.bare'
    || log().some(part => part.textContent && part.offsetWidth);
  const sample = () => shown()?.querySelector('.brocap-samples button');
  const pictured = () => place === '.bare' || shown().querySelector('.brocap-picture img')
    && sample() && getComputedStyle(sample()).backgroundImage !== 'none';
  const usable = () => {
    const block = shown();
    const send = [...block?.querySelectorAll('button') ?? []]
      .find(button => button.textContent.includes('Submit task'));
    const type = [...block?.querySelectorAll('select') ?? []]
      .some(select => /Task type|Dropdown/.test(select.labels[0]?.textContent)
        && select.options.length > 1 && !select.disabled && select.offsetWidth);
    return type && send && !send.disabled && send.offsetWidth;
  };
  await frame();
  const start = performance.now();
  window.jupyterapp.commands.execute('notebook:run-cell');
  while (!usable()) await frame();
  const first = performance.now() - start;
  while (!complete()) await frame();
  const second = performance.now() - start;
  while (!pictured()) await frame();
  return [first, second, performance.now() - start];
}"""


def controls(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    """Every control in a widget, folded ones too: to type into, to choose from, or to press."""
    if isinstance(widget, widgets.Box):
        for inner in widget.children:
            yield from controls(inner)
    elif isinstance(widget, (widgets.ValueWidget, widgets.Button, SecretField)) and not isinstance(
        widget, (widgets.HTML, widgets.Image)
    ):
        yield widget


def form_of(console: bn.Console) -> tuple[str, int]:
    """Return the cell of a bare form that has a control for each of the console's, and how many."""
    found = list(controls(console.widget))
    parts = []
    for n, control in enumerate(control for control in found if control is not console.submit):
        kind = "Password" if isinstance(control, SecretField) else type(control).__name__
        kind = kind if hasattr(widgets, kind) else "Text"
        options = (
            {"options": [label for label, _ in control._options_full]}
            if hasattr(control, "_options_full")
            else {}
        )
        parts.append((kind, {"description": f"{kind} {n}", **options}))
    return FORM.format(parts=parts), len(found)


def once(lab: Lab, cell: str, place: str) -> tuple[list[float], Wire, int]:
    """Seconds of the first run and of the next in that kernel; the first's wire and notebook."""
    path = lab.open("start.ipynb", IMPORTS, cell)
    lab.command("notebook:run-cell-and-select-next")
    lab.idle()
    lab.page.wait_for_timeout(1000)
    with lab.wire() as wire:
        first = lab.page.evaluate(TIME, place)
        lab.idle()
    lab.save(path)
    size = path.stat().st_size
    again = lab.page.evaluate(TIME, place)
    return [ms / 1000 for ms in (*first, *again)], wire, size


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a kernel compiles nothing anew, as usual
    console = bn.Console(log=bn.ExchangeLog(":memory:"))
    form, count = form_of(console)
    console.close()
    cells = {f"a bare form of {count} controls": (form, ".bare"), "Console()": (CONSOLE, ".brocap")}
    base = next(iter(cells))
    turns: dict[str, list[tuple[list[float], Wire, int]]] = {name: [] for name in cells}
    executable = chromium()
    if executable is None:
        sys.exit("No Chromium was found: install one, or set BROCAP_CHROMIUM to its path.")
    refuser = Refuser()
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(Lab, Path(folder)) as server,
        browse(executable, refuser) as context,
    ):
        for turn in range(ROUNDS + 1):
            for name, (cell, place) in cells.items():
                lab = Lab(context.new_page(), server)
                measured = once(lab, cell, place)
                if turn:  # the first fills the browser's cache
                    turns[name].append(measured)
                lab.close()
    refuser.close()
    stages = ("usable", "the log shown", "the pictures shown")
    for column, what in enumerate((*stages, *(f"run again: {stage}" for stage in stages))):
        print(f"\n{what}")
        medians = {
            name: statistics.median(measured[0][column] for measured in all_of_it)
            for name, all_of_it in turns.items()
        }
        report(medians, base=base, unit=1e3, name="ms")
    for name, all_of_it in turns.items():
        wire, size = all_of_it[-1][1:]
        print(
            f"\n{name}: {wire.received:,} bytes in {wire.frames} messages to the page, "
            f"{wire.sent:,} bytes from it; the saved notebook has {size:,} bytes"
        )


if __name__ == "__main__":
    main()
