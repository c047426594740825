import { clockTime, el, fileSize, hueOf, initials, readablePhone } from "./dom.js";
import { copyAndSay, copyFrom } from "./copy.js";
import { formatted, isCode } from "./format.js";
import { icon, ticks } from "./icons.js";

const LONG_PRESS_MS = 550;
const ONLY_EMOJI = /^(\p{Extended_Pictographic}|\p{Emoji_Component}){1,10}$/u;
const ELSEWHERE = { group: "No grupo", newsletter: "No canal", broadcast: "Na lista" };
const SHORT = {
  audio: "🎤 Nota de voz", image: "📷 Foto", video: "🎬 Vídeo", document: "📄 Documento", sticker: "Figurinha",
  location: "📍 Localização", live_location: "📍 Localização ao vivo", contact: "👤 Contato", call: "📞 Ligação",
  pix: "Chave Pix",
};

// One line about a message, for quotes.
export function preview(message) {
  if (message.deleted) return "Mensagem apagada";
  const words = message.text.replace(/[*_~`]/g, "").split("\n")[0];
  const kind = SHORT[message.kind];
  return kind ? [kind, message.file_name || words].filter(Boolean).join(" · ") : words;
}

// The element of a message. deeds: {tap(message, option), openMenu(message), openList(message), find(id)}.
export function bubble(message, deeds) {
  const node = el("article", {
    class: `bubble ${message.from === "customer" ? "out" : "in"} ${message.from} kind-${message.kind}`,
    dataset: { testid: "bubble", from: message.from, kind: message.kind, seq: message.seq, id: message.id },
    tabindex: "0",
  });
  if (message.from === "operator") node.append(el("span", { class: "tag" }, "Atendente, pelo celular da empresa"));
  const quoted = message.quoted && !message.deleted && deeds.find(message.quoted);
  if (quoted) node.append(quote(quoted, deeds));
  if (message.deleted) node.append(el("p", { class: "text gone" }, "Mensagem apagada"));
  else node.append(...content(message, deeds));
  node.append(meta(message));
  if (!message.deleted) node.append(...below(message, deeds));
  if (message.reactions?.length) {
    node.append(el("span", { class: "reaction", "aria-label": "Reação" }, message.reactions.join("")));
  }
  node.append(menuButton(message, deeds));
  copyByHand(node, message);
  return node;
}

function quote(message, deeds) {
  const who = message.from === "customer" ? "Você" : deeds.company;
  return el(
    "button", { type: "button", class: `quote ${message.from}`, onclick: () => deeds.show(message) },
    el("strong", {}, who), el("span", {}, preview(message)),
  );
}

function meta(message) {
  return el(
    "footer", { class: "meta" },
    message.edited ? el("span", {}, "editada") : null,
    el("time", {}, clockTime(message.at)),
    message.from === "customer" ? ticks(message.status) : null,
  );
}

function menuButton(message, deeds) {
  const button = el("button", {
    type: "button", class: "more", "aria-label": "Opções da mensagem", onclick: () => deeds.openMenu(message),
  });
  button.append(icon("down", 18));
  return button;
}

function words(text, extra = "") {
  if (!text) return null;
  const plain = text.trim();
  const emoji = ONLY_EMOJI.test(plain) && !/^\d+$/.test(plain) ? "emoji" : "";
  return el("p", { class: `text ${extra} ${emoji}` }, formatted(text));
}

function title(text) {
  return text ? el("strong", { class: "title" }, text) : null;
}

function content(message, deeds) {
  const draw = KINDS[message.kind];
  if (draw) return draw(message, deeds).flat().filter(Boolean);
  const code = isCode(message.text);
  return [words(message.text, code ? "code" : "")].filter(Boolean);
}

const KINDS = {
  audio: (message) => [voice(message)],
  image: (message) => [picture(message, message.text || "Foto"), words(message.text)],
  video: (message) => [
    el("a", { class: "clip", href: message.media, target: "_blank", rel: "noopener", "aria-label": "Vídeo" },
      icon("play", 34), message.seconds ? el("span", {}, duration(message.seconds)) : null),
    words(message.text),
  ],
  sticker: (message) => [picture(message, "Figurinha")],
  document: (message) => [paper(message), words(message.text)],
  location: (message) => [map(message), title(message.title), words(message.text)],
  live_location: (message) => [map(message), title("Localização ao vivo"), words(message.text)],
  contact: (message) => [card(message)],
  link: (message) => [
    el("a", { class: "link-card", href: safe(message.url), target: "_blank", rel: "noopener noreferrer" },
      el("strong", {}, message.title), el("span", {}, message.description)),
    words(message.text),
  ],
  list: (message) => [title(message.title), words(message.text)],
  buttons: (message) => [
    title(message.title), words(message.text),
    message.footer ? el("p", { class: "footer" }, message.footer) : null,
  ],
  poll: (message) => [title("Enquete"), words(message.text)],
  otp: (message) => [words(message.text), words(message.code, "code")],
  pix: (message) => [title(message.title), words(message.code, "code")],
  call: (message) => [
    el("p", { class: "event" }, icon(message.text === "Voz" ? "phone" : "video", 20),
      message.text === "Voz" ? "Ligação de voz" : "Ligação de vídeo"),
  ],
  group: elsewhere,
  newsletter: elsewhere,
  broadcast: elsewhere,
  status_reply: (message) => [el("span", { class: "tag" }, "Resposta a um status"), words(message.text)],
};

function elsewhere(message) {
  return [el("span", { class: "tag" }, `${ELSEWHERE[message.kind]}: ${message.title}`), words(message.text)];
}

function safe(address) {
  return /^https?:\/\//i.test(address || "") ? address : null;
}

function picture(message, name) {
  const image = el("img", { src: message.media, alt: name, loading: "lazy" });
  return el("a", { class: "picture", href: message.media, target: "_blank", rel: "noopener noreferrer" }, image);
}

function duration(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

// A voice note: bars whose heights come from its id, so that they stay the same.
function voice(message) {
  const sound = el("audio", { src: message.media, preload: "none" });
  const length = el("span", { class: "voice-time" }, duration(message.seconds || 0));
  const play = el("button", { type: "button", class: "voice-play", "aria-label": "Ouvir a nota de voz" }, icon("play", 26));
  const bars = el("span", { class: "bars", "aria-hidden": "true" });
  for (let place = 0; place < 34; place += 1) {
    const letter = message.id.charCodeAt((place * 5) % message.id.length);
    const bar = el("i");
    bar.style.height = `${4 + ((letter * (place + 3)) % 17)}px`;
    bars.append(bar);
  }
  const mark = (share) => [...bars.children].forEach((bar, place) => {
    bar.classList.toggle("heard", share > place / bars.children.length);
  });
  play.addEventListener("click", () => (sound.paused ? sound.play().catch(() => undefined) : sound.pause()));
  sound.addEventListener("timeupdate", () => mark(sound.currentTime / (message.seconds || sound.duration || 1)));
  sound.addEventListener("ended", () => mark(0));
  return el("div", { class: "voice" }, play, el("div", { class: "voice-body" }, bars, length), sound);
}

function paper(message) {
  const name = message.file_name || "documento";
  const kind = (name.split(".").pop() || "").toUpperCase();
  const facts = [kind, fileSize(message.size)].filter(Boolean).join(" · ");
  const link = el(
    "a", {
      class: "paper", href: message.media, target: "_blank", rel: "noopener noreferrer",
      dataset: { testid: "pdf-open" }, "aria-label": `Abrir ${name}`,
    },
  );
  if (kind === "PDF" && message.media?.startsWith("/api/media/")) {
    const page = el("img", { class: "paper-page", src: `${message.media}/preview`, alt: "", loading: "lazy" });
    page.addEventListener("error", () => page.remove());
    link.append(page);
  }
  link.append(el(
    "span", { class: "paper-foot" },
    el("span", { class: "paper-icon", "aria-hidden": "true" }, kind.slice(0, 4)),
    el("span", { class: "paper-words" }, el("strong", {}, name), el("span", {}, facts)),
  ));
  return link;
}

function map(message) {
  const at = `${message.latitude},${message.longitude}`;
  return el(
    "a", {
      class: "map", href: `https://www.openstreetmap.org/?mlat=${message.latitude}&mlon=${message.longitude}&zoom=17`,
      target: "_blank", rel: "noopener noreferrer", "aria-label": `Ver no mapa: ${at}`,
    },
    el("span", { class: "map-pin" }, icon("pin", 30)), el("span", { class: "map-at" }, at),
  );
}

