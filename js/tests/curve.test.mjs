// Identities of the engine, each against an independent route. Run: node --test js/tests
import assert from "node:assert/strict";
import { test } from "node:test";
import { QuadraticCurve } from "../engine/curve.js";
import { entropyNormal, klNormal, logNormal, logSum } from "../engine/densities.js";
import { numbers } from "../engine/elbo.js";
import { expectation, line, logIntegral, normalised } from "../engine/quadrature.js";
import { boundsOf } from "./reach.mjs";

const BOUNDS = boundsOf("elbo");
const close = (a, b, tolerance, message = "") => {
  assert.ok(Math.abs(a - b) <= tolerance, `${message} ${a} against ${b}`);
};
const spread = ([low, high], k) => Array.from({ length: k }, (_, i) => low + ((high - low) * i) / (k - 1));

test("a Gaussian's density integrates to one, its entropy and KL are their integrals", () => {
  for (const [mean, std] of [
    [0, 1],
    [-2.5, 0.05],
    [3.1, 2],
  ]) {
    const grid = line(mean - 12 * std, mean + 12 * std, 401);
    const logQ = grid.points.map((z) => logNormal(z, mean, std));
    close(logIntegral(logQ, grid), 0, 1e-13);
    close(
      expectation(logQ, (_, i) => -logQ[i], grid),
      entropyNormal(std),
      1e-12,
      "entropy",
    );
    close(
      expectation(logQ, (z, i) => logQ[i] - logNormal(z), grid),
      klNormal(mean, std),
      1e-10,
      "kl",
    );
  }
});

test("logSum survives what overflows and what underflows", () => {
  const logOf = (...a) => logSum(a.length, (k) => a[k]);
  close(logOf(1000, 1000), 1000 + Math.log(2), 1e-12);
  close(logOf(-1000, -1001), -1000 + Math.log1p(Math.exp(-1)), 1e-12);
  assert.equal(logOf(-Infinity, -Infinity), -Infinity);
  close(logOf(-Infinity, 3), 3, 0);
});

test("trapezoid weights: half at both ends, a line is integrated exactly", () => {
  const grid = line(-1, 3, 5);
  assert.deepEqual([...grid.points], [-1, 0, 1, 2, 3]);
  close(
    logIntegral((z) => Math.log(z + 2), grid),
    Math.log(12),
    1e-14,
  ); // integral of z + 2 from -1 to 3
  close(
    logIntegral(
      normalised((z) => -z * z, grid),
      grid,
    ),
    0,
    1e-14,
  );
});

test("without a bend evidence and posterior have their closed forms", () => {
  for (const x of spread(BOUNDS.x, 5))
    for (const [slope, std] of [
      [1, 0.5],
      [1.5, 0.4],
      [1, 1],
    ]) {
      const curve = new QuadraticCurve({ slope, bend: 0, std });
      close(curve.evidence(x), logNormal(x, 0, Math.hypot(slope, std)), 1e-12, "evidence");
      const variance = 1 / (1 + (slope * slope) / (std * std));
      const best = curve.bestGaussian(x, BOUNDS.mean, BOUNDS.std);
      close(best.mean, (variance * slope * x) / (std * std), 1e-6, "mean");
      close(best.std, Math.sqrt(variance), 1e-6, "std");
      close(curve.klOfGaussian(x, best), 0, 1e-12, "the best Gaussian is exact");
      const exact = curve.exactPosterior(x);
      close(exact.mean, (variance * slope * x) / (std * std), 1e-9);
      close(exact.std, Math.sqrt(variance), 1e-9);
    }
});

