/* While somebody describes something new: what exists already and is like it. Nothing waits for the answer. */

import { kindWord } from "./kinds.js";

const PATIENCE = 400; // milliseconds without a key before we ask
const ENOUGH = 8; // letters that say something

/** @param {string} tag @param {string} text @param {string} [name] */
function element(tag, text, name) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}

/** @param {string} href @param {string} text @param {string} name */
function link(href, text, name) {
  const made = /** @type {HTMLAnchorElement} */ (element("a", text, name));
  made.href = href;
  return made;
}

/** One thing as `ui.similar_rows` writes it. @param {any} item */
function row(item) {
  const made = document.createElement("li");
  const what = document.createElement("div");
  what.append(link(item.url, item.title, "entity strong"), " ", element("span", kindWord(item.kind), "micro faint"));
  if (item.description) what.append(element("div", item.description.slice(0, 140), "small faint"));
  const why = element("div", "", "micro");
  if (item.phrases.length) why.append(element("span", "Both say", "faint"), " ", item.phrases.join(" · "));
  what.append(why);
  const whom = element("div", "", "similar-owner");
  if (item.owner) whom.append(element("span", item.ownerTitle || item.owner));
  for (const contact of item.contacts.slice(0, 2)) whom.append(link(contact.url, contact.label, "micro"));
  made.append(what, whom);
  return made;
}

/** @param {HTMLElement} panel */
function enable(panel) {
  const fields = [panel.dataset.title, panel.dataset.text].map((name) => document.getElementById(name));
  if (fields.some((field) => !field)) return;
  const rows = panel.querySelector("[data-similar-rows]");
  const note = panel.querySelector("[data-similar-note]");
  let timer = 0;
  let asked = null;
  async function look() {
    const [title, text] = fields.map((field) => field.value.trim());
    asked?.abort();
    if (title.length + text.length < ENOUGH) {
      panel.hidden = true;
      return;
    }
    asked = new AbortController();
    const query = new URLSearchParams({ title: title.slice(0, 300), text: text.slice(0, 3000), limit: "4" });
    for (const kind of panel.dataset.kinds.split(" ")) query.append("kind", kind);
    try {
      const answer = await fetch(`/api/v1/similar?${query}`, { signal: asked.signal });
      if (!answer.ok) return;
      const { items } = await answer.json();
      rows.replaceChildren(...items.map(row));
      panel.hidden = !items.length;
      note.textContent = "Perhaps it can be used, or built together. Nothing here keeps you from going on.";
    } catch {
      /* Asked anew, or no answer: the form works without. */
    }
  }
  for (const field of fields) {
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(look, PATIENCE);
    });
  }
}

export function enableSimilar() {
  document.querySelectorAll("[data-similar]").forEach(enable);
  if (document.querySelector("[data-similar]"))
    document.querySelectorAll("form [data-without-scripts]").forEach((part) => (part.hidden = true));
}
