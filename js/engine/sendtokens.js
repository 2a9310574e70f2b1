// The numbers of the figure that sends a picture by way of tokens: one real message (token_coding.js), decoded from its
// bytes alone, and the bound. The Python twin is lvm_lib.figures.sendtokens; tests hold the two together. No DOM.

import { Stack } from "./ans.js";
import { exactMaps } from "./exact.js";
import { bytesOf } from "./network.js";
import { imagesOf } from "./posterior.js";
import { remembered } from "./remembered.js";
import { tokenCode } from "./token_coding.js";
import { tokenNets } from "./tokens.js";

export const PIXELS = 784;
const [BIT, WHOLE, CUT] = [Math.LN2, 2 ** 24, 1 / 200];
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** What a figure carries: the tokenizer, a codec for each prior, images, what other codes take in bits. */
export function sender({ nets, weights, counted, pixels, files, by_vae }) {
  const made = tokenNets(nets, weights);
  const shares = new Uint32Array(bytesOf(counted).slice().buffer);
  const decoder = exactMaps(nets.decoder, weights, nets.grid);
  const images = imagesOf(bytesOf(pixels));
  const codecs = {
    uniform: tokenCode({ ...made, decoder }, new Uint32Array(shares.length).fill(WHOLE / nets.size)),
    counted: tokenCode({ ...made, decoder }, shares),
  };
  const ranked = remembered((digit) => made.ranked(images[digit]));
  /** What the message takes where every token is the nearest code, in nats. */
  const nearest = remembered((digit, prior) => {
    const tokens = ranked(digit).map(([first]) => first);
    const { x, z } = codecs[prior].send(images[digit], tokens, new Stack());
    return (x + z) * BIT;
  });
  return {
    made,
    images,
    shares,
    codecs,
    ranked,
    nearest,
    png: files.map((n) => 8 * n),
    vae: by_vae.map((n) => n / BIT),
  };
}

/** Read a message from its bytes, in a stack that knows nothing else: picture, tokens, and the bits left over. */
export function received(own, prior, bytes) {
  const stack = Stack.of(bytes);
  const { x, tokens } = own.codecs[prior].receive(stack);
  return { x, tokens, left: 16 * stack.words.length + Math.round(Math.log2(stack.state)) - 32 };
}

/** The message of a state { digit, prior, place, rank }: tokens, lengths, bytes, and what is read from the bytes. */
export function message(own, { digit, prior, place, rank }) {
  const { made, images, codecs } = own;
  const x = images[digit];
  const ranked = own.ranked(digit);
  const from = ranked.map(([first]) => first);
  const tokens = from.slice();
  tokens[place] = ranked[place][rank - 1];
  const stack = new Stack();
  const sent = codecs[prior].send(x, tokens, stack);
  const bytes = stack.toBytes();
  const read = received(own, prior, bytes);

  // the bound in floating point, without whole frequencies
  let distortion = 0;
  codecs[prior].means(tokens).forEach((mean, d) => {
    const p = Math.min(Math.max(mean, CUT), 1 - CUT);
    distortion -= Math.log(x[d] ? p : 1 - p);
  });
  const share = (m) => (prior === "uniform" ? 1 / made.size : own.shares[m * made.size + tokens[m]] / WHOLE);
  const rate = tokens.reduce((total, _, m) => total - Math.log(share(m)), 0);
  return {
    tokens,
    from,
    read,
    numbers: {
      tokens: tokens.join(","),
      code: tokens[place],
      codes: made.size,
      x: sent.x,
      z: sent.z,
      back: 0,
      length: (sent.x + sent.z) * BIT,
      nearest: own.nearest(digit, prior),
      distortion,
      rate,
      minus_bound: distortion + rate,
      wire: 8 * bytes.length,
      bytes: hex(bytes),
      same: read.x.reduce((count, v, d) => count + (v === x[d] ? 1 : 0), 0),
      left: read.left,
      png: own.png[digit],
      fixed: PIXELS,
      vae: own.vae[digit],
    },
  };
}