test("log p(x) = ELBO + KL to 1e-9 everywhere, KL >= 0, three splits agree", () => {
  let states = 0;
  const every = (lists) => lists.reduce((rows, list) => rows.flatMap((row) => list.map((v) => [...row, v])), [[]]);
  for (const [x, slope, bend] of every([spread(BOUNDS.x, 5), spread(BOUNDS.slope, 2), spread(BOUNDS.bend, 7)])) {
    for (const [std_noise, mean, std] of every([spread(BOUNDS.std_noise, 2), spread(BOUNDS.mean, 4), [0.05, 0.3, 2]])) {
      const n = numbers({ x, slope, bend, std_noise, mean, std, kind: "gaussian" });
      close(n.elbo + n.kl, n.evidence, 1e-9, "sum");
      assert.ok(n.kl >= -1e-12, `kl ${n.kl}`);
      close(n.reconstruction - n.kl_prior, n.elbo, 1e-9, "rate");
      close(n.energy + n.entropy, n.elbo, 1e-9, "energy");
      states++;
    }
    const n = numbers({ x, slope, bend, std_noise: 0.5, mean: 0, std: 1, kind: "exact" });
    close(n.elbo, n.evidence, 1e-9, "the exact q closes the gap");
    close(n.kl, 0, 1e-9);
    close(n.reconstruction - n.kl_prior, n.elbo, 1e-9);
    close(n.energy + n.entropy, n.elbo, 1e-9);
  }
  assert.equal(states, 5 * 2 * 7 * 2 * 4 * 3);
});

test("the closed-form ELBO is the integral of q (log joint - log q)", () => {
  for (const q of [
    { mean: -1.3, std: 0.7 },
    { mean: 2, std: 0.05 },
    { mean: 0.4, std: 2 },
  ]) {
    const curve = new QuadraticCurve({ slope: 1.2, bend: -1.1, std: 0.45 });
    const grid = line(q.mean - 12 * q.std, q.mean + 12 * q.std, 801);
    const logQ = grid.points.map((z) => logNormal(z, q.mean, q.std));
    const by = expectation(logQ, (z, i) => curve.logJoint(0.8, z) - logQ[i], grid);
    close(curve.boundOfGaussian(0.8, q).elbo, by, 1e-9 * Math.max(1, Math.abs(by)));
  }
});

test("only q moves: log p(x) does not change by one bit", () => {
  const at = (mean, std) => numbers({ x: 0.5, slope: 1, bend: 1.2, std_noise: 0.5, mean, std, kind: "gaussian" });
  for (const std of [0.05, 0.5, 2]) assert.equal(at(3, std).evidence, at(-3, 1).evidence);
  assert.notEqual(at(3, 0.5).elbo, at(3, 0.6).elbo);
});

test("no Gaussian on a fine grid beats the best Gaussian, which lies inside the bounds", () => {
  for (const [x, bend] of [
    [0.5, 1.2],
    [0.5, -1.2],
    [-3, 1.5],
    [4, -1.5],
    [2, 1.5],
    [0, 0.4],
  ]) {
    const curve = new QuadraticCurve({ slope: 1, bend, std: 0.5 });
    const best = curve.bestGaussian(x, BOUNDS.mean, BOUNDS.std);
    const top = curve.boundOfGaussian(x, best).elbo;
    for (const mean of spread(BOUNDS.mean, 161))
      for (const std of spread(BOUNDS.std, 118)) {
        const { elbo } = curve.boundOfGaussian(x, { mean, std });
        assert.ok(elbo <= top + 1e-12, `x ${x}, bend ${bend}: N(${mean}, ${std}^2) is better by ${elbo - top}`);
      }
    assert.ok(Math.abs(best.mean) < 4 && best.std > 0.05 && best.std < 2);
    assert.ok(curve.klOfGaussian(x, best) > 1e-6, "a bend leaves an approximation gap");
  }
});

test("halving the evidence's grid changes nothing", () => {
  for (const x of spread(BOUNDS.x, 4))
    for (const bend of spread(BOUNDS.bend, 5)) {
      const curve = new QuadraticCurve({ slope: 1.5, bend, std: 0.4 });
      close(curve.evidence(x), curve.evidence(x, line(-24, 24, 9601)), 1e-11);
    }
});
