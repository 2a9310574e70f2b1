// Play, Step and Back without a page: buttons and a clock that the test turns. Run: node --test js/tests
import assert from "node:assert/strict";
import { test } from "node:test";
import { player } from "../kit/player.js";

/** A walk from 0 to 3, its buttons, and `wait()` for one pace. */
function walk({ reduced = false, rewinds = true, ready = () => true } = {}) {
  const at = { place: 0, seen: [0] };
  let tick = null;
  const view = {
    setInterval: (act) => {
      tick = act;
      return 1;
    },
    clearInterval: () => {
      tick = null;
    },
    matchMedia: () => ({ matches: reduced }),
  };
  const h = (_tag, _attributes, text) => ({
    textContent: text,
    disabled: false,
    addEventListener(_type, act) {
      this.click = act;
    },
  });
  const go = (place) => {
    at.place = Math.min(Math.max(place, 0), 3);
    at.seen.push(at.place);
  };
  const undo = [];
  const run = player(
    { view, h, onCleanup: (act) => undo.push(act) },
    {
      pace: 100,
      by: (n) => go(at.place + n),
      ended: () => at.place >= 3,
      ready,
      ...(rewinds && { rewind: () => go(0) }),
    },
  );
  return { at, run, undo, wait: () => tick?.(), runs: () => tick !== null };
}

test("player: it walks to the end, stops there, and begins anew where it began", () => {
  const { at, run, wait, runs } = walk();
  run.play.click();
  assert.equal(run.play.textContent, "Pause");
  for (let i = 0; i < 5; i++) wait();
  assert.deepEqual(at.seen, [0, 1, 2, 3]);
  assert.ok(!runs() && run.play.textContent === "Play");
  run.play.click();
  assert.deepEqual(at.seen.slice(4), [0], "the beginning is seen for a whole pace");
  wait();
  assert.equal(at.place, 1);
});

test("player: a step, a press on Pause, an act that halts and the figure's end all stop it", () => {
  for (const stop of [
    ({ run }) => run.step.click(),
    ({ run }) => run.back.click(),
    ({ run }) => run.play.click(),
    ({ run }) => run.halting(() => {})(),
    ({ undo }) => {
      for (const act of undo) act();
    },
  ]) {
    const walked = walk();
    walked.run.play.click();
    assert.ok(walked.runs());
    stop(walked);
    assert.ok(!walked.runs() && walked.run.play.textContent === "Play");
  }
});

test("player: with less motion each press is one step", () => {
  const { at, run, runs } = walk({ reduced: true });
  run.play.click();
  run.play.click();
  assert.ok(at.place === 2 && !runs());
});

test("player: it waits for what is not ready", () => {
  let known = false;
  const { at, run, wait } = walk({ ready: () => known });
  run.play.click();
  wait();
  assert.equal(at.place, 0);
  known = true;
  wait();
  assert.equal(at.place, 1);
});

test("player: Play is off at an end from which it cannot begin anew, but never while it plays", () => {
  const { run } = walk({ rewinds: false });
  run.enable(true, false);
  assert.deepEqual([run.back.disabled, run.step.disabled, run.play.disabled], [true, false, false]);
  run.enable(false, true);
  assert.deepEqual([run.back.disabled, run.step.disabled, run.play.disabled], [false, true, true]);
  const other = walk();
  other.run.enable(false, true);
  assert.equal(other.run.play.disabled, false);
});
