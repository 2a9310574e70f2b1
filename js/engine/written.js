// Numbers that were written as text: `0.85`, `0,85`, `-1.2e-3`, `17/20`, `log(512)`, `sqrt(3)/2`, `2^7`, `0.85 nats`.
//
// The twin of lvm_lib/check/_text.py, sentence by sentence: a parser, which never evaluates text as a program. Several
// numbers stand apart by `;`, by spaces, or by commas with a space behind them; by such commas or by spaces also where
// each has a comma of its own, `1,04, 0,35` and `1,04 0,35`.
// Letters, digits and spaces are Unicode's, as Python's regular expressions take them.

/** What cannot be read, in words. */
export class Odd extends Error {}

/** What has no real or no finite value. */
class NoValue extends Error {}

const LONGEST = 200; // characters that are looked at
const DEEPEST = 20; // brackets within brackets
const FUNCTIONS = new Map([
  ["exp", Math.exp],
  ["ln", Math.log],
  ["log", Math.log],
  ["log10", Math.log10],
  ["log2", Math.log2],
  ["sqrt", Math.sqrt],
  ["tanh", Math.tanh],
]);
const CONSTANTS = new Map([
  ["e", Math.E],
  ["pi", Math.PI],
]);
// What Python takes for white space (Unicode's list here is JavaScript's but for one sign).
const SPACES = "\\t-\\r\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const SPACE = `[${SPACES}]`;
const WORD = "[\\p{L}\\p{N}_]";
const TOKEN = new RegExp(
  `(?:(\\p{Nd}+(?:[.,]\\p{Nd}*)?|[.,]\\p{Nd}+)(e[+-]?\\p{Nd}+(?!${WORD}|\\.))?|` +
    `([a-z]+\\p{Nd}*)|(\\*\\*|[-+*/^()]))${SPACE}*`,
  "uy",
);
const UNIT = new RegExp(`(?<![a-z])(nat|bit)s?${SPACE}*(?:(?:/|per)${SPACE}*[a-z]+)?$|%$`, "u");
const STRIPPED = new RegExp(`^${SPACE}+|${SPACE}+$`, "gu");
const PREFIX = new RegExp(`(?<!${WORD})(?:np|math|numpy|torch)\\.`, "gu");
const BY_COMMAS = new RegExp(`,${SPACE}`, "u");
const BY_SPACES = new RegExp(`(?<=[\\p{Nd}).])${SPACE}+(?=[-+]?[\\p{Nd}.])`, "u");
const COMMA = /^[-+]?\p{Nd}*,\p{Nd}+(?:e[-+]?\p{Nd}+)?$/u; // a number with a decimal comma
const THOUSANDS = /^[1-9]\p{Nd}{0,2},\p{Nd}{3}$/u;
const NO_VALUE = "a text that has no finite value";

/** A text without white space at its ends. */
export const stripped = (text) => text.replace(STRIPPED, "");

/** The unit that is written behind a number: "nats", "bits", "%", or "" if there is none. */
export function unit(text) {
  const found = UNIT.exec(plain(text));
  return found === null ? "" : found[1] ? `${found[1]}s` : "%";
}

/** The numbers of a text; throws Odd, with what is wrong, if one of them cannot be read. */
export function numbers(text) {
  let left = stripped(plain(text).replace(UNIT, ""));
  const ends = left.slice(0, 1) + left.slice(-1);
  const bare = ends === "()" && !/[()]/.test(left.slice(1, -1));
  if (left.length > 1 && (ends === "[]" || bare)) left = stripped(left.slice(1, -1));
  return apart(left).map((part) => value(stripped(part)));
}

/** The pieces of a text that stand for a number each. */
function apart(text) {
  if (text.includes(";")) return text.split(";");
  const byCommas = text.split(BY_COMMAS);
  const bySpaces = text.split(BY_SPACES);
  for (const parts of [byCommas, bySpaces]) {
    if (parts.length > 1 && parts.every((part) => !part.includes(",") || COMMA.test(stripped(part)))) return parts;
  }
  return byCommas.length > 1 || text.split(",").length > 2 ? text.split(",") : bySpaces;
}

function plain(text) {
  if ([...text].length > LONGEST) throw new Odd("a text that is too long");
  if (/\p{No}/u.test(text)) throw new Odd("a fraction in one sign: write 1/2"); // 2½ would be read as 21/2
  const same = text.normalize("NFKC").toLowerCase().replaceAll("\u2212", "-").replaceAll("\u00d7", "*");
  return stripped(same.replace(PREFIX, ""));
}

