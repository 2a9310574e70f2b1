// The search of the book, in no page: `prepare` reads the side file that the build wrote (_ext/search_index.py) into
// words, `find` gives the sections that hold what was asked for, the best first, each with a piece of its text.
//
// A word is read in small letters, without accents, in one of its spellings (spellings.js) and without the s of a
// plural. A compound ("K-means", log_px_z, GaussianMixture) is one word, and its parts are words too. Chinese has no
// spaces: each pair of neighbouring characters is a word, and a longer term is its pairs in a row, so that 后验 is found
// in 聚合后验.

import { SPELLINGS } from "./spellings.js";

export const MOST_LETTERS = 200; // of a question; what is behind them is not looked for
export const MOST_TERMS = 12;
const HAN = /\p{Script=Han}/u;
const RUN = /[\p{L}\p{M}\p{N}_]+(?:[-\u2010\u2011][\p{L}\p{M}\p{N}_]+)*/gu;
const SCRIPTS = /\p{Script=Han}+|\P{Script=Han}+/gu;
const HYPHEN = /[-\u2010\u2011]/g;
const PART = /[\p{L}\p{M}\p{N}]+/gu;
const PARTED = /_|\p{Ll}\p{Lu}/u; // a name that no text has by chance
const HUMP = /(\p{Ll})(\p{Lu})/gu;
const FIELDS = { heading: 6, text: 1, equations: 8, names: 2 };
const SNIPPET = 180; // letters

const OWN = new Map(SPELLINGS.flatMap((row) => row.slice(0, -1).map((other) => [other, String(row.at(-1))])));
const OTHER = new RegExp([...OWN.keys()].join("|"), "g");

/** A word as it is compared. @param {string} word */
export function plain(word) {
  let form = word.toLowerCase();
  if (/[^\x20-\x7f]/.test(form)) form = form.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  if (form.length < 4) return form;
  form = form.replace(OTHER, (found) => String(OWN.get(found)));
  if (/(?:ss|x|ch|sh)es$/.test(form)) return form.slice(0, -2);
  return /[^isu]s$/.test(form) ? form.slice(0, -1) : form;
}

/**
 * The words of a text: {form, at, length, place}. Those that begin at one place share its number, and the parts of a
 * compound, and the pairs of a Chinese term, have places in a row.
 * @param {string} text
 */
export function words(text) {
  /** @type {any[]} */
  const found = [];
  let place = 0;
  for (const { run, index } of runs(text)) {
    if (HAN.test(run)) {
      const signs = [...run];
      let at = index;
      for (let n = 0; n < signs.length; n++, place++) {
        found.push({ form: signs[n], at, length: signs[n].length, place });
        if (n + 1 < signs.length) {
          const pair = signs[n] + signs[n + 1];
          found.push({ form: pair, at, length: pair.length, place });
        }
        at += signs[n].length;
      }
    } else {
      const { whole, parts } = compound(run);
      if (parts.length !== 1) found.push({ form: whole, at: index, length: run.length, place });
      for (const { form, at, length } of parts) found.push({ form, at: index + at, length, place: place++ });
    }
    place++; // what stands apart is no compound
  }
  return found;
}

/** The runs of letters in a text, each of one script: Chinese, or any other. */
function runs(text) {
  const found = [];
  for (const { 0: run, index } of text.matchAll(RUN)) {
    if (!HAN.test(run)) found.push({ run, index });
    else for (const piece of run.matchAll(SCRIPTS)) found.push({ run: piece[0], index: index + piece.index });
  }
  return found;
}

const compounds = new Map(); // runs that were read before

/** A run of letters as one word, and its parts. */
function compound(run) {
  const before = compounds.get(run);
  if (before) return before;
  const parts = [];
  for (const { 0: piece, index } of run.matchAll(PART)) {
    let at = index;
    for (const part of piece.replace(HUMP, "$1 $2").split(" ")) {
      parts.push({ form: plain(part), at, length: part.length });
      at += part.length;
    }
  }
  const read = { whole: parts.length === 1 ? parts[0].form : plain(run.replace(HYPHEN, "")), parts };
  compounds.set(run, read);
  return read;
}

