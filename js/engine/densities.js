// Log densities, entropies and divergences of one-dimensional Gaussians, in nats, float64.

export const LOG_TWO_PI = Math.log(2 * Math.PI);

/** log N(x; mean, std^2). */
export function logNormal(x, mean = 0, std = 1) {
  const r = (x - mean) / std;
  return -0.5 * (LOG_TWO_PI + r * r) - Math.log(std);
}

/** log of the sum of exp of m values that are asked one by one, stable; -Infinity where none is more. */
export function logSum(m, value) {
  let top = -Infinity;
  for (let k = 0; k < m; k++) top = Math.max(top, value(k));
  if (top === -Infinity) return top;
  let sum = 0;
  for (let k = 0; k < m; k++) sum += Math.exp(value(k) - top);
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

/** Phi(x), the distribution function of N(0, 1), to 1e-15: Hart et al., "Computer Approximations" (1968), 5666. */
export function normalCdf(x) {
  const a = Math.abs(x);
  if (a > 38) return x > 0 ? 1 : 0;
  const peak = Math.exp(-0.5 * a * a);
  let tail;
  if (a < 7.07106781186547) {
    const over =
      (((((0.0352624965998911 * a + 0.700383064443688) * a + 6.37396220353165) * a + 33.912866078383) * a +
        112.079291497871) *
        a +
        221.213596169931) *
        a +
      220.206867912376;
    const under =
      ((((((0.0883883476483184 * a + 1.75566716318264) * a + 16.064177579207) * a + 86.7807322029461) * a +
        296.564248779674) *
        a +
        637.333633378831) *
        a +
        793.826512519948) *
        a +
      440.413735824752;
    tail = (peak * over) / under;
  } else {
    tail = peak / ((a + 1 / (a + 2 / (a + 3 / (a + 4 / (a + 0.65))))) * Math.sqrt(2 * Math.PI));
  }
  return x > 0 ? 1 - tail : tail;
}
