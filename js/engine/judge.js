// The judge of number exercises in the page: the twin of lvm_lib/check/_judge.py, with its verdicts and its words.
//
// A table is what lvm_lib.check.tables() gives of an exercise: parts, each a number (truth, slips, tolerances, units)
// or a choice (bands). An answer is a text for each part, as a field holds it. No page in sight.

import { general, numbers, Odd, stripped, unit } from "./written.js";

/**
 * @typedef {{ right: boolean | null, text: string }} Judged
 * @typedef {{ shape: number[], values: number[] }} Given
 */

const UNITS = { nats: 1, bits: Math.log(2) }; // nats in one of them
const PRECISION = ["a whole number", "one decimal or better", "two decimals or better"];
const RANGES = [
  [1, 2],
  [2, 5],
  [5, 11],
];
const ROOM = 1 + 1e-9; // for rounding in the last digit

/** Judge the answers of an exercise part by part, each knowing those before it: { right, said, parts }. */
export function judge(table, answers) {
  const verdicts = [];
  table.parts.forEach((part, at) => {
    const before = part.follows?.part;
    const earlier =
      before === undefined
        ? null
        : { answer: answers[before], part: table.parts[before], right: verdicts[before].right };
    verdicts.push(judged(answers[at], part, earlier, table.distances !== false));
  });
  return { ...told(table, verdicts), parts: verdicts.map((verdict) => verdict.right) };
}

/** Whether a text is no answer yet. */
export function unanswered(answer) {
  return [...answer].length < 100 && ["", "...", "…"].includes(stripped(answer));
}

/** @returns {Judged} */
function judged(answer, part, earlier, distances) {
  const verdict = (right, text = "") => ({ right, text });
  if (unanswered(answer)) return verdict(null);
  const your = `your ${part.what}`;
  const [look, be] = part.plural ? ["look", "are"] : ["looks", "is"];
  let given;
  try {
    given = read(answer);
  } catch (odd) {
    if (!(odd instanceof Odd)) throw odd;
    return verdict(false, `${your} should be ${wanted(part)}, but got ${odd.message}`);
  }
  if (part.kind === "choice") return chosen(given, part, your);
  given = shapedLike(given, part);
  const behind = unitOf(answer);
  const truth = asGiven(part.truth);
  if (behind && part.unit && behind !== part.unit) {
    const scale = (x) => (x * UNITS[behind]) / UNITS[part.unit];
    const right = equal(mapped(given, scale), truth, part.tolerance);
    return verdict(false, `${your} ${be} ${right ? "right, but " : ""}given in ${behind}, and ${part.unit} are asked`);
  }
  const near = following(part, earlier).filter((each) => equal(given, each.value, part.tolerance));
  if (near.length) {
    const away = near.map((each) => Math.max(...differences(given, each.value).map(Math.abs)));
    const { right, name } = near[away.indexOf(Math.min(...away))];
    return verdict(right, right ? "" : `${your} ${part.plural ? "follow" : "follows"} from ${name}`);
  }
  for (const slip of part.slips) {
    if (equal(given, asGiven(slip.value), slip.tolerance)) return verdict(false, `${your} ${look} like ${slip.name}`);
  }
  if (!sameShape(given, truth)) {
    return verdict(false, `${your} should be ${wanted(part)}, but got shape ${shapeText(given.shape)}`);
  }
  return verdict(false, `${your} ${be} ${howFar(given, part, distances)}`);
}

// ---------------------------------------------------------------- reading

/** An answer as numbers; throws Odd with what came. */
function read(answer) {
  let values;
  try {
    values = numbers(answer);
  } catch (odd) {
    if (!(odd instanceof Odd)) throw odd;
    throw new Odd(`${came(answer)}, ${odd.message}`);
  }
  const scale = unit(answer) === "%" ? 0.01 : 1;
  const shape = values.length === 1 ? [] : [values.length];
  return { shape, values: values.map((value) => value * scale) };
}

function unitOf(answer) {
  const found = unit(answer);
  return found in UNITS ? found : "";
}

/** A short account of a text, as Python shows one: quoted, in printable signs, in at most 160 of them. */
export function came(text) {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", [quote]: `\\${quote}` };
  const sign = (letter) => {
    if (escaped[letter]) return escaped[letter];
    if (letter === " " || !/[\p{C}\p{Z}]/u.test(letter)) return letter;
    const code = /** @type {number} */ (letter.codePointAt(0));
    const width = code < 0x100 ? 2 : code < 0x10000 ? 4 : 8;
    return `\\${width === 2 ? "x" : width === 4 ? "u" : "U"}${code.toString(16).padStart(width, "0")}`;
  };
  const shown = [...`str ${quote}${[...text].map(sign).join("")}${quote}`].slice(0, 1000).join("");
  const letters = [...shown.split(/ +/).filter(Boolean).join(" ")];
  return letters.length <= 160 ? letters.join("") : `${letters.slice(0, 157).join("")}...`;
}

// ---------------------------------------------------------------- arrays: a number, or a row of them

/** @returns {Given} */
const asGiven = (value) =>
  Array.isArray(value)
    ? { shape: [value.length, ...(Array.isArray(value[0]) ? asGiven(value[0]).shape : [])], values: value.flat(9) }
    : { shape: [], values: [value] };

