import { byId, el } from "./dom.js";
import { preview } from "./bubbles.js";
import { icon } from "./icons.js";

const TOOLS = [
  { kind: "image", testid: "photo", icon: "camera", label: "Foto" },
  { kind: "location", testid: "location", icon: "pin", label: "Localização" },
  { kind: "sticker", testid: "sticker", icon: "smile", label: "Figurinha" },
  { kind: "document", testid: "document", icon: "file", label: "Documento" },
  { kind: "contact", testid: "contact", icon: "person", label: "Contato" },
];
const FILE_LIMIT = 16 * 1024 * 1024;

let field;
let aim = null; // {mode: "reply" | "edit", message}
let operator = false;

// deeds: {send(body), operate(text), fail(words), company}.
export function startComposer(deeds) {
  field = byId("composer");
  byId("send").append(icon("send", 22));
  byId("reply-cancel").append(icon("close", 18));
  byId("reply-cancel").addEventListener("click", dropAim);
  byId("composer-form").addEventListener("submit", (event) => {
    event.preventDefault();
    submit(deeds);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit(deeds);
    } else if (event.key === "Escape" && aim) {
      dropAim();
    }
  });
  field.addEventListener("input", grow);
  field.addEventListener("paste", (event) => takeFiles(event.clipboardData?.files, event, deeds));
  const talk = byId("log");
  talk.addEventListener("dragover", (event) => event.preventDefault());
  talk.addEventListener("drop", (event) => takeFiles(event.dataTransfer?.files, event, deeds));
  drawTools(deeds);
}

function drawTools(deeds) {
  const voice = el("button", {
    type: "button", class: "round", dataset: { testid: "voice" }, "aria-label": "Nota de voz", title: "Nota de voz",
    onclick: () => deeds.send({ kind: "audio", ...takeQuote() }),
  }, icon("mic"));
  byId("send").before(voice);
  const buttons = TOOLS.map((tool) => el("button", {
    type: "button", class: "round", dataset: { testid: tool.testid }, "aria-label": tool.label, title: tool.label,
    onclick: () => {
      const caption = ["image", "document"].includes(tool.kind) && !operator ? takeText() : "";
      deeds.send({ kind: tool.kind, ...(caption ? { caption } : {}), ...takeQuote() });
    },
  }, icon(tool.icon)));
  const change = el("input", {
    type: "checkbox", role: "switch", id: "operator", dataset: { testid: "operator-toggle" },
    "aria-label": "Responder pelo celular da empresa",
  });
  change.addEventListener("change", () => {
    operator = change.checked;
    byId("composer-form").classList.toggle("operator", operator);
    field.placeholder = operator ? `Mensagem da ${deeds.company()}` : "Mensagem";
    dropAim();
    field.focus();
  });
  byId("tools").append(
    ...buttons,
    el("label", { class: "as-operator", for: "operator" }, el("span", {}, "Responder pelo celular da empresa"), change),
  );
}

function submit(deeds) {
  const text = field.value.trim();
  if (!text) return;
  if (operator) {
    deeds.operate(takeText());
  } else if (aim?.mode === "edit") {
    deeds.send({ kind: "edit", message_id: aim.message.id, text: takeText() });
    dropAim();
  } else {
    deeds.send({ kind: "text", text: takeText(), ...takeQuote() });
  }
}

function takeText() {
  const text = field.value.trim();
  field.value = "";
  grow();
  return text;
}

function takeQuote() {
  const quoted = aim?.mode === "reply" ? { quoted: aim.message.id } : {};
  dropAim();
  return quoted;
}

function grow() {
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, 120)}px`;
}

// The bar over the field: what the next message answers, or which message is being edited.
export function setAim(mode, message, who) {
  aim = { mode, message };
  byId("reply-who").textContent = mode === "edit" ? "Editando" : who;
  byId("reply-text").textContent = preview(message);
  byId("reply-to").hidden = false;
  if (mode === "edit") field.value = message.text;
  grow();
  field.focus();
}

export function dropAim() {
  if (aim?.mode === "edit") field.value = "";
  aim = null;
  byId("reply-to").hidden = true;
  grow();
}

export function focusField() {
  field.focus({ preventScroll: true });
}

function takeFiles(files, event, deeds) {
  if (!files?.length) return;
  event.preventDefault();
  for (const file of files) {
    if (file.size > FILE_LIMIT) {
      deeds.fail("Esse arquivo é grande demais para o simulador (limite de 16 MB).");
      continue;
    }
    const reader = new FileReader();
    reader.onload = () => {
      const kind = (/^(image|video|audio)\//.exec(file.type) || [])[1] || "document";
      deeds.send({ kind, data: reader.result, file_name: file.name });
    };
    reader.readAsDataURL(file);
  }
}
