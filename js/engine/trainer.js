// A VAE that is trained where it is shown: forward, backward, Adam in float32, with the book's counted chance. No DOM.
//
//   x -> relu -> relu -> (m, log s),   z = m + s eps,   z -> relu -> relu -> outputs
//   loss = distortion + beta rate,     -ELBO = distortion + rate,   nats, averaged over the batch
//
// distortion is -log p(x | z): of binary pixels, outputs are logits; of grey ones under N(output, sigma^2), means.
// rate is KL(q(z | x) || N(0, I)), closed form, a sum over latents. Chance comes from counter.js, by seed and number:
//
//   start      weight number i of the net                    stream 1     uniform in +-1 / sqrt(inputs), as in torch
//   order      place of image i in epoch e: number e n + i   stream 2     images by their word, ties by i
//   pixels     pixel d of image i in epoch e: number (e n + i) ceil(784 / 4) + floor(d / 4), word d mod 4   stream 3
//   noise      eps of latent j of row r in step t: number (t batch + r) ceil(d / 2) + floor(j / 2)          stream 4
//   test       eps of latent j of test image r: number r ceil(d / 2) + floor(j / 2), seed 0                 stream 5
//
// so that step t is the same whether it is reached by training on or by going back. Twin: lvm_lib.figures.trainer.

import { normals, philox, uniforms } from "./counter.js";
import { LOG_TWO_PI } from "./densities.js";
import { products } from "./products.js";

export const PIXELS = 784;
export const BATCH = 100;
export const HIDDEN = [128, 64];
export const STREAMS = { start: 1, order: 2, pixels: 3, noise: 4, test: 5 };
export const SHAPE = ["latents", "likelihood", "sigma", "start", "seed", "data"]; // what begins a new run
const [DECAY, DECAY_SQUARES, EPS] = [0.9, 0.999, 1e-8]; // Adam's, as in torch
const RUN_AWAY = 100; // a loss so many times the first one has run away
const TOGETHER = 8; // logarithms of numbers up to 2 that are taken as one

const padded = (size) => 8 * Math.ceil(size / 8);

/** The layers of encoder and decoder: their sizes, and where their weights stand among all (unpadded, float32). */
export function layersOf(latents, hidden = HIDDEN) {
  const sizes = [PIXELS, ...hidden, 2 * latents];
  const back = [latents, ...[...hidden].reverse(), PIXELS];
  const pairs = [sizes, back].flatMap((side) => side.slice(1).map((outputs, i) => [side[i], outputs]));
  let at = 0;
  return pairs.map(([inputs, outputs]) => {
    const layer = { inputs, outputs, at, bias: at + inputs * outputs };
    at = layer.bias + outputs;
    return layer;
  });
}

export const countOf = (layers) => layers.at(-1).bias + layers.at(-1).outputs;

/**
 * The weights with which a run begins: for each layer its matrix (inputs, outputs), then its bias. "mute": torch's own
 * start, q near the prior for every x. "speaking": means spread out by 4, standard deviations near e^-2, as mlp_vae.
 */
export function startOf(seed, latents, start, hidden = HIDDEN) {
  const layers = layersOf(latents, hidden);
  const count = countOf(layers);
  const out = new Float32Array(count + (count % 2));
  for (let i = 0; i < out.length; i += 2) out.set(uniforms(seed, i / 2, STREAMS.start), i);
  for (const { inputs, at, bias, outputs } of layers) {
    const reach = 1 / Math.sqrt(inputs);
    for (let i = at; i < bias + outputs; i++) out[i] = (2 * out[i] - 1) * reach;
  }
  if (start === "speaking") {
    const { inputs, outputs, at, bias } = layers[hidden.length];
    for (let i = 0; i < inputs; i++) for (let j = 0; j < latents; j++) out[at + i * outputs + j] *= 4;
    out.fill(-2, bias + latents, bias + outputs);
  }
  return out.subarray(0, count);
}

/** The images of epoch `epoch` in its order. */
export function orderOf(seed, epoch, n) {
  const key = new Float64Array(n);
  for (let i = 0; i < n; i++) key[i] = philox([epoch * n + i, 0, STREAMS.order, 0], [seed, 0])[0];
  return Uint32Array.from(key.keys()).sort((a, b) => key[a] - key[b] || a - b);
}