/** @returns {Given} */
const mapped = ({ shape, values }, change) => ({ shape, values: values.map(change) });
const sameShape = (one, other) => one.shape.join() === other.shape.join();
const differences = (one, other) => one.values.map((value, i) => value - other.values[i]);
const equal = (one, other, tolerance) =>
  sameShape(one, other) && differences(one, other).every((off) => Math.abs(off) <= tolerance * ROOM);
const shapeText = (shape) => (shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`);

/** One number stands for all where they are alike. */
function shapedLike(given, part) {
  const truth = asGiven(part.truth);
  if (part.alike && given.values.length === 1) return mapped(truth, () => given.values[0]);
  return given;
}

// ---------------------------------------------------------------- what counts

/** To so many decimals, what lies exactly between two to the even one, as NumPy does. */
function rounded(x, decimals) {
  const scale = 10 ** decimals;
  const scaled = x * scale;
  const low = Math.floor(scaled);
  const up = scaled - low > 0.5 || (scaled - low === 0.5 && low % 2 !== 0);
  return (up ? low + 1 : low) / scale;
}

/** The values that count: the truth first, then what follows from an earlier answer, rounded or as it was given. */
function following(part, earlier) {
  const values = [{ value: asGiven(part.truth), right: true, name: "" }];
  if (!earlier) return values;
  const { scale, shift, exp } = part.follows;
  const { answer, part: before, right } = earlier;
  const truth = asGiven(before.truth);
  const follow = (from) => mapped(from, (x) => (exp ? Math.exp(scale * x + shift) : scale * x + shift));
  if (right !== false) {
    values.push({ value: follow(mapped(truth, (x) => rounded(x, before.decimals))), right: true, name: "" });
  }
  if (right === null) return values;
  let given;
  try {
    given = shapedLike(read(answer), before);
  } catch (odd) {
    if (!(odd instanceof Odd)) throw odd;
    return values;
  }
  if (sameShape(given, truth)) {
    const name = right ? "" : `your ${before.what}, and ${part.plural ? "come" : "comes"} right when that does`;
    values.push({ value: follow(given), right, name });
  }
  return values;
}

/** @returns {Judged} a number among bands */
function chosen(given, part, your) {
  if (given.values.length !== 1) {
    return { right: false, text: `${your} should be one finite number, but got shape ${shapeText(given.shape)}` };
  }
  const [number] = given.values;
  const band = part.bands.find(({ low, high }) => low <= number && number < high);
  if (band) return { right: band.right, text: band.says };
  return { right: false, text: `${your} should ${part.outside}, but got ${general(number, 4)}` };
}

// ---------------------------------------------------------------- saying it

const listed = (names) => (names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names.join(""));

/** What a part wants, in words. */
export function wanted(part) {
  if (part.kind === "choice" || part.shape.length === 0) return "one finite number";
  if (part.alike) return `one finite number, or ${part.shape.reduce((a, b) => a * b, 1)} of them`;
  if (part.shape.length === 1) return `${part.shape[0]} finite numbers`;
  return `finite numbers of shape ${shapeText(part.shape)}`;
}

/** How far off a wrong answer is, to a factor of about two; the side alone where distances are not told. */
function howFar(given, part, distances) {
  const off = differences(given, asGiven(part.truth));
  const excess = off.map((x) => Math.abs(x) / part.tolerance);
  const worst = excess.indexOf(Math.max(...excess));
  const where = off.length > 1 ? ` in ${part.plural ? "their" : "its"} worst entry` : "";
  const side = `${off[worst] > 0 ? "too high" : "too low"}${where}`;
  const size = Math.abs(off[worst]);
  const of = part.unit ? ` ${part.unit}` : "";
  if (part.exact && size < 1) return `${side}: a whole number is asked`;
  if (!distances) return side;
  if (!part.exact && excess[worst] <= 10) return `close, but ${side}: give ${PRECISION[part.decimals]}`;
  if (size >= 1000) return `${side}, by more than 1,000${of}`;
  const base = Number(`1e${Math.floor(Math.log10(size))}`);
  const [low, high] = RANGES.find((pair) => size < pair[1] * base) ?? [5, 11];
  return `${side}, by ${general(low * base)} to ${general(Math.min(high, 10) * base)}${of}`;
}

/** All verdicts as one message: { right, said }. */
function told(table, verdicts) {
  const parts = table.parts.map((part, at) => ({ ...part, ...verdicts[at] }));
  const wrong = parts.filter((part) => part.right === false).map((part) => part.text);
  const empty = parts
    .filter((part) => part.right === null)
    .map((part) => (part.symbol ? part.what : `the ${part.what}`));
  const done = parts
    .filter((part) => part.right)
    .map((part) => `your ${part.what} ${part.plural ? "are" : "is"} right`);
  if (!wrong.length && !empty.length) {
    return { right: true, said: ended(`Right: ${table.right || parts.map((part) => part.text).join("; ")}`) };
  }
  if (!wrong.length) {
    return { right: null, said: ended([`Not answered yet: ${listed(empty)}`, ...done].join("; ")) };
  }
  const missing = empty.length ? [`still to come: ${listed(empty)}`] : [];
  return { right: false, said: ended(`Not yet: ${[...done, ...wrong, ...missing].join("; ")}`) };
}

const ended = (message) => (/[.?!]$/.test(message) ? message : `${message}.`);
