// Bits back with ANS: real messages, on the bits themselves. The twin is lvm_lib/coding.py, which says how it works and
// whose it is (Duda 2013; Townsend, Bird and Barber 2019); tests compare bytes. No DOM.
//
//   const codec = bitsBack({ encoder, decoder }, { bits, width })    nets of exact.js
//   codec.send(x, stack)     pop z with q(z | x), push x with p(x | z), push z with p(z)
//   codec.receive(stack)     the way back: pop z, pop x, push z; q's bits are on the stack again
//
// All whole numbers are below 2^53, so a float64 holds them exactly.

import { philox } from "./counter.js";
import { exactCdf, exactExp, exactQuantile, FINEST } from "./exact.js";

const PRECISION = 24; // frequencies sum to 2^24
const WHOLE = 2 ** PRECISION;
const [LOW, HIGH, WORD] = [2 ** 32, 2 ** 48, 2 ** 16]; // the state lies in [LOW, HIGH)
const STREAM = 13; // of the counter, for the first bits

/** Bits as one number: a state over a list of 16-bit words. */
export class Stack {
  /** seed: where words come from that a pop finds missing, the first bits; null: such a pop throws. */
  constructor(seed = null) {
    this.seed = seed;
    /** @type {number[]} */
    this.words = [];
    this.borrowed = 0; // bits that came from the seed
    this.state = LOW;
    if (seed === null) return;
    const [a, b, c] = [this.borrow(), this.borrow(), this.borrow()];
    this.state = ((a | 0x8000) * WORD + b) * WORD + c;
  }

  /** The stack that `toBytes` wrote. */
  static of(bytes) {
    if (bytes.length < 6 || bytes.length % 2) throw new Error("a message is an even number of bytes, at least six");
    const stack = new Stack();
    const all = [];
    for (let i = 0; i < bytes.length; i += 2) all.push(bytes[i] * 256 + bytes[i + 1]);
    stack.state = (all[0] * WORD + all[1]) * WORD + all[2];
    stack.words = all.slice(3).reverse();
    if (stack.state < LOW) throw new Error("a message begins with a state of at least 2^32");
    return stack;
  }

  /** The state, then the words from the top of the stack down. */
  toBytes() {
    const all = [Math.floor(this.state / LOW), Math.floor(this.state / WORD) % WORD, this.state % WORD];
    all.push(...[...this.words].reverse());
    return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 255]));
  }

  /** How much lies on the stack, in bits. */
  get bits() {
    return 16 * this.words.length + Math.log2(this.state);
  }

  /** Add a symbol of probability frequency / 2^24, which owns the numbers from `start` on. */
  push(start, frequency) {
    const top = frequency * (HIGH / WHOLE);
    while (this.state >= top) {
      this.words.push(this.state % WORD);
      this.state = Math.floor(this.state / WORD);
    }
    this.state = Math.floor(this.state / frequency) * WHOLE + start + (this.state % frequency);
  }

  /** The number below 2^24 on top, which says which symbol is to be popped. */
  peek() {
    return this.state % WHOLE;
  }

  /** Take off the symbol that owns the number on top. */
  pop(start, frequency) {
    this.state = frequency * Math.floor(this.state / WHOLE) + this.peek() - start;
    while (this.state < LOW) this.state = this.state * WORD + (this.words.pop() ?? this.borrow());
  }

  borrow() {
    if (this.seed === null) throw new Error("the stack is empty: these bytes are no whole message");
    const index = this.borrowed / 16;
    this.borrowed += 16;
    return philox([index >> 2, 0, STREAM, 0], [this.seed, 0])[index & 3] >>> 16;
  }
}

/** The codec of one VAE: 2^bits bins of z for each dimension, q's standard deviations times `width`. */
export function bitsBack({ encoder, decoder }, { bits, width }) {
  const bins = 2 ** bits;
  const step = 2 ** (FINEST - bits);
  const edge = (i) => exactQuantile(2 * step * i);
  const middle = (i) => exactQuantile(step * (2 * i + 1));
  const share = WHOLE / bins;

  /** Where bin i begins among 0 to 2^24, by N(mean, std^2); std 0: all in the bin that holds the mean. */
  function starts(mean, std) {
    if (std === 0) return (i) => (i === 0 || (i < bins && edge(i) <= mean) ? 0 : WHOLE);
    return (i) => {
      if (i === 0) return 0;
      return i === bins ? WHOLE : i + Math.floor((WHOLE - bins) * exactCdf((edge(i) - mean) / std));
    };
  }

  /** The bin that owns a number, by halving. */
  function binOf(start, number) {
    let [low, high] = [0, bins];
    while (high - low > 1) {
      const between = (low + high) >> 1;
      if (start(between) <= number) low = between;
      else high = between;
    }
    return low;
  }

  /** The encoder's q, made wider or narrower: means and standard deviations. */
  function gaussian(x) {
    const out = encoder(x);
    const d = out.length / 2;
    return {
      mean: Array.from(out.subarray(0, d)),
      std: Array.from(out.subarray(d), (log) => width * exactExp(Math.min(Math.max(log, -30), 20))),
    };
  }

  /** Where the bins of each dimension begin under such a q. */
  const binned = ({ mean, std }) => mean.map((m, j) => starts(m, std[j]));

  const q = (x) => binned(gaussian(x));

  /** 2^24 p(x_d = 1 | z) for each pixel. */
  const ofPixels = (z) =>
    decoder(Float64Array.from(z, middle)).map((logit) => 1 + Math.floor((WHOLE - 2) / (1 + exactExp(-logit))));

  /** Put x on the stack: { bins, x, z, back }, what each part takes, in bits, by the frequencies that coded it. */
  function send(x, stack, own = q(x)) {
    let back = 0;
    const z = own.map((start) => {
      const i = binOf(start, stack.peek());
      const from = start(i);
      const frequency = start(i + 1) - from;
      stack.pop(from, frequency);
      back += PRECISION - Math.log2(frequency);
      return i;
    });
    const ones = ofPixels(z);
    let length = 0;
    for (let d = x.length - 1; d >= 0; d--) {
      const frequency = x[d] ? ones[d] : WHOLE - ones[d];
      stack.push(x[d] ? WHOLE - ones[d] : 0, frequency);
      length += PRECISION - Math.log2(frequency);
    }
    for (const i of z) stack.push(i * share, share);
    return { bins: z, x: length, z: bits * z.length, back };
  }

  /** Take the image that was sent last off the stack, which is then as it was before. */
  function receive(stack, latents) {
    const z = [];
    for (let j = 0; j < latents; j++) {
      const i = Math.floor(stack.peek() / share);
      stack.pop(i * share, share);
      z.unshift(i);
    }
    const ones = ofPixels(z);
    const x = new Float64Array(ones.length);
    for (let d = 0; d < x.length; d++) {
      x[d] = stack.peek() >= WHOLE - ones[d] ? 1 : 0;
      stack.pop(x[d] ? WHOLE - ones[d] : 0, x[d] ? ones[d] : WHOLE - ones[d]);
    }
    const own = q(x);
    for (let j = latents - 1; j >= 0; j--) {
      const from = own[j](z[j]);
      const frequency = own[j](z[j] + 1) - from;
      if (frequency === 0) throw new Error("the stack holds no message of this codec: its z has no mass under q");
      stack.push(from, frequency);
    }
    return x;
  }

  return { send, receive, gaussian, binned, q, middle, edge, bins };
}
