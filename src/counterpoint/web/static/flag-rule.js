/* A flag's rule in rows: what it says is told while somebody fills them in. Without it the form works as it is. */

const PATIENCE = 300; // milliseconds without a change before the server is asked

/** @param {HTMLFormElement} form */
function enable(form) {
  const says = form.querySelector("[data-says]");
  let timer = 0;
  let asked = 0;

  function mark() {
    for (const field of form.querySelectorAll("[aria-invalid]")) if (!field.dataset.share) field.removeAttribute("aria-invalid");
    for (const each of says.querySelectorAll("[data-wrong]")) {
      const field = document.getElementById(each.dataset.wrong);
      if (field?.matches("input, select")) field.setAttribute("aria-invalid", "true");
    }
  }

  async function look() {
    const mine = ++asked;
    const body = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") body.append(name, value);
    try {
      const answer = await fetch(form.dataset.check, { method: "POST", body });
      if (mine !== asked) return;
      if (answer.ok) {
        const told = await answer.text();
        const open = says.querySelector("details")?.open;
        says.innerHTML = told; // our own server's, and every value in it is escaped
        if (open && says.querySelector("details")) says.querySelector("details").open = true;
        mark();
      } else says.textContent = "The server did not check this; what you fill in is kept here.";
    } catch {
      if (mine === asked) says.textContent = "The server does not answer; what you fill in is kept here.";
    }
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(look, PATIENCE);
  }

  form.addEventListener("input", later);
  form.addEventListener("change", later);
  says.addEventListener("click", (event) => {
    const link = event.target.closest("[data-wrong]");
    const field = link && document.getElementById(link.dataset.wrong);
    if (!field) return;
    event.preventDefault();
    (field.matches("input, select") ? field : field.querySelector("input")).focus();
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const step = event.key.toLowerCase() === "s" ? "save" : event.key === "Enter" ? "preview" : "";
    const buttons = step && form.querySelectorAll(`.form-actions button[name=step][value=${step}]`);
    if (!buttons?.length) return;
    event.preventDefault();
    form.requestSubmit(buttons[0]);
  });
}

document.querySelectorAll("form[data-rule]").forEach(enable);
