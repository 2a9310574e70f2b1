// The figure of K-means: one energy that no step raises, its limit, cells, dead codes, and its twin in Python.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { uniforms } from "../engine/counter.js";
import {
  assign,
  cell,
  MOST,
  measure,
  numbers,
  placed,
  revived,
  run,
  scattered,
  update,
  X,
  Y,
} from "../engine/kmeans.js";
import { codecs } from "../figures/kmeans.js";
import { figureState } from "./reach.mjs";

const START = figureState("kmeans", { codecs }).start;
const close = (a, b, tolerance, message = "") => {
  assert.ok(Math.abs(a - b) <= tolerance, `${message} ${a} against ${b}`);
};
const points = Array.from({ length: 50 }, (_, i) => {
  const [u, v] = uniforms(5, i, 70);
  return placed([(i % 2 ? 1 : -2) + 2 * u, 4 * v - 2]);
});
const state = (values) => ({ ...START, points, ...values });
const distance = ([x, y], [a, b]) => (x - a) ** 2 + (y - b) ** 2;

test("K-means: no step raises the energy, at any sigma; at zero it is the distortion and every r is one-hot", () => {
  for (const sigma of [0, 0.003, 0.1, 0.5, 1.5])
    for (const seed of [1, 2, 3, 4])
      for (const k of [1, 3, 8]) {
        const { stated, states } = numbers(state({ sigma, codes: scattered(seed, k), steps: 30 }));
        assert.ok(stated.largest_rise < 1e-12, `${sigma} ${seed} ${k}`);
        assert.ok(stated.perplexity <= k + 1e-9 && stated.rate <= Math.log(k) + 1e-9);
        if (sigma > 0) continue;
        assert.ok(stated.largest_distortion_rise < 1e-12 && stated.firm === 1);
        close(stated.energy, stated.distortion, 1e-12);
        for (const { r } of states) for (const share of r) assert.ok(share === 0 || share === 1);
      }
});

test("K-means: a step at zero is Lloyd's, by hand", () => {
  const codes = scattered(7, 3);
  const next = run(state({ codes, sigma: 0, steps: 1 })).at(-1).codes;
  const groups = codes.map(() => []);
  for (const point of points) {
    const all = codes.map((code) => distance(point, code));
    groups[all.indexOf(Math.min(...all))].push(point);
  }
  groups.forEach((group, j) => {
    const mean = (axis) =>
      group.length ? group.reduce((sum, point) => sum + point[axis], 0) / group.length : codes[j][axis];
    close(next[j][0], mean(0), 1e-12);
    close(next[j][1], mean(1), 1e-12);
  });
});

test("K-means: as sigma falls the nearest code takes all", () => {
  const codes = scattered(2, 4);
  let before = 0;
  for (const sigma of [1.5, 0.8, 0.4, 0.2, 0.1, 0.05, 0.001]) {
    const { firm } = measure(points, codes, sigma);
    assert.ok(firm >= before - 1e-12);
    before = firm;
  }
  assert.ok(before > 1 - 1e-6);
  const near = assign(points, codes, 0.001);
  assign(points, codes, 0).forEach((share, i) => close(share, near[i], 1e-6));
});

test("K-means: cells tile the plane, each nearest to its own code", () => {
  const area = (corners) =>
    corners.reduce((sum, [x, y], i) => {
      const [a, b] = corners[(i + 1) % corners.length];
      return sum + (x * b - a * y) / 2;
    }, 0);
  for (const seed of [1, 2, 3]) {
    const codes = scattered(seed, 7);
    const cells = codes.map((_, j) => cell(codes, j));
    close(
      cells.reduce((sum, corners) => sum + area(corners), 0),
      48,
      1e-9,
    );
    cells.forEach((corners, j) => {
      if (!corners.length) return;
      const centre = corners.reduce(([a, b], [x, y]) => [a + x / corners.length, b + y / corners.length], [0, 0]);
      for (const other of codes) assert.ok(distance(centre, codes[j]) <= distance(centre, other) + 1e-9);
    });
  }
});

test("K-means: a dead code stays, is counted, and can be revived without raising the distortion", () => {
  const codes = [
    [2, 0],
    [-4, 3],
    [-2, 0],
  ];
  const stay = update(points, assign(points, codes, 0), codes);
  assert.deepEqual(stay[1], [-4, 3]);
  const before = measure(points, codes, 0);
  assert.equal(before.used, 2);
  const after = measure(points, revived(points, codes, 0), 0);
  assert.ok(after.used === 3 && after.distortion < before.distortion);
});

test("K-means: Back is exact", () => {
  const codes = scattered(3, 5);
  const long = run(state({ codes, sigma: 0.4, steps: 9 }));
  assert.deepEqual(run(state({ codes, sigma: 0.4, steps: 4 })), long.slice(0, 5));
});

// ---- against Python: tests/library/test_engine.py writes the file and names it in LVM_GOLDEN
const file = process.env.LVM_GOLDEN;
const skip = file ? false : "LVM_GOLDEN is not set: run pytest tests/library/test_engine.py";
const golden = file ? JSON.parse(readFileSync(file, "utf8")).kmeans : null;

test("K-means: bounds and scattered codes are Python's", { skip }, () => {
  assert.deepEqual({ x: X, y: Y, most: MOST }, golden.bounds);
  for (const { seed, codes } of golden.scattered) assert.deepEqual(scattered(seed, codes.length), codes);
});

const WHOLE = /^(n|k|seed|steps|used|dead|count\d)$/;

test("K-means: all numbers of a state", { skip }, () => {
  assert.ok(golden.states.length >= 40);
  for (const { state: given, expected } of golden.states) {
    const { stated } = numbers({ ...given, points: golden.sets[given.data] });
    for (const [key, value] of Object.entries(expected)) {
      const what = `${key} of ${JSON.stringify(given)}`;
      if (typeof value !== "number" || WHOLE.test(key)) assert.deepEqual(stated[key], value, what);
      else close(stated[key], value, 1e-8, what);
    }
  }
});
