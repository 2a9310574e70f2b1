// Networks in the page: forward passes in float64 on the rounded weights that lvm_lib/figures/network.py packed.
//
//   const net = network(layers, bytes)       layers: list of descriptions; bytes: one buffer (ArrayBuffer or a view)
//   net.run(data, shape)                      -> { data: Float64Array, shape }; as in torch the first axis is the batch
//   net.row(data)                             -> Float64Array: one input, one output
//   net.stepper()                             one place at a time, past keys and values kept: causal attention
//
// Four rows or more of a large layer go through a loop of vector instructions (doubles.js) where the browser has them.
// No DOM, no state but a stepper's own. Every number is computed in float64, so that torch in float64 on the same
// rounded weights differs by rounding alone (about 1e-15 of the largest value).

import { doubles } from "./doubles.js";

// ---- weights

/** The bytes of an ArrayBuffer, a typed array or a DataView (as traits arrive: mind its offset). */
export function bytesOf(source) {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
}

/** A float16, given as its 16 bits, as a number. */
export function half(bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction
          ? NaN
          : Infinity
        : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -size : size;
}

const aligned = (bytes, at, length) => bytes.slice(at, at + length).buffer;
export const vector = (bytes, at, size) => new Float32Array(aligned(bytes, at, 4 * size));

/** A rounded matrix as Float32Array, row after row: float16, or int8 with one float32 scale per row. */
export function matrix(bytes, place, rows, columns) {
  const size = rows * columns;
  const out = new Float32Array(size);
  if (place.type === "float16") {
    const bits = new Uint16Array(aligned(bytes, place.at, 2 * size));
    for (let i = 0; i < size; i++) out[i] = half(bits[i]);
    return out;
  }
  if (place.type !== "int8") throw new Error(`unknown precision ${place.type}`);
  const [scale, whole] = [vector(bytes, place.scale, rows), new Int8Array(aligned(bytes, place.at, size))];
  for (let r = 0, i = 0; r < rows; r++) for (let c = 0; c < columns; c++, i++) out[i] = scale[r] * whole[i];
  return out;
}

// ---- the one product that everything is made of

/**
 * y = x W^T + b: x (rows, inputs), weight (outputs, inputs), bias (outputs) or null. Blocks of four rows, two outputs.
 */
export function product(x, weight, bias, rows, inputs, outputs) {
  const y = new Float64Array(rows * outputs);
  let r = 0;
  for (; r + 4 <= rows; r += 4) fourRows(x, r * inputs, weight, bias, inputs, outputs, y, r * outputs);
  for (; r < rows; r++) oneRow(x, r * inputs, weight, bias, inputs, outputs, y, r * outputs);
  return y;
}

const LARGE = 4096; // weights: a smaller layer is not worth a memory of its own

/** The product with one matrix: (x, rows) -> y, by vector instructions where they are worth it and can be had. */
function linear(weight, bias, inputs, outputs) {
  /** @type {ReturnType<typeof doubles> | undefined} */
  let fast;
  return (x, rows) => {
    if (rows >= 4 && inputs * outputs >= LARGE && fast === undefined) fast = doubles(weight, bias, inputs, outputs);
    return rows >= 4 && fast ? fast(x, rows) : product(x, weight, bias, rows, inputs, outputs);
  };
}

/** Four rows of the product: each weight is read once for four sums, each input once for two. */
function fourRows(x, at, weight, bias, inputs, outputs, y, to) {
  const [b, c, d] = [at + inputs, at + 2 * inputs, at + 3 * inputs];
  for (let o = 0; o < outputs; o += 2) {
    const two = o + 1 < outputs;
    const w = o * inputs;
    const v = two ? w + inputs : w; // the last of an odd number is computed twice
    let s0 = bias ? bias[o] : 0;
    let t0 = bias && two ? bias[o + 1] : 0;
    let s1 = s0,
      s2 = s0,
      s3 = s0,
      t1 = t0,
      t2 = t0,
      t3 = t0;
    for (let i = 0; i < inputs; i++) {
      const p = weight[w + i],
        q = weight[v + i];
      const x0 = x[at + i],
        x1 = x[b + i],
        x2 = x[c + i],
        x3 = x[d + i];
      s0 += p * x0;
      t0 += q * x0;
      s1 += p * x1;
      t1 += q * x1;
      s2 += p * x2;
      t2 += q * x2;
      s3 += p * x3;
      t3 += q * x3;
    }
    const sums = [s0, s1, s2, s3, t0, t1, t2, t3];
    for (let k = 0; k < 4; k++) {
      y[to + k * outputs + o] = sums[k];
      if (two) y[to + k * outputs + o + 1] = sums[4 + k];
    }
  }
}

