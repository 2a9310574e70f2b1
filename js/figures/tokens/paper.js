// The grid that is painted on, and the palette of codes.

import { set } from "../../kit/dom.js";
import { imageOf } from "../drawing/ink.js";
import { makeCells } from "./cells.js";

const PATCH = 4;
const COLUMNS = 16; // of the palette

/**
 * The grid of tokens. `paint(place)` on a click or Space, `move(place)` by arrows, `take()` on P, `clear()` on Delete.
 * `handle` stands at the brush's place; `at(event)` is the place under a pointer.
 */
export function makePaper(kit, made, { paint, move, take, clear }) {
  const { grid, places } = made;
  const cells = makeCells(kit, made, {
    pressed: paint,
    attributes: {
      role: "slider",
      tabindex: "0",
      "aria-valuemin": 1,
      "aria-valuemax": places,
      "aria-orientation": "horizontal",
      "aria-label": "Place of the brush: arrows move it, Space paints, P takes the code here, Delete unpaints",
    },
  });
  const { handle } = cells;
  let place = 0;
  const pressed = (event) => paint(cells.at(event));
  const key = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [row, column] = [Math.floor(place / grid), place % grid];
    const to = {
      ArrowLeft: () => move(row * grid + Math.max(column - 1, 0)),
      ArrowRight: () => move(row * grid + Math.min(column + 1, grid - 1)),
      ArrowUp: () => move(Math.max(row - 1, 0) * grid + column),
      ArrowDown: () => move(Math.min(row + 1, grid - 1) * grid + column),
      Home: () => move(Math.floor(places / 2)),
      " ": () => paint(place),
      Enter: () => paint(place),
      p: take,
      P: take,
      Delete: clear,
      Backspace: clear,
    }[event.key];
    if (!to) return;
    event.preventDefault();
    to();
  };
  handle.addEventListener("click", pressed);
  handle.addEventListener("keydown", key);
  kit.onCleanup(() => {
    handle.removeEventListener("click", pressed);
    handle.removeEventListener("keydown", key);
  });

  function draw(n) {
    place = n.place;
    const painted = (i) => n.all[i] !== n.from[i];
    cells.draw((i) => {
      const on = painted(i) ? " is-painted" : "";
      return { code: String(n.all[i]), fill: on ? 0.2 : 0, onBox: on, onText: on };
    });
    cells.stand(place);
    set(handle, {
      "aria-valuenow": place + 1,
      "aria-valuetext":
        `row ${Math.floor(place / grid) + 1}, column ${(place % grid) + 1}, code ` +
        `${n.all[place]}${painted(place) ? ", painted" : ""}`,
    });
  }
  return { node: cells.node, draw, handle, at: cells.at };
}

/** All codes as small patches: what the middle of the grid decodes to where every token is that code. */
export function makePalette({ h, onCleanup }, { size, grid, places, decode }, { choose }) {
  const columns = Math.min(COLUMNS, size);
  const rows = Math.ceil(size / columns);
  const step = PATCH + 1;
  const canvas = h("canvas", {
    class: "lvm-ink lvm-palette-ink",
    width: columns * step - 1,
    height: rows * step - 1,
    "aria-hidden": "true",
  });
  const mark = h("i", { class: "lvm-palette-mark" });
  const node = h("div", { class: "lvm-palette" }, canvas, mark);
  const pen = canvas.getContext("2d");
  const corner = PATCH * Math.floor(grid / 2);
  for (let k = 0; k < size; k++) {
    const image = decode(new Array(places).fill(k));
    const tile = imageOf(pen, image);
    pen.putImageData(
      tile,
      step * (k % columns) - corner,
      step * Math.floor(k / columns) - corner,
      corner,
      corner,
      PATCH,
      PATCH,
    );
  }
  const pressed = (event) => {
    const box = canvas.getBoundingClientRect();
    const [column, row] = [
      Math.floor((columns * (event.clientX - box.left)) / box.width),
      Math.floor((rows * (event.clientY - box.top)) / box.height),
    ];
    const k = Math.max(row, 0) * columns + Math.min(Math.max(column, 0), columns - 1);
    if (k < size) choose(k);
  };
  canvas.addEventListener("click", pressed);
  onCleanup(() => canvas.removeEventListener("click", pressed));
  const draw = (brush) => {
    mark.style.left = `${(100 * (brush % columns)) / columns}%`;
    mark.style.top = `${(100 * Math.floor(brush / columns)) / rows}%`;
    mark.style.width = `${100 / columns}%`;
    mark.style.height = `${100 / rows}%`;
  };
  return { node, draw };
}
