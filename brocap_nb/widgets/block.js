// What a block `brocap` needs of the browser: keys of its own, and buttons that copy a text.

// The notebook's shortcuts pass by an element that is marked so; see _kit.py.
const MARK = "data-lm-suppress-shortcuts";

async function copy(button) {
  const text = button.parentElement.querySelector("pre").textContent;
  const status = button.nextElementSibling;
  try {
    await navigator.clipboard.writeText(text);
    status.textContent = `copied, ${text.length.toLocaleString("en")} characters`;
  } catch {
    status.textContent = "This page may not use the clipboard: select the text and copy it.";
  }
  setTimeout(() => (status.textContent = ""), 10_000); // so that the next time is heard as well
}

function render({ el }) {
  el.classList.add("brocap-runs-here"); // without it there is no button that copies
  const inside = (target) => el.closest(".brocap")?.contains(target);
  const keep = (event) => {
    const { target } = event;
    if (!inside(target) || target.matches(":read-write")) return;
    // with Ctrl it is a command wherever it is pressed, such as to save
    target.toggleAttribute(MARK, !(event.ctrlKey || event.metaKey || event.altKey));
  };
  const press = ({ target }) => {
    if (inside(target) && target.matches(".brocap-copy")) copy(target);
  };
  // the notebook listens on the document: only the window comes before it
  window.addEventListener("keydown", keep, { capture: true });
  window.addEventListener("click", press, { capture: true });
  return () => {
    window.removeEventListener("keydown", keep, { capture: true });
    window.removeEventListener("click", press, { capture: true });
  };
}

export default { render };
