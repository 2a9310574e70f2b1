// A VAE with two latent dimensions (and an autoencoder beside it) in the page: encode, decode, bound. No DOM.
//
//   reconstruction   E_q[log p(x | z)] by Gauss-Hermite quadrature with 5 x 5 points: no chance enters
//   kl               KL(q(z | x) || N(0, I)), closed form
//   elbo             reconstruction - kl, nats
//   sample           pixel d of p(x | z) is black where coin d of the chance falls below its mean

import { normals, uniforms } from "./counter.js";
import { PIXELS, readImage } from "./drawing.js";
import { network, sigmoid } from "./network.js";
import { remembered } from "./remembered.js";

export const REACH = 4; // of the plane, in standard deviations of the prior
export const STEPS = 40; // of a path
const STREAM = 11; // of the counter: other figures draw from others

// Gauss-Hermite with five points against N(0, 1): the roots of He_5, sqrt(5 - sqrt(10)) and sqrt(5 + sqrt(10)) beside
// 0.
const ROOTS = [0, Math.sqrt(5 - Math.sqrt(10)), Math.sqrt(5 + Math.sqrt(10))];
const WEIGHTS = [8 / 15, (7 + 2 * Math.sqrt(10)) / 60, (7 - 2 * Math.sqrt(10)) / 60];
export const RULE = [0, 1, 2, -1, -2].map((i) => ({
  z: Math.sign(i) * ROOTS[Math.abs(i)],
  weight: WEIGHTS[Math.abs(i)],
}));

/**
 * log p(x | z) under independent Bernoulli pixels with these logits: sum of x logit - log(1 + e^logit), where
 * log(1 + e^l) = max(l, 0) + log(1 + e^-|l|), and the second logs are one log of their product, below 2^784.
 */
export function logBernoulli(x, logits, at = 0) {
  let sum = 0;
  let factors = 1;
  for (let d = 0; d < x.length; d++) {
    const logit = logits[at + d];
    sum += (x[d] ? logit : 0) - (logit > 0 ? logit : 0);
    factors *= 1 + Math.exp(logit > 0 ? -logit : logit);
  }
  return sum - Math.log(factors);
}

/** The nets of a figure, read once. nets: [{ name, kind: "vae" | "ae", encoder, decoder }]. */
export class Models {
  constructor(nets, weights) {
    this.nets = nets.map((net) => ({
      name: net.name,
      kind: net.kind,
      encoder: network(net.encoder, weights),
      decoder: network(net.decoder, weights),
    }));
    this.vaes = this.nets.filter(({ kind }) => kind === "vae");
    this.ae = this.nets.find(({ kind }) => kind === "ae") ?? null;
    this.kept = new Map();
  }

  vae(name) {
    return this.vaes.find((net) => net.name === name);
  }

  /** What is known about an image under a VAE: q(z | x) and the terms of the ELBO. Kept for the last few images. */
  about(name, text) {
    const key = `${name} ${text}`;
    if (!this.kept.has(key)) {
      if (this.kept.size > 30) this.kept.delete(this.kept.keys().next().value);
      this.kept.set(key, bound(this.vae(name), readImage(text)));
    }
    return this.kept.get(key);
  }

  /** The autoencoder's code of an image and its squared error. */
  aboutAe(text) {
    const key = ` ae ${text}`;
    if (!this.kept.has(key)) {
      const x = readImage(text);
      const code = this.ae.encoder.row(Float64Array.from(x));
      const back = this.ae.decoder.row(code);
      this.kept.set(key, { code, error: x.reduce((sum, v, d) => sum + (v - back[d]) ** 2, 0) });
    }
    return this.kept.get(key);
  }
}

/** KL(N(mean, diag(std^2)) || N(0, I)), nats. */
export const klToPrior = (mean, std) =>
  std.reduce((sum, s, i) => sum + 0.5 * (s ** 2 + mean[i] ** 2 - 1) - Math.log(s), 0);

