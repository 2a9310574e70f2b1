// A toy with one parameter: x | z ~ N(z theta, 1), z = +1 or -1 with probability 1/2 each, on ten fixed points of a
// line. With q indexed by the theta' that it is exact for, F(theta', theta) is a landscape over a plane; its diagonal
// is the evidence. The Python twin is lvm_lib.landscape.

import { LOG_TWO_PI } from "./densities.js";

/** The toy's points. */
export const X = [-2.6, -2.1, -1.7, -1.2, -0.4, 0.5, 1.1, 1.6, 2.2, 2.9];

const sum = (f) => X.reduce((total, x) => total + f(x), 0);
const softplus = (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)));

/** F(theta', theta): E_q[log p(x, z; theta)] + H(q), summed over the points. */
export function bound(q, theta) {
  return sum((x) => {
    const odds = 2 * q * x; // log q(+1) - log q(-1)
    const plus = 1 / (1 + Math.exp(-odds));
    const square = x * x + theta * theta - 2 * theta * x * (2 * plus - 1); // E_q[(x - z theta)^2]
    const size = Math.abs(odds);
    const entropy = Math.log1p(Math.exp(-size)) + size / (1 + Math.exp(size));
    return entropy - Math.LN2 - 0.5 * (LOG_TWO_PI + square);
  });
}

/** log p(x; theta), the sum over z inside the logarithm. */
export function evidence(theta) {
  return sum((x) => {
    const [a, b] = [-0.5 * (x - theta) ** 2, -0.5 * (x + theta) ** 2];
    return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b))) - Math.LN2 - 0.5 * LOG_TWO_PI;
  });
}

/** KL(q_theta' || p(z | x; theta)), summed over the points. */
export function gap(q, theta) {
  return sum((x) => {
    const [a, b] = [2 * q * x, 2 * theta * x];
    const plus = 1 / (1 + Math.exp(-a));
    return plus * (softplus(-b) - softplus(-a)) + (1 - plus) * (softplus(b) - softplus(a));
  });
}

/** The theta that raises F(theta', .) most: the mean of x E_q[z]. */
export const mStep = (q) => sum((x) => x * Math.tanh(q * x)) / X.length;

/** The half width, along theta, of the region where F(theta', .) exceeds `level`; NaN where it never does. */
export const halfWidth = (q, level) => Math.sqrt((2 * (bound(q, mStep(q)) - level)) / X.length);

/** The corners of EM: an E-step moves theta' onto the diagonal, an M-step moves theta. */
export function emPath({ start_q, start_theta, moves }) {
  let [q, theta] = [start_q, start_theta];
  const path = [{ move: "", q, theta, f: bound(q, theta) }];
  for (const move of moves) {
    if (move === "E") q = theta;
    else theta = mStep(q);
    path.push({ move, q, theta, f: bound(q, theta) });
  }
  return path;
}

/** As many steps with both numbers at once, each by rate / n times its slope. */
export function gradientPath({ start_q, start_theta, moves, rate }) {
  let [q, theta] = [start_q, start_theta];
  const path = [{ q, theta, f: bound(q, theta) }];
  for (let i = 0; i < moves.length; i++) {
    const alongQ = sum((x) => (theta - q) * x * x * (1 - Math.tanh(q * x) ** 2));
    const along = sum((x) => x * Math.tanh(q * x) - theta);
    q += (rate / X.length) * alongQ;
    theta += (rate / X.length) * along;
    path.push({ q, theta, f: bound(q, theta) });
  }
  return path;
}
