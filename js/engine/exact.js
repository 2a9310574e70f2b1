// Arithmetic that is the same everywhere: + - * / alone, in one fixed order, which IEEE 754 rounds alike in every
// language. Sender and receiver of a message (ans.js) must find the same bits, not almost the same numbers.
// The twin, operation by operation, is lvm_lib/coding.py; tests compare bits.

import { normalQuantile } from "./counter.js";
import { bytesOf, matrix, vector } from "./network.js";

const [LOG2E, LN2_HIGH, LN2_LOW] = [Math.LOG2E, 0.6931471803691238, 1.9082149292705877e-10];
const FACTORIALS = [6227020800, 479001600, 39916800, 3628800, 362880, 40320, 5040, 720, 120, 24, 6, 2, 1, 1];
const INVERSE = FACTORIALS.map((factorial) => 1 / factorial);
const REACH = 1020;
const POWERS = new Float64Array(2 * REACH + 1); // 2^-1020 to 2^1020, by doubling: Math.pow need not be exact
POWERS[REACH] = 1;
for (let k = 1; k <= REACH; k++) {
  POWERS[REACH + k] = POWERS[REACH + k - 1] * 2;
  POWERS[REACH - k] = POWERS[REACH - k + 1] / 2;
}

/** exp(x) for x in [-700, 700], to which it is cut. */
export function exactExp(given) {
  const x = Math.min(Math.max(given, -700), 700);
  const k = Math.floor(x * LOG2E + 0.5);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  let total = 0;
  for (let i = 0; i < INVERSE.length; i++) total = total * r + INVERSE[i];
  return total * POWERS[REACH + k];
}

const OVER = [
  0.0352624965998911, 0.700383064443688, 6.37396220353165, 33.912866078383, 112.079291497871, 221.213596169931,
  220.206867912376,
];
const UNDER = [
  0.0883883476483184, 1.75566716318264, 16.064177579207, 86.7807322029461, 296.564248779674, 637.333633378831,
  793.826512519948, 440.413735824752,
];

/** The distribution function of N(0, 1): Hart et al. (1968), 5666; beyond 7 standard deviations 0 or 1. */
export function exactCdf(x) {
  const a = Math.min(Math.abs(x), 7);
  let [over, under] = [OVER[0], UNDER[0]];
  for (let i = 1; i < OVER.length; i++) over = over * a + OVER[i];
  for (let i = 1; i < UNDER.length; i++) under = under * a + UNDER[i];
  const tail = Math.abs(x) >= 7 ? 0 : (exactExp(-0.5 * a * a) * over) / under;
  return x > 0 ? 1 - tail : tail;
}

export const FINEST = 14; // bits of a bin's number in one dimension, at most
const HALVES = 2 ** (FINEST + 1);

/** The normal quantile of i / 2^15, rounded to 2^-20; the ends are 8 standard deviations out. */
export function exactQuantile(i) {
  if (i <= 0 || i >= HALVES) return i <= 0 ? -8 : 8;
  const scaled = normalQuantile(i / HALVES) * 2 ** 20;
  return Math.sign(scaled) * Math.round(Math.abs(scaled)) * 2 ** -20;
}

/**
 * Linear layers with a ReLU between them, from what lvm_lib/figures/network.py packed: a function from one input to its
 * outputs, every sum from the first input to the last.
 */
export function exactNet(layers, buffer) {
  const bytes = bytesOf(buffer);
  const linear = layers.filter((_, i) => i % 2 === 0);
  const sound = (layer, i) => (i % 2 === 0 ? layer.kind === "dense" : layer.name === "relu");
  if (layers.length % 2 === 0 || !layers.every(sound))
    throw new Error("linear layers with ReLUs between them expected");
  const parts = linear.map(({ inputs, outputs, weight, bias }) => ({
    columns: transposed(matrix(bytes, weight, outputs, inputs), outputs, inputs),
    bias: vector(bytes, bias, outputs),
  }));
  return (input) =>
    parts.reduce((x, { columns, bias }, layer) => {
      const out = Float64Array.from(bias);
      const size = out.length;
      for (let j = 0; j < x.length; j++) {
        const by = x[j];
        if (by === 0) continue;
        const at = j * size;
        for (let o = 0; o < size; o++) out[o] += columns[at + o] * by;
      }
      if (layer < parts.length - 1) for (let o = 0; o < size; o++) if (out[o] < 0) out[o] = 0;
      return out;
    }, input);
}

