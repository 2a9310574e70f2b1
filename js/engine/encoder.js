// The reader as the encoder: what a Gaussian q of their own is worth for one image, and what it, the network and the
// family miss. No DOM.
//
//   ELBO(q)      on the grid of the image's posterior (posterior.js) where that grid holds q and is fine enough for it:
//                there log p(x) >= ELBO is exact; elsewhere E_q[log p(x | z)] by 5 x 5 Gauss-Hermite points, less the
//                KL(q || N(0, I)) in closed form
//   best         the highest end of three climbs: from the encoder's q, the posterior's moments, and its peak
//   answers      "digit,mean1,mean2,logStd1,logStd2" of each image that was revealed, joined by "_"
//
// The Python twin is lvm_lib.figures.encoder; tests hold the two together.

import { logSum } from "./densities.js";
import { klToPrior, reconstructed } from "./plane.js";
import { climb, posterior } from "./posterior.js";

export const ROUND = 5; // images
const [HELD, WIDEST] = [4.5, 1.5]; // standard deviations of q: that the grid must hold, and between two of its points
const ANSWER = /^\d{1,2}(,-?\d(\.\d{1,4})?){4}$/;

/** What is known of an image with its grid: its posterior, the encoder's q, and the best, `top`; a generator. */
export function* known(vae, x, grid) {
  const p = yield* posterior(vae, x, grid);
  let top = 0;
  p.logJoint.forEach((value, k) => {
    if (value > p.logJoint[top]) top = k;
  });
  const peak = { mean: p.axes.map((z) => z[top]), logStd: p.std.map((s) => Math.log(s / 2)) };
  const way = yield* climb(p, peak);
  const best = [...p.ends, way[way.length - 1]].reduce((a, b) => (b.elbo > a.elbo ? b : a));
  return { ...p, encoder: p.path[0], top: best };
}

/** Answers as [{ digit, q }], undefined where they are none. `table` is what Python says of the state. */
export function answersOf(text, table) {
  if (typeof text !== "string") return undefined;
  const parts = text ? text.split("_") : [];
  if (parts.length > ROUND || !parts.every((part) => ANSWER.test(part))) return undefined;
  const rows = parts.map((part) => part.split(",").map(Number));
  const ends = ["digit", "mean1", "mean2", "log_std1", "log_std2"].map((key) => table[key]);
  if (!rows.every((row) => row.every((v, i) => v >= ends[i].low && v <= ends[i].high))) return undefined;
  if (new Set(rows.map(([digit]) => digit)).size < rows.length) return undefined;
  return rows.map(([digit, a, b, s, t]) => ({ digit, q: { mean: [a, b], logStd: [s, t] } }));
}

/** The answers with one more: the q of a state for its digit. */
export const answered = ({ answers, digit, mean1, mean2, log_std1, log_std2 }) =>
  [answers, [digit, ...[mean1, mean2, log_std1, log_std2].map((v) => Number(v.toFixed(4)))].join(",")]
    .filter(Boolean)
    .join("_");

export const qOf = ({ mean1, mean2, log_std1, log_std2 }) => ({ mean: [mean1, mean2], logStd: [log_std1, log_std2] });

/** Does the posterior's grid answer for q? */
function holds({ lines }, { mean, logStd }) {
  return lines.every(({ points, step }, a) => {
    const std = Math.exp(logStd[a]);
    const [low, high] = [points[0], points[points.length - 1]];
    return mean[a] - HELD * std >= low && mean[a] + HELD * std <= high && step <= WIDEST * std;
  });
}

/**
 * The ELBO of q on the posterior's grid. Grid and q are both products of two lines, so q's masses and its entropy come
 * line by line: a sum over the grid has no exponential in it, and a frame of a drag has time for it.
 */
function elboOn({ lines, logF, m1, m2 }, { mean, logStd }) {
  const own = lines.map(({ points, logWeights }, a) => {
    const per = Math.exp(-logStd[a]);
    const logQ = points.map((z) => -0.5 * ((z - mean[a]) * per) ** 2);
    const total = logSum(points.length, (i) => logQ[i] + logWeights[i]);
    const mass = logQ.map((log, i) => Math.exp(log - total + logWeights[i]));
    return { mass, entropy: mass.reduce((sum, share, i) => sum - share * (logQ[i] - total), 0) };
  });
  let elbo = own[0].entropy + own[1].entropy;
  for (let i = 0, k = 0; i < m1; i++) {
    let inner = 0;
    for (let j = 0; j < m2; j++, k++) inner += own[1].mass[j] * logF[k];
    elbo += own[0].mass[i] * inner;
  }
  return elbo;
}

/** { reconstruction, rate, elbo, exact } of q for the image whose posterior is p, nats. */
export function termsOf(vae, p, q) {
  const std = q.logStd.map(Math.exp);
  const rate = klToPrior(q.mean, std);
  if (holds(p, q)) {
    const elbo = elboOn(p, q);
    return { reconstruction: elbo + rate, rate, elbo, exact: true };
  }
  const reconstruction = reconstructed(vae.decoder, p.x, q.mean, std);
  return { reconstruction, rate, elbo: reconstruction - rate, exact: false };
}

/** Every number of a state whose images are known, `at(digit)`; `answers` are those of answersOf. */
export function numbers(state, vae, at, answers) {
  const p = at(state.digit);
  const now = termsOf(vae, p, qOf(state));
  const revealed = answers.some(({ digit }) => digit === state.digit);
  const [best, amortised] = [p.top.elbo, p.encoder.elbo];
  const truth = {
    evidence: p.evidence,
    amortised,
    best,
    yours_short: best - now.elbo,
    network_short: best - amortised,
    family_short: p.evidence - best,
  };
  const sum = (short) => answers.reduce((total, { digit, q }) => total + short(at(digit), q), 0);
  return {
    ...state,
    ...now,
    coarse: p.coarse,
    revealed,
    ...(revealed ? truth : Object.fromEntries(Object.keys(truth).map((key) => [key, null]))),
    answered: answers.length,
    score: sum((own, q) => own.top.elbo - termsOf(vae, own, q).elbo),
    network: sum((own) => own.top.elbo - own.encoder.elbo),
  };
}

/** log p(z | x) at any place of the plane, by the grid's nearest four points; -Infinity where it holds nothing. */
export function logPosteriorAt({ lines: [a, b], logJoint, m1, m2, evidence }, z1, z2) {
  const [u, v] = [(z1 - a.points[0]) / a.step, (z2 - b.points[0]) / b.step];
  const [i, j] = [Math.floor(u), Math.floor(v)];
  if (i < 0 || j < 0 || i + 1 >= m1 || j + 1 >= m2) return -Infinity;
  const [r, s] = [u - i, v - j];
  const k = i * m2 + j;
  const low = (1 - s) * logJoint[k] + s * logJoint[k + 1];
  const high = (1 - s) * logJoint[k + m2] + s * logJoint[k + m2 + 1];
  return (1 - r) * low + r * high - evidence;
}
