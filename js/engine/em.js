// EM for a mixture of Gaussians on points of a plane, one half step at a time. A run is a function of (points, k, seed,
// moves), so that Back is the same run with one move fewer.
//
// Routes that share no more than log p(x, z), so that evidence = F + gap is a check:
//   F         E_q[log p(x, z)] + H(q), summed over the points
//   evidence  log of the sum over z of p(x, z)
//   gap       KL(q || p(z | x)), from the two distributions over z
// M-step: the best weights, means and covariances among all covariances whose eigenvalues are at least FLOOR.
// The Python twin is lvm_lib.figures.em; tests hold the two together.

import { normals, uniforms } from "./counter.js";
import { LOG_TWO_PI, logSum } from "./densities.js";
import * as toy from "./landscape.js";

export const [X, Y] = [
  [-4, 4],
  [-3, 3],
]; // the plane
export const MOST = 60; // points
export const MOVES = 60; // half steps
export const FLOOR = 0.15 ** 2; // of the eigenvalues of a covariance
const START_STD = 0.7; // of every component
const JITTER = 0.25; // standard deviation of a first mean around its point
const NOTHING = 1e-30; // a responsibility below it counts as 0
const STREAM = 8; // of the counter: other figures draw from others

/** Components before the first step: means near k points that the seed chooses, one width, equal weights. */
export function start({ points, k, seed }) {
  const order = points.map((_, i) => [uniforms(seed, i, STREAM)[0], i]).sort((a, b) => a[0] - b[0]);
  return Array.from({ length: k }, (_, j) => {
    const [x, y] = points.length ? points[order[j % points.length][1]] : [0, 0];
    const [dx, dy] = normals(seed, j, STREAM + 1);
    return {
      weight: 1 / k,
      x: x + JITTER * dx,
      y: y + JITTER * dy,
      major: START_STD ** 2,
      minor: START_STD ** 2,
      cos: 1,
      sin: 0,
    };
  });
}

/** log p(x, z = k), point by point, n times k numbers. */
function logJoints(points, components) {
  const k = components.length;
  const out = new Float64Array(points.length * k);
  components.forEach(({ weight, x, y, major, minor, cos, sin }, j) => {
    const top = Math.log(weight) - LOG_TWO_PI - 0.5 * Math.log(major * minor);
    for (let n = 0; n < points.length; n++) {
      const [dx, dy] = [points[n][0] - x, points[n][1] - y];
      const [u, v] = [cos * dx + sin * dy, cos * dy - sin * dx];
      out[n * k + j] = top - 0.5 * ((u * u) / major + (v * v) / minor);
    }
  });
  return out;
}

/** log p(x) of every point: the log of the sum of its k numbers. */
function logTotals(logs, k) {
  const out = new Float64Array(logs.length / k);
  for (let n = 0; n < out.length; n++) out[n] = logSum(k, (j) => logs[n * k + j]);
  return out;
}

/** Responsibilities p(z = k | x), point by point, through logarithms. */
export function eStep(points, components, logs = logJoints(points, components)) {
  const k = components.length;
  const totals = logTotals(logs, k);
  return logs.map((value, i) => {
    const r = Math.exp(value - totals[Math.floor(i / k)]);
    return r < NOTHING ? 0 : r;
  });
}

/**
 * Weights, means and clipped covariances that raise F most for given responsibilities. F does not depend on mean and
 * covariance of a component without any: it takes those of all points.
 */
export function mStep(points, q, components) {
  const k = components.length;
  if (!points.length) return components;
  return components.map((_, j) => {
    let total = 0;
    for (let n = 0; n < points.length; n++) total += q[n * k + j];
    const share = total > 0 ? (n) => q[n * k + j] / total : () => 1 / points.length;
    return { weight: total / points.length, ...moments(points, share) };
  });
}

/** Mean and clipped covariance of points that count by their share. */
function moments(points, share) {
  let [mx, my, a, b, c] = [0, 0, 0, 0, 0];
  points.forEach(([x, y], n) => {
    mx += share(n) * x;
    my += share(n) * y;
  });
  points.forEach(([x, y], n) => {
    const [w, dx, dy] = [share(n), x - mx, y - my];
    a += w * dx * dx;
    b += w * dx * dy;
    c += w * dy * dy;
  });
  return { x: mx, y: my, ...clipped(a, b, c) };
}

/** The covariance ((a, b), (b, c)) with its eigenvalues lifted to FLOOR, as axes. */
function clipped(a, b, c) {
  const [middle, half] = [(a + c) / 2, Math.hypot((a - c) / 2, b)];
  const angle = 0.5 * Math.atan2(2 * b, a - c);
  return {
    major: Math.max(middle + half, FLOOR),
    minor: Math.max(middle - half, FLOOR),
    cos: Math.cos(angle),
    sin: Math.sin(angle),
  };
}

/** F, evidence and gap of q and the components, in nats summed over the points. */
export function terms(points, q, components, logs = logJoints(points, components)) {
  const k = components.length;
  let [f, evidence, gap] = [0, 0, 0];
  logTotals(logs, k).forEach((total, n) => {
    evidence += total;
    for (let i = n * k; i < n * k + k; i++) {
      if (!(q[i] > 0)) continue;
      const logQ = Math.log(q[i]);
      f += q[i] * (logs[i] - logQ);
      gap += q[i] * (logQ - (logs[i] - total));
    }
  });
  return { f, evidence, gap };
}

