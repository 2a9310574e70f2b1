// The curves over epochs: training loss, -ELBO at the checkpoints, and the cursor. The axis of epochs names those that
// were kept; between them -ELBO is not known, so a dashed line leads from dot to dot. The other axis holds all but the
// first values of training, which stand at its top as arrowheads with their numbers.

import { path, scale, ticks } from "../../kit/axes.js";
import { crop, say, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { swatch } from "../../kit/maths.js";

const NAMED = 22; // pixels between two names on the axis of epochs
const NUMBER = 78; // pixels that a number in nats takes

/** Which of the places along an axis can be named: those apart from the one named before, and before `end`. */
export function apart(places, end) {
  let last = -Infinity;
  return places.flatMap((at, k) => {
    if (at - last < NAMED || at > end) return [];
    last = at;
    return [k];
  });
}

export function makeCurves({ h, s }, { epochs, curve, losses }) {
  const low = Math.min(...curve, ...losses);
  const high =
    [40, 60, 100, 200, 500].map((room) => low + room).find((top) => curve.filter((v) => v > top).length <= 2) ??
    Math.max(...curve);
  const marks = {
    grid: s("path", { class: "lvm-grid" }),
    axis: s("path", { class: "lvm-axis" }),
    loss: s("path", { class: "lvm-loss", "data-of": "loss" }),
    line: s("path", { class: "lvm-elbo-line", "data-of": "elbo" }),
    cursor: s("path", { class: "lvm-cursor-line" }),
  };
  const dots = curve.map(() => s("circle", { class: "lvm-elbo-dot", r: 3.5, "data-of": "elbo" }));
  const off = curve.flatMap((value, k) => (value > high ? [k] : []));
  const heads = off.map(() => s("path", { class: "lvm-elbo-head", "data-of": "elbo" }));
  const beyond = off.map((k) =>
    s("text", { class: "lvm-bar-text lvm-fill-elbo", y: 12 }, `epoch ${epochs[k]}: ${fixed(curve[k], 1)} nats`),
  );
  const at = s("circle", { class: "lvm-elbo-dot lvm-elbo-here", r: 6, "data-of": "elbo" });
  const named = s("text", { class: "lvm-bar-text lvm-fill-elbo" });
  const labels = s("g", { class: "lvm-ticks" });
  const inside = s("svg", { class: "lvm-clip" }, marks.loss, marks.line);
  const svg = s(
    "svg",
    { class: "lvm-svg lvm-plane-svg lvm-curves-svg", "aria-hidden": "true" },
    marks.grid,
    marks.axis,
    inside,
    marks.cursor,
    dots,
    at,
    heads,
    beyond,
    named,
    labels,
  );
  const keys = h(
    "div",
    { class: "lvm-keys" },
    swatch(h, "elbo-kept", "−ELBO of 60 test images, at the kept epochs"),
    losses.length ? swatch(h, "loss", "training loss, epoch average") : null,
  );
  const node = h("div", { class: "lvm-curves" }, keys, svg);
  let laid = 0;
  let x = null;
  let y = null;
  let box = null;

  function layOut(width) {
    const top = off.length ? 20 : 8; // over the frame stand the numbers of what lies above it
    box = { left: 40, right: width - 8, top, bottom: top + 120 };
    const height = box.bottom + 24;
    x = scale([0, epochs.at(-1)], [box.left + 8, box.right - 8]);
    y = scale([low - 0.05 * (high - low), high], [box.bottom, box.top]);
    set(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    crop(inside, box.left, box.right, box.top, box.bottom);
    const ys = ticks(low, high, 4);
    const end = `epoch ${epochs.at(-1)}`;
    const epochsNamed = apart(epochs.slice(0, -1).map(x), box.right - end.length * 7 - 8);
    set(marks.grid, { d: ys.map((v) => `M${box.left} ${y(v)}H${box.right}`).join("") });
    const kept = epochs.map((epoch) => `M${x(epoch)} ${box.bottom}v4`).join("");
    set(marks.axis, { d: `M${box.left} ${box.top}V${box.bottom}H${box.right}${kept}` });
    labels.replaceChildren(
      ...epochsNamed.map((k) =>
        s("text", { x: x(epochs[k]), y: box.bottom + 17, "text-anchor": "middle" }, fixed(epochs[k], 0)),
      ),
      ...ys.map((v) => s("text", { x: box.left - 6, y: y(v) + 4, "text-anchor": "end" }, fixed(v, 0))),
      s("text", { x: box.right, y: box.bottom + 17, "text-anchor": "end" }, end),
    );
    const roof = (v) => y(Math.min(v, high + 20 * (high - low)));
    set(marks.loss, {
      d: losses.length
        ? path(
            losses.map((_, i) => x(i + 1)),
            losses.map(roof),
          )
        : "",
    });
    set(marks.line, { d: path(epochs.map(x), curve.map(roof)) });
    dots.forEach((dot, k) => {
      show(dot, curve[k] <= high);
      set(dot, { cx: x(epochs[k]), cy: y(Math.min(curve[k], high)) });
    });
    off.forEach((k, i) => {
      set(heads[i], { d: `M${x(epochs[k])} ${box.top - 9}l6 10h-12z` });
      set(beyond[i], { x: x(epochs[k]) + 10 });
      show(beyond[i], i === 0 || x(epochs[k]) - x(epochs[off[i - 1]]) > 2 * NUMBER);
    });
    laid = width;
  }

  function draw(width, checkpoint) {
    if (laid !== width) layOut(width);
    const [value, px] = [curve[checkpoint], x(epochs[checkpoint])];
    set(marks.cursor, { d: `M${px} ${box.top}V${box.bottom}` });
    const inFrame = value <= high;
    show(at, inFrame);
    show(named, inFrame);
    set(at, { cx: px, cy: y(Math.min(value, high)) });
    if (!inFrame) return;
    say(named, `${fixed(value, 1)} nats`);
    const right = px < width - NUMBER - 20;
    const py = Math.min(Math.max(y(value) - 10, box.top + 12), box.bottom - 6);
    set(named, { x: right ? px + 10 : px - 10, y: py, "text-anchor": right ? "start" : "end" });
  }

  /** The checkpoint nearest to a pixel. */
  const nearest = (px) =>
    epochs.reduce((best, epoch, k) => (Math.abs(x(epoch) - px) < Math.abs(x(epochs[best]) - px) ? k : best), 0);
  return { node, svg, draw, nearest };
}
