// Where a card stands beside its link, for links and cards of many sizes in windows of many. Run: node --test js/tests
import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "../page/parts/place.js";

const box = (left, top, width, height) => ({ left, top, right: left + width, bottom: top + height });

test("no card lies over its link, and one that has room lies within the window", () => {
  const room = { width: 320, top: 52, bottom: 568 };
  let whole = 0;
  for (const width of [60, 200, 308])
    for (const height of [30, 180, 260, 900])
      for (let y = 60; y < 540; y += 20)
        for (const lines of [[box(10, y, 40, 22)], [box(270, y, 50, 22), box(0, y + 26, 90, 22)]])
          for (const at of [null, { x: 15, y: y + 30 }]) {
            const { left, top, most } = place(lines, { width, height }, room, at);
            const bottom = top + Math.min(height, most);
            const over = lines.some((line) => top < line.bottom && bottom > line.top);
            assert.ok(!over, `${width} x ${height} at ${y}: ${top} to ${bottom}`);
            assert.ok(left >= 0 && left + width <= room.width, `${width} at ${left}`);
            if (top >= room.top && bottom <= room.bottom) whole += 1;
          }
  assert.ok(whole > 3 * 4 * 24 * 2 * 2 * 0.95, `${whole} of 1152 are whole`);
});

test("a card stands above its link where it fits there, else below", () => {
  const room = { width: 1280, top: 52, bottom: 800 };
  const top = (y, height) => place([box(600, y, 40, 22)], { width: 500, height }, room).top;
  assert.ok(top(400, 200) < 400);
  assert.ok(top(100, 200) > 100);
  assert.ok(top(700, 500) < 700);
});
