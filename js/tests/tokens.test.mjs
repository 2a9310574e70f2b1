// Tokenizers and priors of the engine against the library: decode, encode, conditionals, and equal samples for equal seeds.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { logConditional, sample, tokenNets } from "../engine/tokens.js";

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

test("tokens: every conditional is the library's", { skip }, () => {
  for (const { prior, state, tokens, conditionals } of golden.cases) {
    const found = sample(made.priors[prior], made, { ...state, prefix: tokens });
    for (const [place, row] of Object.entries(conditionals)) assert.ok(far(found.conditionals[place], row) < 1e-9, prior);
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
