// The search finds a word however it is spelt, Chinese inside longer terms, names as wholes; and takes any question.
import assert from "node:assert/strict";
import { test } from "node:test";
import { distance, find, MOST_TERMS, plain, prepare, row, sentence, terms, words } from "../engine/search.js";
import { SPELLINGS } from "../engine/spellings.js";

const section = (depth, anchor, heading, text = "", equations = "", names = "") => [
  depth,
  anchor,
  heading,
  text,
  equations,
  names,
];
const LISTED = [
  {
    page: "book/em.html",
    title: "EM",
    number: 6,
    behind: false,
    sections: [
      section(1, "em", "EM", "An E-step, then an M-step. K-means is near: so are kmeans and its centres."),
      section(2, "max-max", "EM is max–max", "Touch it.\nThe M-step.", "em-m-step em-f", "log_px_z GaussianMixture"),
      section(3, "rate", "Its rate", "We optimise a log-likelihood; the log likelihood rises. Poincaré said so."),
    ],
  },
  {
    page: "book/glossary.html",
    title: "Glossary",
    number: 0,
    behind: false,
    sections: [
      section(2, "term-a", "aggregate posterior", "聚合后验 · the average of q"),
      section(2, "term-d", "dead code", "死码字 · a code that nobody chooses"),
      section(2, "term-v", "variational inference", "变分推断 · a bound, raised"),
    ],
  },
  {
    page: "",
    title: "The library",
    number: 0,
    behind: false,
    sections: [section(1, "book/em.html#rate", "log_mean", "lvm_lib.bounds: a mean of logs", "", "")],
  },
];
const book = prepare(LISTED);
const places = (question) => find(book, question).results.map(({ section: found }) => found.anchor);
const text = (pieces) => pieces.map(([part, asked]) => (asked ? `[${part}]` : part)).join("");

test("each row of spellings is read as one word, alone and inside another", () => {
  for (const spelt of SPELLINGS)
    for (const form of spelt) {
      assert.equal(plain(`${form}e`), plain(`${spelt.at(-1)}e`));
      assert.equal(plain(`re${form}ing`), plain(`re${spelt.at(-1)}ing`));
    }
  const own = SPELLINGS.map((spelt) => spelt.at(-1));
  assert.equal(new Set(SPELLINGS.flat()).size, SPELLINGS.flat().length);
  for (const word of own) assert.equal(plain(word), plain(plain(word)), "reading twice changes nothing");
});

test("plurals, accents and small letters make no difference", () => {
  assert.equal(plain("Encoders"), plain("encoder"));
  assert.equal(plain("losses"), plain("loss"));
  assert.equal(plain("Poincaré"), "poincare");
  assert.equal(plain("ELBOs"), "elbo");
});

test("Chinese words are found inside longer ones, and words that share only one character are not", () => {
  assert.deepEqual(places("后验"), ["term-a"]);
  assert.deepEqual(places("码字"), ["term-d"]);
  assert.deepEqual(places("变分"), ["term-v"]);
  assert.deepEqual(places("聚合后验"), ["term-a"]);
  assert.deepEqual(places("验"), ["term-a"]);
  assert.deepEqual(places("验字"), []);
  assert.equal(text(row(find(book, "后验").results[0]).snippet), "聚合[后验] · the average of q");
});

test("compounds are found with and without their hyphens", () => {
  for (const question of ["k-means", "kmeans", "K-Means", "KMEANS", "k means"])
    assert.deepEqual(places(question), ["em"]);
  for (const question of ["log-likelihood", "loglikelihood"]) assert.deepEqual(places(question), ["rate"]);
  const marked = text(row(find(book, "log-likelihood").results[0]).snippet);
  assert.equal(marked, "We optimise a [log-likelihood]; the [log likelihood] rises. Poincaré said so.");
});

