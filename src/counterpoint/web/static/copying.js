/** Buttons that copy the code beside them; hidden where the browser cannot. @param {ParentNode} root where they are */
export function enableCopying(root = document) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy]")) {
    const code = button.parentElement.querySelector("code");
    const original = button.innerHTML;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Select and copy";
      }
      setTimeout(() => (button.innerHTML = original), 1600);
    });
  }
}
