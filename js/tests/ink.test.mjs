// Images are black ink of some opacity: the paper behind them is the style sheet's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { imageOf } from "../figures/drawing/ink.js";

const context = {
  createImageData: (width, height) => ({ width, height, data: new Uint8ClampedArray(4 * width * height) }),
};

test("0 is the paper alone, 1 is full ink, what lies beyond is clipped, and no pixel has a colour", () => {
  const { width, height, data } = imageOf(context, [0, 1, 0.5, -1, 2, 0.25, 1, 0, 0], 3);
  assert.deepEqual([width, height], [3, 3]);
  const ink = Array.from({ length: 9 }, (_, i) => data[4 * i + 3]);
  assert.deepEqual(ink, [0, 255, 128, 0, 255, 64, 255, 0, 0]);
  assert.ok(data.every((value, at) => at % 4 === 3 || value === 0));
});
