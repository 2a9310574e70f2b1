// Be the encoder: what a q by hand is worth, the answers as text, and the twin in Python.
import assert from "node:assert/strict";
import { test } from "node:test";
import { answered, answersOf, known, logPosteriorAt, numbers, termsOf } from "../engine/encoder.js";
import { imagesOf, modelOf } from "../engine/posterior.js";
import { bytes, close, goldenOf, run, skip } from "./golden.mjs";
import { REACH } from "./reach.mjs";

const golden = goldenOf("encoder");
const TABLE = REACH.encoder.state;

const found =
  golden &&
  (() => {
    const vae = modelOf(golden.nets, bytes(golden.weights));
    return { vae, at: imagesOf(bytes(golden.images)).map((x, k) => run(known(vae, x, golden.grids[k]))) };
  })();

test("encoder: all numbers of a state in Python, hidden and revealed, on the grid and off it", { skip }, () => {
  const kinds = new Set();
  for (const { state, expected } of golden.states) {
    const n = numbers(state, found.vae, (digit) => found.at[digit], answersOf(state.answers, golden.table));
    kinds.add(`${n.revealed} ${n.exact}`);
    for (const [key, value] of Object.entries(expected)) {
      if (typeof value === "number") close(n[key], value, 1e-8, `${key} of ${JSON.stringify(state)}`);
      else assert.equal(n[key], value, key);
    }
  }
  assert.equal(kinds.size, 4);
});

test("encoder: log p(x) >= best >= any q tried, wherever the grid answers for it", { skip }, () => {
  let tried = 0;
  for (const p of found.at) {
    const { mean, logStd } = p.top.q;
    assert.ok(p.evidence >= p.top.elbo && p.top.elbo >= p.encoder.elbo);
    for (let k = 0; k < 60; k++) {
      const nudge = (i) => Math.sin(3 * k + i) * (k < 30 ? 0.05 : 0.6);
      const q = {
        mean: mean.map((m, a) => m + nudge(a) * Math.exp(logStd[a])),
        logStd: logStd.map((v, a) => v + nudge(a + 2)),
      };
      const own = termsOf(found.vae, p, q);
      if (own.exact) {
        tried++;
        assert.ok(p.top.elbo >= own.elbo - 1e-5, `${p.top.elbo} against ${own.elbo}`);
      }
      close(own.reconstruction - own.rate, own.elbo, 1e-12);
    }
  }
  assert.ok(tried > 90);
});

test("encoder: the light between the points of the grid is what the points say", { skip }, () => {
  const [p] = found.at;
  const [a, b] = p.lines.map(({ points }) => points);
  const k = 7 * p.m2 + 9;
  close(logPosteriorAt(p, a[7], b[9]), p.logJoint[k] - p.evidence, 1e-9);
  const middle = logPosteriorAt(p, (a[7] + a[8]) / 2, b[9]);
  close(middle, (p.logJoint[k] + p.logJoint[k + p.m2]) / 2 - p.evidence, 1e-9);
  assert.equal(logPosteriorAt(p, 99, 0), -Infinity);
});

test("encoder: answers are read back as they were written, and nothing else is an answer", () => {
  const state = { answers: "", digit: 1, mean1: 0.123456, mean2: -2, log_std1: -4, log_std2: 1 };
  const one = answered(state);
  assert.equal(one, "1,0.1235,-2,-4,1");
  const two = answered({ ...state, answers: one, digit: 0 });
  assert.deepEqual(
    answersOf(two, TABLE).map(({ digit }) => digit),
    [1, 0],
  );
  assert.deepEqual(answersOf(one, TABLE)[0].q, { mean: [0.1235, -2], logStd: [-4, 1] });
  assert.deepEqual(answersOf("", TABLE), []);
  const many = Array.from({ length: 6 }, () => "0,0,0,0,0").join("_");
  for (const wrong of [
    `${one}_${one}`,
    "1,0,0,0",
    "9,0,0,0,0",
    "1,9,0,0,0",
    "1,0,0,2,0",
    "1,0,0,0,1e1",
    "_",
    many,
    null,
    1,
  ])
    assert.equal(answersOf(wrong, TABLE), undefined, String(wrong));
});
