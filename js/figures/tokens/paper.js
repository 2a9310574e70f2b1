// The grid that is painted on, and the palette of codes.

import { byLikeness, plainImages } from "../../engine/tokens.js";
import { set } from "../../kit/dom.js";
import { followWidth } from "../../kit/figure.js";
import { makeWalked } from "./walked.js";

const PATCH = 4;
const LEAST = 26; // px of a patch in it

/**
 * The grid of tokens. `paint(place)` on a click or Space, `move(place)` by arrows, `take()` on P, `clear()` on Delete.
 * `handle` stands at the brush's place, `svg` is the grid; `at(event)` is the place under a pointer.
 */
export function makePaper(kit, made, { paint, move, take, clear }) {
  const walked = makeWalked(kit, made, {
    move,
    press: paint,
    label: "Place of the brush: arrows move it, Space paints, P takes the code here, Delete unpaints",
    keys: {
      " ": paint,
      Enter: paint,
      p: () => take(),
      P: () => take(),
      Delete: () => clear(),
      Backspace: () => clear(),
    },
  });
  const draw = ({ all, from, place }) =>
    walked.draw({ tokens: all, from, place }, all[place] === from[place] ? "" : ", painted");
  return { ...walked, draw };
}

/** The places on the straight way from one to another, both included: a fast hand leaves no gaps. */
export function between(from, to, grid) {
  const [r0, c0, r1, c1] = [Math.floor(from / grid), from % grid, Math.floor(to / grid), to % grid];
  const steps = Math.max(Math.abs(r1 - r0), Math.abs(c1 - c0), 1);
  const on = (a, b, k) => Math.round(a + ((b - a) * k) / steps);
  return Array.from({ length: steps + 1 }, (_, k) => on(r0, r1, k) * grid + on(c0, c1, k));
}

function tileOf(pen, patch) {
  const tile = pen.createImageData(PATCH, PATCH);
  patch.forEach((v, d) => {
    tile.data[4 * d + 3] = Math.round(255 * Math.min(Math.max(v, 0), 1));
  });
  return tile;
}

/** Put a patch on a canvas of 4 x 4 pixels. */
export function stamp(canvas, patch) {
  const pen = canvas.getContext("2d");
  pen.putImageData(tileOf(pen, patch), 0, 0);
}

/**
 * All codes as small patches (what the middle of the grid decodes to where every token is that code), like by like, in
 * as many columns as leave each 24 px and more. `choose(code)` when one is pressed; `rank(code)` is its place.
 */
export function makePalette({ h, s, view, onCleanup }, made, { choose }) {
  const { size } = made;
  const order = byLikeness(made);
  const ranks = order.reduce((found, code, rank) => Object.assign(found, { [code]: rank }), new Array(size));
  const { patches } = plainImages(made);
  const step = PATCH + 1;
  const canvas = h("canvas", { class: "lvm-ink lvm-palette-ink", "aria-hidden": "true" });
  const cards = s("path", { class: "lvm-palette-cards" }); // a code of an empty patch is seen too
  const under = s("svg", { class: "lvm-palette-papers", "aria-hidden": "true" }, cards);
  const mark = h("i", { class: "lvm-palette-mark" });
  const node = h("div", { class: "lvm-palette" }, under, canvas, mark);
  let [columns, rows, shown] = [1, size, 0];

  function layOut(width) {
    rows = Math.ceil(size / Math.max(Math.floor(width / LEAST), 4));
    columns = Math.ceil(size / rows); // as even as the rows can be
    const [wide, tall] = [columns * step - 1, rows * step - 1];
    set(canvas, { width: wide, height: tall });
    set(under, { viewBox: `0 0 ${wide} ${tall}` });
    const corner = (rank) => `M${step * (rank % columns)} ${step * Math.floor(rank / columns)}`;
    set(cards, { d: order.map((_, rank) => `${corner(rank)}h${PATCH}v${PATCH}h-${PATCH}z`).join("") });
    const pen = canvas.getContext("2d");
    order.forEach((code, rank) => {
      pen.putImageData(tileOf(pen, patches[code]), step * (rank % columns), step * Math.floor(rank / columns));
    });
    draw(shown);
  }

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const [column, row] = [
      Math.floor((columns * (event.clientX - box.left)) / box.width),
      Math.floor((rows * (event.clientY - box.top)) / box.height),
    ];
    return order[Math.max(row, 0) * columns + Math.min(Math.max(column, 0), columns - 1)];
  };
  const pressed = (event) => {
    const code = at(event);
    if (code !== undefined) choose(code);
  };
  const over = (event) => {
    const code = at(event);
    node.title = code === undefined ? "" : `code ${code}`;
  };
  canvas.addEventListener("click", pressed);
  canvas.addEventListener("pointermove", over);
  onCleanup(() => {
    canvas.removeEventListener("click", pressed);
    canvas.removeEventListener("pointermove", over);
  });
  function draw(brush) {
    shown = brush;
    const rank = ranks[brush];
    mark.style.left = `${(100 * (rank % columns)) / columns}%`;
    mark.style.top = `${(100 * Math.floor(rank / columns)) / rows}%`;
    mark.style.width = `${100 / columns}%`;
    mark.style.height = `${100 / rows}%`;
  }
  onCleanup(followWidth(node, view, layOut));
  return { node, draw, order, rank: (code) => ranks[code] };
}
