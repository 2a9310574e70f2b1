// Training in the page: products of both kinds, gradients and twenty steps of torch, equal seeds, a run that explodes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { readImage } from "../engine/drawing.js";
import { half } from "../engine/network.js";
import { inJavaScript, products } from "../engine/products.js";
import { run } from "../engine/run.js";
import { numbers, orderOf, PIXELS, RanAway, startOf, termsOf, trainer } from "../engine/trainer.js";

const file = process.env.LVM_GOLDEN;
const skip = file ? false : "LVM_GOLDEN is not set: run pytest tests/library/test_engine.py";
const golden = file ? JSON.parse(readFileSync(file, "utf8")).trainer : { cases: [] };
const { cases } = golden;
const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64"));
const floats = (text) => new Float32Array(bytes(text).buffer);
const furthest = (a, b) => a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0);
const largest = (a) => a.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
const grey = Uint8Array.from({ length: 60 * PIXELS }, (_, i) => (i * 7919) % 521).map((v) => (v > 255 ? 0 : v));

test("trainer: both kinds of product agree with sums written out", () => {
  for (const plain of [false, true])
    for (const across of [false, true]) {
      const [m, k, n] = [12, 21, 24];
      const { floats: on, multiply, kind } = products({ odd: 5, a: m * k, b: k * n, c: m * n }, { plain });
      assert.equal(kind, plain ? "JavaScript" : "WebAssembly");
      for (let i = 0; i < on.a.length; i++) on.a[i] = Math.sin(i);
      for (let i = 0; i < on.b.length; i++) on.b[i] = Math.cos(3 * i);
      on.c.fill(NaN); // what stood there before does not count
      multiply(on.c, on.a, on.b, m, k, n, across);
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let p = 0; p < k; p++) sum += on.a[across ? p * m + i : i * k + p] * on.b[p * n + j];
          assert.ok(Math.abs(on.c[i * n + j] - sum) < 1e-5);
        }
      assert.ok(on.odd.every((v) => v === 0));
    }
  assert.equal(inJavaScript.length, 6);
});

test("trainer: the gradient is torch's, to 1e-5 of the largest", { skip }, () => {
  for (const one of cases)
    for (const plain of [false, true]) {
      const net = trainer({ ...one, batch: one.rows, plain });
      net.begin(floats(one.weights));
      net.fill(floats(one.x), floats(one.eps));
      net.gradient(one.beta);
      const expected = new Float64Array(bytes(one.slopes).buffer);
      assert.equal(net.count, expected.length);
      assert.ok(furthest(net.slopes(), expected) < 1e-5 * largest(expected));
    }
});

test("trainer: start, batches and noise are Python's, and twenty steps are torch's to 1e-3", { skip }, () => {
  for (const one of cases) {
    const start = startOf(one.seed, one.latents, one.start, one.hidden);
    assert.ok(furthest(start, floats(one.weights)) < 1e-7);
    const net = trainer({ ...one, batch: one.rows });
    net.begin(start);
    for (const expected of one.losses) {
      net.draw(bytes(one.images), one.seed);
      const { loss } = net.step(one.beta, one.rate);
      assert.ok(Math.abs(loss - expected) < 1e-3 * Math.abs(expected), `${loss} ${expected}`);
    }
    const [own, torch] = [net.weights(), floats(one.trained)];
    const apart = Math.sqrt(own.reduce((sum, v, i) => sum + (v - torch[i]) ** 2, 0));
    assert.ok(apart < 1e-3 * Math.sqrt(torch.reduce((sum, v) => sum + v * v, 0)), `${apart}`);
  }
});

test("trainer: one seed gives one run, going back gives the same steps again, another seed does not", () => {
  const run = (seed) => {
    const net = trainer({ latents: 2, hidden: [16, 8], batch: 20 });
    net.begin(startOf(seed, 2, "speaking", [16, 8]));
    const seen = [];
    let middle = null;
    for (let i = 0; i < 8; i++) {
      if (i === 4) middle = net.state();
      net.draw(grey, seed);
      seen.push(net.step(1, 1e-2).loss);
    }
    const end = net.weights();
    net.restore(middle);
    for (let i = 4; i < 8; i++) {
      net.draw(grey, seed);
      assert.equal(net.step(1, 1e-2).loss, seen[i]);
    }
    assert.deepEqual(net.weights(), end);
    return seen;
  };
  assert.deepEqual(run(1), run(1));
  assert.notDeepEqual(run(1), run(2));
});

test("trainer: an epoch meets every image once, in another order than the last", () => {
  const [first, second] = [orderOf(1, 0, 60), orderOf(1, 1, 60)];
  assert.deepEqual(
    [...first].sort((a, b) => a - b),
    Array.from({ length: 60 }, (_, i) => i),
  );
  assert.notDeepEqual(first, second);
});

test("trainer: a rate that explodes stops with its step and the reason, and leaves the weights before it", () => {
  const net = trainer({ latents: 2, hidden: [16, 8], batch: 20 });
  net.begin(startOf(1, 2, "speaking", [16, 8]));
  let before = null;
  const climb = () => {
    for (let i = 0; i < 200; i++) {
      before = net.weights();
      net.draw(grey, 1);
      net.step(1, 100);
    }
  };
  assert.throws(climb, (error) => error instanceof RanAway && error.message.includes(`step ${net.steps + 1} `));
  assert.deepEqual(net.weights(), before);
});

