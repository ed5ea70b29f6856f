// What the organisation calls kinds, for rows that scripts make; the page brings the words that differ.

/** @type {Record<string, string>} */
const said = JSON.parse(document.documentElement.dataset.kindWords || "{}");

/**
 * @param {string} kind as the API writes it, such as "Bet"
 * @returns {string} what people call it here
 */
export const kindWord = (kind) => said[kind] ?? kind;
