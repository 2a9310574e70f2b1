// The run so far, over steps: -ELBO of the test images, its two parts, and of training batches; axes that follow.

import { path, scale, ticks } from "../../kit/axes.js";
import { crop, set, show } from "../../kit/dom.js";
import { counted } from "../../kit/format.js";
import { swatch } from "../../kit/maths.js";

const MOST = 400; // points of a curve that are drawn

export function makeCurves({ h, s }) {
  const line = (kind) => s("path", { class: `lvm-curve-${kind}`, "data-of": kind });
  const marks = { training: line("training"), distortion: line("distortion"), rate: line("rate"), elbo: line("elbo") };
  const [grid, axis] = [s("path", { class: "lvm-grid" }), s("path", { class: "lvm-axis" })];
  const cursor = s("path", { class: "lvm-cursor-line" });
  const here = s("circle", { class: "lvm-elbo-dot lvm-elbo-here", r: 5 });
  const labels = s("g", { class: "lvm-ticks" });
  const inside = s("svg", { class: "lvm-clip" }, Object.values(marks));
  const svg = s(
    "svg",
    { class: "lvm-svg lvm-plane-svg", "aria-hidden": "true" },
    grid,
    axis,
    inside,
    cursor,
    here,
    labels,
  );
  const keys = h(
    "div",
    { class: "lvm-keys" },
    swatch(h, "elbo", "−ELBO, test"),
    swatch(h, "distortion", "distortion, test"),
    swatch(h, "rate", "rate, test"),
    swatch(h, "training", "−ELBO, training batches"),
  );
  const node = h("div", { class: "lvm-curves" }, keys, svg);
  let [x, y, box] = [null, null, null];
  let form = "";

  /** Scales that hold the run: the first, high values may leave the picture once it is well below them. */
  function layOut(width, last, low, high) {
    const now = `${width} ${last} ${low} ${high}`;
    if (now === form) return;
    form = now;
    box = { left: 40, right: width - 8, top: 8, bottom: 148 };
    x = scale([0, last], [box.left, box.right - 6]);
    y = scale([low, high], [box.bottom, box.top]);
    const height = box.bottom + 24;
    set(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    crop(inside, box.left, box.right, box.top, box.bottom);
    const [xs, ys] = [ticks(0, last, width < 480 ? 4 : 8), ticks(low, high, 4)];
    set(grid, { d: ys.map((v) => `M${box.left} ${y(v)}H${box.right}`).join("") });
    set(axis, { d: `M${box.left} ${box.top}V${box.bottom}H${box.right}` });
    labels.replaceChildren(
      ...xs
        .filter((v) => x(v) < box.right - 46)
        .map((v) => s("text", { x: x(v), y: box.bottom + 17, "text-anchor": "middle" }, counted(v))),
      ...ys.map((v) => s("text", { x: box.left - 6, y: y(v) + 4, "text-anchor": "end" }, counted(v))),
      s("text", { x: box.right, y: box.bottom + 17, "text-anchor": "end" }, "step"),
    );
  }

  /** `test` holds { step, elbo, distortion, rate }, `training` { step, elbo }; `step` is the one that is looked at. */
  function draw(width, test, training, step) {
    const last = Math.max(100, ...[test.at(-1).step].map((v) => 100 * Math.ceil(v / 100)));
    const values = test.flatMap(({ elbo, rate, distortion }) => [elbo, rate, distortion]).filter(Number.isFinite);
    const round = (v, up) => 50 * (up ? Math.ceil(v / 50) : Math.floor(v / 50));
    const least = Math.min(0, ...values);
    const latest = Math.max(...test.slice(-1).map(({ elbo }) => elbo));
    const top = Math.max(...values);
    const high = latest > 0 && top > 2.5 * latest ? 2 * latest : top;
    layOut(width, last, round(least, false), Math.max(round(high, true), round(least, false) + 50));
    const roof = (v) => y(Number.isFinite(v) ? Math.min(v, 20 * Math.abs(y.domain[1])) : y.domain[1]);
    const some = (points) => {
      const stride = Math.ceil(points.length / MOST);
      return points.filter((_, i) => i % stride === 0 || i === points.length - 1);
    };
    const curve = (points, key) =>
      points.length
        ? path(
            points.map((point) => x(point.step)),
            points.map((point) => roof(point[key])),
          )
        : "";
    const shown = some(test);
    for (const key of ["elbo", "distortion", "rate"]) set(marks[key], { d: curve(shown, key) });
    set(marks.training, { d: curve(some(training), "elbo") });
    set(cursor, { d: `M${x(step)} ${box.top}V${box.bottom}` });
    const at = test.find((point) => point.step === step);
    show(here, !!at && at.elbo <= y.domain[1]);
    if (at) set(here, { cx: x(step), cy: roof(Math.min(at.elbo, y.domain[1])) });
  }

  const stepAt = (px) => x?.inverse(px) ?? 0;
  return { node, svg, draw, stepAt };
}