/** @type {{ points: any, k: number, seed: number, stale: boolean, states: any[] }} */
let last = { points: null, k: 0, seed: 0, stale: false, states: [] };

/** q as it stood before the last E-step: what an M-step takes that was given stale responsibilities. */
const staleOf = (states) => states[states.findLastIndex(({ move }) => move === "E") - 1].q;

/** H(q), summed over the points. */
const entropyOf = (q) => q.reduce((sum, r) => (r > 0 ? sum - r * Math.log(r) : sum), 0);

/** Every state of a run, the first included: [{ move, q, components, f, evidence, gap }]. What is known is kept. */
export function run(state) {
  const { points, k, seed, moves } = state;
  const stale = state.wrong === "stale";
  if (last.points !== points || last.k !== k || last.seed !== seed || last.stale !== stale)
    last = { points, k, seed, stale, states: [] };
  const { states } = last;
  const add = (move, q, components, logs) => {
    states.push({ move, q, components, logs, ...terms(points, q, components, logs) });
  };
  let known = 0;
  while (known < moves.length && states[known + 1]?.move === moves[known]) known++;
  states.length = Math.min(states.length, known + 1);
  if (!states.length) {
    const first = start(state);
    add("", new Float64Array(points.length * k).fill(1 / k), first, logJoints(points, first)); // q knows nothing
  }
  for (const move of moves.slice(states.length - 1)) {
    const { q, components, logs } = states.at(-1);
    if (move === "E") add(move, eStep(points, components, logs), components, logs);
    else {
      const better = mStep(points, stale ? staleOf(states) : q, components);
      add(move, q, better, logJoints(points, better));
    }
  }
  return [...states];
}

const least = (values) => values.slice(1).reduce((low, value, i) => Math.min(low, value - values[i]), 0);

/** All numbers of a state, with the two runs that they come from: the figure states nothing else. */
export function numbers(state) {
  const states = run(state);
  const [now, before] = [states.at(-1), states.at(-2)];
  const wrong = state.wrong ?? "none";
  for (const s of states) {
    s.claimed_f = s.f - (wrong === "entropy" ? entropyOf(s.q) : 0);
    s.claimed_evidence = wrong === "label" ? s.f : s.evidence;
  }
  const em = toy.emPath(state);
  const gradient = toy.gradientPath(state);
  const [here, there] = [em[em.length - 1], gradient[gradient.length - 1]];
  const out = {
    ...state,
    n: state.points.length,
    f: now.f,
    evidence: now.evidence,
    gap: now.gap,
    least_rise: least(states.map((s) => s.f)),
    least_evidence: least(states.map((s) => s.evidence)),
    wrong,
    claimed_f: now.claimed_f,
    claimed_evidence: now.claimed_evidence,
    claimed_least_rise: least(states.map((s) => s.claimed_f)),
    off: now.claimed_f + now.gap - now.claimed_evidence,
    rise: before ? now.f - before.f : 0,
    lift: before ? now.evidence - before.evidence : 0,
    gap_after_e: Math.max(0, ...states.filter((s) => s.move === "E").map((s) => Math.abs(s.gap))),
    at_floor: now.components.filter((c) => c.minor < FLOOR + 1e-9).length,
    empty: now.components.filter((c) => c.weight === 0).length,
    toy_q: here.q,
    toy_theta: here.theta,
    toy_f: here.f,
    toy_evidence: toy.evidence(here.theta),
    toy_gap: toy.gap(here.q, here.theta),
    toy_least_rise: least(em.map((s) => s.f)),
    toy_off_diagonal: Math.max(0, ...em.filter((s) => s.move === "E").map((s) => Math.abs(s.q - s.theta))),
    gradient_q: there.q,
    gradient_theta: there.theta,
    gradient_f: there.f,
    gradient_least_rise: least(gradient.map((s) => s.f)),
  };
  now.components.forEach((c, i) => {
    Object.assign(out, {
      [`weight${i + 1}`]: c.weight,
      [`x${i + 1}`]: c.x,
      [`y${i + 1}`]: c.y,
      [`major${i + 1}`]: Math.sqrt(c.major),
      [`minor${i + 1}`]: Math.sqrt(c.minor),
    });
  });
  return { stated: out, states, em, gradient };
}

const inside = (value, [low, high]) => Math.min(Math.max(value, low), high);
const place = (value, bounds) => Math.round(100 * inside(value, bounds)) / 100 || 0; // 0, never -0

/** A point that can be placed: inside the plane, to two decimals. */
export const placed = ([x, y]) => [place(x, X), place(y, Y)];

/** Points that can be placed, as they stand where all can; undefined where they are none. */
export function readPoints(points) {
  const finite = (point) => Array.isArray(point) && point.length === 2 && point.every(Number.isFinite);
  if (!Array.isArray(points) || !points.every(finite)) return undefined;
  const fine = points.length <= MOST && points.every((p) => placed(p).every((v, i) => v === p[i]));
  return fine ? points : points.slice(0, MOST).map(placed);
}

/** Half steps of which an E-step comes first, at most MOVES; undefined where they are none. */
export const readMoves = (moves) =>
  typeof moves === "string" && /^(E[EM]*)?$/.test(moves) ? moves.slice(0, MOVES) : undefined;
