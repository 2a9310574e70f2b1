// Codes in a plane: each image a numeral of its class, each class in a hue of its own.

import assert from "node:assert/strict";
import { test } from "node:test";
import { HUES, numerals } from "../kit/hues.js";

class Fake {
  constructor(name, given, kids) {
    Object.assign(this, { name, given: { ...given }, kids });
  }
  getAttribute(key) {
    return this.given[key];
  }
  setAttribute(key, value) {
    this.given[key] = value;
  }
}
const s = (name, given, ...kids) => new Fake(name, given, kids);

test("every image keeps its numeral and its place, and no two classes share a hue", () => {
  const labels = [3, 0, 3, 9, 0, 3];
  const { node, put } = numerals(s, labels);
  put(
    (i) => 10 * i,
    (i) => -i,
  );
  const texts = Object.fromEntries(node.kids.map(({ kids, given }) => [kids.join(""), given]));
  assert.deepEqual(Object.keys(texts).sort(), ["00", "333", "9"]);
  assert.deepEqual([texts["333"].x, texts["333"].y], ["0 20 50", "0 -2 -5"]);
  assert.equal(new Set(node.kids.map(({ given }) => given.style)).size, 3);
  assert.equal(texts["00"].style, `fill:${HUES[0]}`);
  assert.equal(new Set(HUES).size, 10);
});
