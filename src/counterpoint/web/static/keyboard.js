/* Shortcuts of one key, and of g and a letter. None works while somebody types. */
import { moveInList } from "./lists.js";

const PLACES = { h: "/", c: "/catalog", r: "/concerns", o: "/organisation", d: "/docs", k: "/scorecards", b: "/bets", f: "/flags", e: "/experiments", j: "/events", a: "/activity", s: "/settings" };
const PATIENCE = 1200; // milliseconds between g and its letter

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** The first field of the page's filters, where it has some. */
function focusFilters() {
  const inputs = [...document.querySelectorAll("[data-filters] input, input[data-filter]")];
  const shown = inputs.find((input) => input.getClientRects().length);
  shown?.select();
}

/** Arrows move in a list once one is in it; else they scroll, as everywhere. */
function isInList() {
  return Boolean(document.activeElement?.closest("[data-list]"));
}

/** The form of a concern: about the bet of the page, where it shows one. */
function raiseConcern() {
  const link = document.querySelector("main [data-raise]") ?? document.querySelector("[data-raise]");
  if (link) location.assign(link.getAttribute("href"));
}

function focusSearch() {
  const inputs = [...document.querySelectorAll('[role="search"] input')];
  const shown = inputs.find((input) => input.getClientRects().length);
  if (shown) shown.select();
  else location.assign("/search");
}

/** The list of keys, for those who do not know of it yet. */
function offerShortcuts() {
  const dialog = document.getElementById("shortcuts");
  for (const button of dialog ? document.querySelectorAll("[data-shortcuts]") : []) {
    button.hidden = false;
    button.addEventListener("click", () => dialog.showModal());
  }
}

/** A form that can be sent in one way only is sent from within its text, so that no hand leaves the keys. @param {KeyboardEvent} event */
function sendForm(event) {
  const form = event.target instanceof HTMLTextAreaElement ? event.target.form : null;
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.repeat || form?.method !== "post") return false;
  if (form.querySelectorAll("button:not([type=button])").length !== 1) return false;
  form.requestSubmit();
  return true;
}

/** A button of the page that has this key, such as a kill switch; held down, it is pressed once. @param {KeyboardEvent} event */
function pressKeyed(event) {
  const button = document.querySelector(`button[data-key="${CSS.escape(event.key)}"]`);
  if (!button || button.disabled) return false;
  if (!event.repeat) button.click();
  return true;
}

export function enableKeyboard() {
  offerShortcuts();
  let pressedG = -Infinity;
  document.addEventListener("keydown", (event) => {
    if (!event.defaultPrevented && sendForm(event)) return event.preventDefault();
    if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const afterG = event.timeStamp - pressedG < PATIENCE;
    pressedG = -Infinity;
    if (afterG && PLACES[event.key]) location.assign(PLACES[event.key]);
    else if (event.key === "g") pressedG = event.timeStamp;
    else if (event.key === "/") focusSearch();
    else if (event.key === "?") document.getElementById("shortcuts")?.showModal();
    else if (event.key === "f") focusFilters();
    else if (event.key === "c") raiseConcern();
    else if (event.key === "j" || (event.key === "ArrowDown" && isInList())) moveInList(1);
    else if (event.key === "k" || (event.key === "ArrowUp" && isInList())) moveInList(-1);
    else if (!pressKeyed(event)) return;
    event.preventDefault();
  });
}
