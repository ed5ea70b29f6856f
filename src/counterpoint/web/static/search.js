/* Results while one types into the search: arrows walk them, Enter opens one (or all of them), Escape leaves. */

import { kindWord } from "./kinds.js";

const PATIENCE = 120; // milliseconds without a key before we ask
const SHOWN = 8;
let made = 0;

/** @param {string} tag @param {string} text @param {string} [name] */
function element(tag, text, name) {
  const created = document.createElement(tag);
  created.textContent = text;
  if (name) created.className = name;
  return created;
}

/** The form's field becomes a combobox with a list of links below it. @param {HTMLFormElement} form */
function enable(form) {
  const input = form.querySelector("input[name=q]");
  const list = element("ul", "", "search-results");
  list.id = `search-results-${++made}`;
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Results");
  const told = element("p", "", "hidden-text");
  told.setAttribute("role", "status");
  form.append(list, told);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list", "aria-controls": list.id })) input.setAttribute(name, value);

  let at = -1;
  let timer = 0;
  let asked = null;
  let answered = "";

  function close() {
    clearTimeout(timer);
    asked?.abort();
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function mark(next) {
    const rows = [...list.children];
    if (!rows.length) return;
    at = (next + rows.length) % rows.length;
    rows.forEach((row, index) => row.setAttribute("aria-selected", String(index === at)));
    input.setAttribute("aria-activedescendant", rows[at].id);
    rows[at].scrollIntoView({ block: "nearest" });
  }

  function row(index, href, ...parts) {
    const option = element("li", "");
    option.id = `${list.id}-${index}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    const link = /** @type {HTMLAnchorElement} */ (element("a", ""));
    link.href = href;
    link.tabIndex = -1;
    link.append(...parts);
    option.append(link);
    return option;
  }

  function show(words, answer) {
    const rows = answer.items.map((item, index) => {
      const note = item.ownerTitle || item.description || item.snippet;
      return row(index, item.url, element("span", item.title, "search-title"), element("span", kindWord(item.kind), "micro faint"), element("span", note.slice(0, 90), "search-note"));
    });
    if (answer.instead) told.textContent = `Nothing has “${words}”; these have “${answer.instead}”.`;
    else told.textContent = rows.length ? `${rows.length} results` : "Nothing has these words";
    const all = rows.length ? `All results for “${answer.instead || words}”` : "Nothing has these words";
    rows.push(row(rows.length, `/search?${new URLSearchParams({ q: words })}`, element("span", all, "search-all")));
    list.replaceChildren(...rows);
    list.hidden = false;
    at = -1;
    input.setAttribute("aria-expanded", "true");
    input.removeAttribute("aria-activedescendant");
  }

  async function look() {
    const words = input.value.trim();
    if (!words) return close();
    asked?.abort();
    asked = new AbortController();
    try {
      const answer = await fetch(`/api/v1/search?${new URLSearchParams({ q: words.slice(0, 200), limit: String(SHOWN) })}`, { signal: asked.signal });
      if (!answer.ok) return close();
      const found = await answer.json();
      answered = words;
      if (document.activeElement === input) show(words, found);
    } catch {
      /* Asked anew, left, or no answer: Enter still leads to the page of results. */
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PATIENCE);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) look();
      else mark(at < 0 && event.key === "ArrowUp" ? -1 : at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && at >= 0 && !list.hidden && answered === input.value.trim()) {
      event.preventDefault();
      list.children[at].querySelector("a").click();
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (list.hidden) input.blur();
      close();
    }
  });
  list.addEventListener("mousedown", (event) => event.preventDefault()); // a press keeps the focus in the field
  input.addEventListener("blur", close);
}

export function enableSearch() {
  document.querySelectorAll("form[data-search]").forEach(enable);
}