/** One image's pixels in an epoch, 0 or 1 with probability grey / 255, written into `out` at `to`. */
export function binarised(grey, image, epoch, n, seed, out, to) {
  const from = image * PIXELS;
  const first = ((epoch * n + image) * PIXELS) / 4;
  for (let block = 0; block < PIXELS / 4; block++) {
    /** @type {number[] | null} */
    let words = null;
    for (let k = 0; k < 4; k++) {
      const level = grey[from + 4 * block + k];
      let black = level === 255;
      if (level > 0 && !black) {
        words ??= philox([first + block, 0, STREAMS.pixels, 0], [seed, 0]);
        black = words[k] < (level / 255) * 2 ** 32;
      }
      out[to + 4 * block + k] = black ? 1 : 0;
    }
  }
}

/** Draws of N(0, 1) for rows `first` to `first + rows` of `latents` numbers each, written into `out`, `wide` a row. */
export function noise(seed, stream, first, rows, latents, out, wide = latents) {
  const pairs = Math.ceil(latents / 2);
  for (let r = 0; r < rows; r++)
    for (let pair = 0; pair < pairs; pair++) {
      const two = normals(seed, (first + r) * pairs + pair, stream);
      for (let k = 0; k < 2 && 2 * pair + k < latents; k++) out[r * wide + 2 * pair + k] = two[k];
    }
}

/**
 * A net with its optimiser. `likelihood`: "bernoulli" or "gaussian" with its `sigma`. It holds one batch: `fill(...)`
 * or `draw(...)` put one in, `gradient(beta)` and `step(beta, rate)` use it.
 */
