import { byId, el, readablePhone } from "./dom.js";
import { avatar } from "./contacts.js";
import { copyFrom } from "./copy.js";
import { icon } from "./icons.js";

const DELIVERY_ERRORS = [
  "Phone number does not exist", "Timeout on send message", "Error on send message",
  "Whatsapp rejected sending this message", "You must accept buttons message terms in panel to send this message.",
  "Message not send caused by invalid media url", "SHADOW_BAN",
];
const STATUSES = [
  [null, "200 aceito"], [400, "400 assinatura"], [403, "403 token"], [404, "404 instância"], [429, "429 excesso"],
  [500, "500 interno"],
];

// What can go wrong, in the order of the panel. kind: flag (shown as on = `on`), number, choice.
const FAULTS = [
  { group: "WhatsApp" },
  { name: "connected", kind: "flag", label: "Celular da empresa conectado", help: "Desligado, as mensagens ficam na fila." },
  { name: "echo", kind: "flag", label: "Eco das mensagens enviadas", help: "O webhook também ouve o que o assistente envia." },
  { group: "Envio do assistente" },
  { name: "send_status", kind: "choice", label: "Resposta ao envio", choices: STATUSES },
  { name: "send_fail_count", kind: "number", label: "Quantos envios falham", help: "Vazio: até você mudar.", empty: null, min: 1 },
  { name: "send_delay_seconds", kind: "number", label: "Demora para responder (s)", min: 0, step: "any" },
  { name: "send_hang", kind: "flag", label: "Envio sem resposta", help: "A chamada fica pendurada e nada chega." },
  { name: "send_reset", kind: "flag", label: "Envio cortado", help: "A conexão cai no meio e nada chega." },
  { name: "drop_lists", kind: "flag", label: "Menus e botões somem", help: "Resposta 200, mas nunca chegam." },
  {
    name: "delivery_error", kind: "choice", label: "Erro na entrega",
    choices: [[null, "Nenhum"], ...DELIVERY_ERRORS.map((text) => [text, text])],
  },
  { name: "pace_seconds", kind: "number", label: "Ritmo da fila (s)", help: "Pausa de 1 a 3 vezes isto entre envios.", min: 0, step: "any" },
  { group: "Webhook" },
  { name: "duplicates", kind: "number", label: "Cópias repetidas", help: "De 0 a 9 a mais de cada aviso.", min: 0, max: 9 },
  { name: "reorder", kind: "flag", label: "Fora de ordem", help: "Mensagens seguidas chegam trocadas." },
  { name: "webhook_retries", kind: "number", label: "Novas tentativas", help: "Quando a resposta não é 200.", min: 0, max: 20 },
];
const NORMAL = {
  duplicates: 0, reorder: false, send_status: null, send_fail_count: null, send_delay_seconds: 0, send_hang: false, send_reset: false,
  drop_lists: false, delivery_error: null, connected: true, webhook_retries: 3, echo: true, pace_seconds: 0,
};

const ODDITIES = [
  ["Ligação de voz", { kind: "call" }],
  ["Mensagem em grupo", { kind: "group" }],
  ["Aguardando mensagem", { kind: "waiting" }],
  ["Resposta a status", { kind: "status_reply" }],
  ["Localização ao vivo", { kind: "live_location" }],
  ["Vídeo", { kind: "video" }],
  ["Lista de transmissão", { kind: "broadcast" }],
  ["Canal", { kind: "newsletter" }],
];

export function drawAbout(person) {
  const document_ = person.document
    ? el("div", { class: "document" },
      el("span", {}, el("small", {}, "Documento para digitar"), el("strong", {}, person.document)),
      copyButton(person.document))
    : null;
  byId("about").replaceChildren(
    el("h2", {}, "Sobre este contato"),
    el("div", { class: "about-who" }, avatar(person.name),
      el("span", {}, el("strong", {}, person.name), el("span", {}, readablePhone(person.phone)))),
    el("p", {}, person.about),
    ...(document_ ? [document_] : []),
  );
}

function copyButton(text) {
  const button = el("button", { type: "button", class: "chip", dataset: { testid: "copy-document" } },
    icon("copy", 16), el("span", {}, "Copiar"));
  button.addEventListener("click", () => copyFrom(button, text));
  return button;
}

// change(partial faults) and forget() come from app.js; drawn again whenever the faults are read.
export function drawFaults(faults, change, forget) {
  const on = Object.keys(NORMAL).filter((name) => faults[name] !== NORMAL[name]);
  const rows = FAULTS.map((fault) => (
    fault.group ? el("h3", {}, fault.group) : row(fault, faults[fault.name], on.includes(fault.name), change)));
  byId("faults").replaceChildren(
    el("div", { class: "card-head" }, el("h2", {}, "Defeitos"),
      on.length
        ? el("span", { class: "alarm" }, on.length === 1 ? "1 ligado" : `${on.length} ligados`)
        : el("span", { class: "calm" }, "tudo normal")),
    ...rows,
    el("div", { class: "panel-buttons" },
      el("button", { type: "button", class: "chip", disabled: !on.length, onclick: () => change(NORMAL) }, "Voltar ao normal"),
      el("button", { type: "button", class: "chip danger", onclick: forget }, "Apagar conversas")),
  );
  byId("faults-toggle").classList.toggle("has-faults", on.length > 0);
}

function row(fault, value, changed, change) {
  const id = `fault-${fault.name}`;
  const control = CONTROLS[fault.kind](fault, value, id, (next) => change({ [fault.name]: next }));
  return el(
    "div", { class: `fault ${fault.kind} ${changed ? "changed" : ""}` },
    el("label", { for: id }, el("span", {}, fault.label), fault.help ? el("small", {}, fault.help) : null), control,
  );
}

const CONTROLS = {
  flag(fault, value, id, set) {
    const box = el("input", { type: "checkbox", role: "switch", id, dataset: { testid: id } });
    box.checked = value;
    box.addEventListener("change", () => set(box.checked));
    return box;
  },
  number(fault, value, id, set) {
    const field = el("input", {
      type: "number", id, min: fault.min, max: fault.max, step: fault.step, inputmode: "decimal", dataset: { testid: id },
    });
    field.value = value ?? "";
    field.addEventListener("change", () => set(field.value === "" ? fault.empty ?? 0 : Number(field.value)));
    return field;
  },
  choice(fault, value, id, set) {
    const field = el("select", { id, dataset: { testid: id } }, fault.choices.map(([, words], place) => (
      el("option", { value: String(place) }, words))));
    field.value = String(Math.max(0, fault.choices.findIndex(([choice]) => choice === value)));
    field.addEventListener("change", () => set(fault.choices[Number(field.value)][0]));
    return field;
  },
};

export function drawOddities(send) {
  byId("oddities").replaceChildren(
    el("h2", {}, "Outros acontecimentos"),
    el("p", {}, "Coisas que o WhatsApp também manda e que o assistente precisa aguentar."),
    el("div", { class: "chips" }, ODDITIES.map(([label, body]) => (
      el("button", { type: "button", class: "chip", onclick: () => send(body) }, label)))),
  );
}
