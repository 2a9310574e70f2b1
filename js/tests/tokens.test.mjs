// Tokenizers and priors of the engine against the library: decode, encode, conditionals, and equal samples for equal
// seeds.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { GREY, normalised, readGrey, writtenGrey } from "../engine/drawing.js";
import {
  byLikeness,
  emptyCode,
  encoded,
  logConditional,
  numbersOfPrior,
  numbersOfTokens,
  plainImages,
  sample,
  tokenNets,
  tokensOf,
} from "../engine/tokens.js";

const file = process.env.LVM_TOKENS;
const skip = file ? false : "LVM_TOKENS is not set: run pytest tests/library/test_token_engine.py";
const golden = file ? JSON.parse(readFileSync(file, "utf8")) : { cases: [], decoded: [] };
const made = file ? tokenNets(golden.nets, Buffer.from(golden.weights, "base64")) : null;
const far = (a, b) => Math.max(...b.map((v, i) => Math.abs(v - a[i])));

test("tokens: a grid decodes to the image that torch decodes it to", { skip }, () => {
  for (const { tokens, image } of golden.decoded) assert.ok(far(made.decode(tokens), image) < 1e-9);
});

test("tokens: an image has the tokens that torch gives it", { skip }, () => {
  for (const { pixels, tokens } of golden.encoded) assert.deepEqual(made.encode(pixels), tokens);
});

test("tokens: a drawn image has the text, the tokens and the decode that Python finds, with the nets that come with " +
  "the library", {
  skip,
}, () => {
  const shipped = tokenNets(golden.shipped.nets, Buffer.from(golden.shipped.weights, "base64"));
  assert.ok(golden.drawn.length >= 12);
  for (const { text, levels, tokens, image } of golden.drawn) {
    assert.deepEqual(Array.from(readGrey(text)), levels);
    assert.equal(writtenGrey(levels), text);
    const found = shipped.encode(GREY.read(text));
    assert.deepEqual(found, tokens);
    assert.ok(far(shipped.decode(found), image) < 1e-9);
  }
});

const near = (found, expected, what) => {
  for (const [key, value] of Object.entries(expected))
    if (typeof value !== "number") assert.equal(found[key], value, `${key} ${what}`);
    else
      assert.ok(
        Math.abs(found[key] - value) < 1e-9 * Math.max(1, Math.abs(value)),
        `${key} ${what}: ${found[key]}, Python ${value}`,
      );
  assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort());
};

test("tokens: all numbers that the two figures state are Python's", { skip }, () => {
  const nets = tokenNets(golden.shipped.nets, Buffer.from(golden.shipped.weights, "base64"));
  for (const { state, text, expected } of golden.stated.tokens)
    near(numbersOfTokens(state, encoded(text, nets), nets).stated, expected, JSON.stringify(state));
  const empty = emptyCode(nets);
  for (const { state, expected } of golden.stated.prior) {
    const drawn = sample(nets.priors[state.prior], nets, { ...state, prefix: tokensOf(state.prefix) });
    near(numbersOfPrior(state, drawn, empty, nets).stated, expected, JSON.stringify(state));
  }
});

test("tokens: the palette holds every code once, the emptiest first, and neighbours are more alike than by number", {
  skip,
}, () => {
  const nets = tokenNets(golden.shipped.nets, Buffer.from(golden.shipped.weights, "base64"));
  const order = byLikeness(nets);
  assert.equal(order[0], emptyCode(nets));
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    [...order.keys()],
  );
  const { patches } = plainImages(nets);
  const way = (codes) =>
    codes.slice(1).reduce((sum, k, i) => sum + Math.hypot(...patches[k].map((v, d) => v - patches[codes[i]][d])), 0);
  assert.ok(way(order) < 0.6 * way([...order.keys()]), `${way(order)} against ${way([...order.keys()])}`);
});

test("tokens: test digits that are drawn again come back from their tokens", { skip }, () => {
  const shipped = tokenNets(golden.shipped.nets, Buffer.from(golden.shipped.weights, "base64"));
  for (const strokes of golden.strokes) {
    const x = GREY.read(GREY.drawn(normalised(strokes)));
    const image = shipped.decode(shipped.encode(x));
    const error = image.reduce((sum, v, d) => sum + (v - x[d]) ** 2, 0) / 784;
    const ofBlank = x.reduce((sum, v) => sum + v ** 2, 0) / 784;
    assert.ok(error < 0.03 && error < ofBlank / 3, `${error} against ${ofBlank} of a blank image`);
  }
});

test("tokens: every conditional is the library's", { skip }, () => {
  for (const { prior, state, tokens, conditionals } of golden.cases) {
    const found = sample(made.priors[prior], made, { ...state, prefix: tokens });
    for (const [place, row] of Object.entries(conditionals))
      assert.ok(far(found.conditionals[place], row) < 1e-9, prior);
  }
});

test("tokens: equal seeds give equal samples, and say how likely they were", { skip }, () => {
  for (const { prior, state, tokens, logs } of golden.cases) {
    const found = sample(made.priors[prior], made, state);
    assert.deepEqual(found.tokens, tokens, `${prior} ${JSON.stringify(state)}`);
    assert.ok(far(found.logs, logs) < 1e-9);
  }
});

test("tokens: a later token does not change an earlier conditional", { skip }, () => {
  for (const name of Object.keys(made.priors)) {
    const state = { seed: 3, label: 1, temperature: 1 };
    const before = sample(made.priors[name], made, state);
    const last = made.places - 1;
    const changed = before.tokens.map((token, place) => (place === last ? (token + 1) % made.size : token));
    const after = sample(made.priors[name], made, { ...state, prefix: changed });
    for (let place = 0; place <= last; place++) assert.deepEqual(after.conditionals[place], before.conditionals[place]);
  }
});

test("tokens: conditionals are distributions at every temperature", () => {
  for (const temperature of [0.2, 1, 2]) {
    const sum = logConditional([3, -1, 900, 899], temperature).reduce((all, v) => all + Math.exp(v), 0);
    assert.ok(Math.abs(sum - 1) < 1e-12);
  }
});
