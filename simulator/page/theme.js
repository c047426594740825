import { icon } from "./icons.js";

const KEY = "simulator-theme";
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function chosen() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

// Follows the system until somebody presses the button; then that choice is kept in this browser.
export function startTheme(button) {
  const apply = () => {
    const theme = chosen() || (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    button.replaceChildren(icon(theme === "dark" ? "sun" : "moon", 20));
    button.setAttribute("aria-pressed", String(theme === "dark"));
  };
  button.addEventListener("click", () => {
    try {
      localStorage.setItem(KEY, document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    } catch { /* private windows may refuse; the system's choice stays */ }
    apply();
  });
  dark.addEventListener("change", apply);
  apply();
}
