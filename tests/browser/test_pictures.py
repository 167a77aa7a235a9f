"""A picture by paste, drop and file, and an answer in another grid, in a real browser."""

from __future__ import annotations

import base64
import io
import random
import re
from typing import Any

import pytest
from pictures import kinds
from PIL import Image, ImageChops

from brocap_nb.api._body import media_type
from brocap_nb.tasks import _pictures

from .driver import Lab

pytestmark = pytest.mark.browser

CONSOLE = "from brocap_nb.widgets import Console\nconsole = Console()\nconsole"
# What a browser does with real files: events that carry a DataTransfer.
SEND = """([kind, files, text, html]) => {
  const transfer = new DataTransfer();
  for (const [name, type, base64] of files) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type }));
  }
  if (text) transfer.setData("text/plain", text);
  if (html) transfer.setData("text/html", html);
  const zone = document.querySelector(".brocap-drop-zone");
  const init = { bubbles: true, cancelable: true, composed: true };
  let seen = 0;
  const outside = () => (seen += 1);
  document.addEventListener(kind, outside);
  const event = kind === "paste"
    ? new ClipboardEvent(kind, { ...init, clipboardData: transfer })
    : new DragEvent(kind, { ...init, dataTransfer: transfer });
  zone.dispatchEvent(event);
  document.removeEventListener(kind, outside);
  return { prevented: event.defaultPrevented, seen };
}"""

# What a browser shows on a white page, as [width, height, base64 of RGBA]; null if nothing.
DRAW = """async (uri) => {
  const image = new Image();
  image.src = uri;
  try { await image.decode(); } catch { return null; }
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const text = Array.from(data, (byte) => String.fromCharCode(byte)).join("");
  return [canvas.width, canvas.height, btoa(text)];
}"""
HELD = {"prevented": True, "seen": 0}
"""The event did its work and did not get out to the notebook."""


def noise_png(width: int, height: int) -> bytes:
    data = random.Random(1).randbytes(width * height * 3)
    file = io.BytesIO()
    Image.frombytes("RGB", (width, height), data).save(file, "PNG")
    return file.getvalue()


def file(name: str, data: bytes, kind: str = "image/png") -> list[str]:
    return [name, kind, base64.b64encode(data).decode()]


def send(lab: Lab, kind: str, *files: list[str], text: str = "", html: str = "") -> Any:
    return lab.page.evaluate(SEND, [kind, list(files), text, html])


def test_a_picture_is_opened_as_a_browser_shows_it(context: Any) -> None:
    page = context.new_page()
    wrong = {}
    for name, data in kinds().items():
        uri = f"data:{media_type(data)};base64,{base64.b64encode(data).decode()}"
        width, height, drawn = page.evaluate(DRAW, uri)
        truth = Image.frombytes("RGBA", (width, height), base64.b64decode(drawn)).convert("RGB")
        ours = Image.new("RGBA", (width, height), "white")
        image = _pictures.opened(data)
        if image.size != truth.size:
            wrong[name] = f"{image.size} for {truth.size}"
            continue
        ours.alpha_composite(image.convert("RGBA"))
        apart = ImageChops.difference(ours.convert("RGB"), truth).getextrema()
        if max(most for _, most in apart) > 2:  # they round in other places
            wrong[name] = str(apart)
    page.close()
    assert wrong == {}


def opened(lab: Lab, name: str) -> Any:
    path = lab.open(name, CONSOLE)
    lab.run_cell()
    lab.console.locator(".brocap-drop-zone").wait_for()
    return path