/**
 * Convolutions that keep the grid, transposed ones that do not overlap, ReLUs, sigmoids: a function from maps
 * (channels, grid, grid) to the outputs of the last layer, every sum from the first input to the last.
 */
export function exactMaps(layers, buffer, grid) {
  const bytes = bytesOf(buffer);
  const steps = layers.filter(({ kind }) => kind !== "flatten").map((layer) => MAPS[layer.kind]?.(layer, bytes));
  if (!steps.every(Boolean)) throw new Error("convolutions, ReLUs and sigmoids expected");
  return (input) => steps.reduce((at, step) => step(at), { maps: input, side: grid }).maps;
}

const MAPS = {
  activation: ({ name }) =>
    ({ relu: pointwise((v) => (v < 0 ? 0 : v)), sigmoid: pointwise((v) => 1 / (1 + exactExp(-v))) })[name],

  conv({ inputs, outputs, kernel: [tall, wide], stride, padding, weight, bias }, bytes) {
    if (stride.some((v) => v !== 1) || padding[0] !== tall >> 1 || padding[1] !== wide >> 1) return null;
    const rows = Float64Array.from(matrix(bytes, weight, outputs, inputs * tall * wide));
    const from = vector(bytes, bias, outputs);
    return ({ maps, side }) => {
      const [area, size] = [side * side, inputs * tall * wide];
      // each output place sees a window: the same numbers for all outputs, taken once; outside is zero
      const windows = new Float64Array(size * area);
      for (let c = 0, k = 0; c < inputs; c++)
        for (let i = 0; i < tall; i++)
          for (let j = 0; j < wide; j++, k++)
            for (let y = 0; y < side; y++)
              for (let x = 0; x < side; x++) {
                const [r, s] = [y + i - (tall >> 1), x + j - (wide >> 1)];
                if (r >= 0 && r < side && s >= 0 && s < side)
                  windows[(y * side + x) * size + k] = maps[c * area + r * side + s];
              }
      const out = new Float64Array(outputs * area);
      for (let o = 0; o < outputs; o += 4) {
        // four outputs at a time: their sums, each from first to last, do not wait for one another
        const [o1, o2, o3] = [o + 1, o + 2, o + 3].map((next) => Math.min(next, outputs - 1));
        const [r0, r1, r2, r3] = [o * size, o1 * size, o2 * size, o3 * size];
        for (let p = 0; p < area; p++) {
          let [t0, t1, t2, t3] = [from[o], from[o1], from[o2], from[o3]];
          for (let k = 0, at = p * size; k < size; k++, at++) {
            const seen = windows[at];
            if (seen === 0) continue; // half of what a ReLU hands on
            t0 += rows[r0 + k] * seen;
            t1 += rows[r1 + k] * seen;
            t2 += rows[r2 + k] * seen;
            t3 += rows[r3 + k] * seen;
          }
          out[o * area + p] = t0;
          out[o1 * area + p] = t1;
          out[o2 * area + p] = t2;
          out[o3 * area + p] = t3;
        }
      }
      return { maps: out, side };
    };
  },

  conv_transposed({ inputs, outputs, kernel: [tall, wide], stride, padding, output_padding, weight, bias }, bytes) {
    const apart = stride[0] === tall && stride[1] === wide && tall === wide;
    if (!apart || [...padding, ...output_padding].some((v) => v !== 0)) return null;
    const rows = Float64Array.from(matrix(bytes, weight, outputs * tall * wide, inputs));
    const from = vector(bytes, bias, outputs);
    return ({ maps, side }) => {
      const [area, wider] = [side * side, side * wide];
      const out = new Float64Array(outputs * wider * wider);
      for (let r = 0; r < outputs * tall * wide; r++) {
        const [o, i, j] = [Math.floor(r / (tall * wide)), Math.floor(r / wide) % tall, r % wide];
        for (let p = 0; p < area; p++) {
          let total = from[o];
          for (let c = 0; c < inputs; c++) total += rows[r * inputs + c] * maps[c * area + p];
          out[(o * wider + Math.floor(p / side) * tall + i) * wider + (p % side) * wide + j] = total;
        }
      }
      return { maps: out, side: wider };
    };
  },
};

function pointwise(of) {
  return ({ maps, side }) => ({ maps: maps.map(of), side });
}

function transposed(weight, rows, columns) {
  const out = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = weight[r * columns + c];
  return out;
}
