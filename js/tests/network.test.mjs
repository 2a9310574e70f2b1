// Networks of the engine against torch in float64 on the same rounded weights; sampling against Python.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { categorical, uniforms } from "../engine/counter.js";
import { doubles } from "../engine/doubles.js";
import { bytesOf, erf, half, network, product, sigmoid, softplus } from "../engine/network.js";

const file = process.env.LVM_GOLDEN;
const skip = file ? false : "LVM_GOLDEN is not set: run pytest tests/library/test_engine.py";
const golden = file ? JSON.parse(readFileSync(file, "utf8")).network : null;
const buffer = (base64) => Buffer.from(base64, "base64");

/** The largest difference, as a part of the largest reference value. */
function apart(found, expected) {
  assert.equal(found.length, expected.length);
  const top = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((v, i) => Math.abs(v - found[i]))) / Math.max(top, 1e-30);
}

const near = (a, b) => assert.ok(Math.abs(a - b) <= 1e-14 * Math.max(1, Math.abs(b)), `${a} against ${b}`);

test("nn: float16 bits are numbers", () => {
  const known = [
    [0x0000, 0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x0001, 2 ** -24],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
  ];
  for (const [bits, value] of known) assert.equal(half(bits), value);
  assert.ok(Object.is(half(0x8000), -0) && half(0x7c00) === Infinity && Number.isNaN(half(0x7c01)));
});

test("nn: erf, sigmoid and softplus, near, far and beyond", () => {
  const known = [
    [0.1, 0.1124629160182849],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [2.6, 0.9997639655834707],
    [3.5, 0.9999992569016276],
    [7, 1],
  ];
  for (const [x, value] of known) {
    near(erf(x), value);
    near(erf(-x), -value);
  }
  assert.equal(erf(0), 0);
  near(sigmoid(2) + sigmoid(-2), 1);
  assert.ok(sigmoid(-800) === 0 && sigmoid(800) === 1 && softplus(800) === 800 && softplus(-800) === 0);
  near(softplus(0), Math.LN2);
});

test("nn: the product of several rows is that of each row", () => {
  const value = (i) => Math.sin(3 * i + 1);
  const [rows, inputs, outputs] = [11, 7, 5];
  const x = Float64Array.from({ length: rows * inputs }, (_, i) => value(i));
  const w = Float32Array.from({ length: outputs * inputs }, (_, i) => value(i + 0.5));
  const b = Float32Array.from({ length: outputs }, (_, i) => value(i + 0.25));
  const y = product(x, w, b, rows, inputs, outputs);
  for (let r = 0; r < rows; r++)
    for (let o = 0; o < outputs; o++) {
      let sum = b[o];
      for (let i = 0; i < inputs; i++) sum += w[o * inputs + i] * x[r * inputs + i];
      near(y[r * outputs + o], sum);
    }
});

test("nn: vector instructions give the plain product, whatever is 0", () => {
  const value = (i) => Math.sin(3 * i + 1);
  for (const [rows, inputs, outputs] of [
    [4, 64, 64],
    [25, 70, 83],
    [5, 400, 784],
  ]) {
    const w = Float32Array.from({ length: outputs * inputs }, (_, i) => value(i + 0.5));
    const b = Float32Array.from({ length: outputs }, (_, i) => value(i + 0.25));
    for (const bias of [b, null])
      for (const zero of [() => false, (i) => i % inputs > 40, (i) => i % 3 > 0, () => true]) {
        const x = Float64Array.from({ length: rows * inputs }, (_, i) => (zero(i) ? 0 : value(i)));
        const fast = doubles(w, bias, inputs, outputs);
        const plain = product(x, w, bias, rows, inputs, outputs);
        assert.ok(apart(fast(x, rows), plain) < 1e-14);
        assert.deepEqual(fast(x, rows), fast(x, rows), "equal inputs, equal outputs");
        const [one, many] = [fast(x.subarray(0, 4 * inputs), 4), fast(x, rows)];
        assert.deepEqual(one, many.subarray(0, 4 * outputs), "rows do not see each other");
      }
    const wrong = Float64Array.from({ length: rows * inputs }, () => NaN);
    assert.ok(doubles(w, b, inputs, outputs)(wrong, rows).every(Number.isNaN), "nothing wrong is left out");
  }
});

test("nn: a browser without vector instructions has loops, and one that forbids them is asked once", async () => {
  const had = globalThis.WebAssembly;
  let asked = 0;
  try {
    delete globalThis.WebAssembly;
    assert.equal(doubles(new Float32Array(4), null, 2, 2), null);
    const { assembled, memoryOf } = await import("../engine/assembler.js?forbidden");
    assert.equal(memoryOf(8), null);
    globalThis.WebAssembly = {
      Memory: had.Memory,
      Module: class {
        constructor() {
          asked++;
          throw new Error("the policy forbids it");
        }
      },
    };
    for (let i = 0; i < 3; i++) assert.equal(assembled(memoryOf(8), new Uint8Array(8)), null);
    assert.equal(asked, 1);
  } finally {
    globalThis.WebAssembly = had;
  }
});

