/* The switch between the system's colours, light and dark; the choice stays in this browser. */
const NEXT = { system: "light", light: "dark", dark: "system" };
const NAMES = { system: "as the system", light: "light", dark: "dark" };

/** @returns {"system" | "light" | "dark"} */
function current() {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "system";
}

/** @param {"system" | "light" | "dark"} theme */
function choose(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme);
  } catch {
    /* Storage may be forbidden; the choice then lasts for this page. */
  }
}

export function enableThemeSwitch() {
  const buttons = document.querySelectorAll("[data-theme-switch]");
  const label = () => {
    for (const button of buttons) {
      const text = `Colours: ${NAMES[current()]}. Change to ${NAMES[NEXT[current()]]}.`;
      button.setAttribute("aria-label", text);
      button.setAttribute("title", text);
    }
  };
  for (const button of buttons) {
    button.hidden = false;
    button.addEventListener("click", () => {
      choose(NEXT[current()]);
      label();
    });
  }
  label();
}