/** One row of the product, four sums at a time; where most inputs are 0 (a binary image), only the others are read. */
function oneRow(x, at, weight, bias, inputs, outputs, y, to) {
  const index = new Int32Array(inputs);
  let count = 0;
  for (let i = 0; i < inputs; i++) if (x[at + i] !== 0) index[count++] = i;
  if (2 * count < inputs) {
    sparseRow(x, at, index, count, weight, bias, inputs, outputs, y, to);
    return;
  }
  const even = inputs & ~3;
  for (let o = 0; o < outputs; o++) {
    const w = o * inputs;
    let s0 = bias ? bias[o] : 0;
    let s1 = 0,
      s2 = 0,
      s3 = 0;
    let i = 0;
    for (; i < even; i += 4) {
      s0 += weight[w + i] * x[at + i];
      s1 += weight[w + i + 1] * x[at + i + 1];
      s2 += weight[w + i + 2] * x[at + i + 2];
      s3 += weight[w + i + 3] * x[at + i + 3];
    }
    for (; i < inputs; i++) s0 += weight[w + i] * x[at + i];
    y[to + o] = s0 + s1 + (s2 + s3);
  }
}

/** The same, over the `count` inputs in `index` that are not 0. */
function sparseRow(x, at, index, count, weight, bias, inputs, outputs, y, to) {
  for (let o = 0; o < outputs; o++) {
    const w = o * inputs;
    let s0 = bias ? bias[o] : 0;
    let s1 = 0;
    let k = 0;
    for (; k + 2 <= count; k += 2) {
      s0 += weight[w + index[k]] * x[at + index[k]];
      s1 += weight[w + index[k + 1]] * x[at + index[k + 1]];
    }
    if (k < count) s0 += weight[w + index[k]] * x[at + index[k]];
    y[to + o] = s0 + s1;
  }
}

// ---- activations

/** The error function: a series near zero, a continued fraction outside. */
export function erf(x) {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let [term, sum] = [x, x];
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let tail = a;
  for (let k = 60; k > 0; k--) tail = a + k / 2 / tail;
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / tail);
}

