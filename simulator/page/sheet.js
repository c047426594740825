import { byId, el } from "./dom.js";
import { icon } from "./icons.js";

let giveBack = null;

// A sheet that slides up inside the phone. rows: [{label, description?, icon?, testid?, id?, danger?, run}].
export function openSheet({ title, faces = [], rows }) {
  const layer = byId("sheet-layer");
  giveBack = document.activeElement;
  const sheet = el(
    "div", { class: "sheet", role: "dialog", "aria-modal": "true", "aria-label": title },
    el("header", {},
      el("button", { type: "button", class: "round small", "aria-label": "Fechar", onclick: closeSheet }, icon("close", 20)),
      el("strong", {}, title)),
    faces.length ? el("div", { class: "faces" }, faces.map((face) => el(
      "button", { type: "button", onclick: () => run(face.run) }, face.label))) : null,
    el("div", { class: "sheet-rows" }, rows.map((row) => el(
      "button", {
        type: "button", class: row.danger ? "danger" : "", onclick: () => run(row.run),
        dataset: { ...(row.testid ? { testid: row.testid } : {}), ...(row.id ? { optionId: row.id } : {}) },
      },
      row.icon ? icon(row.icon, 21) : null,
      el("span", {}, el("strong", {}, row.label), row.description ? el("span", {}, row.description) : null),
      row.icon ? null : el("i", { class: "dot", "aria-hidden": "true" }),
    ))),
  );
  layer.replaceChildren(el("div", { class: "sheet-back", onclick: closeSheet }), sheet);
  layer.hidden = false;
  layer.onkeydown = (event) => keys(event, sheet);
  (sheet.querySelector(".sheet-rows button") || sheet.querySelector("button")).focus();
}

export function closeSheet() {
  const layer = byId("sheet-layer");
  if (layer.hidden) return;
  layer.hidden = true;
  layer.replaceChildren();
  if (giveBack?.isConnected) giveBack.focus();
}

function run(deed) {
  closeSheet();
  deed();
}

// Escape closes; Tab and the arrows stay within the sheet.
function keys(event, sheet) {
  if (event.key === "Escape") {
    event.stopPropagation();
    closeSheet();
    return;
  }
  const step = { ArrowDown: 1, ArrowUp: -1, Tab: event.shiftKey ? -1 : 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...sheet.querySelectorAll("button")];
  const next = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
  buttons[next].focus();
}
