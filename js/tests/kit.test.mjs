// The parts of the kit that need no page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { remembered } from "../engine/remembered.js";
import { area, hatch, held, path, plate, scale, ticks } from "../kit/axes.js";
import { beside, shared } from "../kit/beside.js";
import { fixed, tolerance } from "../kit/format.js";
import { atMost, atRest, perFrame } from "../kit/frame.js";
import { keyed } from "../kit/handles.js";
import { merged, numeric, parse } from "../kit/link.js";

test("a scale and its inverse", () => {
  const map = scale([-4, 4], [30, 710]);
  assert.equal(map(-4), 30);
  assert.equal(map(4), 710);
  for (const v of [-3.3, 0, 1.7]) assert.ok(Math.abs(map.inverse(map(v)) - v) < 1e-12);
});

test("ticks are round, inside, and have a plain zero", () => {
  assert.deepEqual(ticks(-10, 0, 5), [-10, -8, -6, -4, -2, 0]);
  assert.deepEqual(ticks(-4, 4, 8), [-4, -3, -2, -1, 0, 1, 2, 3, 4]);
  assert.deepEqual(ticks(0, 1, 2), [0, 0.5, 1]);
  assert.deepEqual(ticks(-0.1, 0.35, 4), [0, 0.2]);
  assert.ok(ticks(-1, 1, 4).every((t) => !Object.is(t, -0)));
});

test("paths", () => {
  assert.equal(path([0, 1], [2, 3.25]), "M0 2L1 3.3");
  assert.equal(area([0, 1], [2, 3], 5), "M0 2L1 3L1 5L0 5Z");
  assert.equal(area([0, 1, 2], [2, 3, 4], 5), "M0 2L1 3L2 4L2 5L0 5Z");
  assert.equal(area([0, 1], [2, 3], [5, 6]), "M0 2L1 3L1 6L0 5Z");
  assert.equal(path([0, 1, 2, 3, 4, 5], [7, 2, 2.01, 1.99, 2, 3]), "M0 7L1 2L4 2L5 3"); // level: the ends are enough
  assert.equal(path([0, 2, 1, 3], [2, 2, 2, 2]), "M0 2L2 2L1 2L3 2"); // but not where it turns back
  assert.match(hatch(20, 10), /^M-10 10L0 0M/);
  assert.equal(held(5, "1234567890", 0, 100), 35);
  assert.equal(held(99, "1234567890", 0, 100), 65);
});

test("a plate lies behind its label, whatever end the label begins at", () => {
  for (const [anchor, middle] of [
    ["start", 50 + 0.31 * 12],
    ["middle", 50],
    ["end", 50 - 0.31 * 12],
  ]) {
    const [x, y, width, height] = plate({ x: 50, y: 40, anchor }, "2");
    assert.ok(Math.abs(x + width / 2 - middle) < 0.1, anchor);
    assert.ok(width > 0.62 * 12 && y < 40 - 0.73 * 12 && y + height > 40, anchor);
  }
});

test("numbers have a true minus and no negative zero", () => {
  assert.equal(fixed(-1.0906), "−1.091");
  assert.equal(fixed(-1e-9), "0.000");
  assert.equal(fixed(2.5, 1), "2.5");
  assert.equal(fixed(NaN), "–");
  assert.equal(tolerance(3e-12), "1e−11");
  assert.equal(tolerance(0), "1e−15");
  assert.equal(tolerance(1e-15), "1e−15");
});

test("keys: arrows a tenth, shift a half, Home goes home, ends hold, the rest is left alone", () => {
  const range = { low: -1, high: 1, home: 0.25 };
  const key = (name, extra = {}) => keyed({ key: name, ...extra }, 0.4, range);
  assert.equal(key("ArrowRight"), 0.5);
  assert.equal(key("ArrowDown"), 0.3);
  assert.equal(key("ArrowUp", { shiftKey: true }), 0.9);
  assert.equal(keyed({ key: "ArrowUp", shiftKey: true }, 0.9, range), 1);
  assert.equal(key("Home"), 0.25);
  assert.equal(key("Tab"), null);
  assert.equal(key("ArrowRight", { altKey: true }), null);
});

