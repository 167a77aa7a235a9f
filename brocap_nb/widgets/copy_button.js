// Copies the text of the block it stands in. Without it the text can be selected by hand.
function render({ el }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "jupyter-button brocap-copy";
  button.textContent = "Copy";
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  status.className = "brocap-note";
  el.classList.add("brocap-line");
  el.append(button, status);

  const copy = async () => {
    const text = el.closest(".brocap-copyable")?.querySelector("pre")?.textContent ?? "";
    try {
      await navigator.clipboard.writeText(text);
      status.textContent = `copied, ${text.length.toLocaleString("en")} characters`;
    } catch {
      status.textContent = "This page may not use the clipboard: select the text and copy it.";
    }
    setTimeout(() => (status.textContent = ""), 10_000);  // by then other code may stand there
  };
  button.addEventListener("click", copy);
}

export default { render };
