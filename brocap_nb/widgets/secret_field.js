// The value travels as a custom message and is never part of the model's state.
function render({ model, el }) {
  el.classList.add("brocap-secret");
  const id = `brocap-secret-${Math.random().toString(36).slice(2)}`;

  const label = document.createElement("label");
  label.htmlFor = id;
  label.className = "brocap-secret-label";

  const input = document.createElement("input");
  Object.assign(input, { id, type: "password", autocomplete: "off", spellcheck: false });
  input.className = "brocap-secret-input";
  input.setAttribute("aria-describedby", `${id}-status`);
  input.setAttribute("data-lm-suppress-shortcuts", "true");

  const clear = document.createElement("button");
  clear.type = "button";
  clear.textContent = "Clear";
  clear.className = "brocap-secret-clear jupyter-button";

  const status = document.createElement("div");
  status.id = `${id}-status`;
  status.className = "brocap-secret-status";
  status.setAttribute("role", "status");

  const row = document.createElement("div");
  row.className = "brocap-secret-row";
  row.append(input, clear);
  el.append(label, row, status);

  const send = () => {
    if (!input.value) return;
    model.send({ kind: "set", value: input.value });
    input.value = "";
  };
  const draw = () => {
    label.textContent = model.get("label");
    clear.setAttribute("aria-label", `Clear: ${model.get("label")}`);
    clear.disabled = model.get("length") === 0;
    input.placeholder = model.get("length") ? "type another one to replace it" : "";
    status.textContent = model.get("status");
  };
  input.addEventListener("blur", send);
  input.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the notebook's shortcuts are not for what is typed here
    if (event.key === "Enter") send();
  });
  clear.addEventListener("click", () => {
    input.value = "";
    model.send({ kind: "clear" });
  });
  model.on("change", draw);
  draw();
  return () => model.off("change", draw);
}

export default { render };
