// The grid of tokens, shaded by what each cost, and the bars of the next conditional.

import { say, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";

const CELL = 20; // units of the grid's own drawing
const BARS = 6;

/** The grid: `go(place)` when a cell is pressed, so many tokens are then drawn; `handle` stands at the next place. */
export function makeGrid({ h, s, onCleanup }, { grid, places, size }, { go }) {
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
  const pressed = (event) => go(placeAt(event, svg, grid));
  svg.addEventListener("click", pressed);
  onCleanup(() => svg.removeEventListener("click", pressed));

  function draw(n) {
    cells.forEach(({ box, text }, i) => {
      const drawn = i < n.step;
      const share = drawn ? Math.min(-n.logs[i] / Math.log(size), 1) : 0;
      set(box, { class: `lvm-token${drawn ? "" : " is-open"}${i < n.locked ? " is-locked" : ""}`, "fill-opacity": drawn ? (0.06 + 0.8 * share).toFixed(3) : 0 });
      set(text, { class: `lvm-token-text${share > 0.55 ? " is-light" : ""}` });
      say(text, drawn ? String(n.all[i]) : "");
    });
    show(here, n.step < places);
    const end = Math.min(n.step, places - 1);
    handle.style.left = `${100 * (end % grid + 0.5) / grid}%`;
    handle.style.top = `${100 * (Math.floor(end / grid) + 0.5) / grid}%`;
    set(handle, { "aria-valuenow": n.step, "aria-valuetext": `${n.step} of ${places} tokens` });
    set(here, { x: CELL * (n.step % grid), y: CELL * Math.floor(n.step / grid) });
  }
  const handle = h("div", { class: "lvm-handle lvm-handle-token" }, h("i", {}));
  const at = (event) => placeAt(event, svg, grid);
  return { node: h("div", { class: "lvm-token-box" }, svg, handle), draw, handle, at };
}

/** The place of the grid under a pointer, the nearest one outside. */
function placeAt(event, svg, grid) {
  const frame = svg.getBoundingClientRect();
  const cell = (v, all) => Math.min(Math.max(Math.floor(grid * v / all), 0), grid - 1);
  return cell(event.clientY - frame.top, frame.height) * grid + cell(event.clientX - frame.left, frame.width);
}

/** The most probable codes of the next token, the one that the seed takes among them. */
export function makeBars({ h }, { size, places }) {
  const title = h("div", { class: "lvm-caption" });
  const rows = Array.from({ length: BARS }, () => {
    const [code, bar, number] = [h("span", { class: "lvm-next-code" }), h("i", {}), h("span", { class: "lvm-next-number" })];
    return { node: h("div", { class: "lvm-next" }, code, h("span", { class: "lvm-next-track" }, bar), number), code, bar, number };
  });
  const note = h("div", { class: "lvm-small" });
  const node = h("div", { class: "lvm-token-side lvm-token-next" }, title, rows.map((row) => row.node), note);

  function draw(n) {
    const whole = n.step >= places;
    const place = whole ? places - 1 : n.step;
    const conditional = n.conditionals[place];
    const order = Array.from(conditional.keys()).sort((a, b) => conditional[b] - conditional[a]);
    const taken = n.all[place];
    const shown = order.slice(0, BARS);
    if (!shown.includes(taken)) shown[BARS - 1] = taken;
    say(title, whole ? `the last token, place ${places}` : `the next token, place ${n.step + 1}`);
    rows.forEach(({ node: row, code, bar, number }, i) => {
      const k = shown[i];
      show(row, k !== undefined);
      if (k === undefined) return;
      const p = Math.exp(conditional[k]);
      say(code, String(k));
      say(number, fixed(p, 3));
      bar.style.width = `${(100 * p).toFixed(2)}%`;
      row.classList.toggle("is-taken", k === taken);
    });
    const rest = 1 - shown.reduce((sum, k) => sum + Math.exp(conditional[k]), 0);
    say(note, `the other ${size - Math.min(BARS, size)} codes share ${fixed(Math.max(rest, 0), 3)}; the mark ▸ shows what the seed ${whole ? "took" : "will take"}`);
  }
  return { node, draw };
}
