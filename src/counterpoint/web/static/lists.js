/* Lists: j and k move through them, a filter narrows them, and filters of a form apply at once. */

/** @param {Element} list @returns {HTMLElement[]} the visible entries: rows of a table, items of a list */
function entries(list) {
  const all = list.matches("table") ? list.querySelectorAll("tbody > tr") : list.children;
  return [...all].filter((entry) => !entry.hidden);
}

/** @param {HTMLElement} entry whether it is seen, and no mere heading of a group */
function isReached(entry) {
  return entry.getClientRects().length > 0 && (!entry.matches(".group") || entry.querySelector("a[href]"));
}

/** Move the mark by one entry in the page's lists, as they follow each other, and focus its link. @param {1 | -1} step */
export function moveInList(step) {
  const shown = [...document.querySelectorAll("[data-list]")].flatMap(entries).filter(isReached);
  if (!shown.length) return;
  const at = shown.findIndex((entry) => entry.classList.contains("is-current"));
  const next = shown[at < 0 ? (step > 0 ? 0 : shown.length - 1) : Math.min(Math.max(at + step, 0), shown.length - 1)];
  for (const entry of shown) entry.classList.toggle("is-current", entry === next);
  (next.querySelector("a[href]") ?? next).focus();
  next.scrollIntoView({ block: "nearest" });
}

/** `<input data-filter="ID">` narrows the list with that id as one types; without scripts it is not shown. */
function enableFilter(input) {
  const list = document.getElementById(input.dataset.filter);
  if (!list) return;
  (input.closest("[data-filter-box]") ?? input).hidden = false;
  const all = list.matches("table") ? [...list.querySelectorAll("tbody > tr")] : [...list.children];
  const words = all.map((entry) => entry.textContent.toLowerCase());
  const status = document.getElementById(`${input.dataset.filter}-count`);
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    all.forEach((entry, index) => (entry.hidden = !wanted.every((word) => words[index].includes(word))));
    if (status) status.textContent = String(entries(list).length);
  });
}

/** Escape empties a filter, and leaves one that is empty: then the keys of the page work again. */
function enableEscape(input) {
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    if (!input.value) {
      input.blur();
      return;
    }
    input.value = "";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

export function enableLists() {
  document.querySelectorAll("input[data-filter]").forEach(enableFilter);
  document.querySelectorAll("input[data-filter], [data-filters] input[type=search]").forEach(enableEscape);
  for (const form of document.querySelectorAll("form[data-autosubmit]")) {
    form.addEventListener("change", () => form.requestSubmit());
    for (const button of form.querySelectorAll("[data-without-scripts]")) button.hidden = true;
  }
}
