// The figure that sends a digit: every number is Python's, whatever the state.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { message, received, sender, summary } from "../engine/send.js";

const file = process.env.LVM_GOLDEN;
const skip = file ? false : "LVM_GOLDEN is not set: run pytest tests/library/test_engine.py";
const golden = file ? JSON.parse(readFileSync(file, "utf8")) : null;
const own =
  golden &&
  sender(
    golden.ans.nets,
    Uint8Array.from(Buffer.from(golden.ans.weights, "base64")),
    Uint8Array.from(golden.send.images),
    golden.send.files,
  );
const run = (work) => {
  let step;
  do step = work.next();
  while (!step.done);
  return step.value;
};

test("send: all numbers of a state in Python", { skip }, () => {
  for (const expected of golden.send.states) {
    const found = { ...message(own, expected).numbers, ...run(summary(own, expected)) };
    for (const [key, value] of Object.entries(expected)) {
      if (["digit", "width", "bits", "seed", "opened"].includes(key)) continue;
      if (typeof value === "number")
        assert.ok(Math.abs(found[key] - value) <= 1e-8 * Math.max(1, Math.abs(value)), `${key} ${found[key]} ${value}`);
      else assert.equal(found[key], value, key);
    }
  }
});

test("send: a receiver needs the bytes, the bins and the width alone", { skip }, () => {
  for (const expected of golden.send.states) {
    const { x } = received(own, expected, Uint8Array.from(Buffer.from(expected.bytes, "hex")));
    assert.deepEqual(x, own.images[expected.digit]);
  }
});
