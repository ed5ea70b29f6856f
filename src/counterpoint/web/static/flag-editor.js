/* The editor of flags: line numbers, colours, remarks as one types. Without it the form works as it is. */

const PATIENCE = 350; // milliseconds without a key before the server is asked
const COLOURED = 80000; // characters up to which each is coloured
const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b/g;
const PIECES = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** @param {string} text @returns {DocumentFragment} the text with its strings, numbers and words marked */
function coloured(text) {
  const made = document.createDocumentFragment();
  let at = 0;
  for (const match of text.matchAll(TOKENS)) {
    if (match.index > at) made.append(text.slice(at, match.index));
    const mark = document.createElement("span");
    mark.className = match[1] ? (match[2] ? "k" : "s") : match[3] ? "n" : "w";
    mark.textContent = match[1] ?? match[0];
    made.append(mark);
    if (match[1] && match[2]) made.append(match[2]);
    at = match.index + match[0].length;
  }
  made.append(text.slice(at), "\n");
  return made;
}

/** Valid JSON with every member on a line of its own. What is written stays as it is written: `JSON.stringify`
 * would round long numbers and put members with numbers for names first.
 * @param {string} text @returns {string} @throws {SyntaxError} it is no JSON */
function laidOut(text) {
  JSON.parse(text);
  let made = "";
  let depth = 0;
  let last = "";
  for (const [piece] of text.matchAll(PIECES)) {
    const closes = piece === "}" || piece === "]";
    if (closes) depth--;
    const breaks = closes ? last !== "{" && last !== "[" : ["{", "[", ","].includes(last);
    if (breaks) made += `\n${"  ".repeat(depth)}`;
    made += piece === ":" ? ": " : piece;
    if (piece === "{" || piece === "[") depth++;
    last = piece;
  }
  return made;
}

/** The place in a text of a line and a column, both counted from 1. @param {string} text @param {number} line @param {number} column */
function offsetOf(text, line, column) {
  let at = 0;
  for (let number = 1; number < line; number++) {
    const next = text.indexOf("\n", at);
    if (next < 0) break;
    at = next + 1;
  }
  return Math.min(at + column - 1, text.length);
}

