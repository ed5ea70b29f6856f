/* The page that plans follows what is typed; without scripts its button does the same. */

const PATIENCE = 350; // milliseconds without a change before we ask
const form = document.querySelector("form[data-planning]");
const outcome = document.getElementById("outcome");

if (form && outcome) {
  let timer = 0;
  let asked = null;

  async function follow() {
    asked?.abort();
    asked = new AbortController();
    const address = new URL(form.action);
    address.search = new URLSearchParams(new FormData(form)).toString();
    outcome.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { signal: asked.signal, headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("outcome");
      if (!fresh) return;
      outcome.replaceChildren(...fresh.childNodes);
      history.replaceState(null, "", address);
    } catch {
      /* Asked anew, or no answer: the button works without. */
    } finally {
      outcome.removeAttribute("aria-busy");
    }
  }
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(follow, PATIENCE);
  });
}
