// The plane of codes: each test image stands as its digit, in its class's hue, where the mean of its q is.

import { path, scale } from "../../kit/axes.js";
import { set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { numerals } from "../../kit/hues.js";

const REACH = 4; // standard deviations of the prior
const MIDDLE = 4; // pixels from a digit's middle to its foot

export function makeCodes({ h, s }) {
  let labels = [];
  let digits = numerals(s, labels);
  const prior = [1, 2].map((k) => s("circle", { class: `lvm-prior-ring lvm-prior-ring-${k}` }));
  const cross = s("path", { class: "lvm-grid" });
  const frame = s("rect", { class: "lvm-field-frame", x: 0.5, y: 0.5 });
  const ticks = s("g", { class: "lvm-ticks" });
  const way = s("path", { class: "lvm-trail lvm-trainer-way" });
  const own = s("circle", { class: "lvm-trainer-own-code", r: 7 });
  const inside = s("svg", { class: "lvm-clip" }, way, own);
  const svg = s("svg", { class: "lvm-svg", "aria-hidden": "true" }, cross, prior, digits.node, inside, frame, ticks);
  const title = h("p", { class: "lvm-field-title" });
  const node = h("div", { class: "lvm-field" }, title, svg);
  let laid = 0;
  let [x, y] = [null, null];

  /**
   * `ways`: where the reader's own image stood, look by look, [[z, z], ...], now last;
   * `named`: the images' classes.
   */
  function draw(side, codes, plane, ways, named) {
    if (labels !== named) {
      labels = named;
      const before = digits.node;
      digits = numerals(s, labels);
      before.replaceWith(digits.node);
    }
    if (laid !== side) {
      laid = side;
      x = scale([-REACH, REACH], [0, side]);
      y = scale([-REACH, REACH], [side, 0]);
      set(svg, { width: side, height: side, viewBox: `0 0 ${side} ${side}` });
      set(frame, { width: side - 1, height: side - 1 });
      set(cross, { d: `M0 ${y(0)}H${side}M${x(0)} 0V${side}` });
      prior.forEach((ring, i) => set(ring, { cx: x(0), cy: y(0), r: x(i + 1) - x(0) }));
      ticks.replaceChildren(
        ...[-2, 2].map((v) => s("text", { x: x(v), y: side - 6, "text-anchor": "middle" }, fixed(v, 0))),
        ...[-2, 2].map((v) => s("text", { x: 5, y: y(v) + 4 }, fixed(v, 0))),
      );
    }
    const inView = (v) => Math.min(Math.max(Number.isFinite(v) ? v : 0, -2 * REACH), 2 * REACH);
    const place = (k, to, add) => (i) => (to(inView(codes[2 * i + k])) + add).toFixed(1);
    digits.put(place(0, x, 0), place(1, y, MIDDLE));
    for (const mark of [way, own]) show(mark, ways.length > 0);
    if (ways.length) {
      const [xs, ys] = [ways.map(([a]) => x(inView(a))), ways.map(([, b]) => y(inView(b)))];
      set(way, { d: path(xs, ys) });
      set(own, { cx: xs.at(-1).toFixed(1), cy: ys.at(-1).toFixed(1) });
    }
    const words = `codes of ${labels.length} test images, z${plane[0] + 1} and z${plane[1] + 1}`;
    if (title.textContent !== words) title.textContent = words;
  }
  return { node, draw };
}
