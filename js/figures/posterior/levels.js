// Contours of a posterior on its grid, as paths: what two figures draw.

import { contour } from "../../engine/posterior.js";

export const LEVELS = [0.5, 2, 4.5, 8]; // nats below the peak: for a Gaussian 1, 2, 3 and 4 standard deviations

/** Where log p(x, z) crosses `level`, on the scales x and y. */
export const levelPath = (p, level, x, y) =>
  contour(p, p.logJoint, level)
    .map(([x1, y1, x2, y2]) => `M${x(x1).toFixed(1)} ${y(y1).toFixed(1)}L${x(x2).toFixed(1)} ${y(y2).toFixed(1)}`)
    .join("");
