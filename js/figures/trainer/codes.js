// The plane of codes: each test image stands as its digit, in its class's hue, where the mean of its q is.

import { path } from "../../kit/axes.js";
import { say, set, show } from "../../kit/dom.js";
import { numerals } from "../../kit/hues.js";
import { makeCodePlane, standing } from "../drawing/codeplane.js";

/** Latent j, counted from 0, by its name: z₁, z₂, and so on. */
export const indexed = (j) => `z${j + 1}`.replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);

export function makeCodes({ h, s }) {
  let labels = [];
  let digits = numerals(s, labels);
  const way = s("path", { class: "lvm-trail lvm-trainer-way" });
  const own = s("circle", { class: "lvm-trainer-own-code", r: 7 });
  const inside = s("svg", { class: "lvm-clip" }, way, own);
  const ground = makeCodePlane(s, [digits.node, inside]);
  const title = h("p", { class: "lvm-field-title" });
  const node = h("div", { class: "lvm-field" }, title, ground.svg);

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
    ground.lay(side);
    const { x, y, reach } = ground;
    const inView = (v) => Math.min(Math.max(v || 0, -2 * reach), 2 * reach); // a code that is no number: 0
    const place = (k, to, add) => (i) => (to(standing(inView(codes[2 * i + k]))) + add).toFixed(1);
    digits.put(place(0, x, 0), place(1, y, ground.foot));
    for (const mark of [way, own]) show(mark, ways.length > 0);
    if (ways.length) {
      const [xs, ys] = [ways.map(([a]) => x(inView(a))), ways.map(([, b]) => y(inView(b)))];
      set(way, { d: path(xs, ys) });
      set(own, { cx: xs.at(-1).toFixed(1), cy: ys.at(-1).toFixed(1) });
    }
    say(title, `codes of ${labels.length} test images, ${indexed(plane[0])} and ${indexed(plane[1])}`);
  }
  return { node, draw };
}
