// The gradient of E_q[f(z)], q = N(mean, std^2), with respect to mean and log std, estimated from equal draws,
// two ways:
//
//   reparameterised   z = mean + std eps:    f'(z),       f'(z) std eps
//   score function    f(z) d log q(z):       f eps / std, f (eps^2 - 1)     with f - E_q[f] in place of f at will
//
// Routes that share no arithmetic: the exact gradient is in closed form, the averages are sums over draws, their
// standard errors come from the variance of one sample by the trapezoid rule. The Python twin is
// lvm_lib.figures.gradient (closed form, sums, another grid); tests hold the two together.

import { LOG_TWO_PI, logNormal } from "./density.js";
import { expectation, line } from "./grid.js";
import { normals } from "./random.js";

/** What a reader can reach: everywhere there both averages lie within WITHIN standard errors (tests sweep it). */
export const BOUNDS = { mean: [-2, 2], std: [0.1, 1.5] };
export const SIZES = [10, 20, 50, 100, 200, 500, 1000]; // numbers of samples
export const SEEDS = 100;
export const WITHIN = 6;
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

const drawn = new Map(); // seed -> its standard normal draws, as many as the largest size asks for

/** The first n standard normal draws of a seed: fewer are the first of more. */
export function eps(seed, n) {
  if (!drawn.has(seed)) {
    const all = new Float64Array(SIZES[SIZES.length - 1]);
    for (let i = 0; i < all.length; i += 2) all.set(normals(seed, i / 2, STREAM), i);
    drawn.clear(); // one seed is kept
    drawn.set(seed, all);
  }
  return drawn.get(seed).subarray(0, n);
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
    exactMean: exact[0],
    exactLogStd: exact[1],
    reMean: average[0],
    reLogStd: average[1],
    sfMean: average[2],
    sfLogStd: average[3],
    reMeanError: error[0],
    reLogStdError: error[1],
    sfMeanError: error[2],
    sfLogStdError: error[3],
    ratioMean: variance[2] / variance[0],
    ratioLogStd: variance[3] / variance[1],
    away: Math.max(...away),
  };
}

/** A state inside the bounds; what is missing or makes no sense comes from `fallback`. */
export function reachable(state, fallback) {
  const near = (value) => SIZES.reduce((best, size) => (Math.abs(size - value) < Math.abs(best - value) ? size : best));
  const out = {
    f: state.f in FUNCTIONS ? state.f : fallback.f,
    n: Number.isFinite(state.n) ? near(state.n) : fallback.n,
    seed: Number.isFinite(state.seed) ? Math.min(Math.max(Math.round(state.seed), 0), SEEDS - 1) : fallback.seed,
    baseline: typeof state.baseline === "boolean" ? state.baseline : fallback.baseline,
  };
  for (const [key, [low, high]] of Object.entries(BOUNDS)) {
    const value = Number.isFinite(state[key]) ? state[key] : fallback[key];
    out[key] = Math.min(Math.max(value, low), high);
  }
  return out;
}
