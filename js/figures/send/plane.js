// A window on the plane of z, in standard deviations of the encoder's q: the bins of z as far as they can be seen, q as
// a circle in the reader's hand, and the bin that was drawn.

import { scale } from "../../kit/axes.js";
import { put, set, show } from "../../kit/dom.js";
import { makeHandle } from "../../kit/handles.js";

const REACH = 5; // standard deviations of the encoder's q, from the middle to the edge
const FINE = 3; // pixels: bins that are narrower are not drawn
const SIZE = 200;

export function makePlane({ h, s }) {
  const marks = {
    bins: s("path", { class: "lvm-send-bins" }),
    q: [1, 2].map((k) => s("circle", { class: `lvm-ellipse lvm-ellipse-${k}`, "data-of": "back" })),
    drawn: s("circle", { class: "lvm-send-drawn", r: 4.5, "data-of": "z x" }),
  };
  const svg = s(
    "svg",
    { class: "lvm-svg lvm-posterior-svg", "aria-hidden": "true", viewBox: `0 0 ${SIZE} ${SIZE}` },
    marks.bins,
    marks.q,
    marks.drawn,
    s(
      "g",
      { class: "lvm-ticks" },
      s("text", { class: "lvm-axis-name", x: SIZE - 6, y: SIZE - 6, "text-anchor": "end" }, "z₁"),
      s("text", { class: "lvm-axis-name", x: 6, y: 15 }, "z₂"),
    ),
  );
  const handle = makeHandle(h, "plane");
  const stage = h("div", { class: "lvm-stage lvm-send-stage" }, svg, handle);
  const node = h("div", { class: "lvm-send-z" }, h("div", { class: "lvm-caption" }, "q over the bins of z"), stage);
  const at = scale([-REACH, REACH], [0, SIZE]);
  set(svg, { width: SIZE, height: SIZE });

  /** Edges of the bins inside the window, in standard deviations; none where they are too fine to be seen. */
  function edges({ bins, edge, mean, std }) {
    const out = [];
    let [low, high] = [0, bins];
    while (high - low > 1) {
      const between = (low + high) >> 1;
      if ((edge(between) - mean) / std < -REACH) low = between;
      else high = between;
    }
    const finest = (FINE * 2 * REACH) / SIZE;
    for (let i = high; i < bins; i++) {
      const place = (edge(i) - mean) / std;
      if (place > REACH) break;
      if (out.length && place - out.at(-1) < finest) return [];
      out.push(place);
    }
    return out;
  }

  const line = (v) => at(v).toFixed(1);
  let binned = ""; // the image and the bins that stand there

  function draw({ z, codec, unit }, width) {
    const key = [codec.bins, ...unit.mean, ...unit.std].join(" ");
    if (binned !== key) {
      const axes = [0, 1].map((j) => edges({ ...codec, mean: unit.mean[j], std: unit.std[j] }));
      set(marks.bins, {
        d: axes[0].map((v) => `M${line(v)} 0V${SIZE}`).join("") + axes[1].map((v) => `M0 ${line(-v)}H${SIZE}`).join(""),
      });
      binned = key;
    }
    const radius = (at(1) - at(0)) * width;
    marks.q.forEach((circle, i) => set(circle, { cx: at(0), cy: at(0), r: ((i + 1) * radius).toFixed(1) }));
    const [a, b] = z.map((value, j) => (value - unit.mean[j]) / unit.std[j]);
    show(marks.drawn, Math.abs(a) < REACH && Math.abs(b) < REACH);
    set(marks.drawn, { cx: line(a), cy: line(-b) });
    put(handle, at(width), at(0));
  }

  return { node, handle, draw, unit: at(1) - at(0) };
}
