// Images on canvases: black ink of some opacity on the paper behind them (`lvm-paper`), which the stylesheet turns to
// white in the dark theme. lvm_lib/plots/ink.py draws still pictures so.

import { SIDE } from "../../engine/drawing.js";

/** A canvas of 28 x 28 pixels, shown larger; `.paint(pixels)` with values 0..1, which paints only what is new. */
export function inkCanvas(h, attributes = {}) {
  const node = h("canvas", { width: SIDE, height: SIDE, class: "lvm-ink", "aria-hidden": "true", ...attributes });
  const context = node.getContext("2d");
  let shown = null;
  const paint = (pixels) => {
    if (shown?.length === pixels.length && shown.every((value, d) => value === pixels[d])) return;
    shown = Float64Array.from(pixels);
    context.putImageData(imageOf(context, pixels), 0, 0);
  };
  return { node, paint };
}

/** Pixels 0..1 as ImageData of side x side: black, as opaque as the value. */
export function imageOf(context, pixels, side = SIDE) {
  const image = context.createImageData(side, side);
  for (let d = 0; d < pixels.length; d++) image.data[4 * d + 3] = Math.round(255 * Math.min(Math.max(pixels[d], 0), 1));
  return image;
}
