// el("button", {class: "x", onclick: f, dataset: {testid: "y"}}, child, "text"): an element, text always as text.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "dataset") Object.assign(node.dataset, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

export function initials(name) {
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word));
  return words.length ? [words[0], words.length > 1 ? words[words.length - 1] : ""].map((w) => w.charAt(0)).join("") : "#";
}

const HUES = [168, 204, 262, 328, 18, 38, 140, 226];

export function hueOf(text) {
  let sum = 7;
  for (const letter of text) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return HUES[sum % HUES.length];
}

export function readablePhone(phone) {
  if (phone.endsWith("@lid")) return phone;
  const parts = /^55(\d{2})(\d{4,5})(\d{4})$/.exec(phone);
  return parts ? `+55 ${parts[1]} ${parts[2]}-${parts[3]}` : `+${phone}`;
}

export function clockTime(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString("pt-BR", { hour: "2-digit", minute: "2-digit" });
}

export function fileSize(bytes) {
  if (!bytes) return "";
  return bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} kB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
