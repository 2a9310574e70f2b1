// One sigma from soft EM to K-means: codes as centres of Gaussians of one fixed width sigma and equal weights.
//
//   r_nk     proportional to exp(-|x_n - c_k|^2 / (2 sigma^2)); at sigma = 0 all on the nearest code, first of equals
//   energy   average of sum_k r_nk |x_n - c_k|^2 + 2 sigma^2 KL(r_n || uniform): 2 sigma^2 times -F, up to a constant
//   step     r for these codes, then each code to the mean of what it holds; a code that holds nothing stays
// Neither half of a step raises the energy; at sigma = 0 it is the distortion, and a step is Lloyd's.
// The Python twin is lvm_lib.figures.kmeans; tests hold the two together.

import { uniforms } from "./counter.js";

/** The plane. @type {[number, number][]} */
export const [X, Y] = [
  [-4, 4],
  [-3, 3],
];
export const MOST = 8; // codes
const STREAM = 9; // of the counter: other figures draw from others

/** Codes anywhere in the plane: number j of a seed is always the same, to two decimals. */
export function scattered(seed, k) {
  return Array.from({ length: k }, (_, j) => {
    const [u, v] = uniforms(seed, j, STREAM);
    return placed([8 * u - 4, 6 * v - 3]);
  });
}

/** |x_n - c_k|^2, point by point. */
function squares(points, codes) {
  const k = codes.length;
  const out = new Float64Array(points.length * k);
  for (let n = 0; n < points.length; n++) {
    for (let j = 0; j < k; j++) {
      const [dx, dy] = [points[n][0] - codes[j][0], points[n][1] - codes[j][1]];
      out[n * k + j] = dx * dx + dy * dy;
    }
  }
  return out;
}

/** Where the smallest number of a row stands, the first of equals. */
function nearest(d, n, k) {
  let best = n * k;
  for (let i = best + 1; i < n * k + k; i++) if (d[i] < d[best]) best = i;
  return best;
}

/** Responsibilities of the codes, point by point. */
export function assign(points, codes, sigma) {
  const k = codes.length;
  const d = squares(points, codes);
  const r = new Float64Array(d.length);
  for (let n = 0; n < points.length; n++) {
    const best = nearest(d, n, k);
    if (sigma === 0) {
      r[best] = 1;
      continue;
    }
    let total = 0;
    for (let i = n * k; i < n * k + k; i++) {
      r[i] = Math.exp((d[best] - d[i]) / (2 * sigma * sigma));
      total += r[i];
    }
    for (let i = n * k; i < n * k + k; i++) r[i] /= total;
  }
  return r;
}

/** Each code at the mean of the points, each counted by what the code holds of it; a code that holds nothing stays. */
export function update(points, r, codes, wrong = "none") {
  const k = codes.length;
  return codes.map((old, j) => {
    let [total, x, y] = [0, 0, 0];
    for (let n = 0; n < points.length; n++) {
      const share = r[n * k + j];
      total += share;
      x += share * points[n][0];
      y += share * points[n][1];
    }
    const by = wrong === "counts" ? points.length / k : total; // as if each code held an even share
    return total > 1e-12 ? [x / by, y / by] : old;
  });
}

/** Distortions, rate and energy of codes with their own responsibilities, averaged over the points. */
export function measure(points, codes, sigma) {
  const k = codes.length;
  const r = assign(points, codes, sigma);
  const d = squares(points, codes);
  let [hard, soft, rate, firm] = [0, 0, 0, 1];
  const counts = new Array(k).fill(0);
  const held = new Array(k).fill(0);
  for (let n = 0; n < points.length; n++) {
    const best = nearest(d, n, k);
    counts[best - n * k] += 1;
    hard += d[best];
    firm = Math.min(firm, r[best]);
    for (let j = 0; j < k; j++) {
      const share = r[n * k + j];
      held[j] += share;
      soft += share * d[n * k + j];
      if (share > 0) rate += share * Math.log(k * share);
    }
  }
  const size = points.length;
  const entropy = held.reduce((sum, h) => (h > 0 ? sum - (h / size) * Math.log(h / size) : sum), 0);
  return {
    r,
    counts,
    held,
    distortion: hard / size,
    soft: soft / size,
    rate: rate / size,
    firm,
    used: counts.filter(Boolean).length,
    energy: soft / size + (2 * sigma * sigma * rate) / size,
    perplexity: Math.exp(entropy),
  };
}

/** @type {{ points: any, key: string, states: any[] }} */
let last = { points: null, key: "", states: [] };

