// Two data densities on a line, and one Gaussian as their model: both divergences, the expected log-likelihood, and
// the average log-likelihood of N draws.
//
// Routes that share no arithmetic, so that KL + E[log p_theta] = -H(p_data) is a check:
//   KL, both directions   trapezoid rule on the integrand that the figure draws
//   E_data[log p_theta]   closed form: a Gaussian's log density needs two moments of the data
//   H(p_data)             trapezoid rule on another grid, once
// The Python twin is lvm_lib.figures.kl; tests hold the two together.

import { normalQuantile, uniforms } from "./counter.js";
import { LOG_TWO_PI, logNormal, logSum } from "./densities.js";
import { expectation, line } from "./quadrature.js";
import { top } from "./refine.js";

const STREAM = 2; // of the counter: other figures draw from others

const WIDE = line(-40, 40, 3201); // holds 12 standard deviations of every model; a step of 1/8 of the narrowest
const [STRIDE, STEPS] = [0.1, 400]; // of the way downhill: too short to leap into another valley
const OTHER = line(-15, 15, 1301); // the entropy: other ends, other spacing

/** A mixture of Gaussians on a line; what is asked twice is computed once. */
export class Mixture {
  /**
   * @param {number[]} weights
   * @param {number[]} means
   * @param {number[]} stds
   */
  constructor(weights, means, stds) {
    this.weights = weights;
    this.means = means;
    this.stds = stds;
    /** @type {number[]} */
    this.tops = weights.map((w, k) => Math.log(w) + logNormal(0, 0, stds[k]));
    /** @type {Float64Array | undefined} */
    this.kept = undefined; // log p on the wide grid
    /** @type {Float64Array | undefined} */
    this.weighed = undefined; // its masses
    /** @type {number | undefined} */
    this.found = undefined; // the entropy
  }

  /** log p(x): a log of a sum of exponentials, without an array in between (a figure asks for thousands). */
  logDensity(x) {
    return logSum(this.tops.length, (k) => this.logPart(x, k));
  }

  logPart(x, k) {
    const r = (x - this.means[k]) / this.stds[k];
    return this.tops[k] - 0.5 * r * r;
  }

  /** Mean and standard deviation, in closed form. */
  get moments() {
    const mean = this.weights.reduce((sum, w, k) => sum + w * this.means[k], 0);
    const second = this.weights.reduce((sum, w, k) => sum + w * (this.stds[k] ** 2 + (this.means[k] - mean) ** 2), 0);
    return { mean, std: Math.sqrt(second) };
  }

  /** log p at the points of the wide grid. */
  get onGrid() {
    this.kept ??= WIDE.points.map((x) => this.logDensity(x));
    return this.kept;
  }

  /** p times the rule's weight at the points of the wide grid. */
  get masses() {
    this.weighed ??= this.onGrid.map((log, i) => Math.exp(log + WIDE.logWeights[i]));
    return this.weighed;
  }

  /** E_p[f] on the wide grid. */
  expected(f) {
    const { masses } = this;
    let sum = 0;
    for (let i = 0; i < masses.length; i++) if (masses[i] > 0) sum += masses[i] * f(i);
    return sum;
  }

  /** Differential entropy, nats, by quadrature. */
  get entropy() {
    if (this.found === undefined) {
      const log = OTHER.points.map((x) => this.logDensity(x));
      this.found = expectation(log, (_, i) => -log[i], OTHER);
    }
    return this.found;
  }

  /** E[log N(x; mean, std^2)] under this density, in closed form. */
  expectedLog({ mean, std }) {
    const own = this.moments;
    return logNormal(0, 0, std) - (0.5 * (own.std ** 2 + (own.mean - mean) ** 2)) / (std * std);
  }

  /** KL(this || N(mean, std^2)) by quadrature of p (log p - log q). */
  klForward(model, logQ = onGrid(model)) {
    const log = this.onGrid;
    return this.expected((i) => log[i] - logQ[i]);
  }

  /** KL(N(mean, std^2) || this) by quadrature of q (log q - log p). */
  klReverse(model, logQ = onGrid(model)) {
    const log = this.onGrid;
    return expectation(logQ, (_, i) => logQ[i] - log[i], WIDE);
  }

  /** The integrand of one of the two divergences at x. */
  integrand(x, { mean, std }, direction) {
    return integrandOf(this.logDensity(x), logNormal(x, mean, std), direction);
  }

