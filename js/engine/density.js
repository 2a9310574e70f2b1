// Log densities, entropies and divergences of one-dimensional Gaussians, in nats, float64.

export const LOG_TWO_PI = Math.log(2 * Math.PI);

/** log N(x; mean, std^2). */
export function logNormal(x, mean = 0, std = 1) {
  const r = (x - mean) / std;
  return -0.5 * (LOG_TWO_PI + r * r) - Math.log(std);
}

/** log of the sum of exp(a_i), stable; -Infinity for an empty or all -Infinity array. */
export function logsumexp(a) {
  let top = -Infinity;
  for (const v of a) if (v > top) top = v;
  if (!Number.isFinite(top)) return top;
  let sum = 0;
  for (const v of a) sum += Math.exp(v - top);
  return top + Math.log(sum);
}

/** Differential entropy of N(., std^2): 1/2 log(2 pi e std^2). */
export function entropyNormal(std) {
  return 0.5 * (LOG_TWO_PI + 1) + Math.log(std);
}

/** KL( N(mean, std^2) || N(0, 1) ). */
export function klNormal(mean, std) {
  return 0.5 * (mean * mean + std * std - 1) - Math.log(std);
}
