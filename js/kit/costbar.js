// Bars of cost on one axis that no state moves. A bar begins at 0 nats and grows to the left: solid up to a sum, from
// there on hatched, the KL, to its value, where a line stands. What goes on beyond the axis has an arrow.

import { hatch, scale, ticks } from "./axes.js";
import { say, set, show } from "./dom.js";
import { fixed } from "./format.js";

const LEFT = -12; // nats, the ends of the axis
const RIGHT = 1; // a log density, or what is wrongly called a bound, may lie above 0
const LETTER = 8.2; // pixels, of a word in a bar
const [BEFORE, BEHIND] = [8, 14]; // pixels beside the axis: behind it there is room for the unit

/**
 * Rows { y, sum, value, solid, end, ink, near }: what its parts stand for, and the classes of their marks. With `near`
 * the words of the value go along with its line, where there is room; else they stand still at the left end.
 */
export function makeCostBars(s, rows, { axis: low, tall }) {
  const made = rows.map((row) => makeRow(s, row, tall));
  const axis = s("path", { class: "lvm-axis" });
  const labels = s("g", { class: "lvm-ticks" });
  /** @type {[number, number]} */
  let ends = [BEFORE, BEFORE]; // pixels, where the axis ends
  let x = scale([LEFT, RIGHT], ends);

  /** For a width: ticks, zero, hatching and arrows, made here and never in a drag. */
  function layOut(width) {
    ends = [BEFORE, width - BEHIND];
    x = scale([LEFT, RIGHT], ends);
    const values = ticks(LEFT, RIGHT, width < 480 ? 4 : 8);
    const zero = rows.map(({ y }) => `M${x(0)} ${y - 4}V${y + tall + 4}`).join("");
    set(axis, { d: `M${ends[0]} ${low}H${ends[1]}${values.map((v) => `M${x(v)} ${low}v4`).join("")}${zero}` });
    const unit = s("text", { x: x(0) + 7, y: low + 17 }, "nats"); // the 0 itself stands under its tick
    labels.replaceChildren(...values.map((v) => tick(s, v, x(v), low + 17)), unit);
    for (const { lines, low: lower, high: higher, y } of made) {
      set(lines, { d: hatch(width, tall) });
      set(lower, { d: `M${ends[0]} ${y + tall / 2}l9 -7v14Z` });
      set(higher, { d: `M${ends[1]} ${y + tall / 2}l-9 -7v14Z` });
    }
  }

  const clip = (value) => Math.min(Math.max(x(value), ends[0]), ends[1]);

  /** `name` is said with the value; `at`: where another line crosses the row, through which no word goes. */
  function draw(i, { name, value, kl, at }) {
    const { y, solid, gap, box, end, text, ofKl, low: lower, high: higher } = made[i];
    const [zero, sum, stop] = [0, value + kl, value].map(clip);
    span(solid, zero, sum);
    span(gap, sum, stop);
    set(box, { width: Math.abs(stop - sum) });
    const [offLeft, offRight] = [Math.min(value, value + kl) < LEFT, Math.max(value, value + kl) > RIGHT];
    show(lower, offLeft);
    show(higher, offRight);
    const inside = value >= LEFT && value <= RIGHT;
    show(end, inside);
    set(end, { d: `M${stop} ${y - 4}V${y + tall + 4}` });
    const words = `${name} ${fixed(value)}`;
    const wide = words.length * LETTER;
    const start = beside([...(inside ? [stop] : []), at], offLeft ? 24 : 8, wide);
    const [left, right] = [Math.min(sum, stop), Math.max(sum, stop) - (offRight ? 12 : 0)]; // room for the arrow
    const said = `KL ${fixed(kl)}`;
    const place = besideHatch(left, right, start + wide + 6, at, said);
    show(ofKl, place !== null);
    if (place !== null) say(set(ofKl, { x: place }), said);
    const outside = place ?? left; // where the words of the KL end, if they stand before the hatched part
    const before = outside < left ? outside - said.length * LETTER - 14 : stop - 10;
    const near = rows[i].near && inside && before - wide > start && !(at > before - wide - 6 && at < before);
    say(set(text, { x: near ? before - wide : start }), words);
  }
  return {
    under: [...made.flatMap(({ solid, gap }) => [solid, gap]), axis, labels],
    over: made.flatMap(({ end, text, ofKl, low: lower, high: higher }) => [end, text, ofKl, lower, higher]),
    layOut,
    clip,
    draw,
    beyond: (value) => value < LEFT || value > RIGHT,
  };
}

function makeRow(s, { y, sum, value, solid, end, ink }, tall) {
  const lines = s("path", { class: "lvm-bar-hatch" });
  const box = s("rect", { class: "lvm-bar-gap", x: 0, y: 0, height: tall });
  const word = { y: y + tall / 2 + 5 };
  return {
    y,
    lines,
    box,
    solid: s("rect", { class: solid, "data-of": sum, y, height: tall }),
    gap: s("svg", { class: "lvm-clip", "data-of": "kl", y, height: tall }, box, lines),
    end: s("path", { class: end, "data-of": value }),
    text: s("text", { class: `lvm-bar-text ${ink}`, "data-of": value, ...word }),
    ofKl: s("text", { class: "lvm-bar-text lvm-fill-gap", "data-of": "kl", "text-anchor": "end", ...word }),
    low: s("path", { class: "lvm-bar-off" }),
    high: s("path", { class: "lvm-bar-off" }),
  };
}

function tick(s, value, x, y) {
  const first = value === LEFT;
  return s("text", { x, y, "text-anchor": first ? "start" : "middle", dx: first ? -6 : 0 }, fixed(value, 0));
}

const span = (node, a, b) => set(node, { x: Math.min(a, b), width: Math.abs(b - a) });

/** Where words that wide may begin, from `start` on, so that none of the lines goes through them. */
function beside(lines, start, wide) {
  for (const line of lines.sort((a, b) => a - b)) if (line > start - 8 && line < start + wide + 4) start = line + 10;
  return start;
}

/** Where the words of the KL end: in the hatched part, or before it; null without room: the formula says it too. */
function besideHatch(left, right, after, at, words) {
  const wide = words.length * LETTER;
  const crossed = at > right - 8 - wide - 6 && at < right - 2; // the line stands in the way
  const inside = crossed ? at - 8 : right - 8;
  if (inside - wide > Math.max(left + 4, after)) return inside;
  return left - 9 - wide > after ? left - 9 : null;
}
