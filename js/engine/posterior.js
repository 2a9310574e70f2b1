// The true posterior of a VAE with two latent dimensions on a grid, and a Gaussian q refined on that grid. No DOM.
//
//   grid           stored with an image that comes with the figure, found by `gridOf` for one that the reader draws
//   log p(x, z)    decoder at every point of the grid, Bernoulli pixels, prior N(0, I)
//   log p(x)       the trapezoid rule's log integral of it
//   ELBO(q)        q normalised on the same grid, so that log p(x) - ELBO is a KL between two distributions on the
//                  grid, and no rounding of an integral can make it negative
//   refinement     the climb of refine.js on that ELBO, from the encoder's q
//
// The Python twin is lvm_lib.figures.posterior; tests hold the two together.

import { LOG_TWO_PI, logSum } from "./densities.js";
import { network } from "./network.js";
import { logBernoulli } from "./plane.js";
import { line } from "./quadrature.js";
import { elboAndSlopes, refine } from "./refine.js";

const [LAST, LEAST] = [200, 1e-7]; // steps, and nats that count as a rise
const PIXELS = 784;
const BATCH = 16; // points that are decoded at once
const [FAR, NEAR, WIDE, SPACING, LEAST_POINTS, COARSE] = [9, 18, 5.5, 0.4, 33, 0.05]; // of a grid: see gridOf
const [HALF, FLOOR] = [0.5, 1e-3]; // a spacing above half a posterior std is called coarse; the least std, in spacings
const LOOKS = [97, ...new Array(20).fill(33)]; // points along both axes, look after look
export const MOST = 20000; // points of a grid for a drawn image

/** The black and white images of a figure: 98 bytes each, the first pixel in the highest bit. */
export function imagesOf(bytes) {
  return Array.from({ length: bytes.length / (PIXELS / 8) }, (_, k) => {
    const x = new Float64Array(PIXELS);
    for (let d = 0; d < PIXELS; d++) x[d] = (bytes[k * (PIXELS / 8) + (d >> 3)] >> (7 - (d & 7))) & 1;
    return x;
  });
}

/** Encoder and decoder of a figure. */
export function modelOf(nets, weights) {
  return { encoder: network(nets.encoder, weights), decoder: network(nets.decoder, weights) };
}

/** The encoder's q of one image. */
function guess(encoder, x) {
  const out = encoder.row(x);
  return { mean: [out[0], out[1]], logStd: [out[2], out[3]] };
}

/** log p(x, z) on the product of two lines, with points and weights; a generator: yields after every batch. */
function* jointOn(decoder, x, lines) {
  const [m1, m2] = lines.map((own) => own.points.length);
  const m = m1 * m2;
  const [z1, z2, logWeights, logJoint] = [0, 1, 2, 3].map(() => new Float64Array(m));
  for (let i = 0, k = 0; i < m1; i++)
    for (let j = 0; j < m2; j++, k++) {
      [z1[k], z2[k]] = [lines[0].points[i], lines[1].points[j]];
      logWeights[k] = lines[0].logWeights[i] + lines[1].logWeights[j];
    }
  for (let k = 0; k < m; k += BATCH) {
    const rows = Math.min(BATCH, m - k);
    const z = new Float64Array(2 * rows);
    for (let r = 0; r < rows; r++) z.set([z1[k + r], z2[k + r]], 2 * r);
    const logits = decoder.run(z, [rows, 2]).data;
    for (let r = 0; r < rows; r++) {
      const prior = -LOG_TWO_PI - 0.5 * (z[2 * r] ** 2 + z[2 * r + 1] ** 2);
      logJoint[k + r] = prior + logBernoulli(x, logits, r * PIXELS);
    }
    yield (k + rows) / m;
  }
  /** @type {[Float64Array, Float64Array]} */
  const axes = [z1, z2];
  return { axes, logWeights, logJoint, logF: logJoint, m, m1, m2, lines, evidence: NaN }; // the caller sums it
}

const unresolved = (words) => Object.assign(new Error(words), { unresolved: true });

/**
 * A grid [low1, high1, points1, low2, high2, points2] for any image; a generator. It looks at the plane, keeps what
 * lies within 18 nats of the highest point seen, looks closer, until that shrinks no more; then it takes in 5.5
 * standard deviations of q, at a spacing of 0.4 standard deviations of the posterior. An error that is `unresolved`
 * where that takes more than MOST points.
 */