test("links: what is written is read, strangers are kept, nonsense is ignored", () => {
  const hash = merged("", "elbo", { x: "0.5", k: "g" });
  assert.equal(hash, "#elbo:x=0.5;k=g");
  assert.deepEqual(parse(hash, "elbo"), { x: "0.5", k: "g" });
  assert.equal(parse(hash, "elbo2"), null);
  const both = merged(merged(hash, "kl", { m: "-1" }), "elbo", { x: "2" });
  assert.deepEqual(parse(both, "kl"), { m: "-1" });
  assert.deepEqual(parse(both, "elbo"), { x: "2" });
  assert.equal(merged("#a-section", "elbo", { x: "1" }), "#elbo:x=1");
  assert.equal(parse("#a-section", "elbo"), null);
  assert.deepEqual(parse("#elbo:;=3;x;%E0%A4%A=1;y=2", "elbo"), { "%E0%A4%A": "1", y: "2" });
  assert.equal(parse(undefined, "elbo"), null);
  assert.equal(numeric("-1.5e-2"), -0.015);
  const nonsense = ["", "banana", "1/2", "Infinity", "NaN", "0x10", "1e999", undefined, " 1"];
  for (const bad of nonsense) assert.equal(numeric(bad), undefined);
});

test("many requests, one draw in a frame", () => {
  const frames = [];
  const view = { requestAnimationFrame: (f) => frames.push(f), cancelAnimationFrame: () => frames.pop() };
  let draws = 0;
  const request = perFrame(view, () => draws++);
  for (let i = 0; i < 50; i++) request();
  assert.equal(frames.length, 1);
  frames.pop()();
  assert.equal(draws, 1);
  request();
  request.cancel();
  assert.equal(frames.length, 0);
});

test("at rest: once after the last call; at most: once in the time, and never forgotten", async () => {
  const view = { setTimeout, clearTimeout, performance };
  let rested = 0;
  let sent = 0;
  const rest = atRest(view, 30, () => rested++);
  const send = atMost(view, 20, () => sent++);
  for (let i = 0; i < 5; i++) {
    rest();
    send();
  }
  assert.equal(rested + sent, 0);
  await new Promise((done) => setTimeout(done, 120));
  assert.deepEqual([rested, sent], [1, 1]);
});

test("at rest: a call moves the time and starts no timer anew", () => {
  let clock = 0;
  const timers = [];
  const view = {
    performance: { now: () => clock },
    clearTimeout: () => timers.pop(),
    setTimeout: (act, ms) => timers.push({ act, at: clock + ms }),
  };
  let rested = 0;
  const rest = atRest(view, 400, () => rested++);
  const wake = () => {
    const { act, at } = timers.pop();
    clock = at;
    act();
  };
  rest();
  for (clock = 16; clock < 300; clock += 16) rest();
  const asked = clock - 16;
  assert.equal(timers.length, 1);
  wake();
  assert.deepEqual([rested, timers.length], [0, 1]);
  wake();
  assert.deepEqual([rested, timers.length, clock], [1, 0, asked + 400]);
  rest();
  rest.cancel();
  rest();
  assert.equal(timers.length, 1);
});

test("an answer is kept for the same question, and for that alone", () => {
  let asked = 0;
  const f = remembered((state, by) => {
    asked += 1;
    return state.x * by;
  });
  const state = { x: 3 };
  assert.deepEqual([f(state, 2), f(state, 2), asked], [6, 6, 1]);
  assert.deepEqual([f({ x: 3 }, 2), asked, f(state, 5), asked], [6, 2, 15, 3]);
});

test("a name stands beside its mark, inside, and steps aside for what is there", () => {
  const within = [0, 0, 300, 200];
  const mark = (x, y) => [x - 6, y - 6, 12, 12];
  const size = [44, 15];
  assert.deepEqual(beside([150, 100], size, within, [mark(150, 100)]), [98, 81, 44, 15]);
  for (const [x, y] of [
    [2, 2],
    [299, 1],
    [0, 199],
    [150, 100],
    [298, 198],
  ]) {
    const taken = [mark(x, y)];
    const [left, top, wide, tall] = beside([x, y], size, within, taken);
    assert.ok(left >= 0 && top >= 0 && left + wide <= 300 && top + tall <= 200);
    for (let k = 0; k < 2; k++) {
      const box = beside([x, y], size, within, taken); // each finds a place of its own
      assert.ok(
        taken.every((other) => shared(box, other) === 0),
        `${x}, ${y}: name ${k}`,
      );
      taken.push(box);
    }
  }
});
