/* What scripts add to a page that already works: each part looks for its own markup. */
import { enableCopying } from "./copying.js";
import { enableKeyboard } from "./keyboard.js";
import { enableLists } from "./lists.js";
import { enableThemeSwitch } from "./colours.js";

enableThemeSwitch();
enableCopying();
enableLists();
enableKeyboard();

/* A failed form is announced and reached first. */
document.querySelector("[data-error-summary]")?.focus();

/* The menu of a narrow screen closes on Escape and on a press outside it. */
const menu = document.querySelector("[data-menu]");
if (menu) {
  document.addEventListener("click", (event) => {
    if (menu.open && !menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}
