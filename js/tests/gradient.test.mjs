// The figure of the two gradient estimators: closed forms against quadrature, and its twin in Python.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { logNormal } from "../engine/densities.js";
import { eps, FUNCTIONS, numbers, samples, WITHIN } from "../engine/gradient.js";
import { expectation, line } from "../engine/quadrature.js";
import { boundsOf, figureState } from "./reach.mjs";

const { start: START, values } = figureState("gradient");
const [BOUNDS, SIZES] = [boundsOf("gradient"), values("n")];
const SEEDS = BOUNDS.seed[1] + 1;
const close = (a, b, tolerance, message = "") => {
  assert.ok(Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b)), `${message} ${a} against ${b}`);
};
const file = process.env.LVM_GOLDEN;
const skip = file ? false : "LVM_GOLDEN is not set: run pytest tests/library/test_engine.py";
const golden = file ? JSON.parse(readFileSync(file, "utf8")).gradient : null;
const spread = ([low, high], k) => Array.from({ length: k }, (_, i) => low + ((high - low) * i) / (k - 1));

test("gradient: value and gradient in closed form are their integrals", () => {
  const grid = line(-11, 11, 881);
  const log = grid.points.map((e) => logNormal(e));
  for (const [name, f] of Object.entries(FUNCTIONS))
    for (const m of spread(BOUNDS.mean, 5))
      for (const s of spread(BOUNDS.std, 4)) {
        const mean = (g) => expectation(log, g, grid);
        close(
          f.value(m, s),
          mean((e) => f.of(m + s * e)),
          1e-9,
          name,
        );
        const [dm, ds] = f.gradient(m, s);
        close(
          dm,
          mean((e) => f.slope(m + s * e)),
          1e-9,
          `${name}, by mean, through the sample`,
        );
        close(
          ds,
          mean((e) => f.slope(m + s * e) * s * e),
          1e-9,
          `${name}, by log std, through the sample`,
        );
        close(
          dm,
          mean((e) => (f.of(m + s * e) * e) / s),
          1e-8,
          `${name}, by mean, of the density`,
        );
        close(
          ds,
          mean((e) => f.of(m + s * e) * (e * e - 1)),
          1e-8,
          `${name}, by log std, of the density`,
        );
      }
});

test("gradient: a slope is the derivative of its function", () => {
  for (const f of Object.values(FUNCTIONS))
    for (const z of spread([-3, 3], 13)) {
      close(f.slope(z), (f.of(z + 1e-5) - f.of(z - 1e-5)) / 2e-5, 1e-7);
    }
});

test("gradient: averages are those of the samples, and a baseline moves the score function alone", () => {
  const state = { ...START, n: 50, seed: 3 };
  const [plain, with_] = [numbers(state), numbers({ ...state, baseline: true })];
  const all = samples(state);
  assert.equal(all.length, 50);
  close(plain.sf_log_std, all.reduce((sum, g) => sum + g[3], 0) / 50, 1e-12);
  assert.equal(plain.re_mean, with_.re_mean);
  assert.ok(with_.sf_mean_error < plain.sf_mean_error && with_.sf_mean !== plain.sf_mean);
  assert.deepEqual(Array.from(eps(3, 20)), Array.from(eps(3, 50)).slice(0, 20));
});

test("gradient: averages stay near the exact gradient", () => {
  for (let seed = 0; seed < SEEDS; seed += 7)
    for (const n of SIZES)
      for (const f of Object.keys(FUNCTIONS)) {
        assert.ok(numbers({ ...START, f, seed, n }).away < WITHIN);
      }
});

test("gradient: all numbers of a state in Python", { skip }, () => {
  assert.equal(WITHIN, golden.bounds.within);
  assert.ok(golden.states.length >= 20);
  for (const { state, expected } of golden.states) {
    const found = numbers(state);
    for (const [key, value] of Object.entries(expected)) {
      if (typeof value === "number") close(found[key], value, 1e-8, `${key} of ${JSON.stringify(state)}`);
    }
  }
});