export function* gridOf({ encoder, decoder }, x) {
  const q = guess(encoder, x);
  let [low, high] = [
    [-FAR, -FAR],
    [FAR, FAR],
  ];
  /** @type {any} */
  let seen;
  for (const look of LOOKS) {
    seen = yield* jointOn(
      decoder,
      x,
      low.map((from, a) => line(from, high[a], look)),
    );
    let top = -Infinity;
    for (const value of seen.logJoint) top = Math.max(top, value);
    const before = high.map((to, a) => to - low[a]);
    [low, high] = [
      [Infinity, Infinity],
      [-Infinity, -Infinity],
    ];
    for (let k = 0; k < seen.m; k++)
      if (seen.logJoint[k] > top - NEAR)
        for (const a of [0, 1]) {
          low[a] = Math.min(low[a], seen.axes[a][k]);
          high[a] = Math.max(high[a], seen.axes[a][k]);
        }
    const step = before.map((wide) => wide / (look - 1));
    [low, high] = [low.map((v, a) => v - step[a]), high.map((v, a) => v + step[a])];
    if (high.every((to, a) => to - low[a] > 0.8 * before[a])) break;
  }
  seen.evidence = logSum(seen.m, (k) => seen.logJoint[k] + seen.logWeights[k]);
  const std = momentsOf(seen).std.map((s, a) => Math.max(s, FLOOR * seen.lines[a].step));
  const reach = q.logStd.map((v) => WIDE * Math.exp(v));
  [low, high] = [
    low.map((v, a) => Math.min(v, q.mean[a] - reach[a])),
    high.map((v, a) => Math.max(v, q.mean[a] + reach[a])),
  ];
  const points = std.map((s, a) => Math.max(2 * Math.ceil((high[a] - low[a]) / (SPACING * s) / 2) + 1, LEAST_POINTS));
  if (!(points[0] * points[1] <= MOST)) throw unresolved(`${points[0] * points[1]} points`);
  return [low[0], high[0], points[0], low[1], high[1], points[1]];
}

/**
 * The posterior of one image on its grid [low1, high1, points1, low2, high2, points2], or, without one, on that which
 * gridOf finds; a generator: yields how far it is.
 */
export function* posterior(vae, x, grid = null) {
  const [low1, high1, m1, low2, high2, m2] = grid ?? (yield* gridOf(vae, x));
  const q = guess(vae.encoder, x);
  const on = yield* jointOn(vae.decoder, x, [line(low1, high1, m1), line(low2, high2, m2)]);
  const { m, logJoint, logWeights, lines } = on;
  on.evidence = logSum(m, (k) => logJoint[k] + logWeights[k]);
  const steps = lines.map((own) => own.step);
  const { mean, std: found } = momentsOf(on);
  const std = found.map((s, a) => Math.max(s, FLOOR * steps[a]));
  const spacing = Math.max(steps[0] / std[0], steps[1] / std[1]);
  const halving = halved(on) - on.evidence;
  const coarse = spacing > HALF || !(Math.abs(halving) < COARSE);
  if (!grid && coarse) throw unresolved(`twice the spacing moves log p(x) by ${halving}`);
  const path = yield* climb(on, q);
  const other = yield* climb(on, { mean, logStd: std.map(Math.log) });
  const ends = [path, other].map((way) => way[way.length - 1]);
  return {
    ...on,
    x,
    path,
    mean,
    std,
    spacing,
    halving,
    coarse,
    ends,
    best: Math.max(...ends.map(({ elbo }) => elbo)),
  };
}

/** The way from a Gaussian to the top of its hill; a generator. */
export const climb = (on, q) => refine(on, q, { least: LEAST, steps: LAST });

/** Mean and standard deviations of the posterior on the grid. */
function momentsOf({ m, axes: [z1, z2], logWeights, logJoint, evidence }) {
  const [mean, square] = [
    [0, 0],
    [0, 0],
  ];
  const mass = (k) => Math.exp(logJoint[k] + logWeights[k] - evidence);
  for (let k = 0; k < m; k++) {
    const p = mass(k);
    mean[0] += p * z1[k];
    mean[1] += p * z2[k];
  }
  for (let k = 0; k < m; k++) {
    const p = mass(k);
    square[0] += p * (z1[k] - mean[0]) ** 2;
    square[1] += p * (z2[k] - mean[1]) ** 2;
  }
  return { mean, std: square.map(Math.sqrt) };
}

