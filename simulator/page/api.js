// The simulator's JSON interface. Every call throws an Error whose message can be shown.

async function call(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("O simulador não respondeu. Ele está ligado?");
  }
  const content = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(content?.error || `O simulador respondeu ${answer.status}.`);
  return content;
}

const chat = (phone) => `/api/chats/${encodeURIComponent(phone)}`;

export const contacts = () => call("GET", "/api/contacts");
export const company = () => call("GET", "/api/company");
export const messages = (phone) => call("GET", `${chat(phone)}/messages`);
export const say = (phone, body) => call("POST", `${chat(phone)}/messages`, body);
export const operate = (phone, text) => call("POST", `${chat(phone)}/operator`, { text });
export const faults = () => call("GET", "/api/faults");
export const setFaults = (change) => call("PUT", "/api/faults", change);
export const forgetChats = () => call("DELETE", "/api/chats");

// Calls onEvent({phone, what}) for each event and onState(true|false) when the line goes up or down.
export function listen(onEvent, onState) {
  const source = new EventSource("/api/events");
  source.onopen = () => onState(true);
  source.onerror = () => onState(false);
  source.onmessage = (event) => onEvent(JSON.parse(event.data));
}
