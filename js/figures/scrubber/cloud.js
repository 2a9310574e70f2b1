// The plane of codes: each test image stands as its digit in its class's hue, where its code is.

import { set } from "../../kit/dom.js";
import { numerals } from "../../kit/hues.js";
import { makeCodePlane, standing } from "../drawing/codeplane.js";

export function makeCloud({ h, s }, labels) {
  // For each checkpoint one text, a place for each of its characters; laid out once, then shown and hidden.
  const names = s("g", {});
  let texts = new Map(); // codes -> their text
  const plane = makeCodePlane(s, names, { class: "lvm-svg lvm-cloud-svg" });
  const node = h(
    "div",
    { class: "lvm-field" },
    h("p", { class: "lvm-field-title" }, `codes of ${labels.length} test images`),
    plane.svg,
  );

  const written = (codes) => {
    const digits = numerals(s, labels);
    digits.put(
      (i) => plane.x(standing(codes[i][0])).toFixed(1),
      (i) => (plane.y(standing(codes[i][1])) + plane.foot).toFixed(1),
    );
    return digits.node;
  };

  /** Lay a checkpoint's codes out before they are looked at, once the size is known. */
  function prepare(codes) {
    if (plane.side && !texts.has(codes))
      texts.set(codes, names.appendChild(set(written(codes), { visibility: "hidden" })));
  }

  function draw(side, codes) {
    if (plane.lay(side)) {
      texts = new Map();
      names.replaceChildren();
    }
    prepare(codes);
    for (const [own, text] of texts) set(text, { visibility: own === codes ? "visible" : "hidden" });
  }
  /** How many codes the frame does not show. */
  const outside = (codes) => codes.filter((code) => code.some((z) => Math.abs(z) > plane.reach)).length;
  return { node, draw, prepare, outside };
}
