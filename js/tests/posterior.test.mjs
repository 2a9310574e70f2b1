// The true posterior on a grid and the refinement of q: identities, and the twin in Python.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readImage } from "../engine/drawing.js";
import { contour, finer, gridOf, imagesOf, klOf, MOST, modelOf, numbers, posterior } from "../engine/posterior.js";
import { patience, sliced } from "../kit/slices.js";
import { bytes, close, goldenOf, run, skip } from "./golden.mjs";

const golden = goldenOf("posterior");

const found =
  golden &&
  (() => {
    const vae = modelOf(golden.nets, bytes(golden.weights));
    return imagesOf(bytes(golden.images)).map((x, k) => run(posterior(vae, x, golden.grids[k])));
  })();

test("posterior: all numbers of a state in Python", { skip }, () => {
  for (const { digit, drawn, step, expected } of golden.states) {
    const n = numbers({ digit, drawn, step }, found[digit]);
    for (const [key, value] of Object.entries(expected)) {
      if (typeof value === "number") close(n[key], value, 1e-8, `${key} of ${digit}, ${step}`);
      else assert.equal(n[key], value);
    }
  }
});

test("posterior: a drawn image gets the grid that Python finds for it, and the numbers", { skip }, () => {
  assert.equal(MOST, golden.most);
  assert.ok(golden.drawn.length >= 4);
  const vae = modelOf(golden.nets, bytes(golden.weights));
  for (const { state, box, expected } of golden.drawn) {
    const x = Float64Array.from(readImage(state.drawn));
    run(gridOf(vae, x)).forEach((v, i) => (i % 3 === 2 ? assert.equal(v, box[i]) : close(v, box[i], 1e-9)));
    const p = run(posterior(vae, x));
    const n = numbers(state, p);
    for (const [key, value] of Object.entries(expected)) {
      if (typeof value === "number") close(n[key], value, 1e-8, key);
      else assert.equal(n[key], value);
    }
    assert.ok(n.spacing < 0.5 && n.evidence >= n.best && n.best >= n.refined - 1e-9 && n.refined >= n.amortised);
    assert.ok(
      2 * Math.max(p.lines[0].step / p.std[0], p.lines[1].step / p.std[1]) < 1,
      "under half the posterior's width",
    );
  }
});

test("posterior: what no grid resolves is said", () => {
  const sharp = {
    encoder: { row: () => [3, 3, 0, 0] },
    decoder: {
      run: (z, [rows]) => {
        const data = new Float64Array(784 * rows);
        // log p(x | z) falls steeply from z = 0
        for (let r = 0; r < rows; r++) data[784 * r] = -4e6 * Math.hypot(z[2 * r], z[2 * r + 1]);
        return { data };
      },
    },
  };
  const x = new Float64Array(784);
  x[0] = 1;
  assert.throws(
    () => run(gridOf(sharp, x)),
    (error) => error.unresolved === true,
  );
});

test("posterior: log p(x) >= best >= refined >= encoder's ELBO, and the gap is a KL", { skip }, () => {
  for (const p of found) {
    assert.ok(p.path.length > 2);
    for (let step = 0; step < p.path.length; step++) {
      const n = numbers({ digit: 0, step }, p);
      assert.ok(
        n.evidence >= n.best && n.best >= n.refined - 1e-12 && n.refined >= n.before && n.before >= n.amortised,
      );
      close(n.refined + n.kl, n.evidence, 1e-11);
    }
    assert.ok(klOf(p, { mean: [9, 9], logStd: [0, 0] }) > 1, "a q elsewhere is far away");
    assert.ok(p.spacing <= 0.5 && Math.abs(p.halving) < 0.05);
  }
});

test("posterior: a contour of a cone is a circle", () => {
  const points = Array.from({ length: 41 }, (_, i) => -2 + i * 0.1);
  const on = { lines: [{ points }, { points }], m1: 41, m2: 41 };
  const values = points.flatMap((x) => points.map((y) => -Math.hypot(x, y)));
  const segments = contour(on, values, -1.03);
  const length = segments.reduce((sum, [a, b, c, d]) => sum + Math.hypot(c - a, d - b), 0);
  close(length, 2 * Math.PI * 1.03, 0.01);
  for (const [x, y] of segments) close(Math.hypot(x, y), 1.03, 0.01);
});

test("posterior: on a coarse grid a finer one keeps the grid's values and makes a Gaussian's contour round", () => {
  const points = Float64Array.from({ length: 16 }, (_, i) => -3 + i * 0.4);
  const on = { lines: [{ points }, { points }], m1: 16, m2: 16 };
  const logs = Float64Array.from([...points].flatMap((x) => [...points].map((y) => -x * x - y ** 2 - 0.05 * x ** 3)));
  const fine = finer(on, logs, 5);
  assert.equal(fine.on.m1, 76);
  for (let i = 0; i < 16; i++)
    for (let j = 0; j < 16; j++) close(fine.values[5 * i * 76 + 5 * j], logs[16 * i + j], 1e-12);
  const segments = contour(fine.on, fine.values, -2);
  assert.ok(segments.length > 60);
  for (const [x, y] of segments) close(-x * x - y ** 2 - 0.05 * x ** 3, -2, 0.02);
});

test("slices: work stands still while another figure is in hand, and steps aside while its reader waits for it", () => {
  const held = [];
  const [own, other] = [0, 1].map(() => ({ ownerDocument: { getElementsByClassName: () => held } }));
  assert.equal(patience(own, true), 0);
  held.push(own);
  assert.ok(patience(own, true) > 0 && patience(own, true) < 20, "a frame between two pieces");
  assert.ok(patience(own, false) >= 100 && patience(other, true) >= 100);
});

test("slices: the work is done in pieces, can be given up, and a failure is told", async () => {
  let clock = 0;
  const view = { performance: { now: () => clock }, setTimeout: (act) => setTimeout(act, 0), clearTimeout };
  function* work(n) {
    for (let i = 1; i <= n; i++) {
      clock += 1;
      yield i / n;
    }
    return "done";
  }
  const told = [];
  const value = await new Promise((done) => {
    sliced(view, work(20), { done, progress: (part) => told.push(part), ms: 4 });
  });
  assert.equal(value, "done");
  assert.deepEqual(told, [0.2, 0.4, 0.6, 0.8, 1]);
  const error = await new Promise((failed) => {
    sliced(
      view,
      (function* fail() {
        yield 0;
        throw new Error("no");
      })(),
      { failed, done() {} },
    );
  });
  assert.equal(error.message, "no");
  let waits = 3;
  await new Promise((done) => {
    sliced(view, work(2), { done, rest: () => (waits-- > 0 ? 100 : 0) });
  });
  assert.ok(waits < 0, "the work waits while the page is busy, and is done after that");
  const pauses = [];
  const slow = { ...view, setTimeout: (act, ms) => pauses.push(ms) && setTimeout(act, 0) };
  await new Promise((done) => {
    sliced(slow, work(2), { done, rest: () => 16, ms: 9 });
  });
  assert.deepEqual(pauses, [32, 16, 16], "work that the next move gives up is not begun");
  let ended = false;
  sliced(view, work(3), {
    done: () => {
      ended = true;
    },
  })();
  await new Promise((done) => {
    setTimeout(done, 20);
  });
  assert.equal(ended, false);
});
