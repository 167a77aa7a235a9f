// The value travels as a custom message and is never part of the model's state.
const make = (kind, properties) => Object.assign(document.createElement(kind), properties);

function render({ model, el }) {
  el.classList.add("brocap-secret");
  const id = `brocap-secret-${Math.random().toString(36).slice(2)}`;
  const name = model.get("label");
  const label = make("label", { htmlFor: id, textContent: name });
  const input = make("input", { id, type: "password", autocomplete: "off", spellcheck: false });
  input.className = "brocap-secret-input";
  input.setAttribute("aria-describedby", `${id}-status`);
  input.setAttribute("data-lm-suppress-shortcuts", "true");
  const clear = make("button", { type: "button", textContent: "Clear" });
  clear.className = "jupyter-button";
  clear.setAttribute("aria-label", `Clear: ${name}`);
  const status = make("div", { id: `${id}-status`, className: "brocap-note" });
  status.setAttribute("role", "status");
  const row = make("div", { className: "brocap-line" });
  row.append(input, clear);
  el.append(label, row, status);

  const send = (value) => {
    input.value = "";
    model.send({ value });
  };
  const draw = () => {
    clear.disabled = model.get("length") === 0;
    input.placeholder = model.get("length") ? "type another one to replace it" : "";
    status.textContent = model.get("status");
  };
  input.addEventListener("blur", () => input.value && send(input.value));
  input.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the notebook's shortcuts are not for what is typed here
    if (event.key === "Enter" && input.value) send(input.value);
  });
  clear.addEventListener("click", () => send(""));
  model.on("change", draw);
  draw();
  return () => model.off("change", draw);
}

export default { render };
