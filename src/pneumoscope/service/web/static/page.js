// What every page has: the theme, and refreshing the parts that say so without losing the reader's place.

const button = document.getElementById("theme");
button.addEventListener("click", () => {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  document.cookie = `theme=${next}; path=/; max-age=31536000; samesite=strict`;
  button.firstChild.textContent = next === "dark" ? "Light" : "Dark";
});

for (const part of document.querySelectorAll("[data-refresh-s]")) {
  setInterval(() => refresh(part), 1000 * Number(part.dataset.refreshS));
}

async function refresh(part) {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.redirected) location.reload(); // signed out meanwhile
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (!answer.ok || !fresh) return;
    const focused = part.contains(document.activeElement) && document.activeElement.getAttribute("href");
    part.replaceChildren(...fresh.childNodes);
    if (focused) part.querySelector(`a[href="${CSS.escape(focused)}"], a[href="${focused}"]`)?.focus();
    document.getElementById("offline")?.setAttribute("hidden", "");
  } catch {
    document.getElementById("offline")?.removeAttribute("hidden");
  }
}

// A worklist is walked with the arrow keys; Enter opens what has the focus.
document.getElementById("worklist")?.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const links = [...event.currentTarget.querySelectorAll("a.open")];
  const next = links[links.indexOf(document.activeElement) + step];
  if (next) { event.preventDefault(); next.focus(); }
});
