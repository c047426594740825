import { byId } from "./dom.js";

let hide = 0;

export function toast(words) {
  const node = byId("toast");
  node.textContent = words;
  node.hidden = false;
  clearTimeout(hide);
  hide = setTimeout(() => { node.hidden = true; }, 1800);
}

// Puts text on the clipboard; true when it worked. The old way serves pages that are not on localhost.
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "offscreen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export async function copyAndSay(text) {
  toast((await copyText(text)) ? "Copiado" : "Não deu para copiar");
}

// The button says "Copiado" for a moment.
export async function copyFrom(button, text) {
  const label = button.querySelector("span") || button;
  const before = label.dataset.label || label.textContent;
  label.dataset.label = before;
  label.textContent = (await copyText(text)) ? "Copiado" : "Não copiou";
  button.classList.add("done");
  setTimeout(() => {
    label.textContent = before;
    button.classList.remove("done");
  }, 2000);
}
