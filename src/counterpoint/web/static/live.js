/* Parts of a page that follow what happens: `data-live` names where the part is to be had anew, and `data-stream`,
   where there is one, the events that tell when. */

const PERIOD = 5000; // milliseconds between two looks
const LONGEST = 60000; // after failures the pause doubles up to this
const TOLD = 2000; // milliseconds between two looks of a part that is told when
const STILL = 30000; // and after which it looks untold: what nothing happens to grows old, too

/** @param {HTMLElement} part */
function follow(part) {
  let pause = part.dataset.stream ? STILL : PERIOD;
  let last = "";
  let looked = 0;
  let timer = 0;
  let over = false;

  /** @param {number} wait */
  function later(wait) {
    clearTimeout(timer);
    if (!over) timer = setTimeout(look, wait);
  }

  async function look() {
    const usual = part.dataset.stream ? STILL : PERIOD;
    // Nobody's reading is disturbed: not in a hidden tab, not while something inside has the focus.
    if (document.hidden || part.contains(document.activeElement)) return later(PERIOD);
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
  if (part.dataset.stream) listen(part.dataset.stream, () => later(Math.max(0, looked + TOLD - Date.now())));
}

/** Call `told` at each event of a stream, which is open while the page is seen. @param {string} address @param {() => void} told */
function listen(address, told) {
  let source = null;
  function attend() {
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (!source) {
      source = new EventSource(address);
      source.addEventListener("counts", told);
    }
  }
  document.addEventListener("visibilitychange", attend);
  addEventListener("pagehide", () => source?.close());
  attend();
}

/** Put the new content in; what was opened stays open. @param {HTMLElement} part @param {string} text */
function replace(part, text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").body;
  const nameOf = (each, index) => each.id || String(index);
  const open = new Map([...part.querySelectorAll("details")].map((each, index) => [nameOf(each, index), each.open]));
  fresh.querySelectorAll("details").forEach((each, index) => (each.open = open.get(nameOf(each, index)) ?? false));
  part.replaceChildren(...fresh.childNodes);
}

export function enableLive() {
  document.querySelectorAll("[data-live]").forEach(follow);
}
