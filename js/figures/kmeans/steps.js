// The energy after each step as a column: distortion, solid, and what the rate adds to it, hatched.

import { scale, ticks } from "../../kit/axes.js";
import { say, set } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";

const [TOP, BASE, HEIGHT] = [22, 112, 136];
const ENDS = [0.5, 1, 2, 3, 5, 8, 12, 20, 40];
const r = (v) => Math.round(v * 10) / 10;

export function makeSteps({ h, s }) {
  const solid = s("path", { class: "lvm-km-distortion", "data-of": "soft" });
  const box = s("path", { class: "lvm-km-rate", "data-of": "rate" });
  const lids = s("path", { class: "lvm-km-energy", "data-of": "energy" });
  const axis = s("path", { class: "lvm-axis" });
  const labels = s("g", { class: "lvm-ticks" });
  const numbers = s("g", { class: "lvm-ticks" });
  const title = s("text", { class: "lvm-bar-text lvm-bar-note", x: 0, y: 12 }, "energy per point, after each step");
  const svg = s("svg", { class: "lvm-svg", "aria-hidden": "true" }, solid, box, axis, lids, labels, numbers, title);
  const node = h("div", { class: "lvm-bar" }, svg);
  let top = ENDS[0];
  let written = "";

  function draw(width, states) {
    set(svg, { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` });
    const [left, right] = [34, width - 2];
    const step = (right - left) / Math.max(states.length, 12);
    const wide = Math.max(step - (step > 14 ? 6 : 1), 1.5);
    const y = scale([0, top], [BASE, TOP]);
    const held = (v) => Math.max(y(v), TOP);
    let [d, rate, lid] = ["", "", ""];
    states.forEach((state, i) => {
      const x = r(left + i * step + (step - wide) / 2);
      const [low, high] = [r(held(state.soft)), r(held(state.energy))];
      d += `M${x} ${BASE}V${low}h${r(wide)}V${BASE}Z`;
      if (low - high > 0.5) rate += `M${x} ${low}V${high}h${r(wide)}V${low}Z`;
      lid += `M${x} ${high}h${r(wide)}`;
    });
    set(solid, { d });
    set(box, { d: rate });
    set(lids, { d: lid });
    set(axis, { d: `M${left} ${BASE}H${right}` });
    const key = `${width} ${top} ${states.length}`;
    if (written === key) return;
    written = key;
    labels.replaceChildren(
      ...ticks(0, top, 3).map((v) => s("text", { x: left - 6, y: r(y(v)) + 4, "text-anchor": "end" }, String(v))),
    );
    const every = step >= 16 ? 1 : 5;
    numbers.replaceChildren(
      ...states
        .map((_, i) => i)
        .filter((i) => i % every === 0)
        .map((i) =>
          s(
            "text",
            {
              x: r(left + (i + 0.5) * step),
              y: BASE + 16,
              "text-anchor": "middle",
            },
            i === 0 && step > 40 ? "start" : fixed(i, 0),
          ),
        ),
    );
    say(title, "energy per point, after each step");
  }

  /** Choose the end of the axis for a run; true if it moved. */
  function adapt(states) {
    const most = Math.max(...states.map((state) => state.energy));
    const wanted = ENDS.find((end) => end >= most) ?? ENDS.at(-1);
    const moved = wanted !== top;
    top = wanted;
    return moved;
  }
  return { node, draw, adapt };
}
