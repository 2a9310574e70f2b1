// Labels that are read on any ground: each on a plate of the figure's own.

import { plate } from "./axes.js";

/** A label and the plate behind it: `at` is { x, y, anchor, size, class }. */
export function plated(s, at, text) {
  const [x, y, width, height] = plate(at, text);
  return [
    s("rect", { class: "lvm-plate", x, y, width, height }),
    s("text", { x: at.x, y: at.y, "text-anchor": at.anchor ?? "start", class: at.class }, text),
  ];
}