def test_a_picture_is_pasted_with_the_keyboard_and_the_notebook_stays_light(lab: Lab) -> None:
    """The real clipboard and real keys; the browser writes the picture anew."""
    path = opened(lab, "keys.ipynb")
    console, page = lab.console, lab.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async (base64) => {
          const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
          const blob = new Blob([bytes], { type: "image/png" });
          await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }""",
        base64.b64encode(noise_png(330, 220)).decode(),
    )
    zone = console.get_by_label("Paste or drop a picture")
    zone.focus()
    assert zone.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press("Control+v")
    console.get_by_text("330 x 220 pixels").wait_for()
    console.get_by_text("inside the limits").wait_for()

    # no key of it is the notebook's: a, b add cells, d d deletes one, Enter edits, m makes text
    page.evaluate("window.heard = []; document.addEventListener('keydown', e => heard.push(e.key))")
    for key in ("a", "b", "d", "d", "m", "x", "Enter", "Shift+m"):
        page.keyboard.press(key)
    assert page.locator(".jp-Cell").count() == 1
    assert page.evaluate("heard") == []
    assert zone.input_value() == ""
    assert zone.evaluate("e => e === document.activeElement")
    page.keyboard.press("Tab")
    chooser = console.get_by_role("button", name="Choose a file…", exact=True)
    assert chooser.evaluate("e => e === document.activeElement")

    lab.save(path)
    saved = path.read_text()
    assert "330 x 220 pixels" in saved
    uris = re.findall(r"data:image/[\w;,/+=]+", saved)
    assert 0 < sum(map(len, uris)) <= 40_000
    assert path.stat().st_size < 200_000
    assert lab.foreign_requests() == []


def test_what_is_dropped_pasted_or_chosen_is_taken_or_told(lab: Lab) -> None:
    opened(lab, "drop.ipynb")
    console, zone = lab.console, lab.console.locator(".brocap-drop-zone")
    alert = console.get_by_role("alert")
    owl, fox = file("owl.png", noise_png(120, 80)), file("fox.png", noise_png(150, 100))
    assert send(lab, "dragover", owl) == HELD
    assert "brocap-drop-over" in zone.get_attribute("class")
    assert send(lab, "drop", owl) == HELD
    assert "brocap-drop-over" not in zone.get_attribute("class")
    console.get_by_text("owl.png, sent as a file").wait_for()
    console.get_by_text("120 x 80 pixels").wait_for()
    assert send(lab, "drop", fox, owl, owl) == HELD
    console.get_by_text("fox.png, the first of 3 files, sent as a file").wait_for()

    send(lab, "drop", file("notes.png", b"these are only notes, whatever their name says"))
    alert.get_by_text("notes.png is text, not a picture that the service takes.").wait_for()
    with lab.wire() as wire:
        send(lab, "drop", file("big.png", noise_png(10, 10) + bytes(10_000_000)))
        told = alert.get_by_text("big.png cannot be taken; expected a picture's file of at most")
        told.wait_for()
    assert 0 < wire.sent < 1_000_000, "what is too large never leaves the page"
    send(lab, "paste", text="only words")
    alert.get_by_text("What came is no picture, and as an address it is 'only words';").wait_for()
    assert console.get_by_text("150 x 100 pixels").is_visible()  # the choice before it stays

    # of a document the first picture counts; an address is filled in, and nothing is loaded by that
    uri = f"data:image/png;base64,{base64.b64encode(noise_png(90, 60)).decode()}"
    bad = "http://127.0.0.1:9/never-asked-for.png"
    html = f'<p onload="heard()">An owl <img alt="no source"><img src="{uri}"><img src="{bad}">'
    assert send(lab, "drop", text="An owl", html=html) == HELD
    console.get_by_text("90 x 60 pixels").wait_for()
    assert not alert.is_visible()
    for text, html in (("An owl", f'<a href="x"><img src=" {bad} "></a>'), (f" {bad}\n", "")):
        assert send(lab, "paste", text=text, html=html) == HELD
        console.get_by_text("The address is filled in below.").wait_for()
        assert console.get_by_label("Address of a picture").input_value() == bad
        console.get_by_label("Address of a picture").fill("")
        send(lab, "drop", owl)
        console.get_by_text("120 x 80 pixels").wait_for()

    # a file is chosen with a button that counts nothing
    button = console.get_by_role("button", name="Choose a file")
    assert button.count() == 1
    for _ in range(2):  # the same file can be chosen again
        lab.choose_sample()
        console.get_by_text("Sample “way-up”").wait_for()
        with lab.page.expect_file_chooser() as chooser:
            button.click()
        chooser.value.set_files(
            {"name": "owl.png", "mimeType": "image/png", "buffer": noise_png(90, 60)}
        )
        console.get_by_text("owl.png, sent as a file").wait_for()
        assert button.inner_text() == "Choose a file…"
    assert lab.foreign_requests() == []
