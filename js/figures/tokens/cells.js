// A grid of tokens, as figures 10 and 11 draw it: one cell for each with the patch that its code stands for, a mark at
// one place, with the code's number, and a handle there.

import { plainImages } from "../../engine/tokens.js";
import { say, set } from "../../kit/dom.js";
import { makeHandle } from "../../kit/handles.js";
import { inkCanvas } from "../drawing/ink.js";

const CELL = 20; // units of the grid's own drawing
const PATCH = 4; // pixels of a token's side
const FAINT = 0.4; // of a ghost

/**
 * `pressed(place)` when a cell is clicked. `draw(look)` paints: look(i) gives { code, fill, tint, onBox, onText,
 * ghost } of cell i: how strongly its paper is tinted below the ink, classes beside its own, and a code that an empty
 * cell shows faintly; `stand(place)` brings mark and handle to a place; `at(event)` is the place under a pointer, the
 * nearest one outside.
 */
export function makeCells({ h, s, onCleanup }, made, { pressed, attributes = {} }) {
  const { grid, places } = made;
  const { patches } = plainImages(made);
  const ink = inkCanvas(h, { class: "lvm-ink lvm-token-ink" });
  const corner = (i) => [CELL * (i % grid), CELL * Math.floor(i / grid)];
  const cells = Array.from({ length: places }, (_, i) => {
    const [x, y] = corner(i);
    const title = s("title", {});
    return {
      title,
      paper: s("rect", { x, y, width: CELL, height: CELL, class: "lvm-token-tint", "fill-opacity": 0 }),
      box: s("rect", { x: x + 0.5, y: y + 0.5, width: CELL - 1, height: CELL - 1, class: "lvm-token" }, title),
      text: s("text", { x: x + CELL / 2, y: y + CELL / 2 + 2.6, "text-anchor": "middle", class: "lvm-token-text" }),
    };
  });
  const here = s("rect", { width: CELL, height: CELL, class: "lvm-token-here" });
  const number = s("text", { "text-anchor": "middle", class: "lvm-token-number" });
  const side = CELL * grid;
  const svg = s(
    "svg",
    { class: "lvm-token-grid", viewBox: `-1 -1 ${side + 2} ${side + 2}`, "aria-hidden": "true" },
    cells.flatMap(({ box, text }) => [box, text]),
    here,
    number,
  );
  const papers = s(
    "svg",
    { class: "lvm-token-papers", viewBox: `-1 -1 ${side + 2} ${side + 2}`, "aria-hidden": "true" },
    cells.map(({ paper }) => paper),
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
  const pixels = new Float64Array((PATCH * grid) ** 2);
  const codes = new Array(places).fill("");
  const ghosts = new Array(places).fill("");
  const show = (i, code, ghost) => {
    codes[i] = code;
    ghosts[i] = ghost;
    const [seen, strength] = code === "" ? [ghost, FAINT] : [code, 1];
    const at = PATCH * (Math.floor(i / grid) * PATCH * grid + (i % grid));
    for (let d = 0; d < PATCH * PATCH; d++)
      pixels[at + Math.floor(d / PATCH) * PATCH * grid + (d % PATCH)] = seen === "" ? 0 : strength * patches[seen][d];
  };
  const draw = (look) => {
    let fresh = false;
    cells.forEach(({ box, text, title, paper }, i) => {
      const { code, fill, tint = 0, onBox = "", onText = "", ghost = "" } = look(i);
      const key = `${code}|${fill}|${tint}|${onBox}|${onText}|${ghost}`;
      if (looks[i] === key) return;
      looks[i] = key;
      set(box, { class: `lvm-token${onBox}`, "fill-opacity": fill });
      set(paper, { "fill-opacity": tint });
      set(text, { class: `lvm-token-text${onText}` });
      say(text, code);
      if (codes[i] === code && ghosts[i] === ghost) return;
      fresh = true;
      show(i, code, ghost);
      say(title, code === "" ? `place ${i + 1}: not drawn yet` : `place ${i + 1}: code ${code}`);
    });
    if (fresh) ink.paint(pixels);
  };
  const stand = (place) => {
    const [x, y] = corner(place);
    set(here, { x, y });
    const long = codes[place].length > 2 ? " is-long" : "";
    set(number, { x: x + CELL / 2, y: y + CELL / 2 + 2.8, class: `lvm-token-number${long}` });
    say(number, codes[place]);
    handle.style.left = `${(100 * (x + CELL / 2)) / side}%`;
    handle.style.top = `${(100 * (y + CELL / 2)) / side}%`;
  };
  return {
    node: h("div", { class: "lvm-token-box" }, papers, ink.node, svg, handle),
    svg,
    here,
    handle,
    at,
    draw,
    stand,
  };
}