export function trainer({
  latents,
  likelihood = "bernoulli",
  sigma = 1,
  hidden = HIDDEN,
  batch = BATCH,
  plain = false,
}) {
  const layers = layersOf(latents, hidden);
  const wide = layers.map(({ inputs, outputs }) => [padded(inputs), padded(outputs)]);
  const total = wide.reduce((sum, [inputs, outputs]) => sum + (inputs + 1) * outputs, 0);
  const [head, last] = [hidden.length, layers.length - 1];
  const [two, one] = [wide[head][1], wide[head + 1][0]]; // widths of (m, log s) and of z, with their padding
  const sizes = { w: total, g: total, mean: total, square: total, x: batch * PIXELS, eps: batch * one, z: batch * one };
  wide.forEach(([inputs, outputs], l) => {
    sizes[`out${l}`] = batch * outputs;
    sizes[`slope${l}`] = batch * outputs;
    sizes.across = Math.max(sizes.across ?? 0, inputs * outputs);
  });
  sizes.dz = batch * one;
  const { floats, multiply, kind } = products(sizes, { plain });
  const { w, g, mean, square, x, eps, z, dz, across } = floats;
  const views = (from) => {
    let at = 0;
    return wide.map(([inputs, outputs]) => {
      const matrix = from.subarray(at, at + inputs * outputs);
      at += (inputs + 1) * outputs;
      return { matrix, bias: from.subarray(at - outputs, at) };
    });
  };
  const [weights, slopes] = [views(w), views(g)];
  const outs = wide.map((_, l) => floats[`out${l}`]);
  const deltas = wide.map((_, l) => floats[`slope${l}`]);
  const binary = likelihood === "bernoulli";
  const scale = binary ? 1 : 1 / (sigma * sigma);
  const normaliser = binary ? 0 : PIXELS * (Math.log(sigma) + LOG_TWO_PI / 2);
  let steps = 0; // taken so far
  /** @type {number | null} */
  let first = null; // the loss of the first step

  const inputOf = (l) => (l === 0 ? x : l === head + 1 ? z : outs[l - 1]);

  function layer(l, rows) {
    const [inputs, outputs] = wide[l];
    const out = outs[l];
    const { matrix, bias } = weights[l];
    multiply(out, inputOf(l), matrix, rows, inputs, outputs);
    const bent = l !== head && l !== last;
    for (let r = 0, at = 0; r < rows; r++)
      for (let j = 0; j < outputs; j++, at++) {
        const value = out[at] + bias[j];
        out[at] = bent && value < 0 ? 0 : value; // NaN stays NaN
      }
  }

  const encode = (rows) => {
    for (let l = 0; l <= head; l++) layer(l, rows);
  };
  const decode = (rows) => {
    for (let l = head + 1; l <= last; l++) layer(l, rows);
  };
  const sample = (rows) => {
    const q = outs[head];
    for (let r = 0; r < rows; r++)
      for (let j = 0; j < latents; j++)
        z[r * one + j] = q[r * two + j] + Math.exp(q[r * two + latents + j]) * eps[r * one + j];
  };

  /** The sum over rows of -log p(x | z); with `slope`, its gradient by the outputs, divided by the rows. */
  function distortion(rows, slope) {
    const [out, size] = [outs[last], rows * PIXELS];
    let sum = rows * normaliser;
    if (!binary) {
      for (let i = 0; i < size; i++) {
        const off = out[i] - x[i];
        sum += 0.5 * scale * off * off;
        if (slope) slope[i] = (scale * off) / rows;
      }
      return sum;
    }
    for (let i = 0; i < size; i += TOGETHER) {
      let product = 1;
      for (let k = i; k < i + TOGETHER; k++) {
        const logit = out[k];
        const e = Math.exp(logit < 0 ? logit : -logit);
        product *= 1 + e;
        sum += (logit > 0 ? logit : 0) - logit * x[k];
        if (slope) slope[k] = ((logit < 0 ? e : 1) / (1 + e) - x[k]) / rows;
      }
      sum += Math.log(product);
    }
    return sum;
  }

  /** The sums over rows of KL(q || p), one for each latent. */
  function rates(rows) {
    const q = outs[head];
    const out = new Array(latents).fill(0);
    for (let r = 0; r < rows; r++)
      for (let j = 0; j < latents; j++) {
        const [m, log] = [q[r * two + j], q[r * two + latents + j]];
        out[j] += 0.5 * (m * m + Math.exp(2 * log) - 1) - log;
      }
    return out;
  }

  /** The gradient by a layer's weights, from that by its outputs; then by its inputs, if `below` is to have it. */
  function back(l, rows, below) {
    const [inputs, outputs] = wide[l];
    const { matrix, bias } = slopes[l];
    const delta = deltas[l];
    multiply(matrix, inputOf(l), delta, inputs, rows, outputs, true);
    bias.fill(0);
    for (let r = 0, at = 0; r < rows; r++) for (let j = 0; j < outputs; j++, at++) bias[j] += delta[at];
    if (!below) return;
    const own = weights[l].matrix;
    for (let i = 0; i < inputs; i++)
      for (let j = 0, at = i * outputs; j < outputs; j++, at++) across[j * inputs + i] = own[at];
    multiply(below, delta, across, rows, outputs, inputs);
  }

  const bend = (l, rows) => {
    const [delta, out] = [deltas[l], outs[l]];
    for (let i = 0; i < rows * wide[l][1]; i++) if (out[i] === 0) delta[i] = 0;
  };

  /** Terms of the batch that stands in x and eps, and the gradient of its loss in `g`. */
  function gradient(beta, rows = batch) {
    encode(rows);
    sample(rows);
    decode(rows);
    const terms = { distortion: distortion(rows, deltas[last]) / rows, rates: rates(rows).map((sum) => sum / rows) };
    for (let l = last; l > head; l--) {
      const below = l === head + 1 ? dz : deltas[l - 1];
      back(l, rows, below);
      if (l > head + 1) bend(l - 1, rows);
    }
    const [q, delta] = [outs[head], deltas[head]];
    for (let r = 0; r < rows; r++)
      for (let j = 0; j < latents; j++) {
        const [m, at] = [r * two + j, r * one + j];
        const s = Math.exp(q[m + latents]);
        delta[m] = dz[at] + (beta * q[m]) / rows;
        delta[m + latents] = dz[at] * eps[at] * s + (beta * (s * s - 1)) / rows;
      }
    for (let l = head; l >= 0; l--) {
      back(l, rows, l ? deltas[l - 1] : null);
      if (l) bend(l - 1, rows);
    }
    const rate = terms.rates.reduce((sum, v) => sum + v, 0);
    return { ...terms, rate, loss: terms.distortion + beta * rate };
  }

  /** A loss, or a test's sum of terms, must be a number, and not have run away. */
  function trust(value, step = steps) {
    const from = first ?? value;
    const limit = from + RUN_AWAY * Math.max(Math.abs(from), RUN_AWAY);
    if (!(value <= limit)) throw new RanAway(step, value, from);
  }

  /** One step of Adam on the batch that stands there; a loss that is no number or has run away throws before it. */
  function step(beta, rate) {
    const terms = gradient(beta);
    first ??= terms.loss;
    trust(terms.loss, steps + 1);
    steps++;
    const pace = rate / (1 - DECAY ** steps);
    const root = Math.sqrt(1 - DECAY_SQUARES ** steps);
    for (let i = 0; i < total; i++) {
      const slope = g[i];
      const m = DECAY * mean[i] + (1 - DECAY) * slope;
      const v = DECAY_SQUARES * square[i] + (1 - DECAY_SQUARES) * slope * slope;
      mean[i] = m;
      square[i] = v;
      w[i] -= (pace * m) / (Math.sqrt(v) / root + EPS);
    }
    return terms;
  }

  /** Put the batch of step `steps` there: images `grey` (n, 784), levels 0 to 255. */
  let order = { epoch: -1, seed: -1, images: new Uint32Array(0) };
  function draw(grey, seed) {
    const n = grey.length / PIXELS;
    const perEpoch = Math.floor(n / batch);
    const epoch = Math.floor(steps / perEpoch);
    if (order.epoch !== epoch || order.seed !== seed || order.images.length !== n)
      order = { epoch, seed, images: orderOf(seed, epoch, n) };
    const at = (steps % perEpoch) * batch;
    for (let r = 0; r < batch; r++) {
      const image = order.images[at + r];
      if (binary) binarised(grey, image, epoch, n, seed, x, r * PIXELS);
      else for (let d = 0; d < PIXELS; d++) x[r * PIXELS + d] = grey[image * PIXELS + d] / 255;
    }
    noise(seed, STREAMS.noise, steps * batch, batch, latents, eps, one);
  }

  /** All weights, or what belongs to them, without padding; and back. */
  const packed = (from) => {
    const out = new Float32Array(countOf(layers));
    views(from).forEach(({ matrix, bias }, l) => {
      const { inputs, outputs, at, bias: end } = layers[l];
      for (let i = 0; i < inputs; i++)
        out.set(matrix.subarray(i * wide[l][1], i * wide[l][1] + outputs), at + i * outputs);
      out.set(bias.subarray(0, outputs), end);
    });
    return out;
  };
  const unpacked = (to, from) => {
    views(to).forEach(({ matrix, bias }, l) => {
      const { inputs, outputs, at, bias: end } = layers[l];
      for (let i = 0; i < inputs; i++)
        matrix.set(from.subarray(at + i * outputs, at + (i + 1) * outputs), i * wide[l][1]);
      bias.set(from.subarray(end, end + outputs));
    });
  };

  return {
    kind,
    count: countOf(layers),
    gradient,
    step,
    trust,
    draw,
    get steps() {
      return steps;
    },
    /** A batch from outside: x (batch, 784) and eps (batch, latents). */
    fill(pixels, draws) {
      x.set(pixels);
      for (let r = 0; r < batch; r++) for (let j = 0; j < latents; j++) eps[r * one + j] = draws[r * latents + j];
    },
    weights: () => packed(w),
    slopes: () => packed(g),
    /** All that the next step hangs on; `restore` goes back to it. */
    state: () => ({ steps, first, weights: packed(w), mean: packed(mean), square: packed(square) }),
    restore(state) {
      ({ steps, first } = state);
      unpacked(w, state.weights);
      unpacked(mean, state.mean);
      unpacked(square, state.square);
    },
    /** Begin anew with these weights. */
    begin(from) {
      steps = 0;
      first = null;
      mean.fill(0);
      square.fill(0);
      unpacked(w, from);
    },
    /** Terms of fixed images, (n, 784) in [0, 1], one draw of z each, the same at every call; and their codes. */
    measure(pixels) {
      const n = pixels.length / PIXELS;
      const codes = new Float32Array(n * latents);
      let sum = 0;
      const rate = new Array(latents).fill(0);
      for (let at = 0; at < n; at += batch) {
        const rows = Math.min(batch, n - at);
        x.set(pixels.subarray(at * PIXELS, (at + rows) * PIXELS));
        noise(0, STREAMS.test, at, rows, latents, eps, one);
        encode(rows);
        sample(rows);
        decode(rows);
        sum += distortion(rows, null);
        rates(rows).forEach((value, j) => {
          rate[j] += value / n;
        });
        for (let r = 0; r < rows; r++)
          for (let j = 0; j < latents; j++) codes[(at + r) * latents + j] = outs[head][r * two + j];
      }
      return { distortion: sum / n, rates: rate, codes };
    },
    /** Means of p(x | z) for z (n, latents), in [0, 1], as grey levels 0 to 255. */
    decoded(points) {
      const n = points.length / latents;
      const out = new Uint8ClampedArray(n * PIXELS);
      for (let at = 0; at < n; at += batch) {
        const rows = Math.min(batch, n - at);
        for (let r = 0; r < rows; r++)
          for (let j = 0; j < latents; j++) z[r * one + j] = points[(at + r) * latents + j];
        decode(rows);
        for (let i = 0; i < rows * PIXELS; i++) {
          const value = outs[last][i];
          out[at * PIXELS + i] = 255 * (binary ? 1 / (1 + Math.exp(-value)) : value);
        }
      }
      return out;
    },
  };
}

