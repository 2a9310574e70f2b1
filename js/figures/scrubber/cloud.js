// The plane of codes: each test image stands as its digit in its class's hue, where its code is.

import { scale } from "../../kit/axes.js";
import { set } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { numerals } from "../../kit/hues.js";

const REACH = 4; // standard deviations of the prior
const MIDDLE = 4; // pixels from a digit's middle to its foot

export function makeCloud({ h, s }, labels) {
  // For each checkpoint one text, a place for each of its characters; laid out once, then shown and hidden.
  const names = s("g", {});
  let texts = new Map(); // codes -> their text
  const prior = [1, 2].map((k) => s("circle", { class: `lvm-prior-ring lvm-prior-ring-${k}` }));
  const cross = s("path", { class: "lvm-grid" });
  const frame = s("rect", { class: "lvm-field-frame", x: 0.5, y: 0.5 });
  const ticks = s("g", { class: "lvm-ticks" });
  const svg = s("svg", { class: "lvm-svg lvm-cloud-svg", "aria-hidden": "true" }, cross, prior, names, frame, ticks);
  const node = h(
    "div",
    { class: "lvm-field" },
    h("p", { class: "lvm-field-title" }, `codes of ${labels.length} test images`),
    svg,
  );
  let laid = 0;
  let x = null;
  let y = null;

  const written = (codes) => {
    const digits = numerals(s, labels);
    digits.put(
      (i) => x(codes[i][0]).toFixed(1),
      (i) => (y(codes[i][1]) + MIDDLE).toFixed(1),
    );
    return digits.node;
  };

  /** Lay a checkpoint's codes out before they are looked at, once the size is known. */
  function prepare(codes) {
    if (laid && !texts.has(codes)) texts.set(codes, names.appendChild(set(written(codes), { visibility: "hidden" })));
  }

  function draw(side, codes) {
    if (laid !== side) {
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
      texts = new Map();
      names.replaceChildren();
      laid = side;
    }
    prepare(codes);
    for (const [own, text] of texts) set(text, { visibility: own === codes ? "visible" : "hidden" });
  }
  /** How many codes the frame does not show. */
  const outside = (codes) => codes.filter((code) => code.some((z) => Math.abs(z) > REACH)).length;
  return { node, draw, prepare, outside };
}
