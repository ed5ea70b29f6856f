/* Runs before the first paint, so that a page never flashes in the other theme. */
(() => {
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    /* Storage may be forbidden; the system's theme stays. */
  }
})();
