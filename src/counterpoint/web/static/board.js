// @ts-check
// Lets a card of a board be dragged before another one, or into another column, by the form that it has anyway.

/** @type {HTMLElement | null} */
let dragged = null;

/** @param {HTMLElement} card */
const form = (card) => /** @type {HTMLFormElement | null} */ (card.querySelector("form.board-moves"));

/** @param {HTMLElement} card @param {Record<string, string>} values */
const send = (card, values) => {
  const sent = form(card);
  if (!sent) return;
  for (const [name, value] of Object.entries(values)) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = name;
    field.value = value;
    sent.append(field);
  }
  sent.submit();
};

/** @param {HTMLElement} card */
const column = (card) => /** @type {HTMLElement | null} */ (card.closest("[data-horizon]"));

/** @param {HTMLElement} card @param {string} horizon */
const mayStandIn = (card, horizon) =>
  column(card)?.dataset.horizon === horizon || !!form(card)?.querySelector(`button[name="horizon"][value="${horizon}"]`);

for (const board of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-board]"))) {
  const ordered = "movable" in board.dataset;
  for (const card of /** @type {NodeListOf<HTMLElement>} */ (board.querySelectorAll("[data-bet]"))) {
    if (!form(card)) continue;
    card.draggable = true;
    card.addEventListener("dragstart", () => {
      dragged = card;
      card.classList.add("is-dragged");
    });
    card.addEventListener("dragend", () => {
      dragged = null;
      for (const each of board.querySelectorAll(".is-dragged, .is-target")) each.classList.remove("is-dragged", "is-target");
    });
  }
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (board.querySelectorAll("[data-horizon]"))) {
    const horizon = part.dataset.horizon ?? "";
    /** @param {DragEvent} event */
    const target = (event) => {
      const over = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-bet]"));
      return ordered && over !== dragged ? over : null;
    };
    part.addEventListener("dragover", (event) => {
      if (!dragged || !mayStandIn(dragged, horizon)) return;
      event.preventDefault();
      for (const each of board.querySelectorAll(".is-target")) each.classList.remove("is-target");
      target(event)?.classList.add("is-target");
    });
    part.addEventListener("drop", (event) => {
      if (!dragged || !mayStandIn(dragged, horizon)) return;
      event.preventDefault();
      const card = dragged;
      const stays = column(card) === part;
      const before = target(event)?.dataset.bet;
      if (stays && !ordered) return;
      send(card, {
        ...(stays ? {} : { horizon }),
        ...(before ? { before } : stays ? { move: "bottom" } : {}),
      });
    });
  }
}
