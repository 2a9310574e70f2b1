// Matrix products in float32, on one block of memory: C = A B, where A may be read across (its transpose).
//
//   const { floats, multiply, kind } = products({ a: 12, b: 24, c: 32 })    sizes by name
//   floats.a                          a Float32Array of that size, zeros
//   multiply(c, a, b, m, k, n)        c (m, n) = a (m, k) b (k, n)
//   multiply(c, a, b, m, k, n, true)  the same, where a is stored as (k, m)
//
// m must be a multiple of 4, n of 8. `kind` is "WebAssembly" or "JavaScript". The first is a loop of vector
// instructions, assembled when a page asks for it; where a browser refuses it, the second does the same, slower.
// Within one kind the order of all additions is fixed: equal inputs give equal outputs, to the last bit.

import {
  assembled,
  constant,
  floatsPlus,
  floatsTimes,
  get,
  less,
  let_,
  load,
  memoryOf,
  minus,
  moduleOf,
  plus,
  raise,
  repeat,
  spreadFloat,
  store,
  times,
  zeros,
} from "./assembler.js";

/** Arrays of those sizes and the product on them. `plain`: JavaScript although WebAssembly would do (for tests). */
export function products(sizes, { plain = false } = {}) {
  const places = [];
  let end = 0;
  for (const size of Object.values(sizes)) {
    places.push(end);
    end += 16 * Math.ceil(size / 4); // each begins where a vector may
  }
  const memory = plain ? null : memoryOf(end);
  const kernel = assembled(memory, bytesOfKernel());
  const buffer = memory && kernel ? memory.buffer : new ArrayBuffer(end);
  const floats = Object.fromEntries(
    Object.entries(sizes).map(([name, size], i) => [name, new Float32Array(buffer, places[i], size)]),
  );
  if (!kernel) return { floats, multiply: inJavaScript, kind: "JavaScript" };
  const multiply = (c, a, b, m, k, n, across = false) =>
    kernel(c.byteOffset, a.byteOffset, b.byteOffset, m, k, 4 * n, across ? 4 : 4 * k, across ? 4 * m : 4);
  return { floats, multiply, kind: "WebAssembly" };
}

/** The same in plain JavaScript: four rows by two columns of C at a time, sums in float64. */
export function inJavaScript(c, a, b, m, k, n, across = false) {
  const row = across ? 1 : k;
  const step = across ? m : 1;
  for (let i = 0; i < m; i += 4)
    for (let j = 0; j < n; j += 2) {
      let c00 = 0;
      let c01 = 0;
      let c10 = 0;
      let c11 = 0;
      let c20 = 0;
      let c21 = 0;
      let c30 = 0;
      let c31 = 0;
      let at = i * row;
      let below = j;
      for (let p = 0; p < k; p++) {
        const b0 = b[below];
        const b1 = b[below + 1];
        const a0 = a[at];
        const a1 = a[at + row];
        const a2 = a[at + 2 * row];
        const a3 = a[at + 3 * row];
        c00 += a0 * b0;
        c01 += a0 * b1;
        c10 += a1 * b0;
        c11 += a1 * b1;
        c20 += a2 * b0;
        c21 += a2 * b1;
        c30 += a3 * b0;
        c31 += a3 * b1;
        at += step;
        below += n;
      }
      const to = i * n + j;
      c[to] = c00;
      c[to + 1] = c01;
      c[to + n] = c10;
      c[to + n + 1] = c11;
      c[to + 2 * n] = c20;
      c[to + 2 * n + 1] = c21;
      c[to + 3 * n] = c30;
      c[to + 3 * n + 1] = c31;
    }
}

/** The kernel's bytes: (c, a, b, m, k, bytes of a row of b and c, bytes from row to row of a, from term to term). */
function bytesOfKernel() {
  const [c, a, b, m, k, wide, row, step] = [0, 1, 2, 3, 4, 5, 6, 7]; // parameters
  const [column, i, p, at, to, below] = [8, 9, 10, 11, 12, 13]; // whole numbers
  const rows = [14, 15, 16, 17]; // where the four rows of a are read
  const [left, right, one] = [18, 19, 20]; // vectors: eight numbers of b's row, one of a's
  const sums = [21, 22, 23, 24, 25, 26, 27, 28]; // four rows of two vectors
  const term = [
    let_(left, load(get(below))),
    let_(right, load(get(below), 16)),
    ...rows.map((place, r) => [
      ...let_(one, spreadFloat(get(place))),
      ...let_(sums[2 * r], get(sums[2 * r]), get(one), get(left), floatsTimes, floatsPlus),
      ...let_(sums[2 * r + 1], get(sums[2 * r + 1]), get(one), get(right), floatsTimes, floatsPlus),
      ...raise(place, get(step)),
    ]),
    raise(below, get(wide)),
    let_(p, get(p), constant(1), minus),
  ];
  const block = [
    let_(rows[0], get(at)),
    ...[1, 2, 3].map((r) => let_(rows[r], get(rows[r - 1]), get(row), plus)),
    let_(below, get(b), get(column), plus),
    let_(p, get(k)),
    ...sums.map((sum) => let_(sum, zeros)),
    repeat(term, [get(p)]),
    ...rows.map((_, r) => [
      ...store(get(to), get(sums[2 * r])),
      ...store(get(to), get(sums[2 * r + 1]), 16),
      ...raise(to, get(wide)),
    ]),
    raise(at, constant(4), get(row), times),
    raise(i, constant(4)),
  ];
  const columns = [
    let_(i, constant(0)),
    let_(at, get(a)),
    let_(to, get(c), get(column), plus),
    repeat(block, [get(i), get(m), less]),
    raise(column, constant(32)),
  ];
  const body = [let_(column, constant(0)), repeat(columns, [get(column), get(wide), less])];
  return moduleOf({ parameters: 8, wholes: 10, vectors: 11, body });
}
