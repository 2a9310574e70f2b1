// A grid of tokens, as figures 10 and 11 draw it: one cell for each, its code in it, a mark at one place and a handle
// there.

import { say, set } from "../../kit/dom.js";
import { makeHandle } from "../../kit/handles.js";

const CELL = 20; // units of the grid's own drawing

/**
 * `pressed(place)` when a cell is clicked. `draw(look)` paints: look(i) gives { code, fill, onBox, onText } of cell i,
 * the last two classes beside its own; `stand(place)` brings mark and handle to a place; `at(event)` is the place under
 * a pointer, the nearest one outside.
 */
export function makeCells({ h, s, onCleanup }, { grid, places }, { pressed, attributes = {} }) {
  const corner = (i) => [CELL * (i % grid), CELL * Math.floor(i / grid)];
  const cells = Array.from({ length: places }, (_, i) => {
    const [x, y] = corner(i);
    return {
      box: s("rect", { x: x + 0.5, y: y + 0.5, width: CELL - 1, height: CELL - 1, class: "lvm-token" }),
      text: s("text", { x: x + CELL / 2, y: y + CELL / 2 + 2.6, "text-anchor": "middle", class: "lvm-token-text" }),
    };
  });
  const here = s("rect", { width: CELL, height: CELL, class: "lvm-token-here" });
  const side = CELL * grid;
  const svg = s(
    "svg",
    { class: "lvm-token-grid", viewBox: `-1 -1 ${side + 2} ${side + 2}`, "aria-hidden": "true" },
    cells.flatMap(({ box, text }) => [box, text]),
    here,
  );
  const handle = makeHandle(h, "token", attributes);
  const at = (event) => {
    const frame = svg.getBoundingClientRect();
    const cell = (v, all) => Math.min(Math.max(Math.floor((grid * v) / all), 0), grid - 1);
    return cell(event.clientY - frame.top, frame.height) * grid + cell(event.clientX - frame.left, frame.width);
  };
  const click = (event) => pressed(at(event));
  svg.addEventListener("click", click);
  onCleanup(() => svg.removeEventListener("click", click));

  const looks = []; // what each cell shows: of 49 cells a step changes few
  const draw = (look) =>
    cells.forEach(({ box, text }, i) => {
      const { code, fill, onBox = "", onText = "" } = look(i);
      const key = `${code}|${fill}|${onBox}|${onText}`;
      if (looks[i] === key) return;
      looks[i] = key;
      set(box, { class: `lvm-token${onBox}`, "fill-opacity": fill });
      set(text, { class: `lvm-token-text${onText}` });
      say(text, code);
    });
  const stand = (place) => {
    const [x, y] = corner(place);
    set(here, { x, y });
    handle.style.left = `${(100 * (x + CELL / 2)) / side}%`;
    handle.style.top = `${(100 * (y + CELL / 2)) / side}%`;
  };
  return { node: h("div", { class: "lvm-token-box" }, svg, handle), here, handle, at, draw, stand };
}
