// The figure of EM: what never falls, what closes, the toy's closed forms, and its twin in Python.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { uniforms } from "../engine/counter.js";
import { eStep, FLOOR, MOST, MOVES, mStep, numbers, placed, run, start, terms, X, Y } from "../engine/em.js";
import * as toy from "../engine/landscape.js";
import { codecs } from "../figures/em.js";
import { figureState } from "./reach.mjs";

const START = figureState("em", { codecs: codecs({}) }).start;
const close = (a, b, tolerance, message = "") => {
  assert.ok(Math.abs(a - b) <= tolerance, `${message} ${a} against ${b}`);
};
const cloud = (n, seed) =>
  Array.from({ length: n }, (_, i) => {
    const [u, v] = uniforms(seed, i, 77);
    return placed([8 * u - 4, (i % 2 ? 2 : -2) + 2 * v - 1]);
  });
const state = (values) => ({ ...START, points: cloud(40, 1), ...values });

test("EM: F never falls, the evidence never falls, E closes the gap, evidence = F + gap", () => {
  for (const n of [1, 2, 7, 40, MOST])
    for (const k of [1, 2, 5])
      for (const seed of [1, 2, 3]) {
        const { stated, states } = numbers(state({ points: cloud(n, seed), k, seed, moves: "EM".repeat(30) }));
        const size = 1e-9 * Math.max(1, Math.abs(stated.evidence));
        assert.ok(stated.least_rise > -size && stated.least_evidence > -size, `${n} ${k} ${seed}`);
        assert.ok(stated.gap_after_e < 1e-9 && stated.toy_off_diagonal === 0 && stated.toy_least_rise > -1e-12);
        for (const { f, gap, evidence } of states) {
          close(f + gap, evidence, size);
          assert.ok(gap > -1e-10);
        }
      }
});

test("EM: no q is better than the E-step's, no nearby mixture better than the M-step's", () => {
  const points = cloud(30, 4);
  const components = start({ points, k: 3, seed: 2 });
  const q = eStep(points, components);
  const top = terms(points, q, components).f;
  for (const shift of [0.01, 0.2]) {
    const other = q.map((r, i) => (1 - shift) * r + shift * (i % 3 === 0));
    assert.ok(terms(points, other, components).f < top);
  }
  const better = mStep(points, q, components);
  const best = terms(points, q, better).f;
  assert.ok(best > top);
  for (const key of ["x", "y", "major", "minor"])
    for (const by of [-0.02, 0.02]) {
      const changed = better.map((c, j) => (j === 1 ? { ...c, [key]: c[key] + by } : c));
      assert.ok(terms(points, q, changed).f < best, key);
    }
});

test("EM: coinciding points, few points and none stay finite; the floor holds and is counted", () => {
  for (const points of [[], [[1, 1]], new Array(MOST).fill([0.5, -0.5]), cloud(8, 3).map(([x]) => [x, 0])]) {
    const { stated, states } = numbers(state({ points, k: 4, moves: "EM".repeat(30) }));
    for (const value of Object.values(stated)) if (typeof value === "number") assert.ok(Number.isFinite(value));
    for (const c of states.at(-1).components) assert.ok(c.minor >= FLOOR && c.major >= c.minor);
    if (points.length) assert.ok(stated.at_floor > 0);
  }
});

test("EM: Back is exact, and what is kept of a run is what a fresh run finds", () => {
  const points = cloud(25, 9);
  const long = run(state({ points, moves: "EMEMEM" }));
  const short = run(state({ points, moves: "EME" }));
  assert.deepEqual(short.at(-1), long[3]);
  const fresh = run(state({ points: points.map((p) => [...p]), moves: "EME" }));
  assert.deepEqual(short, fresh);
  assert.deepEqual(
    run(state({ points, moves: "EMM" })).map((s) => s.move),
    ["", "E", "M", "M"],
  );
});

test("EM: the toy's F, evidence and gap, its steps and its levels", () => {
  for (const q of [-2.5, -0.3, 0, 1.1, 3])
    for (const theta of [-1.7, 0, 0.4, 2.2]) {
      close(toy.bound(q, theta) + toy.gap(q, theta), toy.evidence(theta), 1e-11);
      assert.ok(
        toy.bound(q, toy.mStep(q)) >= toy.bound(q, theta) && toy.bound(theta, theta) >= toy.bound(q, theta) - 1e-12,
      );
      close(toy.bound(theta, theta), toy.evidence(theta), 1e-11, "the diagonal");
      const level = toy.bound(q, toy.mStep(q)) - 3;
      close(toy.bound(q, toy.mStep(q) + toy.halfWidth(q, level)), level, 1e-10, "a level");
    }
});

test("EM: the gradient path follows the slopes and, with small steps, climbs", () => {
  const path = toy.gradientPath({ start_q: -1.6, start_theta: 0.5, moves: "E", rate: 0.1 });
  const [h, n] = [1e-5, toy.X.length];
  const slope = (dq, dt) => (toy.bound(-1.6 + dq, 0.5 + dt) - toy.bound(-1.6 - dq, 0.5 - dt)) / (2 * h);
  close(path[1].q, -1.6 + (0.1 / n) * slope(h, 0), 1e-8);
  close(path[1].theta, 0.5 + (0.1 / n) * slope(0, h), 1e-8);
  const long = toy.gradientPath({ start_q: -1.6, start_theta: 0.5, moves: "EM".repeat(30), rate: 0.2 });
  for (let i = 1; i < long.length; i++) assert.ok(long[i].f > long[i - 1].f - 1e-12);
});

// ---- against Python: tests/library/test_engine.py writes the file and names it in LVM_GOLDEN
const file = process.env.LVM_GOLDEN;
const skip = file ? false : "LVM_GOLDEN is not set: run pytest tests/library/test_engine.py";
const golden = file ? JSON.parse(readFileSync(file, "utf8")).em : null;

test("EM: bounds and the toy's points are Python's", { skip }, () => {
  assert.deepEqual({ x: X, y: Y, most: MOST, moves: MOVES }, golden.bounds);
  assert.deepEqual(toy.X, golden.toy);
});

const WHOLE = /^(n|k|seed|at_floor|empty)$/;

test("EM: all numbers of a state", { skip }, () => {
  assert.ok(golden.states.length >= 20);
  for (const { state: given, expected } of golden.states) {
    const { stated } = numbers(given);
    for (const [key, value] of Object.entries(expected)) {
      const what = `${key} of ${JSON.stringify({ ...given, points: given.points.length })}`;
      if (typeof value !== "number" || WHOLE.test(key)) assert.deepEqual(stated[key], value, what);
      else close(stated[key], value, 1e-7 * Math.max(1, Math.abs(value)), what);
    }
  }
});
