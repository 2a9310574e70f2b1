// Chance that can be counted: draw number i of seed s is a function of (s, i). No state, so "one back" is exact and
// Python makes the same draws (lvm_lib/counter.py; tests hold the two together bit by bit).
//
//   philox      Philox4x32-10 (Salmon et al. 2011), in 32-bit arithmetic: no BigInt
//   uniforms    two numbers in (0, 1), the middles of 2^52 equal bins
//   normals     their normal quantiles, by Wichura's AS 241 (1988), relative error about 1e-16
//   categorical inverse-CDF sampling from logits

/** The high 32 bits of a product of two 32-bit words, by halves of 16 bits; the low ones are Math.imul. */
function high(a, b) {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const [left, right] = [ah * bl, al * bh];
  const middle = ((al * bl) >>> 16) + (left & 0xffff) + (right & 0xffff);
  return (ah * bh + (left >>> 16) + (right >>> 16) + (middle >>> 16)) | 0;
}

/** Four 32-bit words from a counter of four and a key of two. */
export function philox([c0, c1, c2, c3], [k0, k1]) {
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = [high(c0, 0xd2511f53), Math.imul(c0, 0xd2511f53)];
    const [high1, low1] = [high(c2, 0xcd9e8d57), Math.imul(c2, 0xcd9e8d57)];
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

/** Two uniform numbers of draw `index`, never 0 and never 1. */
export function uniforms(seed, index, stream = 0) {
  const [a, b, c, d] = philox([index, 0, stream, 0], [seed, 0]);
  const between = (high, low) => ((high >>> 6) * 2 ** 26 + (low >>> 6) + 0.5) * 2 ** -52;
  return [between(a, c), between(b, d)];
}

/** Two independent draws of N(0, 1) of draw `index`. */
export function normals(seed, index, stream = 0) {
  return uniforms(seed, index, stream).map(normalQuantile);
}

// Wichura's coefficients, highest power first: numerator and denominator in the middle, in the tail, in the far tail.
const MIDDLE = [
  [
    2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125,
    1971.5909503065514427, 133.14166789178437745, 3.387132872796366608,
  ],
  [
    5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077,
    687.1870074920579083, 42.313330701600911252, 1,
  ],
];
const TAIL = [
  [
    7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
    3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
  ],
  [
    1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
    0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1,
  ],
];
const FAR = [
  [
    2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
    0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772,
  ],
  [
    2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
    0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1,
  ],
];

/**
 * A quotient of two polynomials.
 * @param {number[][]} coefficients
 * @param {number} r
 */
function ratio([over, under], r) {
  let [top, bottom] = [over[0], under[0]];
  for (let i = 1; i < over.length; i++) {
    top = top * r + over[i];
    bottom = bottom * r + under[i];
  }
  return top / bottom;
}

/** The z with Phi(z) = u, for u in (0, 1). */
export function normalQuantile(u) {
  const away = u - 0.5;
  if (Math.abs(away) <= 0.425) return away * ratio(MIDDLE, 0.180625 - away * away);
  const r = Math.sqrt(-Math.log(Math.min(u, 1 - u)));
  const z = r <= 5 ? ratio(TAIL, r - 1.6) : ratio(FAR, r - 5);
  return away < 0 ? -z : z;
}

/**
 * The category that a uniform u picks: the first k with w_0 + ... + w_k > u (w_0 + ... + w_(K-1)), w = exp(logit -
 * max). Sums run from the left in float64; an exact tie belongs to the category above; probability 0 is never picked.
 */
export function categorical(logits, u) {
  let top = -Infinity;
  for (const logit of logits) {
    if (!(logit < Infinity)) throw new Error(`categorical: a logit must be below infinity, got ${logit}`);
    if (logit > top) top = logit;
  }
  if (top === -Infinity) throw new Error("categorical: at least one logit must be finite");
  const sums = new Float64Array(logits.length);
  let sum = 0;
  for (let k = 0; k < sums.length; k++) {
    sum += Math.exp(logits[k] - top);
    sums[k] = sum;
  }
  const target = u * sum;
  let k = 0;
  while (sums[k] <= target) k++;
  return k;
}
