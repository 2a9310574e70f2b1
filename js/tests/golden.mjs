// What the tests of the heavy figures share: Python's numbers, and how two are compared.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const file = process.env.LVM_GOLDEN;

/** Why a test that needs Python's numbers is left out, or false. */
export const skip = file ? false : "LVM_GOLDEN is not set: run pytest tests/library/test_engine.py";

/** Python's numbers of a figure, or null. */
export const goldenOf = (name) => (file ? JSON.parse(readFileSync(file, "utf8"))[name] : null);

export const close = (a, b, tolerance, message = "") => {
  assert.ok(Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b)), `${message} ${a} against ${b}`);
};

export const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64"));

/** What work in slices comes to. */
export const run = (work) => {
  let step;
  do step = work.next();
  while (!step.done);
  return step.value;
};