/** Every state of a run, the first included: [{ codes, ...measure }]. What is known is kept. */
export function run({ points, codes, sigma, steps, wrong = "none" }) {
  const key = `${sigma} ${codes} ${wrong === "counts"}`;
  if (last.points !== points || last.key !== key) last = { points, key, states: [] };
  const { states } = last;
  if (!states.length) states.push({ codes, ...measure(points, codes, sigma) });
  while (states.length <= steps) {
    const { codes: old, r } = states.at(-1);
    const better = update(points, r, old, wrong);
    states.push({ codes: better, ...measure(points, better, sigma) });
  }
  return states.slice(0, steps + 1);
}

/** All numbers of a state, with the run that they come from: the figure states nothing else. */
export function numbers(state) {
  const states = run(state);
  const now = states.at(-1);
  const wrong = state.wrong ?? "none";
  for (const s of states) s.claimed_energy = wrong === "rate" ? s.soft : s.energy;
  const largest = (of) => states.slice(1).reduce((most, s, i) => Math.max(most, s[of] - states[i][of]), 0);
  const stated = {
    data: state.data,
    sigma: state.sigma,
    steps: state.steps,
    seed: state.seed,
    codes: state.codes,
    n: state.points.length,
    k: now.codes.length,
    distortion: now.distortion,
    soft: now.soft,
    rate: now.rate,
    energy: now.energy,
    firm: now.firm,
    used: now.used,
    dead: now.codes.length - now.used,
    perplexity: now.perplexity,
    wrong,
    claimed_energy: now.claimed_energy,
    off: now.soft + 2 * state.sigma ** 2 * now.rate - now.claimed_energy,
    fall: states.length > 1 ? states.at(-2).energy - now.energy : 0,
    largest_rise: largest("energy"),
    largest_distortion_rise: largest("distortion"),
  };
  now.codes.forEach(([x, y], j) => {
    Object.assign(stated, {
      [`x${j + 1}`]: x,
      [`y${j + 1}`]: y,
      [`count${j + 1}`]: now.counts[j],
      [`held${j + 1}`]: now.held[j],
    });
  });
  return { stated, states };
}

/** Dead codes moved to the points that the living serve worst, one each. */
export function revived(points, codes, sigma) {
  const { counts } = measure(points, codes, sigma);
  const d = squares(points, codes);
  const k = codes.length;
  const worst = points.map((_, n) => [d[nearest(d, n, k)], n]).sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  return codes.map((code, j) => (counts[j] || !worst.length ? code : placed(points[worst.shift()[1]])));
}

/** The part of the plane that is nearer to code j than to any other, as corners. */
export function cell(codes, j) {
  const [[left, right], [low, high]] = [X, Y];
  let corners = [
    [left, low],
    [right, low],
    [right, high],
    [left, high],
  ];
  codes.forEach(([cx, cy], i) => {
    const [ox, oy] = codes[j];
    if (i === j || (cx === ox && cy === oy)) return;
    /** @param {number[]} point */
    const side = ([x, y]) => (x - (cx + ox) / 2) * (cx - ox) + (y - (cy + oy) / 2) * (cy - oy); // negative: nearer to j
    const kept = [];
    corners.forEach((a, at) => {
      const b = corners[(at + 1) % corners.length];
      const [sa, sb] = [side(a), side(b)];
      if (sa <= 0) kept.push(a);
      if ((sa < 0 && sb > 0) || (sa > 0 && sb < 0)) {
        const t = sa / (sa - sb);
        kept.push([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]);
      }
    });
    corners = kept;
  });
  return corners;
}

const inside = (value, [low, high]) => Math.min(Math.max(value, low), high);
const place = (value, bounds) => Math.round(100 * inside(value, bounds)) / 100 || 0; // 0, never -0

/**
 * Where a code can be put: inside the plane, to two decimals.
 * @param {number[]} code
 */
export const placed = ([x, y]) => [place(x, X), place(y, Y)];

/** Codes inside the plane, as they stand where all are; undefined where they are none. */
export function readCodes(codes) {
  const finite = (code) => Array.isArray(code) && code.length === 2 && code.every(Number.isFinite);
  if (!Array.isArray(codes) || !codes.length || !codes.every(finite)) return undefined;
  const fine = codes.length <= MOST && codes.every(([x, y]) => inside(x, X) === x && inside(y, Y) === y);
  return fine ? codes : codes.slice(0, MOST).map(([x, y]) => [inside(x, X), inside(y, Y)]);
}
