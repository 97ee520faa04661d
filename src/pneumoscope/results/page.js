const cards = document.querySelectorAll(".card");
const buttons = document.querySelectorAll(".filters button");
const shown = document.getElementById("shown");
for (const button of buttons) {
  button.addEventListener("click", () => {
    const kind = button.dataset.show;
    let count = 0;
    for (const card of cards) {
      card.hidden = kind !== "all" && card.dataset.kind !== kind;
      count += card.hidden ? 0 : 1;
    }
    for (const other of buttons) other.setAttribute("aria-pressed", other === button);
    shown.textContent = `${count} shown`;
  });
}
const slider = document.getElementById("heat");
slider.addEventListener("input", () => document.documentElement.style.setProperty("--heat", slider.value / 100));
