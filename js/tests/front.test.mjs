// The front page's figure: z from the prior and a sample of p(x | z), against Python.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { drawnZ, Models, numbers, sampled } from "../engine/plane.js";

const file = process.env.LVM_FRONT;
const skip = file ? false : "LVM_FRONT is not set: run pytest tests/library/test_figure_front.py";

test("front: the same z, the same coins, all numbers as in Python", { skip }, () => {
  const { carried, cases } = JSON.parse(readFileSync(file, "utf8"));
  const models = new Models(carried.nets, Buffer.from(carried.weights, "base64"));
  for (const { state, expected } of cases) {
    const { stated, image, sample } = numbers(state, models);
    assert.deepEqual(Object.keys(stated).sort(), Object.keys(expected).sort());
    for (const [key, value] of Object.entries(expected))
      if (typeof value !== "number") assert.equal(stated[key], value);
      else assert.ok(Math.abs(stated[key] - value) <= 1e-9 * Math.max(1, Math.abs(value)), `${key}: ${stated[key]}`);
    assert.deepEqual(sample, sampled(image, state.chance));
    assert.deepEqual([stated.drawn1, stated.drawn2], drawnZ(state.chance));
  }
});
