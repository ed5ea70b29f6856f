/* What scripts add to a page that already works: each part looks for its own markup. */
import { enableCopying } from "./copying.js";
import { enableForms } from "./forms.js";
import { enableKeyboard } from "./keyboard.js";
import { enableLists } from "./lists.js";
import { enableLive } from "./live.js";
import { enablePreview } from "./preview.js";
import { enableSearch } from "./search.js";
import { enableSimilar } from "./similar.js";
import { enableThemeSwitch } from "./colours.js";

enableThemeSwitch();
enableCopying();
enableLists();
enableLive();
enableForms();
enableKeyboard();
enablePreview();
enableSimilar();
enableSearch();

/* What was told once is not told again when the page is loaded anew or kept as a bookmark. */
const address = new URL(location.href);
if (address.searchParams.has("told")) {
  address.searchParams.delete("told");
  history.replaceState(null, "", address);
}

/* A failed form is announced and reached first. */
document.querySelector("[data-error-summary]")?.focus();

/* Menus (of a narrow screen, of tabs) close on Escape and on a press outside them. */
for (const menu of document.querySelectorAll("[data-menu]")) {
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
