// Copies the text of the block it stands in. Without it the text can be selected by hand.
function render({ model, el }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "jupyter-button brocap-copy";
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  status.className = "brocap-note";
  el.classList.add("brocap-line");
  el.append(button, status);

  const draw = () => {
    button.textContent = model.get("label");
    status.textContent = "";
  };
  const copy = async () => {
    const text = el.closest(".brocap-copyable")?.querySelector("pre")?.textContent ?? "";
    try {
      await navigator.clipboard.writeText(text);
      status.textContent = `copied, ${text.length.toLocaleString("en")} characters`;
    } catch {
      status.textContent = "This page may not use the clipboard: select the text and copy it.";
    }
  };
  button.addEventListener("click", copy);
  model.on("change", draw);
  draw();
  return () => model.off("change", draw);
}

export default { render };
