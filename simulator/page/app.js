// The page: a list of people, the phone of the one that is chosen, and the panel of faults.

import * as api from "./api.js";
import { drawChat, showMessage, startLog } from "./chat.js";
import { dropAim, focusField, setAim, startComposer } from "./composer.js";
import { drawContacts } from "./contacts.js";
import { copyAndSay, toast } from "./copy.js";
import { byId, clockTime, initials } from "./dom.js";
import { icon } from "./icons.js";
import { drawAbout, drawFaults, drawOddities } from "./panel.js";
import { closeSheet, openSheet } from "./sheet.js";
import { startTheme } from "./theme.js";

const WIDE = window.matchMedia("(min-width: 900px)");
const SINGLE = window.matchMedia("(max-width: 639px)");
const NEW_PEOPLE_MS = 1500;
const FACES = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

const app = byId("app");
const state = { people: [], chats: new Map(), seen: new Map(), open: null, company: { name: "", assistant: "" } };
let peopleTimer = 0;
const loading = new Map(); // phone -> true when it must be read once more

const deeds = {
  get company() { return state.company.name; },
  get assistant() { return state.company.assistant; },
  find: (id) => openChat().messages.find((message) => message.id === id),
  show: showMessage,
  tap: (message, option) => send({ kind: "option", message_id: message.id, option_id: option.id }),
  openList: (message) => openSheet({
    title: message.button || "Opções",
    rows: message.options.map((option) => ({
      label: option.title, description: option.description, testid: "option", id: option.id,
      run: () => deeds.tap(message, option),
    })),
  }),
  openMenu,
};

function openChat() {
  return state.chats.get(state.open) || { messages: [], typing: false };
}

async function attempt(deed) {
  try {
    return await deed;
  } catch (error) {
    toast(error.message);
    return null;
  }
}

const send = (body) => attempt(api.say(state.open, body));

function openMenu(message) {
  const mine = message.from === "customer";
  const rows = [
    { label: "Responder", icon: "reply", run: () => setAim("reply", message, mine ? "Você" : state.company.name) },
  ];
  const text = message.code || message.text;
  if (text) rows.push({ label: "Copiar", icon: "copy", run: () => copyAndSay(text) });
  if (mine && message.kind === "text" && !message.deleted) {
    rows.push({ label: "Editar", icon: "pencil", run: () => setAim("edit", message) });
  }
  if (mine && !message.deleted) {
    const run = () => send({ kind: "delete", message_id: message.id });
    rows.push({ label: "Apagar para todos", icon: "trash", danger: true, run });
  }
  const react = (value) => send({ kind: "reaction", message_id: message.id, value });
  const faces = FACES.map((face) => ({
    label: face, run: () => react(message.reactions?.includes(face) ? "" : face),
  }));
  openSheet({ title: "Mensagem", faces: message.deleted ? [] : faces, rows });
}

// Reads a chat again; calls that come while it is being read lead to one more reading.
async function refresh(phone) {
  if (loading.has(phone)) {
    loading.set(phone, true);
    return;
  }
  loading.set(phone, false);
  try {
    state.chats.set(phone, await api.messages(phone));
  } catch (error) {
    toast(error.message);
  }
  const again = loading.get(phone);
  loading.delete(phone);
  if (again) {
    await refresh(phone);
    return;
  }
  draw(phone);
}

function draw(phone, jump = false) {
  const messages = state.chats.get(phone)?.messages || [];
  const last = messages[messages.length - 1]?.seq || 0;
  const visible = phone === state.open && !(SINGLE.matches && app.dataset.view === "list");
  if (visible || last < (state.seen.get(phone) || 0)) state.seen.set(phone, last);
  drawContacts(state, choose);
  if (phone !== state.open) return;
  const chat = openChat();
  drawChat(phone, chat, deeds, jump);
  byId("chat-state").textContent = chat.typing ? "digitando…" : `${state.company.assistant}, assistente virtual`;
  byId("chat-state").classList.toggle("is-typing", chat.typing);
}

function choose(phone, show = true) {
  const person = state.people.find((one) => one.phone === phone);
  if (!person) return;
  if (phone !== state.open) {
    closeSheet();
    dropAim();
  }
  state.open = phone;
  if (show) app.dataset.view = "chat";
  history.replaceState(null, "", `#${phone}`);
  drawAbout(person);
  draw(phone, true);
  if (WIDE.matches) focusField();
}

function setPanel(open) {
  app.dataset.panel = open ? "open" : "closed";
  byId("faults-toggle").setAttribute("aria-expanded", String(open));
  if (open) readFaults();
}

async function readFaults() {
  const faults = await attempt(api.faults());
  if (faults) showFaults(faults);
}

function showFaults(faults) {
  const focused = document.activeElement?.id;
  drawFaults(faults, changeFaults, forget);
  if (focused?.startsWith("fault-")) byId(focused)?.focus();
}

async function changeFaults(change) {
  const faults = await attempt(api.setFaults(change));
  if (faults) showFaults(faults);
  else readFaults();
}

async function forget() {
  await attempt(api.forgetChats());
  toast("Conversas apagadas");
}

async function readPeople() {
  state.people = await api.contacts();
  await Promise.all(state.people.map((person) => refresh(person.phone)));
}

function onEvent({ phone }) {
  if (state.people.some((person) => person.phone === phone)) refresh(phone);
  else if (!peopleTimer) {
    peopleTimer = setTimeout(() => {
      peopleTimer = 0;
      readPeople().catch(() => undefined);
    }, NEW_PEOPLE_MS);
  }
}

function onLine(up) {
  const words = byId("link-state");
  words.textContent = up ? "No ar" : "Sem contato com o simulador";
  words.classList.toggle("down", !up);
  if (up) readPeople().then(readFaults).catch((error) => toast(error.message));
}

function startFrame() {
  byId("back").append(icon("back", 24));
  byId("faults-toggle").append(icon("sliders", 22));
  byId("panel-close").append(icon("close", 20));
  byId("back").addEventListener("click", () => {
    app.dataset.view = "list";
    byId("contacts").querySelector("[aria-current]")?.focus();
  });
  byId("faults-toggle").addEventListener("click", () => setPanel(app.dataset.panel !== "open"));
  byId("panel-close").addEventListener("click", () => setPanel(false));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !WIDE.matches) setPanel(false);
  });
  const tick = () => { byId("clock").textContent = clockTime(Date.now()); };
  tick();
  setInterval(tick, 10_000);
  WIDE.addEventListener("change", () => setPanel(WIDE.matches));
  window.addEventListener("focus", () => { if (state.people.length) readFaults(); });
}

async function start() {
  startTheme(byId("theme-toggle"));
  startFrame();
  startLog();
  setPanel(WIDE.matches);
  startComposer({
    send, operate: (text) => attempt(api.operate(state.open, text)), fail: toast, company: () => state.company.name,
  });
  drawOddities((body) => {
    send(body);
    if (!WIDE.matches) setPanel(false);
  });
  state.company = await api.company();
  byId("company-name").textContent = state.company.name;
  byId("company-avatar").textContent = initials(state.company.name);
  await readPeople();
  for (const [phone, chat] of state.chats) state.seen.set(phone, chat.last);
  const asked = decodeURIComponent(location.hash.slice(1));
  const first = state.people.find((person) => person.phone === asked) || state.people[0];
  choose(first.phone, Boolean(asked) || !SINGLE.matches);
  api.listen(onEvent, onLine);
}

start().catch((error) => toast(error.message));
