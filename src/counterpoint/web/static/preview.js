/* A part of a page that shows what the form beside it would make: `data-preview` names where it is to be had. */

const PATIENCE = 500; // milliseconds without a change before we ask

/** @param {HTMLElement} part */
function follow(part) {
  const form = document.querySelector('form.form[method="post"]');
  if (!form) return;
  let timer = 0;
  let asked = null;

  async function look() {
    asked?.abort();
    asked = new AbortController();
    part.setAttribute("aria-busy", "true");
    try {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(part.dataset.preview, { method: "POST", body, signal: asked.signal, headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      part.replaceChildren(...fresh.childNodes);
    } catch {
      /* Asked anew, or no answer: the form works without. */
    } finally {
      part.removeAttribute("aria-busy");
    }
  }
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(look, PATIENCE);
  };
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  form.querySelectorAll("[data-without-scripts]").forEach((button) => (button.hidden = true));
  if (form.querySelector('[name="event"]')?.value || form.querySelector('[name="etag"]')?.value) look();
}

export function enablePreview() {
  document.querySelectorAll("[data-preview]").forEach(follow);
}
