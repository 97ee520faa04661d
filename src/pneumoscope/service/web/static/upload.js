// Drag and drop, one request a file, so that each file's fate is told on its own.

const drop = document.getElementById("drop");
const input = document.getElementById("files");
const list = document.getElementById("sent");
const template = document.getElementById("sent-row");

for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  for (const entry of entries) for await (const file of filesIn(entry)) await send(file);
});
input.addEventListener("change", async () => {
  for (const file of [...input.files]) await send(file);
  input.value = "";
});

async function* filesIn(entry) {
  if (entry.isFile) {
    yield await new Promise((done, fail) => entry.file(done, fail));
    return;
  }
  const reader = entry.createReader();
  for (;;) { // a folder is listed in parts
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return;
    for (const one of some) yield* filesIn(one);
  }
}

async function send(file) {
  const row = template.content.querySelector("tr").cloneNode(true);
  const said = row.querySelector(".said");
  row.querySelector(".name").textContent = file.name;
  said.textContent = "Sending";
  document.getElementById("sent-table").hidden = false;
  list.prepend(row);
  const form = new FormData();
  form.append("file", file);
  try {
    const answer = await fetch("/api/v1/images", { method: "POST", body: form });
    const words = await answer.json();
    row.classList.add(answer.ok ? "fine" : "failed");
    said.textContent = answer.ok ? "" : words.detail;
    for (const image of words.images ?? []) {
      const link = document.createElement("a");
      link.href = `/images/${image.id}`;
      link.textContent = image.known ? "Known already: open" : "Accepted: open";
      said.append(link, " ");
    }
    for (const problem of words.problems ?? []) {
      const line = document.createElement("div");
      line.textContent = problem;
      said.append(line);
    }
  } catch {
    row.classList.add("failed");
    said.textContent = "The connection broke: not sent. Drop it again.";
  }
}
