// What comes is looked at here first: a picture's bytes, the start of another file, or an address
// go to the kernel, never as part of the model's state. What is wrong is drawn here at once, and
// told to the kernel with each message: it alone writes `problem`, so the latest is what is kept.
const START = 1000;
const LONGEST_ADDRESS = 4000;
// A name or a type can say anything: the first bytes tell what a file is.
const PICTURE = /^(\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8|BM|RIFF.{4}WEBP)/s;

const shorten = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const count = (number) => number.toLocaleString("en-US");
const make = (kind, properties) => Object.assign(document.createElement(kind), properties);

// The first picture of what was copied from a page, a document or a mail; else the text itself.
function addressIn(transfer) {
  const html = new DOMParser().parseFromString(transfer.getData("text/html"), "text/html");
  const image = html.querySelector("img[src]"); // of a document that loads and runs nothing
  const list = transfer.getData("text/uri-list").split(/\r?\n/);
  const address = list.find((line) => line && !line.startsWith("#"));
  return (image?.getAttribute("src") || address || transfer.getData("text/plain")).trim();
}

// The file that a data: address carries; throws if it is damaged.
function fileIn(address) {
  const comma = address.indexOf(",");
  const body = decodeURIComponent(address.slice(comma + 1));
  const packed = /;\s*base64\s*$/i.test(address.slice(0, comma));
  return new File([packed ? Uint8Array.from(atob(body), (c) => c.charCodeAt(0)) : body], "");
}

function render({ model, el }) {
  el.classList.add("brocap-drop");
  const id = `brocap-drop-${Math.random().toString(36).slice(2)}`;
  const label = make("label", { htmlFor: id, className: "brocap-drop-label" });
  // A text area, because a browser pastes only where text can stand; no text stays in it.
  const zone = make("textarea", {
    id,
    rows: 1,
    autocomplete: "off",
    spellcheck: false,
    inputMode: "none",
    className: "brocap-drop-zone",
    placeholder: "Ctrl+V (⌘V) or drop",
  });
  zone.setAttribute("aria-describedby", `${id}-problem`);
  zone.setAttribute("data-lm-suppress-shortcuts", "true");
  const button = make("button", {
    type: "button",
    className: "brocap-drop-button jupyter-button",
    textContent: "Choose a file…",
    title: "Choose a picture file from this computer",
  });
  const input = make("input", { type: "file", accept: "image/*", hidden: true, tabIndex: -1 });
  input.setAttribute("aria-label", "Picture file");
  const problem = make("div", { id: `${id}-problem` });
  problem.setAttribute("role", "alert");
  const row = make("div", { className: "brocap-drop-row" });
  row.append(zone, button, input);
  el.append(label, row, problem);

  const draw = (sentence) => {
    problem.className = sentence ? "brocap-problem" : "";
    problem.textContent = sentence && `✗ ${sentence}`;
  };
  const tell = (sentence, content = {}, buffers = []) => {
    draw(sentence);
    model.send({ ...content, problem: sentence }, undefined, buffers);
  };
  const take = async (files) => {
    const [file] = files;
    const name = shorten(file.name || "The picture", 80);
    const most = model.get("max_bytes");
    if (file.size > most) {
      tell(
        `${name} has ${count(file.size)} bytes; at most ${count(most)} are taken. ` +
          "Choose a smaller file.",
      );
      return;
    }
    try {
      const head = String.fromCharCode(...new Uint8Array(await file.slice(0, 12).arrayBuffer()));
      const bytes = await (PICTURE.test(head) ? file : file.slice(0, START)).arrayBuffer();
      const rest =
        files.length > 1 &&
        `${files.length} files came; a task has one picture, so only the first is looked at. ` +
          `It is ${name}.`;
      tell(rest || "", { kind: "picture", name }, [bytes]); // the kernel names what is none
    } catch {
      tell(`${name} cannot be read. A folder is no picture. Choose a picture's file.`);
    }
  };
  const takeAny = (transfer) => {
    if (transfer.files.length) {
      take([...transfer.files]); // copied: the browser empties the list after this event
      return;
    }
    const text = addressIn(transfer);
    if (/^data:/i.test(text)) {
      try {
        take([fileIn(text)]);
      } catch {
        tell(`“${shorten(text, 60)}” is damaged or cut off. Copy the picture again.`);
      }
    } else if (/^https?:\/\/[^\s/]\S*$/i.test(text) && text.length <= LONGEST_ADDRESS) {
      tell("", { kind: "address", url: text });
    } else if (text) {
      tell(
        `“${shorten(text, 60)}” is no picture and no address. Copy a picture itself, or an ` +
          "address that starts with http:// or https://.",
      );
    } else {
      tell("There is no picture in what came. Copy a picture itself, or its address.");
    }
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
      if (kind === "paste" || kind === "drop") takeAny(event.clipboardData ?? event.dataTransfer);
    });
  }
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files.length) take([...input.files]);
    input.value = ""; // the same file can be chosen again
  });

  const redraw = () => {
    label.textContent = model.get("label");
    draw(model.get("problem"));
  };
  model.on("change", redraw);
  redraw();
  return () => model.off("change", redraw);
}

export default { render };