/** The value of one expression. Grammar: sum of products of signed powers of numbers, functions and brackets. */
function value(text) {
  const tokens = [];
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (found === null) {
      throw new Odd(
        `a text that is no number ('${String.fromCodePoint(text.codePointAt(at) ?? 0)}' is not understood)`,
      );
    }
    tokens.push(found[1] ? number(found[1], found[2] ?? "") : (found[3] ?? found[4]));
    at = TOKEN.lastIndex;
  }
  let result;
  let rest;
  try {
    [result, rest] = sum(tokens, 0, 0);
  } catch (error) {
    if (error instanceof NoValue) throw new Odd(NO_VALUE);
    throw error;
  }
  if (rest !== tokens.length) {
    throw new Odd(`a text that is no number (${shown(tokens[rest])} is not expected there)`);
  }
  if (!Number.isFinite(result)) throw new Odd(NO_VALUE);
  return result;
}

const shown = (token) => `'${typeof token === "number" ? general(token) : token}'`;

/** A call of a function where it has a real value; else NoValue. */
function of(call, ...given) {
  const result = call(...given);
  const lost = Number.isNaN(result)
    ? !given.some(Number.isNaN)
    : !Number.isFinite(result) && given.every(Number.isFinite);
  if (lost) throw new NoValue();
  return result;
}

/** A power as C has it: 1 to any power is 1, and so is minus 1 to an infinite one. */
const power = (base, exponent) =>
  base === 1 || (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY) ? 1 : base ** exponent;

/** Digits of any script as those of ours: they stand in Unicode in rows of ten. */
const ours = (text) =>
  text.replace(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0);
    let first = code;
    while (code - first < 9 && /\p{Nd}/u.test(String.fromCodePoint(first - 1))) first--;
    return String(code - first);
  });

function number(digits, exponent) {
  if (THOUSANDS.test(digits)) {
    throw new Odd(
      `${digits}, which may mean two things: write ${digits.replace(",", ".")} or ${digits.replace(",", "")}`,
    );
  }
  return Number(ours(digits.replace(",", ".") + exponent));
}

function sum(tokens, at, depth) {
  let [total, end] = product(tokens, at, depth);
  while (tokens[end] === "+" || tokens[end] === "-") {
    const [more, next] = product(tokens, end + 1, depth);
    total = tokens[end] === "+" ? total + more : total - more;
    end = next;
  }
  return [total, end];
}

function product(tokens, at, depth) {
  let [total, end] = signed(tokens, at, depth);
  while (tokens[end] === "*" || tokens[end] === "/") {
    const [more, next] = signed(tokens, end + 1, depth);
    if (tokens[end] === "/" && more === 0) throw new NoValue();
    total = tokens[end] === "*" ? total * more : total / more;
    end = next;
  }
  return [total, end];
}

function signed(tokens, at, depth) {
  if (depth > DEEPEST) throw new Odd("a text with too many brackets");
  if (tokens[at] === "+" || tokens[at] === "-") {
    const [positive, end] = signed(tokens, at + 1, depth + 1);
    return [tokens[at] === "-" ? -positive : positive, end];
  }
  const [base, end] = atom(tokens, at, depth);
  if (tokens[end] !== "^" && tokens[end] !== "**") return [base, end];
  const [exponent, next] = signed(tokens, end + 1, depth + 1);
  return [of(power, base, exponent), next];
}

function atom(tokens, at, depth) {
  const token = tokens[at];
  if (typeof token === "number") return [token, at + 1];
  const constant = CONSTANTS.get(token);
  if (constant !== undefined) return [constant, at + 1];
  const call = FUNCTIONS.get(token);
  let inside = at + 1;
  if (call !== undefined) {
    if (tokens[inside] !== "(") throw new Odd(`a text in which ${token} wants brackets`);
    inside += 1;
  } else if (token !== "(") {
    throw new Odd(
      token === undefined
        ? "a text that ends too early"
        : `a text that is no number (${shown(token)} is not understood)`,
    );
  }
  const [result, end] = sum(tokens, inside, depth + 1);
  if (tokens[end] !== ")") throw new Odd("a text with an open bracket");
  return [call === undefined ? result : of(call, result), end + 1];
}

/** A number in at most so many digits, in the form of Python's "g": 0.0012, 1.5, 1e+06. */
export function general(x, digits = 6) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  let [mantissa, exponent] = x.toExponential(digits - 1).split("e");
  // What lies exactly between two goes to the even one.
  const rest = x.toExponential(60).split("e")[0].replace(/[-.]/g, "").slice(digits);
  if (/^50*$/.test(rest) && Number(mantissa.at(-1)) % 2) {
    mantissa = mantissa.slice(0, -1) + String(Number(mantissa.at(-1)) - 1);
  }
  const size = Number(exponent);
  const short = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (size < -4 || size >= digits) {
    return `${short(mantissa)}e${size < 0 ? "-" : "+"}${String(Math.abs(size)).padStart(2, "0")}`;
  }
  return short(Number(`${mantissa}e${size}`).toFixed(Math.max(0, digits - 1 - size)));
}