test("both spellings, and a word with a slip, find the same", () => {
  assert.deepEqual(places("optimize"), ["rate"]);
  assert.deepEqual(places("optimisation"), places("optimization"));
  assert.deepEqual(find(book, "aggregat").instead, []);
  const slip = find(book, "postrior");
  assert.deepEqual(slip.instead, [{ asked: "postrior", found: "posterior" }]);
  assert.equal(slip.results[0].section.anchor, "term-a");
  assert.equal(distance("abcd", "abxd", 2), 1);
  assert.equal(distance("abcd", "xyzw", 2), 3);
});

test("the name of an equation leads to the equation, the name of a function to where its code is", () => {
  const [first] = find(book, "em-m-step").results.map(row);
  assert.equal(first.address, "book/em.html#equation-em-m-step");
  assert.deepEqual(first.equations, ["em-m-step"]);
  const [code] = find(book, "log_px_z").results.map(row);
  assert.equal(code.address, "book/em.html#max-max");
  assert.deepEqual(code.code, ["log_px_z"]);
  assert.equal(places("GaussianMixture")[0], "max-max");
  const [library] = find(book, "log_mean").results.map(row);
  assert.equal(library.address, "book/em.html#rate");
  assert.equal(library.page, "The library");
});

test("all words are wanted; where no place has all, some", () => {
  assert.deepEqual(places("aggregate posterior"), ["term-a"]);
  const some = find(book, "aggregate rises");
  assert.equal(some.all, false);
  assert.equal(some.results.length, 2);
  assert.match(
    sentence("aggregate rises", some),
    /^No place in the book holds all of this; some of it: 2 places in 2 pages/,
  );
});

test("a heading counts more than a word of the text, and says where it stands", () => {
  assert.equal(places("rate")[0], "rate");
  const result = row(find(book, "rises").results[0]);
  assert.deepEqual(result.around, ["EM is max–max"]);
  assert.equal(result.page, "Chapter 6. EM");
});

test("a long line is cut around what was asked for, between words", () => {
  const long = `${"before ".repeat(60)}needle ${"behind ".repeat(60)}`.trim();
  const one = prepare([{ ...LISTED[0], sections: [section(1, "a", "A", long)] }]);
  const shown = text(row(find(one, "needle").results[0]).snippet);
  assert.match(shown, /^… (before )+\[needle\]( behind)+ …$/);
  assert.ok(shown.length < 220);
});

test("every question gets a sentence", () => {
  const said = (question) => sentence(question, find(book, question));
  assert.match(said(""), /^Nothing was asked/);
  assert.match(said("   "), /^Nothing was asked/);
  assert.match(said("(((+*?[\\"), /neither a letter nor a digit/);
  assert.match(said("zzzzzz"), /^Nothing in the book holds “zzzzzz”/);
  assert.match(said("posterior"), /^1 place in 1 page\.$/);
  assert.match(said("postrior"), /^The book has no “postrior”: “posterior” was looked for\. 1 place/);
  assert.match(said("a ".repeat(4000)), /first 200 letters/);
  assert.match(said("x".repeat(10_000)), /first 200 letters/);
  for (const hostile of [
    "<img src=x onerror=alert(1)>",
    "__proto__",
    "constructor",
    "\u0000\ud800",
    "🙂",
    "$&$1",
    "后\ud83d",
  ])
    assert.ok(said(hostile).length > 5, hostile);
  assert.ok(terms(Array.from({ length: 40 }, (_, n) => `w${n}`).join(" ")).length <= MOST_TERMS);
});

test("what is marked are the words of the question, in every place", () => {
  const random = (n) => (n * 2654435761) % 4294967296;
  const all = LISTED.flatMap(({ sections }) => sections.map((each) => each[3]));
  for (let n = 1; n <= 200; n++) {
    const own = words(all[random(n) % all.length]);
    const word = own[random(n + 1) % own.length];
    const { results } = find(book, word.form);
    assert.ok(results.length > 0, word.form);
    for (const result of results) {
      const shown = row(result);
      assert.equal(
        shown.snippet
          .map(([part]) => part)
          .join("")
          .includes("\n"),
        false,
      );
    }
  }
});
