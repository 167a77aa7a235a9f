// The notebook's shortcuts pass by an element that is marked so; see _kit.py.
const MARK = "data-lm-suppress-shortcuts";

function render({ el }) {
  const keep = (event) => {
    const { target } = event;
    if (!el.closest(".brocap")?.contains(target) || target.matches(":read-write")) return;
    // with Ctrl it is a command wherever it is pressed, such as to save
    target.toggleAttribute(MARK, !(event.ctrlKey || event.metaKey || event.altKey));
  };
  // the notebook listens on the document: only the window comes before it
  window.addEventListener("keydown", keep, { capture: true });
  return () => window.removeEventListener("keydown", keep, { capture: true });
}

export default { render };
