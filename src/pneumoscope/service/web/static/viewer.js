// One radiograph on a canvas: 16-bit grey values through window and level, zoom, pan, heat map, boxes.
// The grey values come as they were read; nothing is interpolated or clipped before the window is applied here.

const LEVELS = 65536;
const ZOOM_STEP = 1.25;
const BAR_MM = 50;

const canvas = document.getElementById("viewer");
const context = canvas.getContext("2d");
const part = (id) => document.getElementById(id);
const presets = { sent: [0, 1], lungs: [0.02, 0.6], mediastinum: [0.4, 0.995] };

const view = { low: 0, high: LEVELS - 1, invert: false, zoom: 1, x: 0, y: 0, heat: 0, boxes: false, tool: "window" };
let image = null; // { rows, columns, grey, picture, mmPerPixel, sides, histogram }
let heat = null;
let dirty = { pixels: true, waiting: false };

async function load() {
  const answer = await fetch(canvas.dataset.pixels);
  if (!answer.ok) throw new Error((await answer.json()).detail);
  const rows = Number(answer.headers.get("image-rows")), columns = Number(answer.headers.get("image-columns"));
  const grey = new Uint16Array(await answer.arrayBuffer());
  const picture = document.createElement("canvas");
  [picture.width, picture.height] = [columns, rows];
  image = {
    rows, columns, grey, picture,
    mmPerPixel: Number(answer.headers.get("image-spacing-mm")) || null,
    barWords: answer.headers.get("image-spacing-at") ? "5 cm at the detector" : "5 cm",
    sides: (answer.headers.get("image-sides") || "").split("|"),
    frame: picture.getContext("2d").createImageData(columns, rows),
    histogram: histogramOf(grey),
  };
  part("message").hidden = true;
  canvas.setAttribute("aria-busy", "false");
  fit();
}

function histogramOf(grey) {
  const counts = new Uint32Array(LEVELS);
  for (const value of grey) counts[value]++;
  return counts;
}

function levelAt(share) { // the grey value below which this share of the pixels lies
  if (share <= 0) return 0;
  if (share >= 1) return LEVELS - 1;
  let left = share * image.grey.length;
  for (let level = 0; level < LEVELS; level++) if ((left -= image.histogram[level]) < 0) return level;
  return LEVELS - 1;
}

function applyWindow() {
  const table = new Uint32Array(LEVELS);
  const scale = 255 / Math.max(1, view.high - view.low);
  for (let level = 0; level < LEVELS; level++) {
    let shown = Math.min(255, Math.max(0, Math.round((level - view.low) * scale)));
    if (view.invert) shown = 255 - shown;
    table[level] = 0xff000000 | (shown << 16) | (shown << 8) | shown;
  }
  const pixels = new Uint32Array(image.frame.data.buffer);
  const { grey } = image;
  for (let index = 0; index < grey.length; index++) pixels[index] = table[grey[index]];
  image.picture.getContext("2d").putImageData(image.frame, 0, 0);
}

function draw() {
  dirty.waiting = false;
  if (!image) return;
  if (dirty.pixels) applyWindow();
  dirty.pixels = false;
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  const zoom = view.zoom * ratio;
  const left = Math.floor(width / 2 + view.x * ratio - (zoom * image.columns) / 2); // whole pixels: one to one is exact
  const top = Math.floor(height / 2 + view.y * ratio - (zoom * image.rows) / 2);
  context.setTransform(zoom, 0, 0, zoom, left, top);
  context.imageSmoothingEnabled = zoom !== 1 && zoom < 4; // close up, pixels are shown as they are
  context.imageSmoothingQuality = "high";
  context.drawImage(image.picture, 0, 0);
  if (heat?.complete && view.heat > 0) {
    context.globalAlpha = view.heat;
    context.imageSmoothingEnabled = true;
    context.drawImage(heat, 0, 0, image.columns, image.rows);
    context.globalAlpha = 1;
  }
  if (view.boxes) drawBoxes(zoom);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  drawScale(width / ratio, height / ratio);
  say();
}

