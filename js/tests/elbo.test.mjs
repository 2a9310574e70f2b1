// The engine against Python: tests/library/test_engine.py writes the file and names it in LVM_GOLDEN.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { QuadraticCurve } from "../engine/curve.js";
import { numbers } from "../engine/elbo.js";

const file = process.env.LVM_GOLDEN;
const skip = file ? false : "LVM_GOLDEN is not set: run pytest tests/library/test_engine.py";
const golden = file ? JSON.parse(readFileSync(file, "utf8")).quadratic_curve : null;
const close = (a, b, what) => {
  assert.ok(Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b)), `${what}: ${a}, Python ${b}`);
};

test("all numbers of a state", { skip }, () => {
  assert.ok(golden.states.length >= 40);
  for (const { state, expected } of golden.states) {
    const found = numbers(state);
    for (const [key, value] of Object.entries(expected))
      if (typeof value === "string") assert.equal(found[key], value);
      else close(found[key], value, `${key} of ${JSON.stringify(state)}`);
  }
});

test("the best Gaussian reaches what scipy's optimiser reaches", { skip }, () => {
  assert.ok(golden.best.length >= 5);
  for (const { x, slope, bend, std_noise, elbo, mean, std } of golden.best) {
    const curve = new QuadraticCurve({ slope, bend, std: std_noise });
    const best = curve.bestGaussian(x, golden.ends.mean, golden.ends.std);
    close(curve.boundOfGaussian(x, best).elbo, elbo, "elbo");
    const near = Math.abs(best.mean - mean) < 1e-4 && Math.abs(best.std - std) < 1e-4;
    assert.ok(near, `${JSON.stringify(best)}, Python ${mean} ${std}`);
  }
});
