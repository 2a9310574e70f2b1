// The plane of z: contours of the true posterior, the encoder's ellipse and the refined one. Equal units on both axes.

import { scale, ticks } from "../../kit/axes.js";
import { set } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { swatch } from "../../kit/maths.js";
import { LEVELS, levelPath } from "./levels.js";

const TALLEST = 360; // of the plane, in pixels

export function makePlane({ h, s }) {
  const keys = h(
    "div",
    { class: "lvm-keys" },
    swatch(h, "contour", "*p*(*z* | *x*)"),
    swatch(h, "q-dashed", "encoder’s *q*"),
    swatch(h, "q", "refined *q*"),
  );
  const marks = {
    grid: s("path", { class: "lvm-grid" }),
    contours: LEVELS.map((_, i) =>
      s("path", { class: `lvm-contour lvm-contour-${i}`, "data-of": "evidence approximation" }),
    ),
    encoder: [1, 2].map((k) =>
      s("ellipse", { class: `lvm-ellipse lvm-ellipse-encoder lvm-ellipse-${k}`, "data-of": "amortised" }),
    ),
    refined: [1, 2].map((k) => s("ellipse", { class: `lvm-ellipse lvm-ellipse-${k}`, "data-of": "refined" })),
    trail: s("path", { class: "lvm-trail", "data-of": "refined" }),
    dot: s("circle", { class: "lvm-q-dot", r: 4, "data-of": "refined" }),
  };
  const labels = s("g", { class: "lvm-ticks" });
  const frame = s("rect", { class: "lvm-field-frame", x: 0.5, y: 0.5 });
  const svg = s(
    "svg",
    { class: "lvm-svg lvm-posterior-svg", "aria-hidden": "true" },
    marks.grid,
    marks.contours,
    marks.encoder,
    marks.trail,
    marks.refined,
    marks.dot,
    frame,
    labels,
  );
  const node = h("div", { class: "lvm-middle lvm-posterior-plane" }, keys, svg);
  let drawn = null; // the posterior and the size that the contours belong to
  let x = null;
  let y = null;

  function layOut(width, height, p) {
    const [a, b] = p.lines.map((own) => [own.points[0], own.points.at(-1)]);
    const unit = Math.min(width / (a[1] - a[0]), height / (b[1] - b[0])); // pixels per unit
    const [ca, cb] = [(a[0] + a[1]) / 2, (b[0] + b[1]) / 2];
    x = scale([ca - width / 2 / unit, ca + width / 2 / unit], [0, width]);
    y = scale([cb - height / 2 / unit, cb + height / 2 / unit], [height, 0]);
    x.unit = unit;
    set(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    set(frame, { width: width - 1, height: height - 1 });
    const [xs, ys] = [ticks(...x.domain, 5), ticks(...y.domain, 5)];
    set(marks.grid, {
      d:
        xs.map((v) => `M${x(v).toFixed(1)} 0V${height}`).join("") +
        ys.map((v) => `M0 ${y(v).toFixed(1)}H${width}`).join(""),
    });
    const digits = xs[1] - xs[0] < 1 ? 1 : 0;
    const inside = (v, range, room) => v > range[0] + room && v < range[1] - room;
    labels.replaceChildren(
      ...xs
        .filter((v) => inside(x(v), [0, width], 24))
        .map((v) => s("text", { x: x(v), y: height - 6, "text-anchor": "middle" }, fixed(v, digits))),
      ...ys.filter((v) => inside(y(v), [0, height], 24)).map((v) => s("text", { x: 5, y: y(v) + 4 }, fixed(v, digits))),
      s("text", { x: width - 6, y: height - 6, "text-anchor": "end", class: "lvm-axis-name" }, "z₁"),
      s("text", { x: 6, y: 15, class: "lvm-axis-name" }, "z₂"),
    );
    let top = -Infinity;
    for (const value of p.logJoint) top = Math.max(top, value);
    LEVELS.forEach((level, i) => set(marks.contours[i], { d: levelPath(p, top - level, x, y) }));
    drawn = { p, width, height };
  }

  function draw(width, n, p) {
    const height = Math.round(Math.min(0.95 * width, TALLEST));
    if (drawn?.p !== p || drawn.width !== width || drawn.height !== height) layOut(width, height, p);
    const ellipse = (nodes, mean, std) =>
      nodes.forEach((node_, i) =>
        set(node_, {
          cx: x(mean[0]).toFixed(1),
          cy: y(mean[1]).toFixed(1),
          rx: ((i + 1) * std[0] * x.unit).toFixed(1),
          ry: ((i + 1) * std[1] * x.unit).toFixed(1),
        }),
      );
    ellipse(marks.encoder, p.path[0].q.mean, p.path[0].q.logStd.map(Math.exp));
    ellipse(marks.refined, [n.mean1, n.mean2], [n.std1, n.std2]);
    const way = p.path.slice(0, n.taken + 1).map(({ q }) => `${x(q.mean[0]).toFixed(1)} ${y(q.mean[1]).toFixed(1)}`);
    set(marks.trail, { d: `M${way.join("L")}` });
    set(marks.dot, { cx: x(n.mean1).toFixed(1), cy: y(n.mean2).toFixed(1) });
  }
  return { node, draw };
}