function drawBoxes(zoom) {
  for (const [left, top, right, bottom] of JSON.parse(canvas.dataset.boxes)) {
    const box = [left * image.columns, top * image.rows, (right - left) * image.columns, (bottom - top) * image.rows];
    for (const [colour, size] of [["#000", 4.5], ["#fff", 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = (size * (window.devicePixelRatio || 1)) / zoom;
      context.strokeRect(...box);
    }
  }
}

function drawScale(width, height) {
  context.fillStyle = "#d6dae1";
  context.font = "13px system-ui, sans-serif";
  context.textAlign = "center";
  const [left, right, top, bottom] = image.sides;
  for (const [letter, x, y] of [[left, 16, height / 2], [right, width - 16, height / 2],
    [top, width / 2, 20], [bottom, width / 2, height - 10]]) if (letter) write(letter, x, y);
  const long = image.mmPerPixel ? (BAR_MM / image.mmPerPixel) * view.zoom : Infinity;
  if (long > width * 0.6) return;
  const y = height - 38, start = (width - long) / 2;
  for (const [colour, by] of [["#000", 1], ["#d6dae1", 0]]) {
    context.fillStyle = colour;
    context.fillRect(start - by, y - by, long + 2 * by, 2 + 2 * by);
    for (const x of [start, start + long - 2]) context.fillRect(x - by, y - 4 - by, 2 + 2 * by, 10 + 2 * by);
  }
  write(image.barWords, width / 2, y - 10);
}

function write(words, x, y) { // readable over black and over white
  context.lineJoin = "round";
  context.lineWidth = 2.5;
  context.strokeStyle = "rgb(0 0 0 / .7)";
  context.strokeText(words, x, y);
  context.fillText(words, x, y);
}

function say() {
  const level = (view.low + view.high) / 2 / (LEVELS - 1), width = (view.high - view.low) / (LEVELS - 1);
  part("said").textContent =
    `Level ${(100 * level).toFixed(0)} · Width ${(100 * width).toFixed(0)} · Zoom ${(100 * view.zoom).toFixed(0)} %`;
  part("level").value = 100 * level;
  part("width").value = 100 * width;
  for (const button of document.querySelectorAll("[data-tool]"))
    button.setAttribute("aria-pressed", button.dataset.tool === view.tool);
  part("invert").setAttribute("aria-pressed", view.invert);
  if (part("boxes")) part("boxes").setAttribute("aria-pressed", view.boxes);
  if (part("heat")) part("heat-said").textContent = view.heat ? `${Math.round(100 * view.heat)} %` : "off";
  canvas.classList.toggle("pan", view.tool === "pan");
}

function redraw({ pixels: changed = false } = {}) {
  dirty.pixels ||= changed;
  if (!dirty.waiting) requestAnimationFrame(draw);
  dirty.waiting = true;
}

function setWindow(low, high) {
  const width = Math.max(LEVELS / 200, Math.min(2 * LEVELS, high - low)), middle = (low + high) / 2;
  const centre = Math.max(0, Math.min(LEVELS - 1, middle));
  [view.low, view.high] = [centre - width / 2, centre + width / 2];
  redraw({ pixels: true });
}

function fit() {
  const room = Math.min(canvas.clientWidth / image.columns, canvas.clientHeight / image.rows);
  Object.assign(view, { zoom: room, x: 0, y: 0 });
  redraw({ pixels: true });
}

function zoomTo(zoom, x = 0, y = 0) { // keeps the point (x, y), measured from the middle, where it is
  const next = Math.max(0.05, Math.min(16, zoom)), factor = next / view.zoom;
  Object.assign(view, { zoom: next, x: x - (x - view.x) * factor, y: y - (y - view.y) * factor });
  redraw();
}

function showHeat(share) {
  view.heat = share;
  part("heat").value = 100 * share;
  if (share && !heat) { // fetched when it is first asked for, so that the audit log tells who looked at it
    heat = new Image();
    heat.onload = () => redraw();
    heat.src = canvas.dataset.heat;
  }
  redraw();
}

function drag(start) {
  const from = { ...view, x0: start.clientX, y0: start.clientY };
  const pans = view.tool === "pan" || start.button === 1 || start.shiftKey;
  const move = (event) => {
    const dx = event.clientX - from.x0, dy = event.clientY - from.y0;
    if (pans) {
      [view.x, view.y] = [from.x + dx, from.y + dy];
      redraw();
    } else { // as reading rooms know it: sideways the width, up and down the level
      const step = LEVELS / 500, width = Math.max(LEVELS / 200, from.high - from.low + dx * step);
      const middle = (from.low + from.high) / 2 + dy * step;
      setWindow(middle - width / 2, middle + width / 2);
    }
  };
  canvas.setPointerCapture(start.pointerId);
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("lostpointercapture", () => canvas.removeEventListener("pointermove", move), { once: true });
}

function readOut(event) {
  if (!image) return;
  const box = canvas.getBoundingClientRect();
  const x = Math.floor((event.clientX - box.left - box.width / 2 - view.x) / view.zoom + image.columns / 2);
  const y = Math.floor((event.clientY - box.top - box.height / 2 - view.y) / view.zoom + image.rows / 2);
  const inside = x >= 0 && y >= 0 && x < image.columns && y < image.rows;
  const grey = inside ? (100 * image.grey[y * image.columns + x]) / (LEVELS - 1) : 0;
  part("side").textContent = inside ? `x ${x} · y ${y} · grey ${grey.toFixed(1)}` : "";
}

const nudge = (level, width) => {
  const step = LEVELS / 50;
  setWindow(view.low + (level - width / 2) * step, view.high + (level + width / 2) * step);
};
const actions = {
  "+": () => zoomTo(view.zoom * ZOOM_STEP), "=": () => zoomTo(view.zoom * ZOOM_STEP),
  "-": () => zoomTo(view.zoom / ZOOM_STEP), 0: fit, 1: () => zoomTo(1),
  ArrowLeft: () => { view.x += 40; redraw(); }, ArrowRight: () => { view.x -= 40; redraw(); },
  ArrowUp: () => { view.y += 40; redraw(); }, ArrowDown: () => { view.y -= 40; redraw(); },
  "[": () => nudge(-1, 0), "]": () => nudge(1, 0), ",": () => nudge(0, -1), ".": () => nudge(0, 1),
  i: () => { view.invert = !view.invert; redraw({ pixels: true }); },
  h: () => part("heat") && showHeat(view.heat ? 0 : 0.7),
  m: () => { view.boxes = Boolean(part("boxes")) && !view.boxes; redraw(); },
  r: () => { Object.assign(view, { invert: false, boxes: false }); if (part("heat")) showHeat(0); preset("sent"); fit(); },
};

function preset(name) {
  const [low, high] = presets[name];
  setWindow(levelAt(low), levelAt(high));
}

function listen() {
  canvas.addEventListener("pointerdown", drag);
  canvas.addEventListener("pointermove", readOut);
  canvas.addEventListener("pointerleave", () => { part("side").textContent = ""; });
  canvas.addEventListener("dblclick", fit);
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
    zoomTo(view.zoom * ZOOM_STEP ** (-event.deltaY / 100), x, y);
  }, { passive: false });
  // Only while the image has the focus: single keys must not surprise elsewhere (WCAG 2.1.4).
  canvas.addEventListener("keydown", (event) => {
    const action = !event.ctrlKey && !event.metaKey && !event.altKey && actions[event.key];
    if (action) { event.preventDefault(); action(); }
  });
  for (const button of document.querySelectorAll("[data-key]"))
    button.addEventListener("click", () => actions[button.dataset.key]());
  for (const button of document.querySelectorAll("[data-preset]"))
    button.addEventListener("click", () => preset(button.dataset.preset));
  for (const button of document.querySelectorAll("[data-tool]"))
    button.addEventListener("click", () => { view.tool = button.dataset.tool; say(); });
  const bySliders = () => {
    const middle = (part("level").value / 100) * (LEVELS - 1), half = (part("width").value / 200) * (LEVELS - 1);
    setWindow(middle - half, middle + half);
  };
  part("level").addEventListener("input", bySliders);
  part("width").addEventListener("input", bySliders);
  if (part("heat")) part("heat").addEventListener("input", () => showHeat(part("heat").value / 100));
  new ResizeObserver(() => redraw()).observe(canvas);
}

load().then(() => { listen(); canvas.focus({ preventScroll: true }); }).catch((error) => {
  part("message").textContent = `The image cannot be shown: ${error.message}`;
});
