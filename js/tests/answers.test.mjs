// What is kept of answers, and the file they travel in, without a page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { came, unanswered } from "../engine/judge.js";
import { general, numbers } from "../engine/written.js";
import { readBack, written } from "../page/parts/file.js";
import { DAMAGED, entriesOf, KEY, keeper } from "../page/parts/kept.js";

/** A localStorage; one that is full or forbidden throws. */
function storage(first = {}, refuses = false) {
  const held = new Map(Object.entries(first));
  const act = (done) => {
    if (refuses) throw new Error("SecurityError");
    return done();
  };
  return {
    getItem: (key) => act(() => held.get(key) ?? null),
    setItem: (key, value) => act(() => void held.set(key, value)),
    removeItem: (key) => act(() => void held.delete(key)),
    held,
  };
}

const entry = (given, when = "2026-01-02T03:04:05.000Z") => ({
  chapter: "elbo",
  title: "Exercise 1. Read the bar",
  stamp: "0123abcd",
  answers: [given],
  right: true,
  said: "Right: so it is.",
  when,
});

test("nothing is stored before the reader says so, and nothing but the answer after a no", () => {
  const store = storage();
  const kept = keeper(store);
  kept.put("elbo_gap", entry("0.85"));
  assert.equal(store.held.size, 0);
  assert.equal(kept.read().exercises.elbo_gap.answers[0], "0.85");
  assert.equal(kept.read().keep, null);
  kept.keep(false);
  assert.deepEqual(JSON.parse(store.held.get(KEY)), { version: 1, keep: false, exercises: {} });
  assert.equal(kept.read().exercises.elbo_gap.answers[0], "0.85"); // as long as the page lives
  assert.deepEqual(keeper(store).read().exercises, {});
});

test("what was answered before the question is kept with the yes, and another window's answers stay", () => {
  const store = storage();
  const [one, other] = [keeper(store), keeper(store)];
  one.put("elbo_gap", entry("0.85"));
  one.keep(true);
  other.put("kl_by_hand", entry("0.41"));
  one.put("tok_rate", entry("9227"));
  assert.deepEqual(Object.keys(keeper(store).read().exercises), ["elbo_gap", "kl_by_hand", "tok_rate"]);
  one.drop("kl_by_hand");
  assert.deepEqual(Object.keys(other.read().exercises), ["elbo_gap", "tok_rate"]);
  one.erase();
  assert.deepEqual(keeper(store).read().exercises, {});
});

test("a browser that refuses is survived, and says so", () => {
  for (const refusing of [storage({}, true), () => assert.fail("no storage")]) {
    const kept = keeper(refusing);
    assert.equal(kept.put("elbo_gap", entry("0.85")), true); // nothing was to be stored
    assert.equal(kept.keep(true), false);
    assert.equal(kept.refused(), true);
    assert.equal(kept.read().exercises.elbo_gap.answers[0], "0.85");
  }
});

test("what cannot be read is put aside, not lost", () => {
  for (const damage of ["{", "null", '{"version":2}', '{"version":1,"keep":true}', "[1]"]) {
    const store = storage({ [KEY]: damage });
    const kept = keeper(store);
    assert.deepEqual(kept.read().exercises, {}, damage);
    assert.equal(store.held.get(DAMAGED), damage);
    assert.equal(kept.damaged(), damage);
  }
});

test("entries of any other shape are left out by name", () => {
  const odd = {
    fine: entry("1"),
    none: null,
    "not a name": entry("1"),
    __proto__x: entry("1"),
    numbers: { ...entry("1"), answers: [1] },
    long: { ...entry("x".repeat(30_000)) },
    never: { ...entry("1"), when: "yesterday" },
    verdict: { ...entry("1"), right: "yes" },
  };
  const found = entriesOf(odd);
  assert.deepEqual(Object.keys(found.exercises), ["fine"]);
  assert.equal(found.odd.length, Object.keys(odd).length - 1);
});

test("a file gives back what was written, whatever the answers are", () => {
  const hostile = ["```json\n{}\n```", "# no heading", "<script>alert(1)</script>", "[x](y)", "a\nb", "“é”"];
  const exercises = Object.fromEntries(hostile.map((text, i) => [`ex_${i}`, { ...entry(text), said: text }]));
  const text = written({ exercises }, "A book");
  assert.deepEqual(readBack(text), { exercises, odd: [] });
  assert.deepEqual(readBack(text.replaceAll("\n", "\r\n")).exercises, exercises);
  const readable = text.slice(0, text.lastIndexOf("\n```json"));
  assert.ok(!/^#{1,6} no heading/m.test(readable) && !readable.includes("<script>") && !readable.includes("```"));
});

test("a file that is none says what is wrong", () => {
  const good = written({ exercises: { elbo_gap: entry("0.85") } }, "A book");
  const wrongs = {
    "": /no answers/,
    "some text": /no answers/,
    "{": /damaged/,
    "{}": /no answers/,
    null: /no answers/,
    [good.slice(0, -200)]: /damaged/,
    [good.replace('"version": 1', '"version": 7')]: /another version of the book \(7;/,
    [good.replace('"book": "lvm"', '"book": "other"')]: /no answers/,
    ["x".repeat(3_000_000)]: /too large/,
  };
  for (const [text, words] of Object.entries(wrongs))
    assert.match(readBack(text).wrong ?? "", words, text.slice(0, 40));
});

test("of two answers to one exercise the later stays", () => {
  const kept = keeper(storage());
  kept.put("elbo_gap", entry("old"));
  kept.put("kl_by_hand", entry("new", "2026-03-01T00:00:00.000Z"));
  const { names, done } = kept.merge({
    elbo_gap: entry("later", "2026-02-01T00:00:00.000Z"),
    kl_by_hand: entry("earlier", "2026-02-01T00:00:00.000Z"),
    tok_rate: entry("9227"),
  });
  assert.deepEqual([names, done], [["elbo_gap", "tok_rate"], true]);
  const { exercises, keep } = kept.read();
  assert.equal(keep, true);
  assert.deepEqual([exercises.elbo_gap.answers[0], exercises.kl_by_hand.answers[0]], ["later", "new"]);
});

test("numbers in a few digits, as Python writes them", () => {
  const cases = { 0: "0", 1: "1", 0.5: "0.5", 1234567: "1.23457e+06", 1234565: "1.23456e+06", 0.00001234: "1.234e-05" };
  for (const [x, text] of Object.entries(cases)) assert.equal(general(Number(x)), text);
  assert.equal(general(-1234.5, 4), "-1234"); // a tie goes to the even digit
  assert.equal(general(1e22), "1e+22");
});

test("texts", () => {
  assert.deepEqual(numbers("sqrt(3)/2; 0,5; 2^7; 1e-3"), [Math.sqrt(3) / 2, 0.5, 128, 0.001]);
  assert.equal(came("it's"), `str "it's"`);
  assert.equal(came("\u0000\n"), "str '\\x00\\n'");
  assert.ok(unanswered(" … ") && !unanswered("0"));
});
