// Line icons, drawn for this page on a 24x24 grid. icon(name) gives an <svg> element.

const PATHS = {
  back: "M15 5l-7 7 7 7",
  send: "M4.5 12L20 4.5 15.5 20l-4-6.500L20 4.500M4.5 12l7 1.5",
  mic: "M12 3.500a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0v-5a3 3 0 0 1 3-3zM5.5 11.500a6.5 6.5 0 0 0 13 0M12 18v3",
  camera: "M4 8.500h3.200L9 5.500h6l1.8 3H20a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-8a1 1 0 0 1 1-1zM12 16.500a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.600z",
  pin: "M12 21s-6.5-6-6.5-11a6.5 6.5 0 0 1 13 0c0 5-6.5 11-6.5 11zM12 12.500a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.5 14.500c.8 1.4 2 2 3.5 2s2.7-.6 3.5-2M9 9.500v.6M15 9.500v.6",
  file: "M6.5 3.500h7l4.5 4.500v12a.8.8 0 0 1-.8.800H6.500a.8.8 0 0 1-.8-.8V4.300a.8.8 0 0 1 .8-.8zM13.5 3.500V8H18M8.8 12.500h6M8.8 16h6",
  person: "M12 11.500a3.8 3.8 0 1 0 0-7.6 3.8 3.8 0 0 0 0 7.600zM4.5 20.500c.6-4 3.6-6 7.5-6s6.9 2 7.5 6",
  headset: "M4.5 15.500v-3a7.5 7.5 0 0 1 15 0v3M4.5 13.500h2.300v5H5.500a1 1 0 0 1-1-1zM19.5 13.500h-2.300v5h1.300a1 1 0 0 0 1-1zM17.5 18.500c0 1.6-1.5 2.5-4 2.5",
  sliders: "M4 7h9M17 7h3M4 12h3M11 12h9M4 17h9M17 17h3M15 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM9 14a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM15 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  sun: "M12 16.500a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM12 2.500v2M12 19.500v2M2.5 12h2M19.5 12h2M5.3 5.300l1.4 1.400M17.3 17.300l1.4 1.400M18.7 5.300l-1.4 1.400M6.7 17.300l-1.4 1.4",
  moon: "M20 14.200A8.3 8.3 0 0 1 9.8 4a8.3 8.3 0 1 0 10.2 10.200z",
  copy: "M9 8.500h9.500v12H9zM15 8.500v-5H5.500v12H9",
  check: "M5 12.500l4.5 4.500L19 7.5",
  list: "M9 6.500h11M9 12h11M9 17.500h11M4.5 6.500h.6M4.5 12h.6M4.5 17.500h.6",
  close: "M6 6l12 12M18 6L6 18",
  down: "M6 9.500l6 6 6-6",
  reply: "M10 6.500L4.5 12l5.5 5.500M4.5 12H14c3.5 0 5.5 2 5.5 5.5",
  pencil: "M5 19l.8-3.800L16.5 4.500l3 3L8.8 18.200z",
  trash: "M5 7h14M9.5 7V4.500h5V7M7 7l.8 13h8.400L17 7M10.5 10.500v6M13.5 10.500v6",
  link: "M10 14l4-4M8.5 11l-2.6 2.600a3.3 3.3 0 0 0 4.6 4.600L13 15.500M15.5 13l2.6-2.600a3.3 3.3 0 0 0-4.6-4.600L11 8.5",
  phone: "M6 3.800h3l1.5 4.2-2 1.500a12 12 0 0 0 6 6l1.5-2 4.2 1.500v3c0 1-.8 1.7-1.7 1.700A14.8 14.8 0 0 1 4.3 5.500c0-1 .7-1.7 1.7-1.700z",
  play: "M8 5.500v13l10.5-6.500z",
  video: "M3.5 6.500h11v11h-11zM14.5 10.500l6-3v9l-6-3",
  warn: "M12 4l9 16H3zM12 10v4.500M12 17.300v.2",
};

const NAMESPACE = "http://www.w3.org/2000/svg";

export function icon(name, size = 22) {
  const svg = document.createElementNS(NAMESPACE, "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24", width: size, height: size, fill: "none", stroke: "currentColor",
    "stroke-width": 1.8, "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
  })) svg.setAttribute(key, value);
  const path = document.createElementNS(NAMESPACE, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

// The ticks under a sent message: one (sent), two (arrived), two in blue (read), or a warning sign.
export function ticks(status) {
  const words = { SENT: "Enviada", RECEIVED: "Entregue", READ: "Lida", FAILED: "O assistente não recebeu" };
  const mark = document.createElement("span");
  mark.className = `ticks ${status.toLowerCase()}`;
  mark.title = words[status] || "";
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", words[status] || "");
  if (status === "FAILED") {
    mark.append(icon("warn", 15));
    return mark;
  }
  const svg = document.createElementNS(NAMESPACE, "svg");
  const paths = status === "SENT" ? ["M4 6.500l3 3L13.5 2"] : ["M1 6.500l3 3L10.5 2", "M8.2 9.300l.4.200L15.5 2"];
  for (const [key, value] of Object.entries({
    viewBox: "0 0 17 11", width: 17, height: 11, fill: "none", stroke: "currentColor", "stroke-width": 1.5,
    "stroke-linecap": "round", "stroke-linejoin": "round",
  })) svg.setAttribute(key, value);
  for (const shape of paths) {
    const path = document.createElementNS(NAMESPACE, "path");
    path.setAttribute("d", shape);
    svg.append(path);
  }
  mark.append(svg);
  return mark;
}
