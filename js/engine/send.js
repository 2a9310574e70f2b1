// The numbers of the figure that sends a picture: one real message (ans.js), decoded from its bytes alone, a chain of
// them, and the bound. The Python twin is lvm_lib.figures.send; tests hold the two together. No DOM.

import { bitsBack, Stack } from "./ans.js";
import { exactNet } from "./exact.js";
import { logBernoulli } from "./plane.js";
import { imagesOf } from "./posterior.js";

export const CHAIN = 20; // messages of the same picture, one upon the other
export const PIXELS = 784;
const BIT = Math.LN2; // nats
const WHOLE = 2 ** 24; // what frequencies add up to

// Gauss-Hermite with nine points against N(0, 1).
const ROOTS = [0, 1.0232556637891326, 2.07684797867783, 3.20542900285647, 4.512745863399783];
const WEIGHTS = [
  0.40634920634920635, 0.24409750289493953, 0.04991640676521782, 0.0027891413212317692, 2.2345844007746607e-5,
];
const RULE = [0, 1, 2, 3, 4, -1, -2, -3, -4].map((i) => ({
  z: Math.sign(i) * ROOTS[Math.abs(i)],
  weight: WEIGHTS[Math.abs(i)],
}));

/** What a figure carries: nets that compute alike everywhere, images, lengths of PNG files in bits. */
export function sender(nets, weights, pixels, png) {
  const run = { encoder: exactNet(nets.encoder, weights), decoder: exactNet(nets.decoder, weights) };
  const images = imagesOf(pixels);
  const guesses = new Map();
  /** The encoder's q of an image, mean and std, as it is. */
  const guess = (digit) => {
    if (!guesses.has(digit)) guesses.set(digit, bitsBack(run, { bits: 1, width: 1 }).gaussian(images[digit]));
    return guesses.get(digit);
  };
  return { nets: run, images, guess, png: png.map((bytes) => 8 * bytes) };
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const alike = (a, b) => a.reduce((count, value, i) => count + (value === b[i] ? 1 : 0), 0);

/** Read a message from its bytes, in a stack that knows nothing else: the picture, and what is left on the stack. */
export function received(own, { bits, width }, bytes) {
  const stack = Stack.of(bytes);
  const x = bitsBack(own.nets, { bits, width }).receive(stack, 2);
  return { x, left: stack.toBytes() };
}

/** The same q, its standard deviations times `width`: to the last bit what the codec finds anew. */
const widened = ({ mean, std }, width) => ({ mean, std: std.map((s) => width * s) });

/** The message of a state { digit, width, bits, seed }: what it takes, and its bytes. */
export function message(own, { digit, width, bits, seed }) {
  const x = own.images[digit];
  const codec = bitsBack(own.nets, { bits, width });
  const stack = new Stack(seed);
  const unit = own.guess(digit);
  const q = widened(unit, width);
  const sent = codec.send(x, stack, codec.binned(q));
  const bytes = stack.toBytes();
  return {
    bytes,
    z: sent.bins.map(codec.middle),
    codec,
    unit,
    numbers: {
      x: sent.x,
      z: sent.z,
      back: sent.back,
      length: (sent.x + sent.z - sent.back) * BIT,
      bin1: sent.bins[0],
      bin2: sent.bins[1],
      first: stack.borrowed,
      wire: 8 * bytes.length,
      bytes: hex(bytes),
      mean1: q.mean[0],
      mean2: q.mean[1],
      std1: q.std[0],
      std2: q.std[1],
      png: own.png[digit],
      fixed: PIXELS,
    },
  };
}

/** What is decoded from a message, the bound, and a chain of messages of one picture: a generator of small pieces. */
export function* summary(own, { digit, width, bits, seed }) {
  const x = own.images[digit];
  const codec = bitsBack(own.nets, { bits, width });
  const { mean, std } = widened(own.guess(digit), width);
  const own_ = codec.binned({ mean, std });
  const distortionAt = (z) => -logBernoulli(x, own.nets.decoder(Float64Array.from(z)));

  let binned = 0; // the rate over bins, in whole frequencies
  const likeliest = [];
  for (const starts of own_) {
    let [below, most, at] = [0, -1, 0];
    binned += bits * BIT;
    for (let i = 0; i < codec.bins; i++) {
      const next = starts(i + 1);
      const mass = next - below;
      if (mass > most) [most, at] = [mass, i];
      if (mass > 0) binned += (mass / WHOLE) * Math.log(mass / WHOLE);
      below = next;
      if (i % 4096 === 4095) yield 0;
    }
    likeliest.push(codec.middle(at));
  }

  let [distortion, rate] = [0, binned];
  if (width === 0) distortion = distortionAt(likeliest);
  else {
    for (const a of RULE) {
      for (const b of RULE) {
        distortion += a.weight * b.weight * distortionAt([mean[0] + std[0] * a.z, mean[1] + std[1] * b.z]);
      }
      yield 0;
    }
    rate = 0;
    for (let j = 0; j < 2; j++) rate += 0.5 * (mean[j] ** 2 + std[j] ** 2 - 1) - Math.log(std[j]);
  }

  const stack = new Stack(seed);
  const lengths = [];
  for (let i = 0; i < CHAIN; i++) {
    const sent = codec.send(x, stack, own_);
    lengths.push((sent.x + sent.z - sent.back) * BIT);
    yield 0;
  }
  const { bytes, numbers } = message(own, { digit, width, bits, seed });
  const alone = received(own, { bits, width }, bytes);
  const first = new Stack(seed);
  while (first.borrowed < numbers.first) first.words.unshift(first.borrow());
  yield 0;
  const line = Stack.of(stack.toBytes());
  let chain = 0;
  for (let i = 0; i < CHAIN; i++) {
    if (alike(codec.receive(line, 2), x) === PIXELS) chain++;
    yield 0;
  }
  const average = lengths.reduce((a, b) => a + b, 0) / CHAIN;
  const variance = lengths.reduce((a, b) => a + (b - average) ** 2, 0) / (CHAIN - 1);
  return {
    same: alike(alone.x, x),
    returned: hex(alone.left) === hex(first.toBytes()) ? 1 : 0,
    distortion,
    rate,
    minus_elbo: distortion + rate,
    binned: binned - rate,
    mean: average,
    error: Math.sqrt(variance / CHAIN),
    chain,
  };
}
