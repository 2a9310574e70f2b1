// What one checkpoint of a VAE with two latent dimensions gives. No DOM.
//
//   codes        means of q(z | x) of all test images, with the mean and spread of their cloud
//   manifold     means of p(x | z) on the grid of the prior's normal quantiles, with their mean brightness
//   distortion   -E_q[log p(x | z)] by Gauss-Hermite with 6 x 6 points, averaged over the first images
//   rate         KL(q(z | x) || N(0, I)), closed form, averaged over the same;   -ELBO = distortion + rate
//
// The Python twin is lvm_lib.figures.scrubber; tests hold the two together.

import { normalQuantile } from "./counter.js";
import { network, sigmoid } from "./network.js";
import { logBernoulli } from "./plane.js";
import { imagesOf } from "./posterior.js";

export const SIDE = 12; // of the manifold, in images
export const BOUND = 60; // images on which the bound is computed
const PIXELS = 784;
const BATCH = 16;

// Gauss-Hermite with six points against N(0, 1): the roots of He_6 and their weights, symmetric.
const ROOTS = [0.6167065901925942, 1.8891758777537107, 3.3242574335521193];
const WEIGHTS = [0.40882846955602925, 0.08861574604191452, 0.0025557844020562445];
const RULE = [...ROOTS, ...ROOTS.map((z) => -z)].map((z, i) => ({ z, weight: WEIGHTS[i % 3] }));

/** The z of the manifold, row after row from the top: z1 to the right, z2 upwards. */
export function manifoldPoints() {
  const at = Array.from({ length: SIDE }, (_, i) => normalQuantile((i + 0.5) / SIDE));
  return [...at].reverse().flatMap((z2) => at.map((z1) => [z1, z2]));
}

export { imagesOf };

/** The buffers of all checkpoints: the first is as it stands, each other adds to the one before, byte by byte. */
export function unfolded(bytes, count) {
  const size = bytes.length / count;
  const out = [];
  for (let k = 0; k < count; k++) {
    const own = bytes.slice(k * size, (k + 1) * size); // a Uint8Array counts modulo 256
    if (k) for (let i = 0; i < size; i++) own[i] += out[k - 1][i];
    out.push(own);
  }
  return out;
}

/** Encoder and decoder of one checkpoint. */
export function netOf({ encoder, decoder }, weights) {
  return { encoder: network(encoder, weights), decoder: network(decoder, weights) };
}

/** What a checkpoint gives; a generator: it yields between pieces of a millisecond or so. */
export function* measured({ encoder, decoder }, images) {
  const codes = [];
  const spreads = [];
  for (let k = 0; k < images.length; k += BATCH) {
    const rows = Math.min(BATCH, images.length - k);
    const x = new Float64Array(rows * PIXELS);
    for (let r = 0; r < rows; r++) x.set(images[k + r], r * PIXELS);
    const out = encoder.run(x, [rows, PIXELS]).data;
    for (let r = 0; r < rows; r++) {
      codes.push([out[4 * r], out[4 * r + 1]]);
      spreads.push([Math.exp(out[4 * r + 2]), Math.exp(out[4 * r + 3])]);
    }
    yield 0;
  }
  const sheet = new Float64Array(SIDE * SIDE * PIXELS);
  const points = manifoldPoints();
  for (let k = 0; k < points.length; k += BATCH) {
    const some = points.slice(k, k + BATCH);
    sheet.set(decoder.run(Float64Array.from(some.flat()), [some.length, 2]).data.map(sigmoid), k * PIXELS);
    yield 0;
  }
  let [distortion, rate] = [0, 0];
  for (let k = 0; k < BOUND; k++) {
    const [mean, std] = [codes[k], spreads[k]];
    const places = RULE.flatMap((a) => RULE.map((b) => [a, b]));
    const z = Float64Array.from(places.flatMap(([a, b]) => [mean[0] + std[0] * a.z, mean[1] + std[1] * b.z]));
    const logits = decoder.run(z, [places.length, 2]).data;
    places.forEach(([a, b], i) => {
      distortion -= (a.weight * b.weight * logBernoulli(images[k], logits, i * PIXELS)) / BOUND;
    });
    for (const i of [0, 1]) rate += (0.5 * (std[i] ** 2 + mean[i] ** 2 - 1) - Math.log(std[i])) / BOUND;
    yield 0;
  }
  const n = codes.length;
  const mean = [0, 1].map((i) => codes.reduce((sum, z) => sum + z[i], 0) / n);
  const std = [0, 1].map((i) => Math.sqrt(codes.reduce((sum, z) => sum + (z[i] - mean[i]) ** 2, 0) / n));
  return { codes, mean, std, sheet, brightness: sheet.reduce((sum, v) => sum + v, 0) / sheet.length, distortion, rate };
}

/** All numbers of a state {checkpoint} whose checkpoint was measured: the figure draws nothing else. */
export function numbers({ checkpoint }, at, { epochs, curve, losses }) {
  const epoch = epochs[checkpoint];
  return {
    checkpoint,
    epoch,
    loss: losses[epoch - 1] ?? null,
    curve: curve[checkpoint],
    negative_elbo: at.distortion + at.rate,
    distortion: at.distortion,
    rate: at.rate,
    brightness: at.brightness,
    code_mean1: at.mean[0],
    code_mean2: at.mean[1],
    code_std1: at.std[0],
    code_std2: at.std[1],
  };
}
