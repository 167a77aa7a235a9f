// What comes is looked at here first: a picture's bytes, the start of another file, or an address
// go to the kernel. Bytes go as the buffer of a custom message, never as part of the model's state.
const START = 1000;
const LONGEST_ADDRESS = 4000;

const shorten = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const count = (number) => number.toLocaleString("en-US");

// A name or a type can say anything: the first bytes tell what a file is.
async function isPicture(file) {
  const head = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  const text = String.fromCharCode(...head);
  return (
    text.startsWith("\x89PNG\r\n\x1a\n") ||
    text.startsWith("\xff\xd8\xff") ||
    text.startsWith("GIF8") ||
    text.startsWith("BM") ||
    (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP")
  );
}

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
  const body = address.slice(comma + 1);
  const packed = /;\s*base64\s*$/i.test(address.slice(0, comma));
  const parts = packed
    ? Uint8Array.from(atob(decodeURIComponent(body)), (c) => c.charCodeAt(0))
    : decodeURIComponent(body);
  return new File([parts], "");
}

function render({ model, el }) {
  el.classList.add("brocap-drop");
  const id = `brocap-drop-${Math.random().toString(36).slice(2)}`;

  const label = document.createElement("label");
  label.htmlFor = id;
  label.className = "brocap-drop-label";

  // A text area, because a browser pastes only where text can stand; no text stays in it.
  const zone = document.createElement("textarea");
  Object.assign(zone, { id, rows: 1, autocomplete: "off", spellcheck: false });
  zone.className = "brocap-drop-zone";
  zone.inputMode = "none";
  zone.placeholder = "Ctrl+V (⌘V) or drop";
  zone.setAttribute("aria-describedby", `${id}-problem`);
  zone.setAttribute("data-lm-suppress-shortcuts", "true");

  const button = document.createElement("button");
  button.type = "button";
  button.className = "brocap-drop-button jupyter-button";
  button.textContent = "Choose a file…";
  button.title = "Choose a picture file from this computer";

  const input = document.createElement("input");
  Object.assign(input, { type: "file", accept: "image/*", hidden: true, tabIndex: -1 });
  input.setAttribute("aria-label", "Picture file");

  const problem = document.createElement("div");
  problem.id = `${id}-problem`;
  problem.setAttribute("role", "alert");

  const row = document.createElement("div");
  row.className = "brocap-drop-row";
  row.append(zone, button, input);
  el.append(label, row, problem);

  const say = (sentence) => {
    model.set("problem", sentence);
    model.save_changes();
  };
  const take = async (files) => {
    const [file] = files;
    const name = shorten(file.name || "The picture", 80);
    const rest =
      files.length > 1
        ? `${files.length} files came; a task has one picture, so only the first is looked at. `
        : "";
    const most = model.get("max_bytes");
    if (file.size > most) {
      say(
        `${rest}${name} has ${count(file.size)} bytes; at most ${count(most)} are taken. ` +
          "Choose a smaller file.",
      );
      return;
    }
    try {
      const picture = await isPicture(file);
      const bytes = await (picture ? file : file.slice(0, START)).arrayBuffer();
      say(rest && `${rest}It is ${name}.`);
      model.send({ kind: "picture", name }, undefined, [bytes]); // the kernel names what is none
    } catch {
      say(`${name} cannot be read. A folder is no picture. Choose a picture's file.`);
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
        say(`“${shorten(text, 60)}” is damaged or cut off. Copy the picture again.`);
      }
    } else if (/^https?:\/\/[^\s/]\S*$/i.test(text) && text.length <= LONGEST_ADDRESS) {
      say("");
      model.send({ kind: "address", url: text });
    } else if (text) {
      say(
        `“${shorten(text, 60)}” is no picture and no address. Copy a picture itself, or an ` +
          "address that starts with http:// or https://.",
      );
    } else {
      say("There is no picture in what came. Copy a picture itself, or its address.");
    }
  };
  const ours = (event) => {
    event.preventDefault();
    event.stopPropagation(); // the notebook would take it for its own
  };
  const over = (yes) => zone.classList.toggle("brocap-drop-over", yes);

  zone.addEventListener("keydown", (event) => event.stopPropagation());
  zone.addEventListener("keypress", (event) => event.stopPropagation());
  zone.addEventListener("beforeinput", (event) => event.preventDefault());
  zone.addEventListener("input", () => (zone.value = "")); // what could not be prevented
  zone.addEventListener("paste", (event) => {
    ours(event);
    takeAny(event.clipboardData);
  });
  for (const kind of ["dragenter", "dragover"]) {
    zone.addEventListener(kind, (event) => {
      ours(event);
      event.dataTransfer.dropEffect = "copy";
      over(true);
    });
  }
  zone.addEventListener("dragleave", () => over(false));
  zone.addEventListener("drop", (event) => {
    ours(event);
    over(false);
    takeAny(event.dataTransfer);
  });
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files.length) take([...input.files]);
    input.value = ""; // the same file can be chosen again
  });

  const draw = () => {
    label.textContent = model.get("label");
    const sentence = model.get("problem");
    problem.className = sentence ? "brocap-problem" : "";
    problem.textContent = sentence && `✗ ${sentence}`;
  };
  model.on("change", draw);
  draw();
  return () => model.off("change", draw);
}

export default { render };
