// Ancestral sampling: the counted generator, the marginal, the sample. The second half holds it against Python.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decode, density, distance, LINE, marginal, numbers, probabilityBelow, sample } from "../engine/ancestral.js";
import { normalQuantile, normals, philox, uniforms } from "../engine/counter.js";
import { logNormal, normalCdf } from "../engine/densities.js";
import { line, logIntegral } from "../engine/quadrature.js";

const close = (a, b, tolerance, message = "") => {
  assert.ok(Math.abs(a - b) <= tolerance, `${message} ${a} against ${b}`);
};
const NOISES = [0.15, 0.3, 0.47, 0.8, 1];

test("Philox4x32-10 gives the published words", () => {
  // Random123, kat_vectors
  const hex = (words) => words.map((word) => word.toString(16).padStart(8, "0")).join(" ");
  const all = 0xffffffff;
  assert.equal(hex(philox([0, 0, 0, 0], [0, 0])), "6627e8d5 e169c58d bc57ac4c 9b00dbd8");
  assert.equal(hex(philox([all, all, all, all], [all, all])), "408f276d 41c83b0e a20bc7c6 6d5451fd");
  assert.equal(
    hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])),
    "d16cfe09 94fdcceb 5001e420 24126ea1",
  );
});

test("a distribution function and its quantiles undo each other, and the first is the density's integral", () => {
  for (let x = -8; x <= 8; x += 0.37) {
    const trapezoid = (m) => Math.exp(logIntegral((t) => logNormal(t), line(x - 30, x, m)));
    const simpson = (4 * trapezoid(12001) - trapezoid(6001)) / 3;
    close(normalCdf(x) / simpson, 1, 1e-8, `x ${x}`);
    close(normalCdf(x) + normalCdf(-x), 1, 1e-15);
    if (x < 5) close(normalQuantile(normalCdf(x)), x, 1e-9 + 1e-15 / Math.exp(logNormal(x)), `x ${x}`);
  }
  assert.deepEqual([normalCdf(-50), normalCdf(50), normalCdf(0)], [0, 1, 0.5]);
});

test("uniforms lie strictly inside, draws depend on their number alone", () => {
  for (let i = 0; i < 2000; i++) for (const u of uniforms(11, i)) assert.ok(u > 0 && u < 1);
  assert.deepEqual(normals(5, 17), normals(5, 17));
  assert.notDeepEqual(normals(5, 17), normals(6, 17));
  assert.notDeepEqual(normals(5, 17, 1), normals(5, 17));
});

test("p(x) integrates to one, its table is its integral, and halving the grid over z changes nothing", () => {
  for (const noise of NOISES) {
    const table = marginal(noise);
    close(table.area, 1, 1e-12, "area");
    const fine = line(-9, 9, 2401);
    for (const x of [-2.1, -1.53, -0.2, 0.9, 1.66, 2.3]) {
      const log = logIntegral((z) => logNormal(z) + logNormal(x, decode(z), noise), fine);
      close(density(x, noise), Math.exp(log), 1e-12, "density");
      let below = 0;
      fine.points.forEach((z, j) => {
        below += Math.exp(logNormal(z) + fine.logWeights[j]) * normalCdf((x - decode(z)) / noise);
      });
      close(probabilityBelow(x, table), below, 1e-10, "distribution function");
    }
    assert.deepEqual([probabilityBelow(-99, table), probabilityBelow(99, table)], [0, 1]);
  }
});

test("mean and standard deviation are those of p(x)", () => {
  for (const noise of NOISES) {
    const { mean, std, p, low, step } = marginal(noise);
    const average = (f) => p.reduce((sum, v, k) => sum + v * step * f(low + k * step), 0);
    close(
      average((x) => x),
      mean,
      1e-12,
    );
    close(
      average((x) => (x - mean) ** 2),
      std * std,
      1e-12,
    );
  }
});