/**
 * What a net with these weights makes of one image (784 numbers in [0, 1]), in float64: distortion and rates with the
 * noise of the first test image, the means of q, and the mean of p(x | z) there as grey levels 0 to 255.
 */
export function termsOf(w, pixels, { latents, likelihood, sigma, hidden = HIDDEN }) {
  const layers = layersOf(latents, hidden);
  const through = (from, to, input) =>
    layers.slice(from, to).reduce((x, { inputs, outputs, at, bias }, l) => {
      const out = Float64Array.from(w.subarray(bias, bias + outputs));
      for (let i = 0; i < inputs; i++)
        if (x[i]) for (let j = 0; j < outputs; j++) out[j] += x[i] * w[at + i * outputs + j];
      return l < to - from - 1 ? out.map((v) => (v < 0 ? 0 : v)) : out;
    }, input);
  const middle = hidden.length + 1;
  const q = through(0, middle, pixels);
  const codes = q.subarray(0, latents);
  const eps = new Float64Array(latents);
  noise(0, STREAMS.test, 0, 1, latents, eps);
  const logs = q.subarray(latents);
  const z = codes.map((m, j) => m + Math.exp(logs[j]) * eps[j]);
  const binary = likelihood === "bernoulli";
  let distortion = binary ? 0 : PIXELS * (Math.log(sigma) + LOG_TWO_PI / 2);
  through(middle, layers.length, z).forEach((out, d) => {
    distortion += binary
      ? Math.max(out, 0) + Math.log1p(Math.exp(-Math.abs(out))) - out * pixels[d]
      : (out - pixels[d]) ** 2 / (2 * sigma * sigma);
  });
  return {
    distortion,
    rates: Array.from(codes, (m, j) => 0.5 * (m * m + Math.exp(2 * logs[j]) - 1) - logs[j]),
    codes,
    image: Uint8ClampedArray.from(
      through(middle, layers.length, codes),
      (out) => 255 * (binary ? 1 / (1 + Math.exp(-out)) : out),
    ),
  };
}

/**
 * All numbers of a state. `look`: what a run (run.js) said last, with the `state` in which it began, whose SHAPE counts
 * until a new run has begun; `own`: what it made of the reader's own image, or null.
 */
export function numbers(state, look, own) {
  const { step, distortion, rates } = look;
  const rate = rates.reduce((sum, v) => sum + v, 0);
  return {
    ...state,
    ...Object.fromEntries(SHAPE.map((key) => [key, look.state[key]])),
    step,
    minus_elbo: distortion + rate,
    distortion,
    rate,
    rate_most: Math.max(...rates),
    rate_least: Math.min(...rates),
    own_minus_elbo: own ? own.distortion + own.rate : null,
    own_rate: own ? own.rate : null,
    own_z1: own ? own.code[0] : null,
    own_z2: own ? own.code[1] : null,
  };
}

/** A loss that is no number, or so large that no step can be trusted. */
export class RanAway extends Error {
  constructor(step, loss, first) {
    const size = Number.isFinite(loss) ? `was ${loss.toPrecision(3)} nats` : "was no number any more";
    super(`the loss of step ${step} ${size}; that of the first step was ${first.toPrecision(3)} nats`);
    this.step = step;
  }
}