/** log p(x) by every second point along both axes. */
function halved({ logJoint, m1, m2, lines }) {
  const half = [m1, m2].map((m, a) => line(lines[a].points[0], lines[a].points[m - 1], (m + 1) / 2));
  const [n1, n2] = [half[0].points.length, half[1].points.length];
  return logSum(n1 * n2, (k) => {
    const [i, j] = [Math.floor(k / n2), k % n2];
    return logJoint[2 * i * m2 + 2 * j] + half[0].logWeights[i] + half[1].logWeights[j];
  });
}

/** KL(q || p(z | x)) on the grid. */
export function klOf(on, q) {
  return -elboAndSlopes({ ...on, logF: on.logJoint.map((log) => log - on.evidence) }, q).elbo;
}

/** All numbers of a state { digit, drawn, step } whose posterior is known: the figure draws nothing else. */
export function numbers(state, p) {
  const taken = Math.min(state.step, p.path.length - 1);
  const { q, elbo } = p.path[taken];
  const std = q.logStd.map(Math.exp);
  return {
    digit: state.digit,
    drawn: state.drawn,
    step: state.step,
    taken,
    points: p.m,
    coarse: p.coarse,
    evidence: p.evidence,
    amortised: p.path[0].elbo,
    before: p.path[Math.max(taken - 1, 0)].elbo,
    refined: elbo,
    best: p.best,
    kl: klOf(p, q),
    mean1: q.mean[0],
    mean2: q.mean[1],
    std1: std[0],
    std2: std[1],
    posterior_mean1: p.mean[0],
    posterior_mean2: p.mean[1],
    posterior_std1: p.std[0],
    posterior_std2: p.std[1],
    spacing: p.spacing,
    halving: p.halving,
  };
}

/** Between b and c, at t in [0, 1], the curve of Catmull and Rom through a, b, c, d. */
const between = (a, b, c, d, t) => b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));

/** A row of values with `parts` steps in place of each; it goes straight on beyond its ends. */
function finerRow(row, parts) {
  const last = row.length - 1;
  const at = (i) => (i < 0 ? 2 * row[0] - row[1] : i > last ? 2 * row[last] - row[last - 1] : row[i]);
  return Float64Array.from({ length: last * parts + 1 }, (_, k) => {
    const i = Math.min(Math.floor(k / parts), last - 1);
    return between(at(i - 1), row[i], row[i + 1], at(i + 2), k / parts - i);
  });
}

/** A function on the grid, by cubic interpolation on one with spacings `parts` times smaller: for drawing alone. */
export function finer({ lines, m1, m2 }, values, parts) {
  const [n1, n2] = [m1, m2].map((m) => (m - 1) * parts + 1);
  const rows = Array.from({ length: m1 }, (_, i) => finerRow(values.slice(i * m2, (i + 1) * m2), parts));
  const fine = new Float64Array(n1 * n2);
  for (let j = 0; j < n2; j++)
    finerRow(
      rows.map((row) => row[j]),
      parts,
    ).forEach((value, i) => {
      fine[i * n2 + j] = value;
    });
  const on = { lines: lines.map(({ points }) => ({ points: finerRow(points, parts) })), m1: n1, m2: n2 };
  return { on, values: fine };
}

/** Line segments [x1, y1, x2, y2] where a function on the grid crosses a level: marching squares. */
export function contour({ lines: [a, b], m1, m2 }, values, level) {
  const segments = [];
  const [x, y] = [a.points, b.points];
  for (let i = 0; i + 1 < m1; i++)
    for (let j = 0; j + 1 < m2; j++) {
      const at = i * m2 + j;
      const above = values[at] > level;
      const across = values[at + m2] > level === above && values[at + m2 + 1] > level === above;
      if (across && values[at + 1] > level === above) continue;
      const corners = [
        [x[i], y[j], values[at]],
        [x[i + 1], y[j], values[at + m2]],
        [x[i + 1], y[j + 1], values[at + m2 + 1]],
        [x[i], y[j + 1], values[at + 1]],
      ];
      const cuts = [];
      for (let c = 0; c < 4; c++) {
        const [[px, py, p], [qx, qy, q]] = [corners[c], corners[(c + 1) % 4]];
        if (p > level === q > level) continue;
        const t = (level - p) / (q - p);
        cuts.push([px + t * (qx - px), py + t * (qy - py)]);
      }
      for (let c = 0; c + 1 < cuts.length; c += 2) segments.push([...cuts[c], ...cuts[c + 1]]);
    }
  return segments;
}
