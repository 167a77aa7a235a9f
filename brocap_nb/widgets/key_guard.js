// The notebook's shortcuts are not for keys that are pressed inside of a widget. JupyterLab looks
// for the mark on the element that has the focus.
function render({ el }) {
  el.style.display = "none";
  let root = null;
  let waiting = null;
  const mark = (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true");
  const attach = () => {
    if (!el.isConnected) {
      waiting = setTimeout(attach, 100);
      return;
    }
    root = el.closest(".brocap") ?? el.parentElement;
    root.addEventListener("focusin", mark);
  };
  attach();
  return () => {
    clearTimeout(waiting);
    root?.removeEventListener("focusin", mark);
  };
}

export default { render };
