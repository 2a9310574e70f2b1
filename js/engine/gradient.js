// The gradient of E_q[f(z)], q = N(mean, std^2), with respect to mean and log std, estimated from equal draws,
// two ways:
//
//   reparameterised   z = mean + std eps:    f'(z),       f'(z) std eps
//   score function    f(z) d log q(z):       f eps / std, f (eps^2 - 1)     with f - E_q[f] in place of f at will
//
// Routes that share no arithmetic: the exact gradient is in closed form, the averages are sums over draws, their
// standard errors come from the variance of one sample by the trapezoid rule. The Python twin is
// lvm_lib.figures.gradient (closed form, sums, another grid); tests hold the two together.

import { normals } from "./counter.js";
import { LOG_TWO_PI, logNormal } from "./densities.js";
import { expectation, line } from "./quadrature.js";

/** What a reader can reach: everywhere there both averages lie within WITHIN standard errors (tests sweep it). */
export const WITHIN = 7;
const STREAM = 4; // of the counter: other figures draw from others

const [X, SLOPE, BEND, NOISE] = [1, 1, 0.6, 0.7]; // the toy decoder: x = 1 seen, x | z ~ N(z + 0.3 z^2, 0.7^2)
const WAVES = 6;
const EPS = line(-12, 12, 961);
const LOG_EPS = EPS.points.map((e) => logNormal(e));

/** f, its slope, E_q[f] and the gradient of E_q[f] by mean and log std, all in closed form. */
export const FUNCTIONS = {
  joint: {
    of: (z) => -LOG_TWO_PI - Math.log(NOISE) - 0.5 * (z * z + (X - SLOPE * z - 0.5 * BEND * z * z) ** 2 / NOISE ** 2),
    slope: (z) => ((X - SLOPE * z - 0.5 * BEND * z * z) * (SLOPE + BEND * z)) / NOISE ** 2 - z,
    value(m, s) {
      const v = s * s;
      const rest = X - SLOPE * m - 0.5 * BEND * (m * m + v);
      const square = rest * rest + (SLOPE + BEND * m) ** 2 * v + 0.5 * BEND * BEND * v * v;
      return -LOG_TWO_PI - Math.log(NOISE) - 0.5 * (m * m + v + square / NOISE ** 2);
    },
    gradient(m, s) {
      const [v, s2] = [s * s, NOISE ** 2];
      const rest = X - SLOPE * m - 0.5 * BEND * (m * m + v);
      const tilt = SLOPE + BEND * m;
      return [(rest * tilt - tilt * BEND * v) / s2 - m, v * ((rest * BEND - tilt * tilt - BEND * BEND * v) / s2 - 1)];
    },
  },
  wave: {
    of: (z) => Math.cos(WAVES * z),
    slope: (z) => -WAVES * Math.sin(WAVES * z),
    value: (m, s) => Math.cos(WAVES * m) * Math.exp(-0.5 * (WAVES * s) ** 2),
    gradient(m, s) {
      const fall = Math.exp(-0.5 * (WAVES * s) ** 2);
      return [-WAVES * Math.sin(WAVES * m) * fall, -((WAVES * s) ** 2) * Math.cos(WAVES * m) * fall];
    },
  },
};

let drawn = { seed: null, all: new Float64Array(0) }; // the draws of one seed, as many as were asked for

/** The first n standard normal draws of a seed: fewer are the first of more. */
export function eps(seed, n) {
  if (drawn.seed !== seed || drawn.all.length < n) {
    const all = new Float64Array(2 * Math.ceil(n / 2));
    for (let i = 0; i < all.length; i += 2) all.set(normals(seed, i / 2, STREAM), i);
    drawn = { seed, all };
  }
  return drawn.all.subarray(0, n);
}

/** One gradient for one eps, by both ways: [re mean, re log std, sf mean, sf log std]; b is the baseline. */
function both(f, mean, std, b, e) {
  const z = mean + std * e;
  const [slope, value] = [f.slope(z), f.of(z) - b];
  return [slope, slope * std * e, (value * e) / std, value * (e * e - 1)];
}

const baselineOf = ({ f, mean, std, baseline }) => (baseline ? FUNCTIONS[f].value(mean, std) : 0);

/** The gradients of all samples of a state, one array of four per sample. */
export function samples(state) {
  const b = baselineOf(state);
  return Array.from(eps(state.seed, state.n), (e) => both(FUNCTIONS[state.f], state.mean, state.std, b, e));
}

/** All numbers of a state {f, mean, std, n, seed, baseline}: the figure draws nothing else. */
export function numbers(state) {
  const { f, mean, std, n } = state;
  const [own, b] = [FUNCTIONS[f], baselineOf(state)];
  const average = [0, 0, 0, 0];
  for (const e of eps(state.seed, n))
    both(own, mean, std, b, e).forEach((g, k) => {
      average[k] += g / n;
    });
  const at = Array.from(EPS.points, (e) => both(own, mean, std, b, e));
  const variance = average.map((_, k) => {
    const centre = expectation(LOG_EPS, (_e, i) => at[i][k], EPS);
    return expectation(LOG_EPS, (_e, i) => (at[i][k] - centre) ** 2, EPS);
  });
  const error = variance.map((v) => Math.sqrt(v / n));
  const exact = own.gradient(mean, std);
  const away = average.map((g, k) => Math.abs(g - exact[k % 2]) / error[k]);
  return {
    ...state,
    value: own.value(mean, std),
    exact_mean: exact[0],
    exact_log_std: exact[1],
    re_mean: average[0],
    re_log_std: average[1],
    sf_mean: average[2],
    sf_log_std: average[3],
    re_mean_error: error[0],
    re_log_std_error: error[1],
    sf_mean_error: error[2],
    sf_log_std_error: error[3],
    ratio_mean: variance[2] / variance[0],
    ratio_log_std: variance[3] / variance[1],
    away: Math.max(...away),
  };
}
