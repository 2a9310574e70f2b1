// Ancestral sampling on a line: z ~ N(0, 1), x = g(z) + noise * e, e ~ N(0, 1), with a small network g.
//
//   draws      from a counted generator: draw i of a seed is always the same, whatever the noise
//   marginal   p(x) = integral of N(x; g(z), noise^2) N(z; 0, 1) dz by quadrature over z; its distribution function
//              on a table of x, between its entries by a polynomial of degree five
//   distance   Kolmogorov's: the largest gap between the distribution functions of the sample and of p(x)
// The Python twin is lvm_lib.figures.ancestral; tests hold the two together.

import { normals } from "./counter.js";
import { logNormal, normalCdf } from "./densities.js";
import { line } from "./quadrature.js";

/** What a reader can reach. */

/** g(z) = sum_j outputs_j tanh(slopes_j z + shifts_j) + offset: flat, then steep, then falling. */
export const NETWORK = { slopes: [2, 1.5], shifts: [0.5, -2.2], outputs: [1.8, -0.9], offset: -0.8 };

/** P(distance > LINE / sqrt(n)) <= 2 exp(-2 LINE^2) = 1e-5 for every n, if the sampler is right (Massart 1990). */
export const LINE = 2.47;

const LATENT = line(-8.4, 8.4, 561);
const REACH = 1.8; // g stays inside
const SQRT_2PI = Math.sqrt(2 * Math.PI);

export function decode(z) {
  const { slopes, shifts, outputs, offset } = NETWORK;
  return outputs.reduce((sum, b, j) => sum + b * Math.tanh(slopes[j] * z + shifts[j]), offset);
}

const MEANS = LATENT.points.map(decode);
const MASSES = LATENT.points.map((z, i) => Math.exp(logNormal(z) + LATENT.logWeights[i]));
const MEAN = MASSES.reduce((sum, w, j) => sum + w * MEANS[j], 0);
const SPREAD = MASSES.reduce((sum, w, j) => sum + w * (MEANS[j] - MEAN) ** 2, 0); // Var g(z)

let last = { noise: NaN };

/** p(x), its slope and its integral on a table of x that reaches 8 noises beyond the generator. */
export function marginal(noise) {
  if (last.noise === noise) return last;
  const step = noise / 10;
  const half = Math.ceil((REACH + 8 * noise) / step);
  const size = 2 * half + 1;
  const [p, slope, below] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
  for (let k = 0; k < size; k++) {
    const x = (k - half) * step;
    for (let j = 0; j < MASSES.length; j++) {
      const r = (x - MEANS[j]) / noise;
      if (r < -9) continue;
      if (r > 9) {
        below[k] += MASSES[j];
        continue;
      }
      const density = (MASSES[j] * Math.exp(-0.5 * r * r)) / (SQRT_2PI * noise);
      p[k] += density;
      slope[k] -= (density * r) / noise;
      below[k] += MASSES[j] * normalCdf(r);
    }
  }
  let hills = 0;
  for (let k = 1; k < size - 1; k++) if (p[k] > 1e-6 && p[k] > p[k - 1] && p[k] >= p[k + 1]) hills++;
  const area = step * p.reduce((sum, v) => sum + v, 0);
  last = {
    noise,
    step,
    low: -half * step,
    p,
    slope,
    below,
    hills,
    area,
    mean: MEAN,
    std: Math.sqrt(SPREAD + noise * noise),
  };
  return last;
}

/** p(x) by quadrature over z. */
export function density(x, noise) {
  let sum = 0;
  for (let j = 0; j < MASSES.length; j++) sum += MASSES[j] * Math.exp(-0.5 * ((x - MEANS[j]) / noise) ** 2);
  return sum / (SQRT_2PI * noise);
}

/** P(X <= x) from the table: the polynomial that meets value, first and second derivative at both ends. */
export function probabilityBelow(x, { low, step, p, slope, below }) {
  const k = Math.floor((x - low) / step);
  if (k < 0) return 0;
  if (k >= p.length - 1) return 1;
  const t = (x - low) / step - k;
  const [d, v0, v1] = [below[k + 1] - below[k], p[k] * step, p[k + 1] * step];
  const [a0, a1] = [slope[k] * step * step, slope[k + 1] * step * step];
  const c3 = 10 * d - 6 * v0 - 4 * v1 - 1.5 * a0 + 0.5 * a1;
  const c4 = -15 * d + 8 * v0 + 7 * v1 + 1.5 * a0 - a1;
  const c5 = 6 * d - 3 * v0 - 3 * v1 - 0.5 * a0 + 0.5 * a1;
  return below[k] + t * (v0 + t * (0.5 * a0 + t * (c3 + t * (c4 + t * c5))));
}

/** @type {{ seed: number, z: number[], means: number[], e: number[] }} */
let drawn = { seed: NaN, z: [], means: [], e: [] };

/** The first `count` draws of a seed: z, g(z) and e. What was drawn once is kept until the seed changes. */
export function draws(seed, count) {
  if (drawn.seed !== seed) drawn = { seed, z: [], means: [], e: [] };
  while (drawn.z.length < count) {
    const [z, e] = normals(seed, drawn.z.length);
    drawn.z.push(z);
    drawn.means.push(decode(z));
    drawn.e.push(e);
  }
  return { z: drawn.z.slice(0, count), means: drawn.means.slice(0, count), e: drawn.e.slice(0, count) };
}

/** The sample x_i = g(z_i) + noise * e_i of a state, with its z_i, g(z_i) and e_i. */
export function sample({ seed, count, std_noise: noise }) {
  const of = draws(seed, count);
  const x = new Float64Array(count);
  for (let i = 0; i < count; i++) x[i] = of.means[i] + noise * of.e[i];
  return { ...of, x };
}

/** Kolmogorov's distance of a sample to the marginal; null without a sample. */
export function distance(xs, table) {
  const n = xs.length;
  if (!n) return null;
  let most = 0;
  const sorted = Float64Array.from(xs).sort();
  for (let i = 0; i < n; i++) {
    const below = probabilityBelow(sorted[i], table);
    most = Math.max(most, below - i / n, (i + 1) / n - below);
  }
  return most;
}

/** All numbers of a state {z, std_noise, seed, count}: the figure states nothing else. */
export function numbers(state) {
  const { z, std_noise: noise, seed, count } = state;
  const table = marginal(noise);
  const { z: zs, means, e, x } = sample(state);
  const mean = count ? x.reduce((sum, v) => sum + v, 0) / count : null;
  const std =
    mean !== null && count > 1 ? Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (count - 1)) : null;
  const newest = count - 1;
  const final = (values) => (count ? values[newest] : null);
  return {
    z,
    std_noise: noise,
    seed,
    count,
    prior: Math.exp(logNormal(z)),
    g: decode(z),
    density: density(decode(z), noise),
    hills: table.hills,
    area: table.area,
    mean: table.mean,
    std: table.std,
    sample_mean: mean,
    sample_std: std,
    last_z: final(zs),
    last_g: final(means),
    last_noise: count ? noise * e[newest] : null,
    last_x: final(x),
    distance: distance(x, table),
    line: count ? LINE / Math.sqrt(count) : null,
  };
}
