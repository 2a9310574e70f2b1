// Integrals on a line by the trapezoid rule. For smooth integrands that vanish at both ends its error falls
// like exp(-2 pi^2 (width / step)^2): a step of a quarter of the width is exact to the last digit of float64.

import { logSum } from "./densities.js";

/** m equally spaced points from low to high, with the logarithms of their trapezoid weights. */
export function line(low, high, m) {
  const step = (high - low) / (m - 1);
  const points = new Float64Array(m);
  const logWeights = new Float64Array(m).fill(Math.log(step));
  for (let i = 0; i < m; i++) points[i] = low + i * step;
  logWeights[0] = logWeights[m - 1] = Math.log(step / 2);
  return { points, logWeights, step };
}

/** log of the integral of exp(log f) over the grid; `logValues` as an array or as a function of z. */
export function logIntegral(logValues, grid) {
  const log = valuesOn(logValues, grid);
  return logSum(log.length, (i) => log[i] + grid.logWeights[i]);
}

/** log density on the grid that integrates to one. */
export function normalised(logValues, grid) {
  const log = valuesOn(logValues, grid);
  const total = logIntegral(log, grid);
  return log.map((v) => v - total);
}

/** E_q[f(z)] on the grid, q given by its log density there; points without mass are left out. */
export function expectation(logQ, f, grid) {
  let sum = 0;
  for (let i = 0; i < logQ.length; i++) {
    const mass = Math.exp(logQ[i] + grid.logWeights[i]);
    if (mass > 0) sum += mass * f(grid.points[i], i);
  }
  return sum;
}

/** Values on the grid of a function or of an array that already holds them. */
export function valuesOn(f, grid) {
  return typeof f === "function" ? grid.points.map(f) : Float64Array.from(f);
}
