// The curves over epochs: training loss, -ELBO at the checkpoints, and the cursor. The axis of epochs names those that
// were kept; the other one holds all but the first values of training, which are off above it and say so.

import { path, scale, ticks } from "../../kit/axes.js";
import { crop, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { swatch } from "../../kit/maths.js";

const NAMED = 22; // pixels between two names on the axis of epochs

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
  const at = s("circle", { class: "lvm-elbo-dot lvm-elbo-here", r: 6, "data-of": "elbo" });
  const above = s("text", { class: "lvm-bar-text lvm-fill-elbo", y: 16 });
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
    above,
    labels,
  );
  const keys = h(
    "div",
    { class: "lvm-keys" },
    swatch(h, "elbo", "−ELBO of 60 test images"),
    losses.length ? swatch(h, "loss", "training loss, epoch average") : null,
  );
  const node = h("div", { class: "lvm-curves" }, keys, svg);
  let laid = 0;
  let x = null;
  let y = null;
  let box = null;

  function layOut(width) {
    box = { left: 40, right: width - 8, top: 8, bottom: 128 };
    const height = box.bottom + 24;
    x = scale([0, epochs.at(-1)], [box.left + 8, box.right - 8]);
    y = scale([low - 0.05 * (high - low), high], [box.bottom, box.top]);
    set(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    crop(inside, box.left, box.right, box.top, box.bottom);
    const ys = ticks(low, high, 4);
    const end = `epoch ${epochs.at(-1)}`;
    const named = apart(epochs.slice(0, -1).map(x), box.right - end.length * 7 - 8);
    set(marks.grid, { d: ys.map((v) => `M${box.left} ${y(v)}H${box.right}`).join("") });
    const kept = epochs.map((epoch) => `M${x(epoch)} ${box.bottom}v4`).join("");
    set(marks.axis, { d: `M${box.left} ${box.top}V${box.bottom}H${box.right}${kept}` });
    labels.replaceChildren(
      ...named.map((k) =>
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
    laid = width;
  }

  function draw(width, checkpoint) {
    if (laid !== width) layOut(width);
    const [value, px] = [curve[checkpoint], x(epochs[checkpoint])];
    set(marks.cursor, { d: `M${px} ${box.top}V${box.bottom}` });
    set(at, { cx: px, cy: y(Math.min(value, high)) });
    const words = `${fixed(value, 1)} nats${value > high ? ", above the axis" : ""}`;
    const right = px < width - 150;
    if (above.textContent !== words) above.textContent = words;
    set(above, { x: right ? px + 10 : px - 10, "text-anchor": right ? "start" : "end" });
  }

  /** The checkpoint nearest to a pixel. */
  const nearest = (px) =>
    epochs.reduce((best, epoch, k) => (Math.abs(x(epoch) - px) < Math.abs(x(epochs[best]) - px) ? k : best), 0);
  return { node, svg, draw, nearest };
}
