// What comes is sent to the kernel as it is, never as part of the model's state; the kernel says
// what is wrong with it. A file that is too large, or cannot be read, stays here: it is only named.
const MOST = 10_000_000; // as in _picture.py
const make = (kind, properties) => Object.assign(document.createElement(kind), properties);

// The first picture of what was copied from a page, a document or a mail; else the text itself.
function textIn(transfer) {
  const html = new DOMParser().parseFromString(transfer.getData("text/html"), "text/html");
  const image = html.querySelector("img[src]"); // of a document that loads and runs nothing
  const list = transfer.getData("text/uri-list").split(/\r?\n/);
  const address = list.find((line) => line && !line.startsWith("#"));
  return image?.getAttribute("src") || address || transfer.getData("text/plain");
}

function render({ model, el }) {
  el.classList.add("brocap-drop");
  // A text area, because a browser pastes only where text can stand; no text stays in it.
  const zone = make("textarea", {
    rows: 1,
    autocomplete: "off",
    spellcheck: false,
    inputMode: "none",
    className: "brocap-drop-zone",
    placeholder: "Ctrl+V (⌘V) or drop",
  });
  zone.setAttribute("aria-label", "Paste or drop a picture");
  zone.setAttribute("data-lm-suppress-shortcuts", "true");
  const button = make("button", {
    type: "button",
    className: "jupyter-button",
    textContent: "Choose a file…",
    title: "Choose a picture file from this computer",
  });
  const input = make("input", { type: "file", accept: "image/*", hidden: true, tabIndex: -1 });
  input.setAttribute("aria-label", "Picture file");
  el.append(zone, button, input);

  const take = async ([file, ...others]) => {
    const which = others.length ? `, the first of ${others.length + 1} files` : "";
    const bytes = file.size > MOST ? null : await file.arrayBuffer().catch(() => null);
    model.send({ name: file.name + which }, undefined, bytes ? [bytes] : []);
  };

  for (const kind of ["keydown", "keypress"]) {
    zone.addEventListener(kind, (event) => event.stopPropagation());
  }
  zone.addEventListener("beforeinput", (event) => event.preventDefault());
  zone.addEventListener("input", () => (zone.value = "")); // what could not be prevented
  for (const kind of ["paste", "dragenter", "dragover", "dragleave", "drop"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      event.stopPropagation(); // the notebook would take it for its own
      const over = kind === "dragenter" || kind === "dragover";
      zone.classList.toggle("brocap-drop-over", over);
      if (over) event.dataTransfer.dropEffect = "copy";
      if (kind !== "paste" && kind !== "drop") return;
      const transfer = event.clipboardData ?? event.dataTransfer;
      if (transfer.files.length) take(transfer.files);
      else model.send({ text: textIn(transfer).slice(0, MOST) });
    });
  }
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files.length) take(input.files);
    input.value = ""; // the same file can be chosen again
  });
}

export default { render };
