// Two planes of gradients on equal axes: a thin line for each sample's gradient, an arrow for their average, and the
// exact gradient, which no sample moves. The axes adapt at rest only, to arrows of typical length; what is longer is
// cut at the edge, with a mark.

import { samples as samplesOf } from "../../engine/gradient.js";
import { scale, ticks } from "../../kit/axes.js";
import { set } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { swatch } from "../../kit/maths.js";

const SHOWN = 100; // of the samples; the average is over all
const REACHES = [0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500];
const TYPICAL = 201; // samples of one seed, whatever the reader's: new samples move no axis
const WAYS = [
  ["re", "reparameterised", 0],
  ["sf", "score function", 2],
];

/** Half of the samples' gradients by one way are no longer, in the larger of their two numbers. */
function typical(samples, first) {
  const sizes = samples.map((g) => Math.max(...[0, 1].map((i) => Math.abs(g[first + i]))));
  return sizes.sort((a, b) => a - b)[(TYPICAL - 1) / 2];
}

/** The axes' reach for the numbers of a state: typical arrows of both ways and the exact one are seen. */
export function reachOf(n) {
  const largest = (...parts) => Math.max(...parts.map((part) => Math.abs(part)));
  const exact = largest(n.exact_mean, n.exact_log_std);
  const samples = samplesOf({ ...n, seed: 0, n: TYPICAL });
  const [near, far] = WAYS.map(([, , first]) => 1.5 * typical(samples, first));
  const small = Math.max(exact, near);
  const least = Math.max(1.15 * exact, near, Math.min(far, 4 * small)); // wider only as far as the small can be seen
  const averages = 1.1 * largest(n.re_mean, n.re_log_std, n.sf_mean, n.sf_log_std);
  const wanted = Math.max(least, Math.min(averages, 2 * least));
  return REACHES.find((r) => r >= wanted) ?? REACHES.at(-1);
}

/** The head of an arrow from one place to another, in pixels. */
function head(x0, y0, x, y, wings) {
  const length = Math.hypot(x - x0, y - y0);
  if (length < 1e-6) return "";
  const [ux, uy] = [(x - x0) / length, (y - y0) / length];
  const size = Math.min(wings, length);
  const wing = (side) =>
    `${(x - size * ux + side * 0.5 * size * uy).toFixed(1)} ${(y - size * uy - side * 0.5 * size * ux).toFixed(1)}`;
  return `M${wing(1)}L${x.toFixed(1)} ${y.toFixed(1)}L${wing(-1)}`;
}

/** An arrow from the origin in pixels: shaft and head. */
function arrow(x0, y0, x, y, wings) {
  const tip = head(x0, y0, x, y, wings);
  return tip && `M${x0.toFixed(1)} ${y0.toFixed(1)}L${x.toFixed(1)} ${y.toFixed(1)}${tip}`;
}

export function makeArrows({ h, s }) {
  const panels = WAYS.map(([key, title, first]) => {
    const marks = {
      cross: s("path", { class: "lvm-grid" }),
      samples: s("path", { class: "lvm-arrow-sample", "data-of": key }),
      tips: s("path", { class: "lvm-arrow-tip", "data-of": key }),
      beyond: s("path", { class: "lvm-arrow-beyond", "data-of": key }),
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
    h("span", { class: "lvm-key" }, "› longer than its panel"),
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

  /** How much of the way from the origin to a place is inside the frame: 1 if all. */
  const share = (px, py) => {
    const along = (at, from, end) => (at === from ? 1 : ((at < from ? 2 : end - 2) - from) / (at - from));
    return Math.min(1, along(px, x(0), side), along(py, y(0), tall));
  };
  const cut = (px, py) => {
    const part = share(px, py);
    return [x(0) + part * (px - x(0)), y(0) + part * (py - y(0)), part < 1];
  };
  /** An arrow as far as the frame; one that goes on has a second head. */
  const shown = (mean, logStd, head) => {
    const [px, py, out] = cut(x(mean), y(logStd));
    const back = Math.max(0, 1 - (0.6 * head) / Math.hypot(px - x(0), py - y(0)));
    const behind = [x(0) + back * (px - x(0)), y(0) + back * (py - y(0))];
    return arrow(x(0), y(0), px, py, head) + (out ? arrow(x(0), y(0), ...behind, head) : "");
  };

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
        s("text", { x: side - 5, y: y(0) + (side < 220 ? 30 : -5), "text-anchor": "end" }, "d mean"), // clear of arrows
        s("text", { x: x(0) + 5, y: 13 }, "d log std"),
      );
    }
    laid = `${width} ${reach}`;
  }

  function draw(width, n, samples) {
    if (laid !== `${width} ${reach}`) layOut(width);
    const [x0, y0] = [x(0), y(0)];
    for (const { key, first, marks, name, title } of panels) {
      let [lines, tips, beyond, outside] = ["", "", "", 0];
      for (let i = 0; i < Math.min(samples.length, SHOWN); i++) {
        const [px, py, out] = cut(x(samples[i][first]), y(samples[i][first + 1]));
        lines += `M${x0} ${y0}L${px.toFixed(1)} ${py.toFixed(1)}`;
        if (out) beyond += head(x0, y0, px, py, 7);
        else tips += `M${px.toFixed(1)} ${py.toFixed(1)}h0`;
        outside += Number(out);
      }
      set(marks.samples, { d: lines });
      set(marks.tips, { d: tips });
      set(marks.beyond, { d: beyond });
      set(marks.exact, { d: shown(n.exact_mean, n.exact_log_std, 13) });
      const average = shown(n[`${key}_mean`], n[`${key}_log_std`], 9);
      set(marks.halo, { d: average });
      set(marks.average, { d: average });
      const of = key === "sf" && n.baseline ? `${title}, with baseline` : title;
      const words = outside ? `${of}: ${outside} of ${Math.min(samples.length, SHOWN)} outside` : of;
      if (name.textContent !== words) name.textContent = words;
    }
  }

  /** Choose the axes’ reach; true if it moved. */
  function adapt(n) {
    const wanted = reachOf(n);
    const moved = wanted !== reach;
    reach = wanted;
    return moved;
  }
  return { node, draw, adapt };
}

const short = (value) => (Math.abs(value) >= 1 ? fixed(value, 0) : fixed(value, 1));