/** @param {HTMLFormElement} form */
function enable(form) {
  const area = /** @type {HTMLTextAreaElement} */ (form.querySelector("textarea[name=text]"));
  const lines = form.querySelector("[data-lines]");
  const colours = form.querySelector("[data-colours]");
  const remarks = form.querySelector("[data-remarks]");
  const state = form.querySelector("#editor-state");
  const first = area.value;
  let marks = new Map();
  let leaving = false;
  let timer = 0;
  let asked = 0;

  for (const each of form.querySelectorAll("[data-with-scripts]")) each.hidden = false;

  function drawLines() {
    const count = area.value.split("\n").length;
    const made = document.createDocumentFragment();
    let plain = "";
    for (let number = 1; number <= count; number++) {
      const level = marks.get(number);
      if (!level) {
        plain += `${number}\n`;
        continue;
      }
      made.append(plain);
      plain = "";
      const mark = document.createElement("span");
      mark.className = `is-${level}`;
      mark.textContent = `${number}\n`;
      made.append(mark);
    }
    made.append(plain);
    lines.replaceChildren(made);
  }

  function draw() {
    drawLines();
    const small = area.value.length <= COLOURED;
    form.classList.toggle("is-coloured", small);
    colours.replaceChildren(...(small ? [coloured(area.value)] : []));
    follow();
  }

  function follow() {
    lines.style.height = `${area.clientHeight}px`;
    colours.style.height = `${area.clientHeight}px`;
    colours.style.width = `${area.clientWidth}px`;
    lines.scrollTop = area.scrollTop;
    colours.scrollTop = area.scrollTop;
    colours.scrollLeft = area.scrollLeft;
  }

  /** @param {number} line @param {number} column */
  function jump(line, column) {
    const at = offsetOf(area.value, line, column);
    area.focus();
    area.setSelectionRange(at, at);
    const height = parseFloat(getComputedStyle(area).lineHeight);
    area.scrollTop = Math.max(0, (line - 4) * height);
    follow();
  }

  function listen() {
    marks = new Map();
    for (const item of remarks.querySelectorAll("[data-line]")) {
      const line = Number(item.dataset.line);
      if (item.classList.contains("remark-error")) marks.set(line, "error");
      else if (item.classList.contains("remark-warning") && !marks.has(line)) marks.set(line, "warning");
    }
    drawLines();
  }

  remarks.addEventListener("click", (event) => {
    const item = event.target.closest("[data-line]");
    if (!item || !event.target.closest("a")) return;
    event.preventDefault();
    jump(Number(item.dataset.line), Number(item.dataset.column));
  });

  /** @param {{good: boolean, remarks: {level: string, message: string, line: ?number, column: ?number}[]}} answer */
  function tell(answer) {
    const items = answer.remarks.map((each) => {
      const item = document.createElement("li");
      item.className = `remark remark-${each.level}`;
      const mark = document.createElement("span");
      mark.textContent = each.level === "error" ? "✕" : each.level === "warning" ? "!" : "·";
      mark.className = "icon";
      mark.setAttribute("aria-hidden", "true");
      const text = document.createElement("span");
      if (each.line) {
        item.dataset.line = String(each.line);
        item.dataset.column = String(each.column ?? 1);
        const link = document.createElement("a");
        link.href = "#text";
        link.className = "remark-place";
        link.textContent = `${each.line}:${each.column ?? 1}`;
        text.append(link, " ");
      }
      const level = document.createElement("span");
      level.className = "hidden-text";
      level.textContent = `${each.level}: `;
      text.append(level, each.message);
      item.append(mark, text);
      return item;
    });
    remarks.replaceChildren(...items);
    const wrong = answer.remarks.filter((each) => each.level === "error").length;
    const rest = answer.remarks.length - wrong;
    const words = wrong
      ? `${wrong} ${wrong === 1 ? "problem" : "problems"} to mend`
      : `Can be saved${rest ? `; ${rest} ${rest === 1 ? "remark" : "remarks"}` : ""}`;
    if (state.textContent.trim() !== words) state.textContent = words;
    state.dataset.good = String(answer.good);
    listen();
  }

  async function look() {
    const mine = ++asked;
    const body = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") body.append(name, value);
    try {
      const answer = await fetch(form.dataset.check, { method: "POST", body, headers: { Accept: "application/json" } });
      if (mine !== asked) return;
      if (answer.ok) tell(await answer.json());
      else state.textContent = "The server did not check this text; what you type is kept here";
    } catch {
      state.textContent = "The server does not answer; what you type is kept here";
    }
  }

  area.addEventListener("input", () => {
    draw();
    clearTimeout(timer);
    timer = setTimeout(look, PATIENCE);
  });
  area.addEventListener("scroll", follow, { passive: true });
  new ResizeObserver(follow).observe(area);

  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      leaving = true; // the next Tab goes on to the next field
      return;
    }
    if (event.key === "Tab" && !leaving && !event.shiftKey && !area.readOnly) {
      event.preventDefault();
      insert("  ");
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !area.readOnly) {
      const before = area.value.slice(0, area.selectionStart);
      const indent = /[^\n]*$/.exec(before)[0].match(/^ */)[0];
      event.preventDefault();
      insert(`\n${indent}${/[[{]\s*$/.test(before) ? "  " : ""}`);
    }
    leaving = false;
  });

  /** Type a text where the cursor is, so that the browser can undo it. @param {string} text */
  function insert(text) {
    if (!document.execCommand("insertText", false, text)) {
      area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const step = event.key.toLowerCase() === "s" ? "save" : event.key === "Enter" ? "preview" : "";
    const button = step && form.querySelector(`button[name=step][value=${step}]`);
    if (!button) return;
    event.preventDefault();
    form.requestSubmit(button);
  });

  const format = form.querySelector("[data-format]");
  format.hidden = area.readOnly;
  format.addEventListener("click", () => {
    try {
      const laid = laidOut(area.value);
      area.focus();
      area.select();
      insert(laid);
    } catch {
      look();
    }
  });

  let sent = false;
  form.addEventListener("submit", () => (sent = true));
  addEventListener("pageshow", () => (sent = false));
  addEventListener("beforeunload", (event) => {
    if (!sent && area.value !== first) event.preventDefault();
  });

  draw();
  listen();
}

document.querySelectorAll("[data-editor]").forEach(enable);
