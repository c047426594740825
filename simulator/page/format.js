// WhatsApp's way of writing: *bold*, _italic_, ~strike~, `mono`, ```block```, and links, as DOM nodes.
// Only text nodes and elements made here: what somebody wrote is never read as HTML.

const MARKS = { "*": "strong", "_": "em", "~": "s" };
const LINK = /\bhttps?:\/\/[^\s<>"']+/g;
const TRAILING = /[.,;:!?)\]}*_~]+$/;

export function formatted(text) {
  const nodes = [];
  text.split(/```([\s\S]+?)```/).forEach((part, place) => {
    if (place % 2) nodes.push(wrap("code", [part.replace(/^\n|\n$/g, "")], "block"));
    else if (part) nodes.push(...inline(part));
  });
  return nodes;
}

function inline(text) {
  const nodes = [];
  text.split(/`([^`\n]+)`/).forEach((part, place) => {
    if (place % 2) nodes.push(wrap("code", [part]));
    else if (part) nodes.push(...links(part));
  });
  return nodes;
}

function links(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const address = match[0].replace(TRAILING, "");
    nodes.push(...marks(text.slice(from, match.index)));
    const anchor = wrap("a", [address]);
    anchor.href = address;
    anchor.target = "_blank";
    anchor.rel = "noopener noreferrer";
    nodes.push(anchor);
    from = match.index + address.length;
  }
  return [...nodes, ...marks(text.slice(from))];
}

// A mark opens before a non-space and closes after one, at the edge of a word, within a line.
function marks(text) {
  const found = /(^|[^\p{L}\p{N}])([*_~])(?=\S)([^\n]*?\S)\2(?![\p{L}\p{N}])/u.exec(text);
  if (!found) return text ? [document.createTextNode(text)] : [];
  const start = found.index + found[1].length;
  const end = found.index + found[0].length;
  return [
    ...marks(text.slice(0, start)),
    wrap(MARKS[found[2]], marks(found[3])),
    ...marks(text.slice(end)),
  ];
}

function wrap(tag, children, className = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

const PIX = /^000201\S[\s\S]*6304[0-9A-Fa-f]{4}$/;

// True for a message that is nothing but a Pix code, or the 44 to 48 digits of a boleto.
export function isCode(text) {
  const bare = text.trim();
  if (PIX.test(bare) && !bare.includes("\n")) return true;
  return /^[\d .-]+$/.test(bare) && /^\d{44,48}$/.test(bare.replace(/[ .-]/g, ""));
}