test("trainer: what is measured is a sum of its parts, equal at each call, and a mute start has almost no rate", () => {
  const pixels = Float32Array.from(grey, (v) => (v > 127 ? 1 : 0));
  const net = trainer({ latents: 4 });
  net.begin(startOf(7, 4, "mute"));
  const [once, again] = [net.measure(pixels), net.measure(pixels)];
  assert.deepEqual(once, again);
  assert.ok(once.rates.every((rate) => rate >= 0 && rate < 0.1));
  assert.equal(once.codes.length, 4 * 60);
  assert.ok(Math.abs(once.distortion - 784 * Math.log(2)) < 30);
  const sheet = net.decoded(new Float32Array(8));
  assert.equal(sheet.length, 2 * PIXELS);
  assert.deepEqual(sheet.slice(0, PIXELS), sheet.slice(PIXELS));
});

test("trainer: one image alone has the terms that it has as a test image", () => {
  const pixels = Float32Array.from(grey.subarray(0, PIXELS), (v) => (v > 127 ? 1 : 0));
  for (const about of [
    { latents: 4, likelihood: "bernoulli" },
    { latents: 2, likelihood: "gaussian", sigma: 0.3 },
  ]) {
    const net = trainer(about);
    net.begin(startOf(7, about.latents, "speaking"));
    const [all, one] = [net.measure(pixels), termsOf(net.weights(), pixels, about)];
    assert.ok(Math.abs(all.distortion - one.distortion) < 1e-4 * Math.abs(one.distortion));
    assert.ok(furthest(Array.from(all.codes), one.codes) < 1e-4 && furthest(all.rates, one.rates) < 1e-4);
    assert.ok(furthest(Array.from(net.decoded(Float32Array.from(one.codes))), one.image) <= 1);
  }
});

test("trainer: all numbers of a state are Python's, to what float32 gives", { skip }, async () => {
  const { hidden, found } = golden.numbers;
  const given = Float32Array.from(new Uint16Array(bytes(golden.numbers.given).buffer), half);
  for (const { state, expected } of found) {
    const said = [];
    const tell = run({ post: (message) => said.push(message), later: () => {}, now: () => 0 });
    const { latents, likelihood, sigma, seed, start, drawn } = state;
    const pixels = drawn ? Float32Array.from(readImage(drawn)) : null;
    await tell({ do: "follow", text: drawn, pixels });
    const images = { pixels: bytes(golden.numbers.pixels), grey: bytes(golden.numbers.grey) };
    await tell({ do: "begin", about: { latents, likelihood, sigma, hidden }, seed, start, given, ...images });
    const look = { ...said.at(-1), state };
    const out = numbers({ ...state, seed: state.seed + 1 }, look, look.followed); // of the run, not of what is next
    assert.deepEqual(Object.keys(out).sort(), Object.keys(expected).sort());
    for (const [key, value] of Object.entries(expected))
      if (typeof value !== "number") assert.equal(out[key], value, key);
      else assert.ok(Math.abs(out[key] - value) < 1e-4 * Math.max(1, Math.abs(value)), `${key} ${out[key]} ${value}`);
    assert.equal(out.minus_elbo, out.distortion + out.rate);
  }
});

test("trainer: a run goes back exactly, and on from there; one that explodes stops and names its best", async () => {
  const said = [];
  const tell = run({ post: (message) => said.push(message), later: () => {}, now: () => 0 });
  const header = Uint8Array.of(0x93, 78, 85, 77, 80, 89, 1, 0, 2, 0, 32, 10);
  const set = { do: "set", beta: 1, rate: 1e-2, many: 200 };
  const many = Uint8Array.from({ length: 200 * PIXELS }, (_, i) => grey[i % grey.length]);
  const pixels = new Uint8Array((200 * PIXELS) / 8).fill(60);
  await tell({
    do: "begin",
    about: { latents: 2, likelihood: "bernoulli", hidden: [16, 8] },
    seed: 1,
    start: "mute",
    pixels,
  });
  await tell({ do: "images", packed: deflateRawSync(Buffer.concat([header, many])) });
  await tell(set);
  for (let i = 0; i < 3; i++) await tell({ do: "step" });
  assert.deepEqual(said.at(-1).steps, [0, 1, 2, 3]);
  const [second, third] = said.slice(-2);
  await tell({ do: "go", record: 2 });
  assert.deepEqual(said.at(-1).weights, second.weights);
  await tell({ do: "step" });
  assert.deepEqual(said.at(-1).weights, third.weights);
  assert.equal(said.at(-1).distortion, third.distortion);
  await tell({ ...set, rate: 1e4 });
  for (let i = 0; i < 9 && said.at(-2).is !== "stopped"; i++) await tell({ do: "step" });
  const { is, good, at } = said.at(-2);
  assert.equal(is, "stopped");
  assert.ok(good <= 3 && at === good && said.at(-1).is === "look");
});
