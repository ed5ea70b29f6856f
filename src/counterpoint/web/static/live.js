/* Parts of a page that follow what happens: `data-live` names where the part is to be had anew. */

const PERIOD = 5000; // milliseconds between two looks
const LONGEST = 60000; // after failures the pause doubles up to this

/** @param {HTMLElement} part */
function follow(part) {
  let pause = PERIOD;
  let last = "";
  const later = () => setTimeout(look, pause);

  async function look() {
    // Nobody's reading is disturbed: not in a hidden tab, not while something inside has the focus.
    if (document.hidden || part.contains(document.activeElement)) return later();
    try {
      const answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" }, redirect: "error" });
      if (answer.status === 401 || answer.status === 403 || answer.status === 404) return;
      if (!answer.ok) throw new Error(String(answer.status));
      const text = await answer.text();
      if (text !== last) replace(part, text);
      last = text;
      pause = PERIOD;
    } catch {
      pause = Math.min(pause * 2, LONGEST);
    }
    later();
  }
  later();
}

/** Put the new content in; what was opened stays open. @param {HTMLElement} part @param {string} text */
function replace(part, text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").body;
  const open = [...part.querySelectorAll("details")].map((each) => each.open);
  fresh.querySelectorAll("details").forEach((each, index) => (each.open = open[index] ?? false));
  part.replaceChildren(...fresh.childNodes);
}

export function enableLive() {
  document.querySelectorAll("[data-live]").forEach(follow);
}
