// Rows through one matrix in float64, four at a time: y = x W^T + b with W in float32, as a layer keeps it.
//
//   const through = doubles(weight, bias, inputs, outputs)     weight (outputs, inputs), bias (outputs) or null
//   through(x, rows)                                           -> Float64Array (rows, outputs)
//
// A loop of vector instructions (assembler.js); null where a browser refuses it: network.js then has its own, slower.
// What is 0 in all four rows is left out: behind a ReLU that is about half, since rows that follow each other often lie
// side by side.

import {
  assembled,
  constant,
  doublesPlus,
  doublesTimes,
  get,
  less,
  let_,
  load,
  loadWhole,
  memoryOf,
  minus,
  moduleOf,
  plus,
  promoted,
  raise,
  repeat,
  spreadDouble,
  store,
  times,
} from "./assembler.js";

const ROWS = 4;

export function doubles(weight, bias, inputs, outputs) {
  const n = 4 * Math.ceil(outputs / 4); // a row of W^T and of y
  const sizes = { bias: 8 * n, y: 8 * ROWS * n, x: 8 * ROWS * inputs, weights: 4 * inputs * n, places: 4 * inputs };
  let end = 0;
  const at = Object.fromEntries(
    Object.entries(sizes).map(([name, size]) => {
      end += size;
      return [name, end - size];
    }),
  );
  const memory = memoryOf(end);
  const kernel = assembled(memory, bytesOfKernel());
  if (!memory || !kernel) return null;
  const { buffer } = memory;
  const columns = new Float32Array(buffer, at.weights, inputs * n);
  for (let o = 0; o < outputs; o++) for (let i = 0; i < inputs; i++) columns[i * n + o] = weight[o * inputs + i];
  if (bias) new Float64Array(buffer, at.bias, outputs).set(bias);
  const four = new Float64Array(buffer, at.x, ROWS * inputs); // an input's four values side by side
  const places = new Int32Array(buffer, at.places, inputs);
  const found = new Float64Array(buffer, at.y, ROWS * n);

  return (x, rows) => {
    const y = new Float64Array(rows * outputs);
    for (let r = 0; r < rows; r += ROWS) {
      const own = Math.min(ROWS, rows - r);
      let count = 0;
      for (let i = 0; i < inputs; i++) {
        let used = i === inputs - 1 && count === 0; // the loop runs at least once
        for (let k = 0; k < ROWS; k++) {
          const value = k < own ? x[(r + k) * inputs + i] : 0;
          four[ROWS * count + k] = value;
          used ||= value !== 0;
        }
        if (used) places[count++] = at.weights + 4 * i * n;
      }
      kernel(at.y, at.x, at.places, at.bias, count, 4 * n);
      for (let k = 0; k < own; k++) y.set(found.subarray(k * n, k * n + outputs), (r + k) * outputs);
    }
    return y;
  };
}

/** The kernel's bytes: (y, x, places of the rows of W^T, bias, count of these rows, bytes of one). */
function bytesOfKernel() {
  const [y, x, places, bias, count, wide] = [0, 1, 2, 3, 4, 5]; // parameters
  const [column, p, from, place, row, to] = [6, 7, 8, 9, 10, 11]; // whole numbers
  const [left, right, one] = [12, 13, 14]; // vectors: four numbers of W^T's row, one of x
  const sums = [15, 16, 17, 18, 19, 20, 21, 22]; // four rows of two vectors
  const rows = [0, 1, 2, 3];
  const doubled = [...get(column), ...constant(2), ...times]; // a float64 is twice as long as a float32
  const term = [
    let_(row, loadWhole(get(place)), get(column), plus),
    let_(left, promoted(get(row))),
    let_(right, promoted(get(row), 8)),
    ...rows.map((r) => [
      ...let_(one, spreadDouble(get(from), 8 * r)),
      ...let_(sums[2 * r], get(sums[2 * r]), get(one), get(left), doublesTimes, doublesPlus),
      ...let_(sums[2 * r + 1], get(sums[2 * r + 1]), get(one), get(right), doublesTimes, doublesPlus),
    ]),
    raise(from, constant(8 * ROWS)),
    raise(place, constant(4)),
    let_(p, get(p), constant(1), minus),
  ];
  const block = [
    let_(to, get(bias), doubled, plus),
    ...rows.map((r) => [...let_(sums[2 * r], load(get(to))), ...let_(sums[2 * r + 1], load(get(to), 16))]),
    let_(p, get(count)),
    let_(from, get(x)),
    let_(place, get(places)),
    repeat(term, [get(p)]),
    let_(to, get(y), doubled, plus),
    ...rows.map((r) => [
      ...store(get(to), get(sums[2 * r])),
      ...store(get(to), get(sums[2 * r + 1]), 16),
      ...raise(to, get(wide), constant(2), times),
    ]),
    raise(column, constant(16)),
  ];
  const body = [let_(column, constant(0)), repeat(block, [get(column), get(wide), less])];
  return moduleOf({ parameters: 6, wholes: 6, vectors: 11, body });
}
