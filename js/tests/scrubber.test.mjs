// The training scrubber: unfolding, the manifold's points, and the twin in Python.
import assert from "node:assert/strict";
import { test } from "node:test";
import { normalCdf } from "../engine/densities.js";
import { imagesOf, manifoldPoints, measured, netOf, numbers, SIDE, unfolded } from "../engine/scrubber.js";
import { apart } from "../figures/scrubber/curves.js";
import { bytes, close, goldenOf, run, skip } from "./golden.mjs";

const golden = goldenOf("scrubber");

test("scrubber: all numbers of a checkpoint in Python, and its curve recomputed", { skip }, () => {
  const images = imagesOf(bytes(golden.pixels));
  const buffers = unfolded(bytes(golden.weights), golden.epochs.length);
  assert.equal(images.length, 200);
  for (const { checkpoint, expected } of golden.states) {
    const n = numbers({ checkpoint }, run(measured(netOf(golden.nets, buffers[checkpoint]), images)), golden);
    for (const [key, value] of Object.entries(expected)) {
      if (value === null) assert.equal(n[key], null);
      else close(n[key], value, 1e-9, `${key} at ${checkpoint}`);
    }
    close(n.curve, n.negative_elbo, 1e-9, "curve");
  }
});

test("scrubber: differences modulo 256 give the buffers back", () => {
  const out = unfolded(Uint8Array.from([250, 3, 10, 255, 1, 0]), 3);
  assert.deepEqual(
    out.map((own) => [...own]),
    [
      [250, 3],
      [4, 2],
      [5, 2],
    ],
  );
});

test("scrubber: the manifold's points are the prior's quantiles, z1 to the right, z2 upwards", () => {
  const points = manifoldPoints();
  assert.equal(points.length, SIDE * SIDE);
  points.forEach(([z1, z2], k) => {
    close(normalCdf(z1), ((k % SIDE) + 0.5) / SIDE, 1e-12);
    close(normalCdf(z2), 1 - (Math.floor(k / SIDE) + 0.5) / SIDE, 1e-12);
  });
});

test("scrubber: the axis names the epochs that were kept, as far as their names stand apart", () => {
  assert.deepEqual(apart([48, 120, 590], 580), [0, 1]);
  assert.deepEqual(apart([0, 10, 20, 30, 60], 100), [0, 3, 4]);
  assert.deepEqual(apart([], 100), []);
});
