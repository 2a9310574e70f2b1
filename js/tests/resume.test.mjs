// Where a reader was: what is kept of it, when, and what is offered from it. Run: node --test js/tests
import assert from "node:assert/strict";
import { test } from "node:test";
import { KEY, keeper, placesOf } from "../page/parts/kept.js";
import { offered } from "../page/parts/offered.js";

const place = (id, day) => ({ id, words: `On ${id}`, when: `2026-01-${day}T00:00:00.000Z` });
const chapters = ["lvm", "kl", "elbo"].map((name, at) => ({ page: `book/${name}`, number: `${at + 1}`, title: name }));

/** A localStorage; one that refuses throws. */
const storage = (refuses = false, held = new Map()) => ({
  getItem: (key) => (refuses ? assert.fail("refused") : (held.get(key) ?? null)),
  setItem: (key, value) => (refuses ? assert.fail("refused") : void held.set(key, value)),
  removeItem: (key) => void held.delete(key),
  held,
});

test("a place is kept where the reader said so, not before, not after a no, and goes when all is erased", () => {
  const store = storage();
  const kept = keeper(store);
  kept.place("book/elbo", place("jensen", "02"));
  kept.keep(false);
  kept.place("book/elbo", place("jensen", "02"));
  assert.deepEqual(kept.places(), {});
  kept.keep(true);
  kept.place("book/elbo", place("jensen", "02"));
  kept.place("book/kl", place("rulers", "03"));
  assert.deepEqual(Object.keys(keeper(store).places()), ["book/kl", "book/elbo"]);
  kept.place("book/kl", null);
  assert.deepEqual(Object.keys(keeper(store).places()), ["book/elbo"]);
  kept.keep(false);
  assert.ok(!store.held.get(KEY).includes("jensen"));
  kept.keep(true);
  kept.erase();
  assert.equal(store.held.size, 0);
  assert.deepEqual(keeper(storage(true)).places(), {});
});

test("answers and places do not disturb each other", () => {
  const store = storage();
  const entry = {
    chapter: "elbo",
    title: "t",
    stamp: "s",
    answers: ["1"],
    right: true,
    said: "Right.",
    when: "2026-01-01",
  };
  const [fields, reader] = [keeper(store), keeper(store)];
  fields.keep(true);
  reader.place("book/elbo", place("jensen", "02"));
  fields.put("elbo_gap", entry);
  reader.place("book/kl", place("rulers", "03"));
  fields.drop("elbo_gap");
  fields.merge({ kl_by_hand: entry });
  assert.deepEqual(Object.keys(reader.places()), ["book/kl", "book/elbo"]);
  assert.deepEqual(Object.keys(reader.read().exercises), ["kl_by_hand"]);
});

test("what is no place is left out", () => {
  const odd = {
    "https://x": place("a", "01"),
    "book/../x": place("a", "01"),
    "book/kl": { ...place("a", "01"), when: "never" },
    "book/lvm": { ...place("a", "01"), words: "x".repeat(201) },
    "book/elbo": { ...place("a", "01"), more: "<b>" },
  };
  assert.deepEqual(placesOf(odd), { "book/elbo": place("a", "01") });
  for (const nothing of [null, undefined, "text", 3, []]) assert.deepEqual(placesOf(nothing), {});
});

test("offered is the last place, after a foot the next chapter, in a chapter its own", () => {
  const places = { "book/kl": place("rulers", "03"), "book/lvm": place("story", "02") };
  assert.deepEqual([offered(places, chapters, null).page, offered(places, chapters, null).id], ["book/kl", "rulers"]);
  assert.equal(offered(places, chapters, "book/lvm").id, "story");
  assert.equal(offered(places, chapters, "book/elbo"), null);
  const read = { "book/kl": place("", "03") };
  assert.deepEqual([offered(read, chapters, null).page, offered(read, chapters, null).from], ["book/elbo", "book/kl"]);
  assert.equal(offered(read, chapters, "book/kl"), null);
  assert.equal(offered({ "book/elbo": place("", "03") }, chapters, null), null);
  assert.equal(offered({ "book/gone": place("a", "03") }, chapters, null), null);
});
