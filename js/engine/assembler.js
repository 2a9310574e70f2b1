// As much of WebAssembly as one loop of vector instructions needs, assembled in the page: a function on one memory, of
// whole numbers only. products.js and doubles.js write their kernels with it.
//
//   const memory = memoryOf(bytes)                   null where the browser has no WebAssembly
//   const kernel = assembled(memory, module)         null where it knows no vector instructions, or forbids this
//
// The instructions' names are those of the specification, shortened; `let_(local, ...)` computes and keeps.

const [I32, V128] = [0x7f, 0x7b];
const EMPTY = 0x40; // the type of a loop that leaves nothing
const PAGE = 65536;

/** A whole number in the variable length that the format uses; a signed one for constants. */
function number(value, signed = false) {
  const out = [];
  for (let rest = value; ; ) {
    const low = rest & 0x7f;
    rest >>= 7;
    if (signed ? (rest === 0 && !(low & 0x40)) || (rest === -1 && low & 0x40) : rest === 0) return [...out, low];
    out.push(low | 0x80);
  }
}

const listed = (items) => [...number(items.length), ...items.flat()];
const section = (id, items) => [id, ...listed([listed(items)].flat())];
const vector = (code) => [0xfd, ...number(code)];
const at = (align, offset) => [align, ...number(offset)]; // of a place in memory

export const get = (local) => [0x20, local];
export const set = (local) => [0x21, local];
export const constant = (value) => [0x41, ...number(value, true)];
export const plus = [0x6a];
export const minus = [0x6b];
export const times = [0x6c];
export const less = [0x49]; // unsigned
export const loadWhole = (address) => [...address, 0x28, ...at(2, 0)];
export const load = (address, offset = 0) => [...address, ...vector(0x00), ...at(4, offset)]; // a whole vector
export const store = (address, value, offset = 0) => [...address, ...value, ...vector(0x0b), ...at(4, offset)];
export const spreadFloat = (address) => [...address, ...vector(0x09), ...at(2, 0)]; // one float32, four times
/** One float64, twice. */
export const spreadDouble = (address, offset = 0) => [...address, ...vector(0x0a), ...at(3, offset)];
/** Two float32 as two float64. */
export const promoted = (address, offset = 0) => [...address, ...vector(0x5d), ...at(3, offset), ...vector(0x5f)];
export const zeros = [...vector(0x0c), ...new Array(16).fill(0)];
export const floatsPlus = vector(0xe4);
export const floatsTimes = vector(0xe6);
export const doublesPlus = vector(0xf0);
export const doublesTimes = vector(0xf2);
export const let_ = (local, ...value) => [...value.flat(), ...set(local)];
export const raise = (local, ...by) => let_(local, get(local), ...by, plus);
/** Repeat `body` as long as `condition` holds after it. */
export const repeat = (body, condition) => [0x03, EMPTY, ...body.flat(), ...condition.flat(), 0x0d, 0, 0x0b];

/**
 * The bytes of a module with one function, `run`: so many parameters, then so many whole numbers and vectors of its
 * own, all counted from 0 in this order; `body` its instructions.
 */
export function moduleOf({ parameters, wholes, vectors, body }) {
  const locals = [
    [...number(wholes), I32],
    [...number(vectors), V128],
  ];
  const code = [...listed(locals), ...body.flat(), 0x0b];
  const name = (text) => listed([...text].map((letter) => [letter.charCodeAt(0)]));
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [[0x60, ...listed(new Array(parameters).fill([I32])), 0]]), // its type
    ...section(2, [[...name("from"), ...name("memory"), 0x02, 0x00, 1]]), // a memory from outside
    ...section(3, [[0]]),
    ...section(7, [[...name("run"), 0x00, 0]]),
    ...section(10, [[...number(code.length), ...code]]),
  ]);
}

/** Room for so many bytes; null where the browser has no WebAssembly. */
export function memoryOf(bytes) {
  if (typeof WebAssembly === "undefined") return null;
  return new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
}

let refused = false; // once is enough: a page's policy that forbids this writes a line on each attempt

/** A module's function on a memory; null where the browser has no vector instructions, or forbids the module. */
export function assembled(memory, bytes) {
  if (!memory || refused) return null;
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { from: { memory } });
    return /** @type {(...places: number[]) => void} */ (exports.run);
  } catch {
    refused = true;
    return null;
  }
}
