// Two planes of gradients on equal axes: a thin line for each sample's gradient, an arrow for their average, and the
// exact gradient, which no sample moves. The axes adapt at rest only.

import { scale, ticks } from "../../kit/axes.js";
import { set } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { swatch } from "../../kit/maths.js";

const SHOWN = 100; // of the samples; the average is over all
const REACHES = [0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500];
const WAYS = [
  ["re", "reparameterised", 0],
  ["sf", "score function", 2],
];

/** An arrow from the origin in pixels: shaft and head. */
function arrow(x0, y0, x, y, head) {
  const length = Math.hypot(x - x0, y - y0);
  if (length < 1e-6) return "";
  const [ux, uy] = [(x - x0) / length, (y - y0) / length];
  const size = Math.min(head, length);
  const wing = (side) =>
    `${(x - size * ux + side * 0.5 * size * uy).toFixed(1)} ${(y - size * uy - side * 0.5 * size * ux).toFixed(1)}`;
  return (
    `M${x0.toFixed(1)} ${y0.toFixed(1)}L${x.toFixed(1)} ${y.toFixed(1)}M${wing(1)}L${x.toFixed(1)} ` +
    `${y.toFixed(1)}L${wing(-1)}`
  );
}

export function makeArrows({ h, s }) {
  const panels = WAYS.map(([key, title, first]) => {
    const marks = {
      cross: s("path", { class: "lvm-grid" }),
      samples: s("path", { class: "lvm-arrow-sample", "data-of": key }),
      tips: s("path", { class: "lvm-arrow-tip", "data-of": key }),
      exact: s("path", { class: "lvm-arrow-exact", "data-of": "exact" }),
      halo: s("path", { class: "lvm-arrow-halo", "data-of": key }),
      average: s("path", { class: "lvm-arrow-average", "data-of": key }),
    };
    const frame = s("rect", { class: "lvm-field-frame", x: 0.5, y: 0.5 });
    const labels = s("g", { class: "lvm-ticks" });
    const svg = s("svg", { class: "lvm-svg", "aria-hidden": "true" }, frame, Object.values(marks), labels);
    const name = h("p", { class: "lvm-field-title" }, title);
    return { key, first, marks, frame, labels, svg, name, title, node: h("div", { class: "lvm-field" }, name, svg) };
  });
  const keys = h(
    "div",
    { class: "lvm-keys" },
    swatch(h, "arrow-sample", "one sample each"),
    swatch(h, "arrow-average", "their average"),
    swatch(h, "arrow-exact", "exact gradient"),
  );
  const node = h(
    "div",
    { class: "lvm-arrows" },
    h(
      "div",
      { class: "lvm-fields" },
      panels.map((panel) => panel.node),
    ),
    keys,
  );
  let reach = 1;
  let laid = "";
  let side = 0;
  let tall = 0;
  let x = null;
  let y = null;

  function layOut(width) {
    side = Math.floor((width - 14) / 2);
    tall = Math.min(side, 260);
    x = scale([-reach, reach], [(side - tall) / 2, (side + tall) / 2]); // equal units on both axes
    y = scale([-reach, reach], [tall, 0]);
    for (const panel of panels) {
      set(panel.svg, { width: side, height: tall, viewBox: `0 0 ${side} ${tall}` });
      set(panel.frame, { width: side - 1, height: tall - 1 });
      set(panel.marks.cross, { d: `M0 ${y(0)}H${side}M${x(0)} 0V${tall}` });
      const marks = ticks(-reach, reach, 5).filter((v) => v !== 0 && Math.abs(v) < reach);
      panel.labels.replaceChildren(
        ...marks.map((v) => s("text", { x: x(v), y: y(0) + 14, "text-anchor": "middle" }, short(v))),
        ...marks.map((v) => s("text", { x: x(0) - 5, y: y(v) + 4, "text-anchor": "end" }, short(v))),
        s("text", { x: side - 5, y: y(0) + (side < 150 ? 30 : -5), "text-anchor": "end" }, "d mean"), // clear of arrows
        s("text", { x: x(0) + 5, y: 13 }, "d log std"),
      );
    }
    laid = `${width} ${reach}`;
  }

  function draw(width, n, samples) {
    if (laid !== `${width} ${reach}`) layOut(width);
    const [x0, y0] = [x(0), y(0)];
    for (const { key, first, marks, name, title } of panels) {
      let [lines, tips, outside] = ["", "", 0];
      for (let i = 0; i < Math.min(samples.length, SHOWN); i++) {
        const [px, py] = [held(x(samples[i][first])), held(y(samples[i][first + 1]))];
        lines += `M${x0} ${y0}L${px} ${py}`;
        tips += `M${px} ${py}h0`;
        if (px < 0 || px > side || py < 0 || py > tall) outside++;
      }
      set(marks.samples, { d: lines });
      set(marks.tips, { d: tips });
      set(marks.exact, { d: arrow(x0, y0, x(n.exact_mean), y(n.exact_log_std), 13) });
      const average = arrow(x0, y0, x(n[`${key}_mean`]), y(n[`${key}_log_std`]), 9);
      set(marks.halo, { d: average });
      set(marks.average, { d: average });
      const of = key === "sf" && n.baseline ? `${title}, with baseline` : title;
      const words = outside ? `${of}: ${outside} of ${Math.min(samples.length, SHOWN)} outside` : of;
      if (name.textContent !== words) name.textContent = words;
    }
  }

  /** Choose the axes’ reach: most samples are inside, unless the exact arrow would be tiny; true if it moved. */
  function adapt(n) {
    const of = (...errors) => Math.max(...errors) * Math.sqrt(n.n); // how far single samples scatter
    const [near, far] = [of(n.re_mean_error, n.re_log_std_error), of(n.sf_mean_error, n.sf_log_std_error)];
    const exact = Math.max(Math.abs(n.exact_mean), Math.abs(n.exact_log_std));
    const least = Math.max(1.15 * exact, 0.9 * near); // wider only as far as the exact arrow can still be seen
    const wanted = REACHES.find((r) => r >= Math.max(least, Math.min(0.9 * far, 4 * exact))) ?? REACHES.at(-1);
    const moved = wanted !== reach;
    reach = wanted;
    return moved;
  }
  return { node, draw, adapt };
}

const held = (pixel) => Math.min(Math.max(pixel, -4000), 4000).toFixed(1);
const short = (value) => (Math.abs(value) >= 1 ? fixed(value, 0) : fixed(value, 1));
