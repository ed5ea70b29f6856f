/* Forms that change something: sent once, saying that they work; and lines that can be added to them. */

/** A second press while the first is on its way would do the thing twice. @param {HTMLFormElement} form */
function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    const button = event.submitter ?? form.querySelector("[type=submit]");
    if (!button) return;
    button.setAttribute("aria-busy", "true");
    const words = button.querySelector("[data-busy]");
    if (!words) return;
    words.dataset.idle = words.textContent;
    words.textContent = words.dataset.busy;
  });
}

/** Make the forms usable again on a page that comes back from the browser's memory. */
function wake() {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  for (const words of document.querySelectorAll("[data-idle]")) words.textContent = words.dataset.idle;
}

/** `<button data-add-row>` repeats the last `.field-row` before it, empty. @param {HTMLButtonElement} button */
function addRows(button) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const rows = button.parentElement.querySelectorAll(".field-row");
    const row = rows[rows.length - 1].cloneNode(true);
    for (const input of row.querySelectorAll("input, select")) {
      if (input instanceof HTMLSelectElement) input.selectedIndex = 0;
      else input.value = "";
      input.removeAttribute("id");
      input.setAttribute("aria-label", input.getAttribute("aria-label").replace(/\d+/, String(rows.length + 1)));
    }
    rows[rows.length - 1].after(row);
    row.querySelector("input").focus();
  });
}

/** A text beside a radio button chooses it, and choosing another one empties the text. @param {HTMLInputElement} input */
function choose(input) {
  const radio = /** @type {HTMLInputElement} */ (document.getElementById(input.dataset.chooses));
  input.addEventListener("input", () => (radio.checked = radio.checked || input.value !== ""));
  radio.form.addEventListener("change", (event) => {
    if (event.target !== radio && event.target.name === radio.name) input.value = "";
  });
}

/** Whole numbers in a table's rows are shares of their sum; each row says of what part. @param {HTMLTableSectionElement} rows */
function divide(rows) {
  const shares = [...rows.querySelectorAll("[data-share]")];
  const none = rows.closest("table").dataset.none ?? "–";
  function tell() {
    const numbers = shares.map((input) => (/^\d{1,12}$/.test(input.value.trim()) ? Number(input.value) : NaN));
    const total = numbers.reduce((sum, number) => sum + (number || 0), 0);
    shares.forEach((input, index) => {
      const wrong = Number.isNaN(numbers[index]) && input.value.trim() !== "";
      input.toggleAttribute("aria-invalid", wrong);
      const part = Math.round((1000 * numbers[index]) / total) / 10;
      input.closest("tr").querySelector("[data-part]").textContent = numbers[index] ? `${part} %` : none;
    });
  }
  rows.addEventListener("input", tell);
  tell();
}

export function enableForms() {
  new Set([...document.querySelectorAll("[data-share]")].map((input) => input.closest("tbody"))).forEach(divide);
  document.querySelectorAll("[data-chooses]").forEach(choose);
  document.querySelectorAll('form[method="post"]').forEach(sendOnce);
  document.querySelectorAll("[data-add-row]").forEach(addRows);
  addEventListener("pageshow", (event) => event.persisted && wake());
}
