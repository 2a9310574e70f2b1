// Bits back in the page: the bits of Python, its bytes, and what holds for every image, every q and every precision.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { bitsBack, Stack } from "../engine/ans.js";
import { exactCdf, exactExp, exactNet, exactQuantile, FINEST } from "../engine/exact.js";
import { imagesOf } from "../engine/posterior.js";

const file = process.env.LVM_GOLDEN;
const skip = file ? false : "LVM_GOLDEN is not set: run pytest tests/library/test_engine.py";
const golden = file ? JSON.parse(readFileSync(file, "utf8")).ans : null;
const bytes = (text, form = "base64") => Uint8Array.from(Buffer.from(text, /** @type {any} */ (form)));
const hex = (raw) => Buffer.from(raw).toString("hex");
const weights = golden && bytes(golden.weights);
const nets = golden && {
  encoder: exactNet(golden.nets.encoder, weights),
  decoder: exactNet(golden.nets.decoder, weights),
};
const images = golden && imagesOf(bytes(golden.images));
const LATENTS = 2;

test("exact: exp, distribution function and all quantiles are Python's to the last bit", { skip }, () => {
  golden.x.forEach((x, i) => {
    assert.equal(exactExp(x), golden.exp[i], `exp ${x}`);
    assert.equal(exactCdf(x), golden.cdf[i], `cdf ${x}`);
  });
  assert.equal(golden.quantiles.length, 2 ** (FINEST + 1) + 1);
  golden.quantiles.forEach((z, i) => assert.equal(exactQuantile(i), z));
});

test("ans: a chain of images is written in Python's bytes, and read from them in a fresh stack", { skip }, () => {
  for (const { bits, width, seed, images: chosen, bytes: written, borrowed, sent } of golden.messages) {
    const codec = bitsBack(nets, { bits, width });
    const stack = new Stack(seed);
    chosen.forEach((k, i) => {
      const own = codec.send(images[k], stack);
      assert.deepEqual(own.bins, sent[i].bins);
      for (const part of ["x", "z", "back"]) assert.ok(Math.abs(own[part] - sent[i][part]) < 1e-9, part);
      if (width === 0) assert.equal(own.back, 0);
    });
    assert.equal(stack.borrowed, borrowed);
    assert.equal(hex(stack.toBytes()), written);
    const fresh = Stack.of(bytes(written, "hex"));
    for (const k of [...chosen].reverse()) assert.deepEqual(codec.receive(fresh, LATENTS), images[k]);
    const first = new Stack(seed);
    while (first.borrowed < borrowed) first.words.unshift(first.borrow());
    assert.equal(hex(fresh.toBytes()), hex(first.toBytes()), "the first bits are back");
  }
});

test("ans: a chain of messages is as long as -ELBO, within 1 %", { skip }, () => {
  const codec = bitsBack(nets, { bits: 12, width: 1 });
  const stack = new Stack(1);
  const first = stack.bits - stack.borrowed;
  const many = images.slice(0, golden.many);
  for (const x of many) codec.send(x, stack);
  const nats = ((stack.bits - stack.borrowed - first) / many.length) * Math.LN2;
  assert.ok(Math.abs(nats - golden.minus_elbo) < 0.01 * golden.minus_elbo, `${nats} against ${golden.minus_elbo}`);
});

test("ans: bytes that are no message are refused or read as another image, never for ever", { skip }, () => {
  const codec = bitsBack(nets, { bits: 8, width: 1 });
  assert.throws(() => Stack.of(new Uint8Array(5)), /even number/);
  assert.throws(() => Stack.of(new Uint8Array(8)), /at least 2\^32/);
  const stack = new Stack(1);
  codec.send(images[0], stack);
  const written = stack.toBytes();
  assert.throws(() => {
    const short = Stack.of(written.slice(0, 10));
    codec.receive(short, LATENTS);
    codec.receive(short, LATENTS);
  }, /empty|no mass/);
});
