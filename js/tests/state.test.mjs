// A figure's state, from Python's table: what can be reached, what a link holds, keys and Home; and links of old.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as em from "../figures/em.js";
import * as encoder from "../figures/encoder.js";
import * as kmeans from "../figures/kmeans.js";
import * as plane from "../figures/plane.js";
import * as posterior from "../figures/posterior.js";
import * as prior from "../figures/prior.js";
import * as tokens from "../figures/tokens.js";
import { merged, parse } from "../kit/link.js";
import { bind, stateOf } from "../kit/state.js";
import { figureState, REACH } from "./reach.mjs";

const made = { places: 49, size: 128 }; // of the nets that come with the library
const presets = { digits: REACH.em.state.points.start, none: [] };
const sets = Object.fromEntries(REACH.kmeans.state.data.choices.map((name) => [name, [[0, 0]]]));
const OPTIONS = {
  em: { codecs: em.codecs(presets) },
  encoder: { codecs: encoder.codecs(REACH.encoder.state) },
  kmeans: { codecs: kmeans.codecs, settle: (s) => ({ ...s, points: sets[s.data] }) },
  front: { codecs: plane.codecs },
  plane: { codecs: plane.codecs },
  posterior: { codecs: posterior.codecs },
  prior: { codecs: prior.codecs(made), settle: prior.settle },
  tokens: { codecs: tokens.codecs(made) },
};
const open = (name) => figureState(name, OPTIONS[name]);
const NAMES = Object.keys(REACH);

test("state: every figure begins where Python lets it begin, and a link brings a state back", () => {
  assert.equal(NAMES.length, 16);
  for (const name of NAMES) {
    const state = open(name);
    const { start } = state;
    assert.deepEqual(state.reachable(start, start), start);
    const hash = merged("", name, state.encode(start));
    assert.deepEqual(state.reachable(state.decode(parse(hash, name)), start), start, hash);
    const keys = Object.values(REACH[name].state).map(({ link }) => link);
    assert.equal(new Set(keys).size, keys.length, `${name}: a key of a link stands for one variable`);
  }
});

test("state: links that readers have kept open the state that they opened before", () => {
  const old = JSON.parse(readFileSync(new URL("old_links.json", import.meta.url), "utf8"));
  assert.deepEqual([...new Set(old.map(({ figure }) => figure))].sort(), [...NAMES].sort());
  for (const { figure, hash, state: expected } of old) {
    const state = open(figure);
    const found = state.reachable(state.decode(parse(hash, figure)), state.start);
    for (const [name, value] of Object.entries(expected)) assert.deepEqual(found[name], value, `${name} of ${hash}`);
  }
});

test("state: what is out of bounds is held, what makes no sense is left as it was", () => {
  for (const name of NAMES) {
    const state = open(name);
    for (const wrong of [NaN, "1", null, undefined, {}, [1], Infinity, "<b>"]) {
      const all = Object.fromEntries(state.names.map((key) => [key, wrong]));
      for (const [key, value] of Object.entries(state.reachable(all, state.start)))
        if (!(REACH[name].state[key]?.kind === "text" && typeof wrong === "string"))
          assert.deepEqual(value, state.start[key], `${key} of ${name} given ${typeof wrong}`);
    }
    for (const [key, row] of Object.entries(REACH[name].state)) {
      if (row.low === undefined) continue;
      assert.equal(state.reachable({ ...state.start, [key]: 1e9 }, state.start)[key], row.high);
      const low = state.reachable({ ...state.start, [key]: -1e9 }, state.start)[key];
      assert.equal(low, row.low);
      if (row.kind === "whole") assert.equal(state.reachable({ [key]: row.low + 0.4 }, state.start)[key], row.low);
    }
  }
  const kl = open("kl");
  assert.equal(kl.reachable({ n: 30 }, kl.start).n, 20);
  assert.equal(kl.reachable({ n: 1e9 }, kl.start).n, 1000);
});

test("state: the parts of a whole that a figure gives keep their own rules", () => {
  const e = open("em");
  const far = [
    [9, -9],
    [0.123, 0],
  ];
  const held = [
    [4, -3],
    [0.12, 0],
  ];
  assert.deepEqual(e.reachable({ points: far }, e.start).points, held);
  assert.equal(
    e.reachable({ points: e.start.points }, e.start).points,
    e.start.points,
    "good points stay what they are",
  );
  assert.equal(e.reachable({ moves: "ME" }, e.start).moves, "EMEM");
  assert.equal(e.reachable({ moves: "EM".repeat(50) }, e.start).moves.length, 60);
  const p = open("prior");
  assert.equal(p.reachable({ ...p.start, step: 2, prefix: "1,2,3" }, p.start).step, 3);
  assert.equal(p.reachable({ ...p.start, prefix: "1,999" }, p.start).prefix, "");
  assert.equal(open("tokens").reachable({ edits: "30:1,24:2" }, open("tokens").start).edits, "");
});

test("state: Home goes where Python says, else where the figure began; a size goes along its list", () => {
  assert.deepEqual(open("elbo").range("std"), { low: 0.05, high: 2, step: undefined, leap: undefined, home: 1 });
  const reach = structuredClone(REACH.em);
  reach.state.k.start = 5;
  assert.equal(stateOf(reach, OPTIONS.em).range("k").home, 5);
  assert.deepEqual(open("kl").range("n"), { whole: true, low: 0, high: 9, step: 1, leap: 3, home: 4 });
  assert.deepEqual(open("kl").values("n"), REACH.kl.state.n.values);
  assert.deepEqual(open("elbo").readBack, ["evidence", "elbo", "kl"]);
});

test("state: a damaged table is refused, whatever stands in it", () => {
  const damaged = (change) => {
    const reach = structuredClone(REACH.elbo);
    change(reach);
    assert.throws(() => stateOf(reach), /damaged/);
  };
  for (const nonsense of [null, undefined, 1, "NaN", "", [[1, 2]], { state: null }, { state: {} }, { state: [1] }])
    assert.throws(() => stateOf(nonsense), /damaged/);
  for (const key of ["kind", "low", "start", "link"])
    for (const wrong of [null, "<b>", 1e308, [], { toString: "x" }])
      if (!(key === "link" && wrong === "<b>") && !(key !== "link" && key !== "kind" && wrong === 1e308))
        damaged(({ state }) => {
          state.x[key] = wrong;
        });
  damaged(({ state }) => {
    state.kind.codes = ["g"];
  });
  damaged(({ state }) => {
    state.kind.choices = "gaussian";
  });
});

test("traits: a write is sent once, is no change of its own, and only what differs is set", () => {
  const values = { a: 1, b: 2 };
  const listeners = {};
  let saves = 0;
  const heard = [];
  const model = {
    get: (k) => values[k],
    set: (k, v) => {
      values[k] = v;
      listeners[`change:${k}`]?.();
    },
    save_changes: () => saves++,
    on: (e, f) => {
      listeners[e] = f;
    },
    off: (e) => {
      delete listeners[e];
    },
  };
  const traits = bind(model, ["a", "b"], { changed: (v) => heard.push(v) });
  traits.write({ a: 5, b: 2 });
  assert.deepEqual([values.a, saves, heard.length], [5, 1, 0]);
  traits.write({ a: 5, b: 2 });
  assert.equal(saves, 1);
  model.set("b", 7);
  assert.deepEqual(heard, [{ a: 5, b: 7 }]);
  traits.release();
  model.set("b", 8);
  assert.equal(heard.length, 1);
});