/** The names in a list, each one word. */
function named(list) {
  const found = [];
  for (const { 0: run, index } of list.matchAll(/\S+/g))
    found.push({ form: compound(run).whole, at: index, length: run.length, place: 2 * index });
  return found;
}

/**
 * What a question asks for: terms {whole, parts, shown}; `whole` is "" for Chinese of more than one character.
 * @param {string} question
 */
export function terms(question) {
  const found = new Map();
  for (const { run } of runs(question.slice(0, MOST_LETTERS))) {
    let term;
    if (HAN.test(run)) {
      const signs = [...run];
      const pairs = signs.slice(1).map((sign, n) => signs[n] + sign);
      term = { whole: pairs.length ? "" : run, parts: pairs, shown: run };
    } else {
      const { whole, parts } = compound(run);
      term = { whole, parts: parts.length > 1 ? parts.map(({ form }) => form) : [], shown: run };
    }
    const key = `${term.whole} ${term.parts.join(" ")}`;
    if ((term.whole || term.parts.length) && !found.has(key)) found.set(key, term);
  }
  return [...found.values()].slice(0, MOST_TERMS);
}

/**
 * The book, ready to be searched. `listed` is what the side file holds.
 * @param {{page: string, title: string, number: number, behind: boolean, sections: any[][]}[]} listed
 */
export function prepare(listed) {
  const numbers = new Map(); // form -> its number
  const forms = [];
  const spelt = []; // each form as it stands in the book where it stands first
  const sections = [];
  for (const page of listed) {
    const above = []; // headings of the sections around
    for (const [depth, anchor, heading, text = "", equations = "", names = ""] of page.sections) {
      above.length = Math.min(above.length, depth);
      above[depth] = heading;
      const fields = { heading, text, equations, names };
      const at = new Map(); // number of a form -> where it stands
      for (const [field, content] of Object.entries(fields)) {
        const whole = field === "equations" || field === "names"; // only as a whole
        for (const word of whole ? named(content) : words(content)) {
          let number = numbers.get(word.form);
          if (number === undefined) {
            number = forms.push(word.form) - 1;
            spelt.push(content.slice(word.at, word.at + word.length));
            numbers.set(word.form, number);
          }
          const places = at.get(number);
          word.field = field;
          if (places) places.push(word);
          else at.set(number, [word]);
        }
      }
      const around = above.slice(2, depth).filter(Boolean);
      sections.push({ page, anchor, heading, around, fields, at, order: sections.length });
    }
  }
  return { forms, spelt, numbers, sections };
}

/** How well a word of the book answers a term: exactly, by its beginning, from within; 0: not. */
function quality(form, whole) {
  if (form === whole) return 1;
  if (whole.length < 3 || form.length <= whole.length) return 0;
  if (form.startsWith(whole)) return 0.6;
  return whole.length > 3 && form.includes(whole) ? 0.3 : 0;
}

/** Where a term stands in a section: places with their quality. A name counts as a whole. */
function hits(section, matches, parts, numbers) {
  const found = [];
  for (const [number, good] of matches)
    for (const place of section.at.get(number) ?? [])
      if (good === 1 || place.field === "text" || place.field === "heading") found.push({ ...place, good });
  if (parts.length) {
    const [first, ...rest] = parts.map((part) => section.at.get(numbers.get(part)) ?? []);
    for (const start of first) {
      let last = start;
      const all = rest.every((places, n) => {
        const next = places.find(({ field, place }) => field === start.field && near(place - start.place, n + 1));
        if (next) last = next;
        return next;
      });
      if (all) found.push({ ...start, length: last.at + last.length - start.at, good: parts.length > 1 ? 0.9 : 1 });
    }
  }
  return found;
}

/** The sections in which a term stands, each with the places. */
function standing(book, matches, parts) {
  const where = new Map();
  for (const section of book.sections) {
    const found = hits(section, matches, parts, book.numbers);
    if (found.length) where.set(section, found);
  }
  return where;
}

// Words that stand apart have a number between them ("log likelihood" beside "log-likelihood").
const near = (distance, n) => distance >= n && distance <= 2 * n;

/** How many letters must change to make one word of another; more than `most` counts as that and one. */
export function distance(a, b, most) {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    if (Math.min(...next) > most) return most + 1;
    row = next;
  }
  return row[b.length];
}