export const sigmoid = (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

/** log(1 + exp(x)) without overflow. */
export const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

const ACTIVATIONS = {
  relu: () => (x) => (x > 0 ? x : 0),
  sigmoid: () => sigmoid,
  tanh: () => Math.tanh,
  silu: () => (x) => x * sigmoid(x),
  gelu: () => (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  gelu_tanh: () => (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  softplus:
    ({ beta, threshold }) =>
    (x) =>
      beta * x > threshold ? x : softplus(beta * x) / beta,
};

// ---- layers: each is { run({ data, shape }) -> { data, shape }, step(row, memory) } on its own

const many = (shape) => shape.reduce((all, size) => all * size, 1);
const pointwise = (run) => ({ run, step: (row) => run({ data: row, shape: [1, row.length] }).data });

const MAKERS = {
  dense(layer, bytes) {
    const { inputs, outputs } = layer;
    const [weight, bias] = [matrix(bytes, layer.weight, outputs, inputs), vector(bytes, layer.bias, outputs)];
    const times = linear(weight, bias, inputs, outputs);
    return pointwise(({ data, shape }) => {
      expect(shape.at(-1), inputs, "dense");
      return { data: times(data, data.length / inputs), shape: [...shape.slice(0, -1), outputs] };
    });
  },

  activation(layer) {
    const of = ACTIVATIONS[layer.name]?.(layer);
    if (!of) throw new Error(`unknown activation ${layer.name}`);
    return pointwise(({ data, shape }) => {
      const out = new Float64Array(data.length);
      for (let i = 0; i < data.length; i++) out[i] = of(data[i]);
      return { data: out, shape };
    });
  },

  flatten: () => ({ run: ({ data, shape }) => ({ data, shape: [shape[0], many(shape.slice(1))] }) }),
  unflatten: (layer) => ({
    run: ({ data, shape }) => ({ data, shape: [shape[0], ...layer.shape, ...shape.slice(2)] }),
  }),

  embedding(layer, bytes) {
    const table = matrix(bytes, layer.weight, layer.count, layer.outputs);
    const width = layer.outputs;
    return {
      run({ data, shape }) {
        const out = new Float64Array(data.length * width);
        for (let i = 0; i < data.length; i++) {
          if (!(data[i] >= 0 && data[i] < layer.count))
            throw new Error(`embedding: no entry ${data[i]} of ${layer.count}`);
          for (let j = 0; j < width; j++) out[i * width + j] = table[data[i] * width + j];
        }
        return { data: out, shape: [...shape, width] };
      },
      step(row) {
        return this.run({ data: row, shape: [1] }).data;
      },
    };
  },

  positions(layer, bytes) {
    const table = matrix(bytes, layer.weight, layer.count, layer.outputs);
    const width = layer.outputs;
    const added = (data, first, places) =>
      Float64Array.from(data, (v, i) => {
        return v + table[(first + (Math.floor(i / width) % places)) * width + (i % width)];
      });
    return {
      run: ({ data, shape }) => {
        if (shape.at(-2) > layer.count) throw new Error(`positions: ${shape.at(-2)} places, ${layer.count} known`);
        return { data: added(data, 0, shape.at(-2)), shape };
      },
      step(row, memory) {
        if (memory.place >= layer.count) throw new Error(`positions: place ${memory.place}, ${layer.count} known`);
        return added(row, memory.place, 1);
      },
    };
  },

  norm(layer, bytes) {
    const [gain, bias, width] = [
      vector(bytes, layer.gain, layer.outputs),
      vector(bytes, layer.bias, layer.outputs),
      layer.outputs,
    ];
    return pointwise(({ data, shape }) => {
      const out = new Float64Array(data.length);
      for (let at = 0; at < data.length; at += width) {
        let [mean, square] = [0, 0];
        for (let j = 0; j < width; j++) mean += data[at + j] / width;
        for (let j = 0; j < width; j++) square += (data[at + j] - mean) ** 2 / width;
        const by = 1 / Math.sqrt(square + layer.eps);
        for (let j = 0; j < width; j++) out[at + j] = (data[at + j] - mean) * by * gain[j] + bias[j];
      }
      return { data: out, shape };
    });
  },

  residual(layer, bytes) {
    const inner = layer.layers.map((part) => make(part, bytes));
    const sum = (a, b) => a.map((v, i) => v + b[i]);
    return {
      run: (x) => ({ data: sum(x.data, inner.reduce((y, part) => part.run(y), x).data), shape: x.shape }),
      step: (row, memory) =>
        sum(
          row,
          inner.reduce((y, part) => step(part, y, memory), row),
        ),
    };
  },

  attention(layer, bytes) {
    const [qkv, out] = [MAKERS.dense(layer.qkv, bytes), MAKERS.dense(layer.out, bytes)];
    const [width, heads] = [layer.out.outputs, layer.heads];
    const by = 1 / Math.sqrt(width / heads);
    /** The place whose queries, keys and values are the last of `past`, mixed over all of `past`. */
    const mixed = (past) => {
      const own = past.at(-1);
      const y = new Float64Array(width);
      for (let head = 0; head < heads; head++) {
        const [from, to] = [(head * width) / heads, ((head + 1) * width) / heads];
        const scores = past.map((row) => {
          let s = 0;
          for (let j = from; j < to; j++) s += own[j] * row[width + j];
          return s * by;
        });
        const top = Math.max(...scores);
        const weights = scores.map((s) => Math.exp(s - top));
        const total = weights.reduce((a, b) => a + b, 0);
        past.forEach((row, t) => {
          const w = weights[t] / total;
          for (let j = from; j < to; j++) y[j] += w * row[2 * width + j];
        });
      }
      return y;
    };
    const self = {
      run({ data, shape }) {
        const [places, three] = [shape.at(-2), 3 * width];
        const all = qkv.run({ data, shape }).data;
        const y = new Float64Array(data.length);
        for (let start = 0; start < data.length / width; start += places) {
          const past = [];
          for (let t = start; t < start + places; t++) {
            past.push(all.subarray(t * three, (t + 1) * three));
            y.set(mixed(past), t * width);
          }
        }
        return out.run({ data: y, shape });
      },
      step(row, memory) {
        const past = memory.of(self);
        past.length = memory.place; // what lies ahead is forgotten: a step back is exact
        past.push(qkv.step(row));
        return out.step(mixed(past));
      },
    };
    return self;
  },

  conv(layer, bytes) {
    const {
      inputs,
      outputs,
      kernel: [tall, wide],
      stride,
      padding,
    } = layer;
    const columns = inputs * tall * wide;
    const [weight, bias] = [matrix(bytes, layer.weight, outputs, columns), vector(bytes, layer.bias, outputs)];
    const times = linear(weight, bias, columns, outputs);
    const run = ({ data, shape: [n, channels, height, width] }) => {
      expect(channels, inputs, "conv");
      const rows = Math.floor((height + 2 * padding[0] - tall) / stride[0]) + 1;
      const cols = Math.floor((width + 2 * padding[1] - wide) / stride[1]) + 1;
      const y = new Float64Array(n * outputs * rows * cols);
      for (let image = 0; image < n; image++) {
        const patches = new Float64Array(rows * cols * columns);
        eachTap(inputs, [tall, wide], [rows, cols], stride, padding, [height, width], (tap, pixel, place) => {
          patches[place * columns + tap] = data[image * inputs * height * width + pixel];
        });
        const found = times(patches, rows * cols);
        for (let p = 0; p < rows * cols; p++) {
          for (let o = 0; o < outputs; o++) y[(image * outputs + o) * rows * cols + p] = found[p * outputs + o];
        }
      }
      return { data: y, shape: [n, outputs, rows, cols] };
    };
    return { run };
  },

  conv_transposed(layer, bytes) {
    const {
      inputs,
      outputs,
      kernel: [tall, wide],
      stride,
      padding,
      output_padding: more,
    } = layer;
    const columns = outputs * tall * wide;
    const [weight, bias] = [matrix(bytes, layer.weight, columns, inputs), vector(bytes, layer.bias, outputs)];
    const times = linear(weight, null, inputs, columns);
    const run = ({ data, shape: [n, channels, height, width] }) => {
      expect(channels, inputs, "transposed conv");
      const rows = (height - 1) * stride[0] - 2 * padding[0] + tall + more[0];
      const cols = (width - 1) * stride[1] - 2 * padding[1] + wide + more[1];
      const [places, size] = [height * width, rows * cols];
      const y = new Float64Array(n * outputs * size);
      for (let image = 0; image < n; image++) {
        const x = new Float64Array(places * inputs); // one row for each place
        for (let p = 0; p < places; p++)
          for (let c = 0; c < inputs; c++) x[p * inputs + c] = data[(image * inputs + c) * places + p];
        const found = times(x, places);
        const to = image * outputs * size;
        for (let o = 0; o < outputs; o++) y.fill(bias[o], to + o * size, to + (o + 1) * size);
        eachTap(outputs, [tall, wide], [height, width], stride, padding, [rows, cols], (tap, pixel, place) => {
          y[to + pixel] += found[place * columns + tap];
        });
      }
      return { data: y, shape: [n, outputs, rows, cols] };
    };
    return { run };
  },
};

/**
 * Every (tap of the kernel, pixel of the image, place of the kernel) that meet; what falls in the padding is left out.
 */
function eachTap(channels, [tall, wide], [rows, cols], stride, padding, [height, width], meet) {
  for (let c = 0, tap = 0; c < channels; c++)
    for (let i = 0; i < tall; i++)
      for (let j = 0; j < wide; j++, tap++) {
        for (let r = 0; r < rows; r++) {
          const y = r * stride[0] - padding[0] + i;
          if (y < 0 || y >= height) continue;
          for (let k = 0; k < cols; k++) {
            const x = k * stride[1] - padding[1] + j;
            if (x >= 0 && x < width) meet(tap, (c * height + y) * width + x, r * cols + k);
          }
        }
      }
}

function expect(found, wanted, what) {
  if (found !== wanted) throw new Error(`${what}: ${wanted} inputs expected, got ${found}`);
}

function make(layer, bytes) {
  const maker = MAKERS[layer.kind];
  if (!maker) throw new Error(`unknown layer ${layer.kind}`);
  return maker(layer, bytes);
}

function step(part, row, memory) {
  if (!part.step) throw new Error("a stepper runs dense, embedding, norm, residual and attention layers only");
  return part.step(row, memory);
}

/** The network of `layers` with its weights read from `buffer`. */
export function network(layers, buffer) {
  const bytes = bytesOf(buffer);
  const parts = layers.map((layer) => make(layer, bytes));
  const run = (data, shape = [1, data.length]) => parts.reduce((x, part) => part.run(x), { data, shape });
  return { run, row: (data) => run(data).data, stepper: () => stepper(parts) };
}

/**
 * One place after another: `.next(row)` gives the output at the next place, having seen the places before it.
 * `.place` is how many it has seen; `.back(place)` returns to where it had seen that many, exactly.
 */
function stepper(parts) {
  const kept = new Map();
  const memory = {
    place: 0,
    of: (part) => {
      if (!kept.has(part)) kept.set(part, []);
      return kept.get(part);
    },
  };
  return {
    get place() {
      return memory.place;
    },
    next(row) {
      const out = parts.reduce((x, part) => step(part, x, memory), row);
      memory.place++;
      return out;
    },
    back(place) {
      memory.place = Math.min(Math.max(place, 0), memory.place);
    },
  };
}
