// Two bars of cost, which begin at 0 nats and grow to the left. Solid, up to the sum: H(p_data), which no model saves.
// Hatched, the KL, from there to the log-likelihood. Above, expected over the data density: the sum stands at
// -H(p_data). Below, averaged over N draws: the sum moves. The axis never does; what goes on beyond it has an arrow.

import { hatch, held, scale, ticks } from "../../kit/axes.js";
import { say, set, show } from "../../kit/dom.js";
import { counted, fixed } from "../../kit/format.js";

const RIGHT = 1; // the axis' right end, nats: a few draws may lie where the density is above one
const LEFT = -12; // its left end: no state moves it
const [TOP, MIDDLE, AXIS, HEIGHT, TALL] = [26, 88, 140, 162, 24];
const LETTER = 8.2; // pixels, of a word in a bar

export function makeBars({ h, s }) {
  const rows = [
    ["expected", TOP],
    ["average", MIDDLE],
  ].map(([key, y]) => {
    const solid = s("rect", { class: "lvm-bar-sum", "data-of": "entropy", y, height: TALL });
    const lines = s("path", { class: "lvm-bar-hatch" });
    const box = s("rect", { class: "lvm-bar-gap", x: 0, y: 0, height: TALL });
    const gap = s("svg", { class: "lvm-clip", "data-of": "kl", y, height: TALL }, box, lines);
    const end = s("path", { class: "lvm-bar-line", "data-of": key });
    const text = s("text", { class: "lvm-bar-text lvm-fill-evidence", "data-of": key, y: y + 17 });
    const ofKl = s("text", { class: "lvm-bar-text lvm-fill-gap", "data-of": "kl", y: y + 17, "text-anchor": "end" });
    const [low, high] = [s("path", { class: "lvm-bar-off" }), s("path", { class: "lvm-bar-off" })];
    return { key, y, solid, lines, box, gap, end, text, ofKl, low, high };
  });
  const line = s("path", { class: "lvm-bar-entropy", "data-of": "entropy" });
  const bracket = s("path", { class: "lvm-bar-route", "data-of": "wobble" });
  const axis = s("path", { class: "lvm-axis" });
  const tickLabels = s("g", { class: "lvm-ticks" });
  const above = s("text", {
    class: "lvm-bar-text lvm-fill-data",
    y: 14,
    "text-anchor": "middle",
    "data-of": "entropy",
  });
  const below = s("text", {
    class: "lvm-bar-text lvm-bar-note",
    y: MIDDLE - 9,
    "text-anchor": "middle",
    "data-of": "wobble",
  });
  const svg = s(
    "svg",
    { class: "lvm-svg", "aria-hidden": "true" },
    rows.flatMap((row) => [row.solid, row.gap]),
    axis,
    tickLabels,
    bracket,
    line,
    rows.flatMap((row) => [row.end, row.text, row.ofKl, row.low, row.high]),
    above,
    below,
  );
  const node = h("div", { class: "lvm-bar" }, svg);
  let laid = 0;
  let x = null;

  function layOut(width) {
    x = scale([LEFT, RIGHT], [8, width - 8]);
    set(svg, { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` });
    const values = ticks(LEFT, RIGHT, width < 480 ? 4 : 8);
    const zero = [TOP, MIDDLE].map((y) => `M${x(0)} ${y - 4}V${y + TALL + 4}`).join("");
    set(axis, { d: `M8 ${AXIS}H${width - 8}${values.map((v) => `M${x(v)} ${AXIS}v4`).join("")}${zero}` });
    tickLabels.replaceChildren(
      ...values.map((v) =>
        s(
          "text",
          {
            x: x(v),
            y: AXIS + 17,
            "text-anchor": v === LEFT ? "start" : x(v) > width - 30 ? "end" : "middle",
            dx: v === LEFT ? -6 : x(v) > width - 30 ? 8 : 0,
          },
          v === 0 ? "0 nats" : fixed(v, 0),
        ),
      ),
    );
    for (const row of rows) set(row.lines, { d: hatch(width, TALL) });
    laid = width;
  }

  function draw(width, n) {
    if (laid !== width) layOut(width);
    const clip = (value) => Math.min(Math.max(x(value), 8), width - 8);
    const at = clip(-n.entropy);
    for (const row of rows) drawRow(row, n[row.key], n.kl, clip, width, at);
    // past each bar, but not through the words between them
    set(line, {
      d: `${[TOP, MIDDLE].map((y) => `M${at} ${y - 3}V${y + TALL + 6}`).join("")}M${at} ${AXIS - 5}V${AXIS + 5}`,
    });
    const end = clip(n.average + n.kl);
    const forward = n.direction === "forward";
    const y = MIDDLE + TALL + 14;
    const long = Math.min(Math.abs(end - at), 5); // a short arrow keeps its head
    const head = end > at ? -long : long;
    const tip = `M${end + head} ${y - 0.8 * long}L${end} ${y}L${end + head} ${y + 0.8 * long}`;
    show(bracket, forward && long >= 2);
    set(bracket, { d: `M${at} ${y}H${end}${tip}` });
    const sum = `−H = ${fixed(-n.entropy)}${forward && width >= 240 ? ": no model moves it" : ""}`;
    say(set(above, { x: held(at, sum, 2, width - 2, 8.2) }), sum);
    const plus = n.wobble < 0 ? "" : "+";
    const words = forward
      ? `N = ${counted(n.n)}: off by ${plus}${fixed(n.wobble)} ± ${fixed(n.error)}`
      : `N = ${counted(n.n)}`;
    say(set(below, { x: held(end, words, 2, width - 2, 7) }), words);
  }

  /** `at`: where the line of the entropy crosses the row; no word stands across it. */
  function drawRow(row, value, kl, clip, width, at) {
    const [zero, sum, end] = [0, value + kl, value].map(clip);
    span(row.solid, zero, sum);
    span(row.gap, sum, end);
    set(row.box, { width: Math.abs(end - sum) });
    const [offLeft, offRight] = [Math.min(value, value + kl) < LEFT, value + kl > RIGHT];
    show(row.low, offLeft);
    show(row.high, offRight);
    set(row.low, { d: `M8 ${row.y + TALL / 2}l9 -7v14Z` });
    set(row.high, { d: `M${width - 8} ${row.y + TALL / 2}l-9 -7v14Z` });
    show(row.end, value >= LEFT);
    set(row.end, { d: `M${end} ${row.y - 4}V${row.y + TALL + 4}` });
    const words = `${row.key} ${fixed(value)}`;
    const start = offLeft ? 24 : 8;
    say(set(row.text, { x: start }), words);
    const [left, right, after] = [Math.min(sum, end), Math.max(sum, end), start + words.length * LETTER + 6];
    const ofKl = [3, 1]
      .map((digits) => `KL ${fixed(kl, digits)}`)
      .map((text) => [text, besideHatch(left, right, after, at, text)])
      .find(([, place]) => place !== null);
    show(row.ofKl, !!ofKl);
    if (ofKl) say(set(row.ofKl, { x: ofKl[1] }), ofKl[0]);
  }
  return { node, draw };
}

const span = (node, a, b) => set(node, { x: Math.min(a, b), width: Math.abs(b - a) });

/** Where the words of the KL end: in the hatched part, or before it; null where other words stand there. */
function besideHatch(left, right, after, at, words) {
  const wide = words.length * LETTER;
  const crossed = at > right - 8 - wide - 6 && at < right - 2; // the line stands in the way
  const inside = crossed ? at - 8 : right - 8;
  if (inside - wide > Math.max(left + 4, after)) return inside;
  if (left - 9 - wide > after) return left - 9;
  return inside - wide > after ? inside : null;
}