test("noise blurs: hills never grow in number as it rises, and merge in the end", () => {
  let before = Infinity;
  for (let noise = 0.15; noise <= 1.0001; noise += 0.01) {
    const { hills } = marginal(noise);
    assert.ok(hills <= before, `noise ${noise}`);
    before = hills;
  }
  assert.deepEqual([marginal(0.15).hills, marginal(1).hills], [2, 1]);
});

test("Back is exact: a longer sample begins with the shorter one, and noise moves points along", () => {
  const at = (count, noise) => sample({ seed: 3, count, std_noise: noise });
  const [short, long] = [at(50, 0.3), at(400, 0.3)];
  assert.deepEqual([...long.x.slice(0, 50)], [...short.x]);
  assert.deepEqual([...at(50, 0.3).x], [...short.x]);
  const wide = at(50, 0.6);
  assert.deepEqual(wide.z, short.z);
  wide.x.forEach((x, i) => close(x - wide.means[i], 2 * (short.x[i] - short.means[i]), 1e-14));
});

test("Kolmogorov's distance: by hand for one point, zero for no other sample", () => {
  const table = marginal(0.3);
  close(distance(Float64Array.of(99), table), 1, 1e-12);
  const middle = [...Array(4000)].map((_, i) => -2 + i / 1000).find((x) => probabilityBelow(x, table) >= 0.5);
  close(distance(Float64Array.of(middle), table), 0.5, 1e-3);
  assert.equal(distance(new Float64Array(0), table), null);
});

test("a hundred seeds stay below the line at every size; a wrong sampler does not", () => {
  let closest = 0;
  const tables = [0.15, 0.5, 1].map((noise) => marginal(noise));
  for (let seed = 1; seed <= 100; seed++)
    for (const count of [1, 2, 10, 100, 500, 2000])
      for (const table of tables) {
        const { x } = sample({ seed, count, std_noise: table.noise });
        closest = Math.max(closest, (distance(x, table) * Math.sqrt(count)) / LINE);
      }
  assert.ok(closest < 1 && closest > 0.6, `${closest}`);
  const { x } = sample({ seed: 1, count: 2000, std_noise: 0.3 });
  const { means } = sample({ seed: 1, count: 2000, std_noise: 0.3 });
  assert.ok(distance(Float64Array.from(means), marginal(0.3)) * Math.sqrt(2000) > LINE, "noise forgotten");
  assert.ok(
    distance(
      x.map((v) => v + 0.15),
      marginal(0.3),
    ) *
      Math.sqrt(2000) >
      LINE,
    "shifted",
  );
});

// ---- against Python: tests/library/test_engine.py writes the file and names it in LVM_GOLDEN
const file = process.env.LVM_GOLDEN;
const skip = file ? false : "LVM_GOLDEN is not set: run pytest tests/library/test_engine.py";
const golden = file ? JSON.parse(readFileSync(file, "utf8")).ancestral : null;

test("ancestral sampling: equal seeds give equal draws in Python", { skip }, () => {
  assert.ok(golden.draws.length >= 5);
  for (const { seed, index, stream, words, normals: expected } of golden.draws) {
    assert.deepEqual(philox([index, 0, stream, 0], [seed, 0]), words);
    normals(seed, index, stream).forEach((value, i) => close(value, expected[i], 1e-14 * Math.max(1, Math.abs(value))));
  }
  for (const { state, x, z } of golden.samples) {
    const found = sample(state);
    assert.equal(found.x.length, x.length);
    x.forEach((value, i) => close(found.x[i], value, 1e-13, "x"));
    z.forEach((value, i) => close(found.z[i], value, 1e-13, "z"));
  }
});

test("ancestral sampling: all numbers of a state", { skip }, () => {
  assert.ok(golden.states.length >= 20);
  for (const { state, expected } of golden.states) {
    const found = numbers(state);
    for (const [key, value] of Object.entries(expected)) {
      if (value === null || ["seed", "count", "hills"].includes(key))
        assert.equal(found[key], value, `${key} of ${JSON.stringify(state)}`);
      else close(found[key], value, 1e-9, `${key} of ${JSON.stringify(state)}`);
    }
  }
});
