"""The Console in JupyterLab, Notebook 7 and Voila: it works, fits, is legible, stays offline."""

from __future__ import annotations

from typing import Any, Final

import pytest

from .driver import Front, Lab, Refuser, Voila

pytestmark = pytest.mark.browser

# What Voila's own page asks for: its icons, which it has with it as well.
VOILAS_OWN: Final = {
    "https://cdn.jsdelivr.net/npm/@fortawesome/fontawesome-free@%5E5/css/all.min.css",
    "https://cdn.jsdelivr.net/npm/@fortawesome/fontawesome-free@%5E5/css/v4-shims.min.css",
}
# Where Chromium itself asks, on any page: is it up to date, who is it, what is this form?
BROWSERS_OWN: Final = (".google.com", ".googleapis.com", ".gvt1.com")

# What sticks out of the Console, and what can be scrolled sideways, around it or in it.
MISFITS: Final = """console => {
  const scrolls = e => /auto|scroll/.test(getComputedStyle(e).overflowX)
    && e.scrollWidth > e.clientWidth + 1;
  const around = [];
  for (let e = console; e; e = e.parentElement) around.push(e);
  const inside = [...console.querySelectorAll('*')];
  const place = console.getBoundingClientRect();
  const out = inside.filter(e => !e.closest('.brocap-scroll table'))
    .filter(e => e.getBoundingClientRect().width
      && e.getBoundingClientRect().right > place.right + 1);
  const page = document.documentElement.scrollWidth > innerWidth ? [document.documentElement] : [];
  const wrong = [...page, ...around.filter(scrolls), ...out,
    ...inside.filter(e => scrolls(e) && !e.matches('.brocap-scroll[tabindex="0"]'))];
  return wrong.map(e => e.cloneNode().outerHTML.slice(0, 200));
}"""

# Each text of the Console with its contrast. Colours are laid over each other from the page up;
# an element's opacity mixes all of it with what is behind.
CONTRASTS: Final = """console => {
  const pixel = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const parse = colour => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    return [...pixel.getImageData(0, 0, 1, 1).data];
  };
  const mix = (under, over, share) => under.map((u, i) => u + (over[i] - u) * share);
  const lay = (under, colour) => {
    const c = parse(colour);
    return mix(under, c, c[3] / 255);
  };
  const seen = (chain, under) => {
    const style = getComputedStyle(chain[0]);
    const ground = lay(under, style.backgroundColor);
    const [behind, text] = chain.length > 1
      ? seen(chain.slice(1), ground) : [ground, lay(ground, style.color)];
    return [mix(under, behind, style.opacity), mix(under, text, style.opacity)];
  };
  const luminance = rgb => {
    const [r, g, b] = rgb.map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const white = [255, 255, 255];
  const chain = e => e ? [...chain(e.parentElement), e] : [];
  const shown = e => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const words = e => e.matches('[type=checkbox]') ? ''
    : e.matches('input, textarea') ? e.value || e.placeholder
    : e.matches('select') ? e.selectedOptions[0]?.text
    : [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join('').trim();
  return [...console.querySelectorAll('*')]
    .filter(e => !e.matches('style, option, [type=file]') && shown(e)
      && !e.closest(':disabled') && words(e))
    .map(e => {
      const [ground, text] = seen(chain(e), white).map(luminance);
      return { text: words(e).slice(0, 60), ground,
        ratio: (Math.max(ground, text) + 0.05) / (Math.min(ground, text) + 0.05) };
    });
}"""


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_nothing_scrolls_sideways(shown: Front, width: int) -> None:
    shown.set_width(width)
    shown.page.wait_for_timeout(300)  # the front end lays itself out anew
    place = shown.console.bounding_box()
    assert 150 < place["width"] <= width
    sample = shown.console.locator(".brocap-samples button").first
    above = sample.evaluate("one => parseFloat(getComputedStyle(one).paddingTop)")
    assert above >= 60, "its name stands below its picture"
    assert shown.console.evaluate(MISFITS) == []


def test_every_text_is_legible(shown: Front, theme: str) -> None:
    texts: list[dict[str, Any]] = shown.console.evaluate(CONTRASTS)
    words = {text["text"] for text in texts}
    assert {"Task type", "Submit task", "Log", "Errors (1)"} <= words
    grounds = sorted(text["ground"] for text in texts)
    middle = grounds[len(grounds) // 2]
    assert middle < 0.1 if theme == "dark" else middle > 0.9, "the theme is not what it should be"
    faint = [(text["text"], round(text["ratio"], 2)) for text in texts if text["ratio"] < 4.5]
    assert faint == []


def test_nothing_is_fetched_from_elsewhere(shown: Front, refuser: Refuser) -> None:
    assert set(shown.foreign_requests()) <= (VOILAS_OWN if isinstance(shown, Voila) else set())
    assert {host for host in refuser.hosts if not host.endswith(BROWSERS_OWN)} <= {
        "cdn.jsdelivr.net"  # Voila's
    }


def test_a_request_to_elsewhere_would_be_refused_and_seen(lab: Lab, refuser: Refuser) -> None:
    failed = lab.page.evaluate(
        """async () => {
          const closed = new Promise(r => {
            new WebSocket('ws://socket.example/').onclose = () => r('closed');
          });
          const got = fetch('http://fetch.example/', { mode: 'no-cors' });
          return [await got.catch(() => 'failed'), await closed];
        }"""
    )
    assert failed[1] == "closed"
    assert lab.foreign_requests() == ["http://fetch.example/"]
    for host in ("fetch.example", "socket.example"):
        refuser.hosts.remove(host)


def test_two_dollars_are_two_dollars_and_a_timeline_is_a_picture(lab: Lab) -> None:
    cell = (
        "import brocap_nb as bn\n"
        "sandbox = bn.Sandbox(speed=50).start()\n"
        "client = bn.Client(sandbox.key, base_url=sandbox.url, log=bn.ExchangeLog(':memory:'))\n"
        "puzzle = sandbox.puzzles[0]\n"
        "task = bn.ComplexImageTask.from_image(puzzle.data, puzzle.question)\n"
        "run = client.submit(task); run.result()\n"
        "display(bn.explain('EITHER_$5_OR_$6'), client.log.timeline(run.task_id))"
    )
    lab.open("dollars.ipynb", cell)
    lab.run_cell()
    page = lab.page
    page.get_by_text("EITHER_$5_OR_$6").first.wait_for()
    page.locator("img[src^='data:image/svg+xml']").first.wait_for()
    page.wait_for_timeout(500)  # MathJax would come a little later
    assert page.locator("mjx-container").count() == 0
    assert lab.foreign_requests() == []
