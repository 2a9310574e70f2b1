// F and the evidence after each half step: a level at F, hatched the gap from there up, and the evidence as its lid.
// The axis begins where a run lies, not at zero, so no column stands on it.

import { scale, ticks } from "../../kit/axes.js";
import { say, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";

const [TOP, BASE, HEIGHT] = [22, 132, 156];
const THICK = 5; // pixels, of the level at F, which is its upper edge
const r = (v) => Math.round(v * 10) / 10;

export function makeSteps({ h, s }) {
  const levels = s("path", { class: "lvm-bar-elbo", "data-of": "f" });
  const box = s("path", { class: "lvm-bar-gap", "data-of": "gap" });
  const lines = s("path", { class: "lvm-bar-hatch", "data-of": "gap" });
  const lower = s("path", { class: "lvm-bar-off", "data-of": "f" });
  const lids = s("path", { class: "lvm-bar-line", "data-of": "evidence" });
  const axis = s("path", { class: "lvm-axis" });
  const ticksOfY = s("g", { class: "lvm-ticks" });
  const moves = s("g", { class: "lvm-ticks lvm-em-moves" });
  const title = s("text", { class: "lvm-bar-text lvm-bar-note", x: 0, y: 12 });
  const svg = s(
    "svg",
    { class: "lvm-svg", "aria-hidden": "true" },
    box,
    lines,
    axis,
    levels,
    lids,
    lower,
    ticksOfY,
    moves,
    title,
  );
  const node = h("div", { class: "lvm-bar lvm-em-steps" }, svg);
  let ends = [-1, 0];
  let laid = "";
  let written = "";

  function layOut(width) {
    set(svg, { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` });
    const y = scale(ends, [BASE, TOP]);
    ticksOfY.replaceChildren(
      ...ticks(...ends, 5).map((v) => s("text", { x: 40, y: r(y(v)) + 4, "text-anchor": "end" }, fixed(v, 0))),
    );
    laid = `${width} ${ends}`;
  }

  function draw(width, states) {
    if (laid !== `${width} ${ends}`) layOut(width);
    const [left, right] = [48, width - 2];
    const step = (right - left) / Math.max(states.length, 12);
    const wide = Math.max(step - (step > 14 ? 6 : 1), 1.5);
    const y = scale(ends, [BASE, TOP]);
    const held = (v) => Math.min(Math.max(y(v), TOP), BASE);
    let [f, gap, hatch, lid, off] = ["", "", "", "", ""];
    states.forEach((state, i) => {
      const x = r(left + i * step + (step - wide) / 2);
      const [low, high] = [r(held(state.f)), r(held(state.evidence))];
      if (y(state.f) <= BASE + 1) f += `M${x} ${low}h${r(wide)}v${THICK}h${r(-wide)}Z`;
      if (low - high > 1) {
        gap += `M${x} ${low}V${high}h${r(wide)}V${low}Z`;
        hatch += strokes(x, wide, low, high);
      }
      lid += `M${x} ${high}h${r(wide)}`;
      if (y(state.f) > BASE + 1) off += `M${r(x + wide / 2)} ${BASE - 3}l-5 -8h10Z`;
    });
    set(levels, { d: f });
    set(box, { d: gap });
    set(lines, { d: hatch });
    set(lids, { d: lid });
    set(lower, { d: off });
    set(axis, { d: `M${left} ${BASE}H${right}${torn(left)}` });
    show(ticksOfY, states.length > 0);
    const letters = step >= 12 ? states.map((state) => state.move || "start") : [];
    const key = `${width} ${step} ${letters.join("")}`;
    if (written !== key) {
      written = key;
      moves.replaceChildren(
        ...letters.map((move, i) =>
          s(
            "text",
            {
              x: r(left + (i + 0.5) * step),
              y: BASE + 16,
              "text-anchor": "middle",
            },
            move === "start" ? (step > 40 ? "start" : "0") : move,
          ),
        ),
      );
    }
    say(
      title,
      !states.length
        ? "nothing to sum yet"
        : `F and evidence, nats, ${step >= 12 ? "after each half step" : `in ${states.length - 1} half steps`}`,
    );
  }

  /** Choose the ends of the axis for a run; true if they moved. The first q knows nothing: its F may lie below. */
  function adapt(states) {
    const counted = states.length > 2 ? states.slice(1) : states;
    const [low, high] = [
      Math.min(...counted.map((state) => state.f)),
      Math.max(...states.map((state) => state.evidence)),
    ];
    const room = Math.max(high - low, 1);
    const wanted = [low - 0.25 * room, high + 0.04 * room];
    const moved = wanted.some((end, i) => end !== ends[i]);
    ends = wanted;
    return moved;
  }
  return { node, draw, adapt };
}

/** The axis of nats, torn at its foot: it does not begin at zero. */
const torn = (x) =>
  `M${x} ${TOP}V${BASE - 10}M${x - 5} ${BASE - 8}l10 -4M${x - 5} ${BASE - 3}l10 -4M${x} ${BASE - 5}V${BASE}`;

/** Hatching of a column from `low` up to `high`, at 45 degrees, cut where the column ends. */
function strokes(x, wide, low, high) {
  let d = "";
  for (let at = low + wide; at > high; at -= 5) {
    const [from, to] = [Math.max(at - low, 0), Math.min(wide, at - high)];
    if (to > from) d += `M${r(x + from)} ${r(at - from)}L${r(x + to)} ${r(at - to)}`;
  }
  return d;
}