function card(message) {
  const face = el("span", { class: "avatar", "aria-hidden": "true" }, initials(message.text));
  face.style.setProperty("--hue", hueOf(message.text));
  return el("div", { class: "card-contact" }, face,
    el("span", {}, el("strong", {}, message.text), el("span", {}, readablePhone(message.phone || ""))));
}

// What hangs under the words: a copy button, the button of a list, the buttons themselves.
function below(message, deeds) {
  const code = message.code || (message.kind === "text" && isCode(message.text) ? message.text.trim() : "");
  const rows = [];
  if (code) rows.push(copyButton(code, message.kind === "otp" ? message.button : "Copiar"));
  if (message.kind === "list") {
    rows.push(el(
      "button", {
        type: "button", class: "under", dataset: { testid: "menu-open" }, "aria-haspopup": "dialog",
        onclick: () => deeds.openList(message),
      },
      icon("list", 19), el("span", {}, message.button || "Ver opções"),
    ));
  }
  if (message.kind === "buttons" || message.kind === "poll") {
    for (const option of message.options || []) rows.push(optionButton(message, option, deeds));
  }
  return rows;
}

function copyButton(code, label) {
  const button = el(
    "button", { type: "button", class: "under", dataset: { testid: "copy" } }, icon("copy", 18), el("span", {}, label),
  );
  button.addEventListener("click", () => copyFrom(button, code));
  return button;
}

function optionButton(message, option, deeds) {
  const marks = { url: "link", call: "phone" };
  const inside = [marks[option.action] ? icon(marks[option.action], 18) : icon("reply", 18), el("span", {}, option.title)];
  const dataset = { testid: "button-option", optionId: option.id };
  if (option.action === "url" || option.action === "call") {
    const href = option.action === "url" ? safe(option.url) : `tel:+${(option.phone || "").replace(/\D/g, "")}`;
    return el("a", { class: "under", href, target: "_blank", rel: "noopener noreferrer", dataset }, inside);
  }
  return el("button", { type: "button", class: "under", dataset, onclick: () => deeds.tap(message, option) }, inside);
}

// Long press or double click copies the words of any bubble.
function copyByHand(node, message) {
  const text = message.code || message.text || message.file_name || "";
  if (!text || message.deleted) return;
  let timer = 0;
  const inert = (target) => target.closest("button, a, audio");
  node.addEventListener("dblclick", (event) => { if (!inert(event.target)) copyAndSay(text); });
  node.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" || inert(event.target)) return;
    timer = setTimeout(() => copyAndSay(text), LONG_PRESS_MS);
  });
  for (const name of ["pointerup", "pointercancel", "pointermove", "pointerleave"]) {
    node.addEventListener(name, () => clearTimeout(timer));
  }
}
