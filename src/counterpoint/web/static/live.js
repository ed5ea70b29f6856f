/* Parts of a page that follow what happens: `data-live` names where the part is to be had anew, and `data-stream`,
   where there is one, the events that tell when; `data-event` is their type, `counts` where nothing is said. */
import { enableCopying } from "./copying.js";

const PERIOD = 5000; // milliseconds between two looks
const LONGEST = 60000; // after failures the pause doubles up to this
const TOLD = 2000; // milliseconds between two looks of a part that is told when
const STILL = 30000; // and after which it looks untold: what nothing happens to grows old, too

/** @param {HTMLElement} part */
function follow(part) {
  let pause = part.dataset.stream ? STILL : PERIOD;
  let last = "";
  let looked = Date.now(); // what was sent with the page is new
  let timer = 0;
  let over = false;

  /** @param {number} wait */
  function later(wait) {
    clearTimeout(timer);
    if (!over) timer = setTimeout(look, wait);
  }

  async function look() {
    const usual = part.dataset.stream ? STILL : PERIOD;
    // Nobody's reading is disturbed: not in a hidden tab, not while somebody is at work inside.
    if (document.hidden || isBusy(part)) return later(PERIOD);
    looked = Date.now();
    try {
      const answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" }, redirect: "error" });
      if (answer.status === 401 || answer.status === 403 || answer.status === 404) {
        over = true;
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const text = await answer.text();
      if (text !== last) replace(part, text);
      last = text;
      pause = usual;
    } catch {
      pause = Math.min(pause * 2, LONGEST);
    }
    later(pause);
  }

  later(pause);
  if (part.dataset.stream) listen(part.dataset.stream, part.dataset.event ?? "counts", () => later(Math.max(0, looked + TOLD - Date.now())));
}

/** Call `told` at each event of a stream, which is open while the page is seen. @param {string} address @param {string} type @param {() => void} told */
function listen(address, type, told) {
  let source = null;
  function attend() {
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (!source) {
      source = new EventSource(address);
      source.addEventListener(type, told);
    }
  }
  document.addEventListener("visibilitychange", attend);
  addEventListener("pagehide", () => source?.close());
  attend();
}

/** Put the new content in; what was opened stays open, and keeps the focus. @param {HTMLElement} part @param {string} text */
function replace(part, text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").body;
  const before = named(part);
  const focused = document.activeElement?.closest("summary")?.parentElement;
  const name = [...before].find(([, each]) => each === focused)?.[0];
  const after = named(fresh);
  after.forEach((each, key) => (each.open = before.get(key)?.open ?? false));
  part.replaceChildren(...fresh.childNodes);
  enableCopying(part);
  if (name !== undefined) after.get(name)?.querySelector("summary").focus({ preventScroll: true });
}

/** What can be opened, by its id, or by its words and which one it is of those with the same. @param {HTMLElement} part */
function named(part) {
  const found = new Map();
  for (const each of part.querySelectorAll("details")) {
    const words = each.id || each.querySelector("summary").textContent.trim();
    let key = words;
    for (let other = 2; found.has(key); other += 1) key = `${words} ${other}`;
    found.set(key, each);
  }
  return found;
}

/** Whether somebody is at work inside, at more than something to open. @param {HTMLElement} part */
function isBusy(part) {
  return part.contains(document.activeElement) && !document.activeElement.closest("summary");
}

export function enableLive() {
  document.querySelectorAll("[data-live]").forEach(follow);
}