  /** n draws from a counter: the same seed gives the same draws, and fewer draws are the first of more. */
  draws(seed, n) {
    const out = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const [which, u] = uniforms(seed, i, STREAM);
      let k = 0;
      for (let below = this.weights[0]; which >= below && k < this.weights.length - 1; below += this.weights[k]) k++;
      out[i] = this.means[k] + this.stds[k] * normalQuantile(u);
    }
    return out;
  }
}

/** Log of the model at the points of the wide grid. */
function onGrid({ mean, std }) {
  const out = new Float64Array(WIDE.points.length);
  for (let i = 0; i < out.length; i++) out[i] = logNormal(WIDE.points[i], mean, std);
  return out;
}

/** The integrand of one of the two divergences, from the two log densities. */
export function integrandOf(logP, logQ, direction) {
  return direction === "forward" ? Math.exp(logP) * (logP - logQ) : Math.exp(logQ) * (logQ - logP);
}

export const DATA = {
  two: new Mixture([0.6, 0.4], [-1.5, 1.7], [0.7, 0.5]),
  one: new Mixture([1], [0.5], [1.2]),
};

/**
 * The model where one direction's divergence is least. Forward: the moments of the data, from anywhere. Reverse: down
 * the slope from where the model stands (natural gradient, short steps), so the local minimum of that valley.
 */
export function fitted(data, direction, from, ends) {
  if (direction === "forward") return clamped(data.moments, ends);
  const { mean, std } = top({ axes: [WIDE.points], logWeights: WIDE.logWeights, logF: data.onGrid }, from, {
    stride: STRIDE,
    steps: STEPS,
    within: ends,
  });
  return clamped({ mean, std }, ends); // exp(log std) may stand a rounding outside
}

/** The model that fits N draws best: their mean and standard deviation, the latter kept at its floor. */
export function fittedToDraws(x, ends) {
  const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
  const square = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length;
  return clamped({ mean, std: Math.sqrt(square) }, ends);
}

function clamped({ mean, std }, ends) {
  const hold = (value, [low, high]) => Math.min(Math.max(value, low), high);
  return { mean: hold(mean, ends.mean), std: hold(std, ends.std) };
}

/** @type {{ key: string, draws: Float64Array }} */
let kept = { key: "", draws: new Float64Array(0) };

/** The draws of a state, kept until data, seed or N change. */
export function drawsOf({ data, seed, n }) {
  const key = `${data} ${seed} ${n}`;
  if (kept.key !== key) kept = { key, draws: DATA[data].draws(seed, n) };
  return kept.draws;
}

/** log E_data[N(x; mean, std^2)] in closed form: the log of the average, which is not the average of the logs. */
function logAverage(density, { mean, std }) {
  const { weights, means, stds } = density;
  return logSum(weights.length, (k) => Math.log(weights[k]) + logNormal(mean, means[k], Math.hypot(std, stds[k])));
}

/** All numbers of a state {data, direction, mean, std, n, seed, wrong}: the figure draws nothing else. */
export function numbers(state) {
  const { data, direction, n, seed, wrong = "none" } = state;
  const density = DATA[data];
  const model = { mean: state.mean, std: state.std };
  const logQ = onGrid(model);
  const klForward = density.klForward(model, logQ);
  const klReverse = density.klReverse(model, logQ);
  const expected = density.expectedLog(model);
  const square = density.expected((i) => (logQ[i] - expected) ** 2);
  const own = density.moments;
  const wide = model.std / own.std;
  const away = Math.abs(own.mean - model.mean);
  const claimed = {
    normaliser: expected + Math.log(model.std) + 0.5 * LOG_TWO_PI,
    average: logAverage(density, model),
  }[wrong];
  const sign = wrong === "sign" ? -1 : 1;
  const kl = direction === "forward" ? klForward : klReverse;
  let average = 0;
  for (const x of drawsOf(state)) average += logNormal(x, model.mean, model.std) / n;
  return {
    data,
    direction,
    n,
    seed,
    wrong,
    ...model,
    kl_forward: klForward,
    kl_reverse: klReverse,
    expected,
    entropy: density.entropy,
    average,
    kl,
    wobble: average - expected,
    error: Math.sqrt(square / n), // of the average, about the expectation
    wide,
    away,
    cost_width: Math.log(wide) + 0.5 / wide ** 2 - 0.5, // over the best Gaussian, which has the moments of the data
    cost_place: 0.5 * (away / model.std) ** 2,
    claimed_kl: sign * kl,
    claimed_expected: claimed ?? expected,
    off: sign * klForward + (claimed ?? expected) + density.entropy,
  };
}