test("nn: what cannot be run says so", () => {
  assert.throws(() => network([{ kind: "lstm" }], new ArrayBuffer(0)), /unknown layer lstm/);
  assert.throws(() => network([{ kind: "activation", name: "swish" }], new ArrayBuffer(0)), /unknown activation swish/);
  const dense = [{ kind: "dense", inputs: 2, outputs: 1, weight: { type: "float16", at: 0 }, bias: 4 }];
  assert.throws(() => network(dense, new ArrayBuffer(8)).row([1, 2, 3]), /dense: 2 inputs expected, got 3/);
  assert.throws(
    () =>
      network([{ kind: "flatten" }], new ArrayBuffer(0))
        .stepper()
        .next([1]),
    /a stepper runs/,
  );
});

test("nn: a buffer may begin anywhere", () => {
  const bytes = new Uint8Array([9, 9, 9, 1, 2, 3]);
  assert.deepEqual([...bytesOf(new DataView(bytes.buffer, 3, 2))], [1, 2]);
  assert.deepEqual([...bytesOf(bytes.subarray(4))], [2, 3]);
  assert.equal(bytesOf(bytes.buffer).length, 6);
});

test("nn: categorical picks by the running sum, ties go up, the impossible never", () => {
  const even = [0, 0, 0, 0];
  assert.deepEqual(
    [0.1, 0.25, 0.5, 0.74, 0.75, 0.99].map((u) => categorical(even, u)),
    [0, 1, 2, 2, 3, 3],
  );
  assert.equal(categorical([-Infinity, 0, -Infinity], 2 ** -53), 1);
  assert.equal(categorical([-Infinity, 0, -Infinity], 1 - 2 ** -53), 1);
  assert.equal(categorical([-1e4, -1e4 + 50], 0.5), 1, "far below zero nothing underflows");
  assert.throws(() => categorical([NaN, 0], 0.5), /below infinity/);
  assert.throws(() => categorical([-Infinity], 0.5), /at least one/);
});

// ---- against Python: tests/library/test_engine.py writes the file

test("nn: every layer is torch's, in both precisions", { skip }, () => {
  assert.ok(golden.cases.length >= 60);
  for (const { name, layers, weights, x, xShape, y, yShape } of golden.cases) {
    const found = network(layers, buffer(weights)).run(Float64Array.from(x), xShape);
    assert.deepEqual(found.shape, yShape, name);
    const off = apart(found.data, y);
    assert.ok(off < 1e-12, `${name}: ${off} of the largest value`);
  }
});

test("nn: a stepper with kept keys and values says what the whole sequence says, and a step back is exact", {
  skip,
}, () => {
  const {
    layers,
    weights,
    x,
    xShape: [n, places],
    y,
    yShape,
  } = golden.cases.find(({ name }) => name === "transformer, int8");
  const net = network(layers, buffer(weights));
  const width = yShape[2];
  for (let i = 0; i < n; i++) {
    const stepper = net.stepper();
    for (let t = 0; t < places; t++) {
      if (t === 2) {
        // two steps aside, then back
        stepper.next([4]);
        stepper.next([8]);
        stepper.back(2);
      }
      assert.equal(stepper.place, t);
      const row = i * places + t;
      assert.ok(apart(stepper.next([x[row]]), y.slice(row * width, (row + 1) * width)) < 1e-12);
    }
  }
});

test("nn: a future token changes no past output", { skip }, () => {
  const { layers, weights, yShape } = golden.cases.find(({ name }) => name === "transformer, float16");
  const net = network(layers, buffer(weights));
  const [one, other] = [
    [10, 3, 0, 7],
    [10, 3, 5, 1],
  ].map((tokens) => net.run(tokens, [1, 4]).data);
  const width = yShape[2];
  assert.deepEqual(one.slice(0, 2 * width), other.slice(0, 2 * width));
  assert.notDeepEqual(one.slice(2 * width), other.slice(2 * width));
});

test("nn: a uniform picks the category that it picks in Python", { skip }, () => {
  assert.ok(golden.draws.length >= 160);
  for (const { logits, u, k } of golden.draws) {
    assert.equal(
      categorical(
        logits.map((v) => v ?? -Infinity),
        u,
      ),
      k,
    );
  }
});

test("nn: equal seeds give equal samples in Python and in the page", { skip }, () => {
  const { layers, weights, sharpness, sequences } = golden.samples;
  const net = network(layers, buffer(weights));
  assert.ok(new Set(sequences.map(({ tokens }) => tokens.join())).size === sequences.length, "seeds differ");
  for (const { seed, tokens } of sequences) {
    const stepper = net.stepper();
    const found = [tokens[0]];
    for (let t = 0; t < tokens.length - 1; t++) {
      const logits = stepper.next([found[t]]).map((v) => sharpness * v);
      found.push(categorical(logits, uniforms(seed, t)[0]));
    }
    assert.deepEqual(found, tokens);
  }
});
