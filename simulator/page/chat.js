import { byId, el } from "./dom.js";
import { bubble } from "./bubbles.js";
import { icon } from "./icons.js";

const NEAR_END = 120;
const drawn = new Map();
let shown = null;

// Draws the open chat: only bubbles that changed are made anew, so that focus and scrolling stay.
// jump: the chat has just been opened, so its end comes into sight.
export function drawChat(phone, chat, deeds, jump) {
  const log = byId("log");
  const fresh = shown !== phone;
  if (fresh) {
    drawn.clear();
    log.replaceChildren();
    shown = phone;
  }
  const follow = fresh || jump || log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END;
  const known = drawn.size;
  const wanted = [];
  let before = null;
  for (const message of chat.messages) {
    if (!before || day(before) !== day(message)) wanted.push(line(`day-${day(message)}`, () => dayMark(message)));
    const first = !before || before.from !== message.from || day(before) !== day(message);
    const quoted = message.quoted ? deeds.find(message.quoted) : null;
    const look = JSON.stringify([message, first, quoted && [quoted.text, quoted.deleted]]);
    wanted.push(line(`message-${message.seq}`, () => row(message, first, deeds), look));
    before = message;
  }
  if (!chat.messages.length && !chat.typing) wanted.push(line("empty", () => empty(deeds)));
  if (chat.typing) wanted.push(line("typing", dots));
  settle(log, wanted);
  const newest = chat.messages[chat.messages.length - 1];
  const mine = newest && newest.from !== "theo" && drawn.size > known;
  if (follow || mine) toEnd(fresh || jump ? "auto" : "smooth");
  markEnd();
}

// Scrolls to a message that was quoted and lights it up for a moment.
export function showMessage(message) {
  const node = drawn.get(`message-${message.seq}`)?.node;
  if (!node) return;
  node.scrollIntoView({ block: "center", behavior: "smooth" });
  node.classList.add("lit");
  setTimeout(() => node.classList.remove("lit"), 1400);
}

export function startLog() {
  const log = byId("log");
  const button = byId("to-end");
  button.append(icon("down", 22));
  button.addEventListener("click", () => toEnd("smooth"));
  log.addEventListener("scroll", markEnd, { passive: true });
  // Pictures that load late must not push the end out of sight.
  log.addEventListener("load", (event) => {
    if (event.target.tagName === "IMG" && log.scrollHeight - log.scrollTop - log.clientHeight < 420) toEnd("auto");
  }, true);
}

function toEnd(behavior) {
  const log = byId("log");
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  log.scrollTo({ top: log.scrollHeight, behavior: calm ? "auto" : behavior });
}

function markEnd() {
  const log = byId("log");
  byId("to-end").hidden = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END * 2;
}

function line(key, make, look = "") {
  const old = drawn.get(key);
  if (old && old.look === look) return { key, ...old };
  return { key, look, node: make() };
}

function settle(log, wanted) {
  drawn.clear();
  wanted.forEach(({ key, look, node }, place) => {
    drawn.set(key, { look, node });
    if (log.children[place] !== node) log.insertBefore(node, log.children[place] || null);
  });
  while (log.children.length > wanted.length) log.lastChild.remove();
}

function row(message, first, deeds) {
  const side = message.from === "customer" ? "out" : "in";
  return el("div", { class: `row ${side} ${first ? "first" : ""}` }, bubble(message, deeds));
}

function day(message) {
  return new Date(message.at).toDateString();
}

function dayMark(message) {
  const today = new Date().toDateString() === day(message);
  const words = today ? "Hoje" : new Date(message.at).toLocaleDateString("pt-BR", { day: "numeric", month: "long" });
  return el("div", { class: "day" }, el("span", {}, words));
}

function dots() {
  return el(
    "div", { class: "row in first" },
    el("div", { class: "bubble in typing", dataset: { testid: "typing" }, role: "status", "aria-label": "Digitando" },
      el("i"), el("i"), el("i")),
  );
}

function empty(deeds) {
  return el(
    "div", { class: "empty" },
    el("p", {}, `Diga oi para ${deeds.assistant}.`),
    el("p", {}, "O que você escrever aqui chega ao assistente como se viesse do WhatsApp dessa pessoa."),
  );
}