/** The word of the book that is meant by one that is not in it; "" where none is near. */
function meant(book, whole) {
  if (whole.length < 5 || HAN.test(whole)) return "";
  const most = whole.length < 8 ? 1 : 2;
  let best = "";
  let least = most + 1;
  for (const form of book.forms) {
    const off = form[0] === whole[0] ? distance(form, whole, most) : most + 1;
    if (off < least) [best, least] = [form, off];
  }
  return best;
}

/**
 * The sections of a book that answer a question, the best first.
 * `all` says whether each holds every term; where no section does, those with the most terms are given.
 * `instead` lists words that the book does not have, each with the one that was looked for in its place.
 */
export function find(book, question) {
  const asked = terms(question);
  const instead = [];
  const known = (part) => book.numbers.has(part);
  const looked = asked.map((term) => {
    let matches = matching(book, term);
    const inParts = term.parts.length > 0 && term.parts.every(known);
    if (!matches.length && !inParts) {
      const other = meant(book, term.whole);
      if (other) {
        instead.push({ asked: term.shown, found: book.spelt[book.numbers.get(other)] });
        matches = matching(book, { ...term, whole: other });
      }
    }
    let where = standing(book, matches, term.parts);
    if (!where.size && term.parts.length) {
      const loose = term.parts.filter(known).map((part) => [book.numbers.get(part), 0.3]);
      where = standing(book, loose, []); // its parts stand nowhere in a row
    }
    return { where, rare: Math.log(1 + book.sections.length / (1 + where.size)) };
  });
  const counts = new Map();
  for (const { where } of looked)
    for (const section of where.keys()) counts.set(section, (counts.get(section) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  const results = [];
  for (const [section, count] of counts) {
    if (count < most) continue;
    const found = looked.flatMap(({ where, rare }, term) =>
      (where.get(section) ?? []).map((hit) => ({ ...hit, term, worth: rare * hit.good })),
    );
    const named = asked.some(({ shown }) => shown === section.heading && PARTED.test(shown));
    const bonus = section.page.behind ? 0.4 : section.page.page ? 1 : named ? 2 : 0.2; // the library's own list: last
    results.push({ section, score: bonus * score(section, found, looked.length), hits: found });
  }
  results.sort((a, b) => b.score - a.score || a.section.order - b.section.order);
  return { terms: asked, all: most === asked.length, instead, results };
}

function matching(book, { whole }) {
  const found = [];
  if (whole)
    book.forms.forEach((form, number) => {
      const good = quality(form, whole);
      if (good) found.push([number, good]);
    });
  return found;
}

function score(section, found, asked) {
  let sum = 0;
  for (let term = 0; term < asked; term++) {
    for (const [field, weight] of Object.entries(FIELDS)) {
      const own = found.filter((hit) => hit.term === term && hit.field === field);
      if (own.length) sum += weight * Math.max(...own.map(({ worth }) => worth)) * (1 + Math.log(own.length) / 2);
    }
  }
  const heading = new Set(found.filter(({ field }) => field === "heading").map(({ term }) => term));
  if (heading.size === asked) sum *= 1 + 8 / (8 + section.heading.length); // the heading says just that
  const { together } = best(section, found);
  return sum * (1 + together / asked);
}

/** The line of a section's text that holds most of what was asked, and how many terms that is. */
function best(section, found) {
  const inText = found.filter(({ field }) => field === "text").sort((a, b) => a.at - b.at);
  let chosen = { start: 0, end: lineEnd(section.fields.text, 0), together: 0, worth: 0 };
  for (let n = 0; n < inText.length; ) {
    const start = section.fields.text.lastIndexOf("\n", inText[n].at) + 1;
    const end = lineEnd(section.fields.text, start);
    const own = new Map();
    for (; n < inText.length && inText[n].at < end; n++)
      own.set(inText[n].term, Math.max(own.get(inText[n].term) ?? 0, inText[n].worth));
    const worth = [...own.values()].reduce((sum, each) => sum + each, 0);
    if (worth > chosen.worth) chosen = { start, end, together: own.size, worth };
  }
  return chosen;
}

function lineEnd(text, start) {
  const end = text.indexOf("\n", start);
  return end < 0 ? text.length : end;
}

/** A text in pieces, marked and not: [words, whether it was asked for]. */
function pieces(text, found, from, to) {
  const parts = [];
  let at = from;
  const inside = found.filter((hit) => hit.at >= from && hit.at + hit.length <= to);
  for (const hit of inside.sort((a, b) => a.at - b.at || b.length - a.length)) {
    const start = Math.max(at, hit.at);
    const end = hit.at + hit.length;
    if (end <= at) continue;
    if (start > at) parts.push([text.slice(at, start), false]);
    const last = parts.at(-1);
    if (last?.[1]) last[0] += text.slice(start, end);
    else parts.push([text.slice(start, end), true]);
    at = end;
  }
  if (at < to) parts.push([text.slice(at, to), false]);
  return parts;
}

/**
 * What a row of the results shows: where it stands, where it leads, and its words in pieces.
 * An equation whose name was asked for is where its section's row leads.
 */
export function row({ section, hits: found }) {
  const { page, fields } = section;
  const of = (field) => found.filter((hit) => hit.field === field);
  const { text } = fields;
  const line = best(section, found);
  let { start, end } = line;
  if (end - start > SNIPPET) {
    const first = Math.min(
      ...of("text")
        .filter(({ at }) => at >= start && at < end)
        .map(({ at }) => at),
      end,
    );
    const centre = line.together ? first : start;
    start = Math.max(start, wordStart(text, centre - 60, start));
    end = wordEnd(text, Math.min(end, start + SNIPPET), end);
  }
  const snippet = pieces(text, of("text"), start, end);
  if (start > 0 && text[start - 1] !== "\n") snippet.unshift(["… ", false]);
  if (end < text.length && text[end] !== "\n") snippet.push([" …", false]);
  const named = fields.equations.split(" ").filter((name) => {
    const at = ` ${fields.equations} `.indexOf(` ${name} `);
    return name && of("equations").some((hit) => hit.good >= 0.6 && hit.at >= at && hit.at < at + name.length);
  });
  const code = [...new Set(of("names").map(({ at }) => wordAt(fields.names, at)))];
  const anchor = named.length ? `equation-${named[0]}` : section.anchor;
  return {
    page: page.number ? `Chapter ${page.number}. ${page.title}` : page.title,
    heading: pieces(section.heading, of("heading"), 0, section.heading.length),
    around: section.around,
    address: page.page ? page.page + (anchor ? `#${anchor}` : "") : section.anchor,
    snippet,
    equations: named,
    code: code.filter((name) => name !== section.heading).slice(0, 4),
  };
}

function wordStart(text, at, least) {
  if (at <= least) return least;
  const space = text.indexOf(" ", at);
  return space < 0 || space > at + 30 ? at : space + 1;
}

function wordEnd(text, at, most) {
  if (at >= most) return most;
  const space = text.lastIndexOf(" ", at);
  return space < at - 30 ? at : space;
}

function wordAt(text, at) {
  const end = text.indexOf(" ", at);
  return text.slice(text.lastIndexOf(" ", at) + 1, end < 0 ? text.length : end);
}

/** What is said of an answer, for eye and ear: how much was found, and what was looked for otherwise than asked. */
export function sentence(question, { terms: asked, all, instead, results }) {
  const shown = question.trim().length > 60 ? `${question.trim().slice(0, 60)} …` : question.trim();
  if (!shown) return "Nothing was asked: type a word to look for.";
  if (!asked.length) return "There is neither a letter nor a digit in this, so there is nothing to look for.";
  const said = instead
    .map(({ asked: word, found }) => `The book has no “${word}”: “${found}” was looked for. `)
    .join("");
  const long =
    question.trim().length > MOST_LETTERS
      ? `That is long: only its first ${MOST_LETTERS} letters were looked for. `
      : asked.length === MOST_TERMS
        ? `That is long: only its first ${MOST_TERMS} words were looked for. `
        : "";
  if (!results.length)
    return `${long}Nothing in the book holds “${shown}”. Fewer words, or the beginning of one, find more.`;
  const pages = new Set(results.map(({ section }) => section.page)).size;
  const counted = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
  const where = `${counted(results.length, "place")} in ${counted(pages, "page")}`;
  if (!all) return `${long}${said}No place in the book holds all of this; some of it: ${where}.`;
  return `${long}${said}${where}.`;
}
