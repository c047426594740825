import { byId, clockTime, el, hueOf, initials, readablePhone } from "./dom.js";

// The list of people. state: {people, chats: Map(phone -> {messages, typing}), seen: Map, open}.
export function drawContacts(state, choose) {
  const list = byId("contacts");
  const focused = document.activeElement?.dataset?.testid;
  list.replaceChildren(...state.people.map((person) => row(state, person, choose)));
  if (focused?.startsWith("contact-")) list.querySelector(`[data-testid="${CSS.escape(focused)}"]`)?.focus();
}

function row(state, person, choose) {
  const chat = state.chats.get(person.phone);
  const last = chat?.messages[chat.messages.length - 1];
  const unread = unreadOf(state, person.phone);
  return el(
    "button",
    {
      type: "button", class: "contact", dataset: { testid: `contact-${person.phone}` },
      "aria-current": person.phone === state.open ? "true" : null,
      onclick: () => choose(person.phone),
    },
    avatar(person.name),
    el(
      "span", { class: "contact-words" },
      el("span", { class: "contact-line" },
        el("strong", {}, person.name === person.phone ? readablePhone(person.phone) : person.name),
        last ? el("time", {}, clockTime(last.at)) : null),
      el("span", { class: "contact-line" },
        el("span", { class: "contact-phone" }, readablePhone(person.phone)),
        unread ? el("span", { class: "unread", "aria-label": `${unread} não lidas` }, String(unread)) : null),
      chat?.typing
        ? el("span", { class: "contact-about is-typing" }, "digitando…")
        : el("span", { class: "contact-about", title: person.about }, person.about),
    ),
  );
}

export function avatar(name) {
  const node = el("span", { class: "avatar", "aria-hidden": "true" }, initials(name));
  node.style.setProperty("--hue", hueOf(name));
  return node;
}

export function unreadOf(state, phone) {
  const seen = state.seen.get(phone) || 0;
  const messages = state.chats.get(phone)?.messages || [];
  return messages.filter((message) => message.seq > seen && message.from !== "customer").length;
}
