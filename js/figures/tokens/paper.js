// The grid that is painted on, and the palette of codes.

import { say, set } from "../../kit/dom.js";
import { imageOf } from "../plane/ink.js";

const CELL = 20;   // units of the grid's own drawing
const PATCH = 4;
const COLUMNS = 16; // of the palette

/**
 * The grid of tokens. `paint(place)` on a click or Space, `move(place)` by arrows, `take()` on P, `clear()` on Delete.
 * `handle` stands at the brush's place; `at(event)` is the place under a pointer.
 */
export function makePaper({ h, s, onCleanup }, { grid, places }, { paint, move, take, clear }) {
  const cells = Array.from({ length: places }, (_, i) => {
    const [x, y] = [CELL * (i % grid), CELL * Math.floor(i / grid)];
    return {
      box: s("rect", { x: x + 0.5, y: y + 0.5, width: CELL - 1, height: CELL - 1, class: "lvm-token" }),
      text: s("text", { x: x + CELL / 2, y: y + CELL / 2 + 2.6, "text-anchor": "middle", class: "lvm-token-text" }),
    };
  });
  const here = s("rect", { width: CELL, height: CELL, class: "lvm-token-here" });
  const side = CELL * grid;
  const svg = s("svg", { class: "lvm-token-grid", viewBox: `-1 -1 ${side + 2} ${side + 2}`, "aria-hidden": "true" },
    cells.map(({ box, text }) => [box, text]).flat(), here);
  const handle = h("div", {
    class: "lvm-handle lvm-handle-token", role: "slider", tabindex: "0", "aria-valuemin": 1, "aria-valuemax": places, "aria-orientation": "horizontal",
    "aria-label": "Place of the brush: arrows move it, Space paints, P takes the code here, Delete unpaints",
  }, h("i", {}));
  const at = (event) => {
    const frame = svg.getBoundingClientRect();
    const cell = (v, all) => Math.min(Math.max(Math.floor(grid * v / all), 0), grid - 1);
    return cell(event.clientY - frame.top, frame.height) * grid + cell(event.clientX - frame.left, frame.width);
  };
  let place = 0;
  const pressed = (event) => paint(at(event));
  const key = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [row, column] = [Math.floor(place / grid), place % grid];
    const to = {
      ArrowLeft: () => move(row * grid + Math.max(column - 1, 0)), ArrowRight: () => move(row * grid + Math.min(column + 1, grid - 1)),
      ArrowUp: () => move(Math.max(row - 1, 0) * grid + column), ArrowDown: () => move(Math.min(row + 1, grid - 1) * grid + column),
      Home: () => move(Math.floor(places / 2)), " ": () => paint(place), Enter: () => paint(place), p: take, P: take, Delete: clear, Backspace: clear,
    }[event.key];
    if (!to) return;
    event.preventDefault();
    to();
  };
  svg.addEventListener("click", pressed);
  handle.addEventListener("click", pressed);
  handle.addEventListener("keydown", key);
  onCleanup(() => { svg.removeEventListener("click", pressed); handle.removeEventListener("keydown", key); });

  function draw(n) {
    place = n.place;
    cells.forEach(({ box, text }, i) => {
      const painted = n.all[i] !== n.from[i];
      set(box, { class: `lvm-token${painted ? " is-painted" : ""}`, "fill-opacity": painted ? 0.2 : 0 });
      set(text, { class: `lvm-token-text${painted ? " is-painted" : ""}` });
      say(text, String(n.all[i]));
    });
    set(here, { x: CELL * (place % grid), y: CELL * Math.floor(place / grid) });
    handle.style.left = `${100 * (place % grid + 0.5) / grid}%`;
    handle.style.top = `${100 * (Math.floor(place / grid) + 0.5) / grid}%`;
    set(handle, {
      "aria-valuenow": place + 1,
      "aria-valuetext": `row ${Math.floor(place / grid) + 1}, column ${place % grid + 1}, code ${n.all[place]}${n.all[place] !== n.from[place] ? ", painted" : ""}`,
    });
  }
  return { node: h("div", { class: "lvm-token-box" }, svg, handle), draw, handle, at };
}

/** All codes as small patches: what the middle of the grid decodes to where every token is that code. */
export function makePalette({ h, onCleanup }, { size, grid, places, decode }, { choose }) {
  const columns = Math.min(COLUMNS, size);
  const rows = Math.ceil(size / columns);
  const step = PATCH + 1;
  const canvas = h("canvas", { class: "lvm-ink lvm-palette-ink", width: columns * step - 1, height: rows * step - 1, "aria-hidden": "true" });
  const mark = h("i", { class: "lvm-palette-mark" });
  const node = h("div", { class: "lvm-palette" }, canvas, mark);
  const pen = canvas.getContext("2d");
  const corner = PATCH * Math.floor(grid / 2);
  for (let k = 0; k < size; k++) {
    const image = decode(new Array(places).fill(k));
    const tile = imageOf(pen, image);
    pen.putImageData(tile, step * (k % columns) - corner, step * Math.floor(k / columns) - corner, corner, corner, PATCH, PATCH);
  }
  const pressed = (event) => {
    const box = canvas.getBoundingClientRect();
    const [column, row] = [Math.floor(columns * (event.clientX - box.left) / box.width), Math.floor(rows * (event.clientY - box.top) / box.height)];
    const k = Math.max(row, 0) * columns + Math.min(Math.max(column, 0), columns - 1);
    if (k < size) choose(k);
  };
  canvas.addEventListener("click", pressed);
  onCleanup(() => canvas.removeEventListener("click", pressed));
  const draw = (brush) => {
    mark.style.left = `${100 * (brush % columns) / columns}%`;
    mark.style.top = `${100 * Math.floor(brush / columns) / rows}%`;
    mark.style.width = `${100 / columns}%`;
    mark.style.height = `${100 / rows}%`;
  };
  return { node, draw };
}
