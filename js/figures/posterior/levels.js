// Contours of a posterior on its grid, as paths: what two figures draw.

import { contour, finer } from "../../engine/posterior.js";

export const LEVELS = [0.5, 2, 4.5, 8]; // nats below the peak: for a Gaussian 1, 2, 3 and 4 standard deviations
const FINEST = 400; // points along a side, of the finer grid that contours are drawn on
const PARTS = 5; // a grid's spacing is up to 0.4 standard deviations: its own cells would show as corners

const known = new WeakMap(); // posterior -> its finer grid

function fineOf(p) {
  if (!known.has(p)) {
    const parts = Math.max(Math.min(PARTS, Math.floor(FINEST / Math.max(p.m1, p.m2))), 1);
    known.set(p, finer(p, p.logJoint, parts));
  }
  return known.get(p);
}

/** Where log p(x, z), interpolated between the grid's points, crosses `level`, on the scales x and y. */
export function levelPath(p, level, x, y) {
  const { on, values } = fineOf(p);
  return contour(on, values, level)
    .map(([x1, y1, x2, y2]) => `M${x(x1).toFixed(1)} ${y(y1).toFixed(1)}L${x(x2).toFixed(1)} ${y(y2).toFixed(1)}`)
    .join("");
}
