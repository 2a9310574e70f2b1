// The figure that sends a digit by way of tokens: every number is Python's, and the same bytes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { message, received, sender } from "../engine/sendtokens.js";

const file = process.env.LVM_GOLDEN;
const skip = file ? false : "LVM_GOLDEN is not set: run pytest tests/library/test_engine.py";
const golden = file ? JSON.parse(readFileSync(file, "utf8")).sendtokens : null;
const bytes = (text, form = "base64") => Uint8Array.from(Buffer.from(text, /** @type {any} */ (form)));
const own =
  golden &&
  sender({
    ...golden,
    weights: bytes(golden.weights),
    counted: bytes(golden.counted),
    pixels: bytes(golden.pixels),
  });

test("sendtokens: all numbers of a state in Python, and its bytes", { skip }, () => {
  for (const expected of golden.states) {
    const found = message(own, expected).numbers;
    for (const [key, value] of Object.entries(expected)) {
      if (["digit", "prior", "place", "rank", "opened"].includes(key)) continue;
      if (typeof value === "number")
        assert.ok(Math.abs(found[key] - value) <= 1e-8 * Math.max(1, Math.abs(value)), `${key} ${found[key]} ${value}`);
      else assert.equal(found[key], value, key);
    }
  }
});

test("sendtokens: a receiver needs the bytes and the prior alone, and nothing is left over", { skip }, () => {
  for (const { bytes: written, prior, digit, tokens } of golden.states) {
    const read = received(own, prior, bytes(written, "hex"));
    assert.deepEqual(read.x, own.images[digit]);
    assert.equal(read.tokens.join(","), tokens);
    assert.equal(read.left, 0);
    assert.throws(() => received(own, prior, bytes(written, "hex").slice(0, 12)), /empty/);
  }
});