/** E_q[log p(x | z)] of q = N(mean, diag(std^2)) by Gauss-Hermite quadrature with 5 x 5 points. */
export function reconstructed(decoder, x, mean, std) {
  const places = RULE.flatMap((a) => RULE.map((b) => [a, b]));
  const z = Float64Array.from(places.flatMap(([a, b]) => [mean[0] + std[0] * a.z, mean[1] + std[1] * b.z]));
  const logits = decoder.run(z, [places.length, 2]).data;
  return places.reduce((sum, [a, b], i) => sum + a.weight * b.weight * logBernoulli(x, logits, i * PIXELS), 0);
}

/** q(z | x) = N(mean, diag(std^2)) and the ELBO's terms, nats. */
export function bound({ encoder, decoder }, x) {
  const out = encoder.row(Float64Array.from(x));
  const mean = [out[0], out[1]];
  const std = [Math.exp(out[2]), Math.exp(out[3])];
  const reconstruction = reconstructed(decoder, x, mean, std);
  const kl = klToPrior(mean, std);
  return { mean, std, reconstruction, kl, elbo: reconstruction - kl };
}

const clamp = (v) => Math.min(Math.max(v, -REACH), REACH);

/** Where a path from a to b stands after `step` of STEPS. */
export const along = ({ a1, a2, b1, b2 }, step) => [a1 + ((b1 - a1) * step) / STEPS, a2 + ((b2 - a2) * step) / STEPS];

/** One number that hangs on every pixel: sum of cos(d) times pixel d. */
export const checksum = (pixels) => pixels.reduce((sum, v, d) => sum + v * Math.cos(d), 0);

/** The z that a chance draws from the prior N(0, I). */
export const drawnZ = (chance) => normals(chance, 0, STREAM);

/** A coin for each pixel, uniform in (0, 1): the same coins for one chance, wherever z stands. */
const coins = remembered((chance) =>
  Float64Array.from({ length: PIXELS }, (_, d) => uniforms(chance, d + 1, STREAM)[0]),
);

/** A sample of p(x | z) from its mean. */
export function sampled(mean, chance) {
  const tossed = coins(chance);
  return Uint8Array.from(mean, (p, d) => (tossed[d] < p ? 1 : 0));
}

/** Every number of a state, `stated`, as LatentPlaneFigure.numbers finds them, and the images beside them. */
export function numbers(state, models) {
  const of = models.about(state.net, state.x);
  const [z1, z2] = state.follow ? of.mean.map(clamp) : [state.z1, state.z2];
  const logits = models.vae(state.net).decoder.row([z1, z2]);
  const image = logits.map(sigmoid);
  const sum = (pixels) => pixels.reduce((a, b) => a + b, 0);
  const stated = {
    ...state,
    z1,
    z2,
    mean1: of.mean[0],
    mean2: of.mean[1],
    std1: of.std[0],
    std2: of.std[1],
    reconstruction: of.reconstruction,
    kl: of.kl,
    elbo: of.elbo,
    log_px_z: logBernoulli(readImage(state.x), logits),
    brightness: sum(image) / PIXELS,
    checksum: checksum(image),
    centre: image[406],
  };
  /** @type {Uint8Array | null} */
  let sample = null;
  if ("chance" in state) {
    sample = sampled(image, state.chance);
    const [drawn1, drawn2] = drawnZ(state.chance);
    Object.assign(stated, { drawn1, drawn2, sample_ink: sum(sample), sample_checksum: checksum(sample) });
    stated.log_ps_z = logBernoulli(sample, logits);
  }
  if (!models.ae) return { stated, image, sample };
  const aeImage = models.ae.decoder.row([z1, z2]);
  const { code, error } = models.aboutAe(state.x);
  Object.assign(stated, { ae_checksum: checksum(aeImage), ae_code1: code[0], ae_code2: code[1], ae_error: error });
  return { stated, image, sample, aeImage };
}
