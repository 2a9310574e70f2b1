// Tokens, their decoder, and priors over them, token by token: the twin of lvm_lib/token_priors.py in a page.
//
//   decoder      tokens -> codes -> image
//   priors       conditional(tokens, place, label): logits of one place, given the tokens before it
//   numbersOf*   what the figures of the tokens and of the prior state
//   sample       a whole grid: token i is the inverse distribution function at uniform number i of the seed
//
// No DOM. Everything in float64, with the rounded weights that lvm_lib/figures/token_nets.py packed.

import { categorical, uniforms } from "./counter.js";
import { GREY } from "./drawing.js";
import { bytesOf, network } from "./network.js";

/**
 * What `nets` and `weights` hold: { size, grid, places, reach, encode(pixels), decode(tokens), priors: { name: start }
 * }.
 */
export function tokenNets(nets, weights) {
  const bytes = bytesOf(weights);
  const { size, grid, reach } = nets;
  const places = grid * grid;
  const [encoder, codebook, decoder] = [nets.encoder, nets.codebook, nets.decoder].map((layers) =>
    network(layers, bytes),
  );
  const dimensions = nets.codebook[0].outputs;
  const codes = codebook.run(
    Array.from({ length: size }, (_, k) => k),
    [1, size],
  ).data;

  /** The outputs of the decoder for a grid of tokens, grid^2 16 numbers. */
  const decode = (tokens) => {
    const maps = new Float64Array(dimensions * places);
    for (let p = 0; p < places; p++)
      for (let j = 0; j < dimensions; j++) maps[j * places + p] = codes[tokens[p] * dimensions + j];
    return decoder.run(maps, [1, dimensions, grid, grid]).data;
  };

  const farFrom = (maps, p, k) => {
    let far = 0;
    for (let j = 0; j < dimensions; j++) far += (maps[j * places + p] - codes[k * dimensions + j]) ** 2;
    return far;
  };

  /** The tokens of an image: at each place the nearest code, the first of equals. */
  const encode = (pixels) => {
    const maps = encoder.run(Float64Array.from(pixels), [1, pixels.length]).data;
    return Array.from({ length: places }, (_, p) => {
      let [best, least] = [0, Infinity];
      for (let k = 0; k < size; k++) {
        const far = farFrom(maps, p, k);
        if (far < least) [best, least] = [k, far];
      }
      return best;
    });
  };

  /** All codes at each place of an image, the nearest first. */
  const ranked = (pixels) => {
    const maps = encoder.run(Float64Array.from(pixels), [1, pixels.length]).data;
    return Array.from({ length: places }, (_, p) => {
      const far = Array.from({ length: size }, (_, k) => farFrom(maps, p, k));
      return Array.from(far.keys()).sort((a, b) => far[a] - far[b]);
    });
  };
  const priors = Object.fromEntries(
    nets.priors.map((prior) => [prior.name, KINDS[prior.kind](prior, bytes, { size, grid, places })]),
  );
  return { size, grid, places, dimensions, codes, reach, encode, ranked, decode, priors };
}

// ---- priors: start(label) gives logits(tokens, place), to be asked place after place from 0

const KINDS = {
  uniform:
    (_prior, _bytes, { size }) =>
    () =>
    () =>
      new Float64Array(size),

  table(prior, bytes, { size, places }) {
    const table = network(prior.parts.table, bytes);
    return (label) => (_tokens, place) =>
      table.run([(prior.classes ? label : 0) * places + place], [1]).data.slice(0, size);
  },

  transformer(prior, bytes, { size }) {
    const net = network(prior.parts.net, bytes);
    return (label) => {
      const stepper = net.stepper();
      return (tokens, place) => stepper.next([place === 0 ? size + (prior.classes ? label : 0) : tokens[place - 1]]);
    };
  },

  /** What a place holds depends on earlier places alone, so each is computed once, from windows around it. */
  pixelcnn(prior, bytes, { size, grid }) {
    const { parts } = prior;
    const [embed, position, ofLabel] = [parts.embed, parts.place, parts.label].map((layers) => network(layers, bytes));
    const first = windowed(parts.first[0], bytes, grid);
    const layers = Object.keys(parts)
      .filter((name) => name.startsWith("layer"))
      .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)))
      .map((name) => parts[name].filter(({ kind }) => kind === "conv").map((layer) => windowed(layer, bytes, grid)));
    const [out] = parts.out.filter(({ kind }) => kind === "conv").map((layer) => windowed(layer, bytes, grid));
    const relu = (row) => row.map((v) => (v > 0 ? v : 0));
    return (label) => {
      const shift = ofLabel.run([prior.classes ? label : 0], [1]).data;
      /** @type {Float64Array[]} */
      const seen = []; // embeddings of the tokens before
      /** @type {Float64Array[][]} */
      const kept = layers.map(() => []); // what each layer reads, place by place
      return (tokens, place) => {
        if (place > 0) seen[place - 1] = embed.run([tokens[place - 1]], [1]).data;
        const at = position.run([place], [1]).data;
        let x = first(seen, place).map((v, j) => v + at[j] + shift[j]);
        layers.forEach(([wide, narrow], i) => {
          kept[i][place] = relu(x);
          const inner = relu(wide(kept[i], place));
          const more = narrow({ [place]: inner }, place);
          x = x.map((v, j) => v + more[j]);
        });
        return out({ [place]: relu(x) }, place).slice(0, size);
      };
    };
  },
};

/** One convolution at one place: rows[place] of the places around it, what is missing counts as zero. */
function windowed(layer, bytes, grid) {
  const [tall, wide] = layer.kernel;
  const net = network([{ ...layer, padding: [0, 0] }], bytes);
  return (rows, place) => {
    const [row, column] = [Math.floor(place / grid), place % grid];
    const window = new Float64Array(layer.inputs * tall * wide);
    for (let i = 0; i < tall; i++)
      for (let j = 0; j < wide; j++) {
        const [r, c] = [row + i - (tall >> 1), column + j - (wide >> 1)];
        const there = r >= 0 && r < grid && c >= 0 && c < grid ? rows[r * grid + c] : undefined;
        if (there) for (let k = 0; k < layer.inputs; k++) window[(k * tall + i) * wide + j] = there[k];
      }
    return net.run(window, [1, layer.inputs, tall, wide]).data;
  };
}

// ---- drawing

/** log softmax(logits / temperature). */
export function logConditional(logits, temperature) {
  let top = -Infinity;
  for (const v of logits) top = Math.max(top, v / temperature);
  let sum = 0;
  for (const v of logits) sum += Math.exp(v / temperature - top);
  const norm = top + Math.log(sum);
  return Float64Array.from(logits, (v) => v / temperature - norm);
}

/**
 * A grid drawn from a prior: `prefix` stands, token i of the rest is drawn with uniform number i of `seed`.
 * Returns { tokens, logs: log of each token's conditional, conditionals: log probabilities of all codes, place by place
 * }.
 */
export function sample(prior, { places }, { seed, label, temperature, prefix = [] }) {
  const logitsAt = prior(label);
  /** @type {{ tokens: number[], logs: number[], conditionals: Float64Array[] }} */
  const { tokens, logs, conditionals } = { tokens: [], logs: [], conditionals: [] };
  for (let place = 0; place < places; place++) {
    const conditional = logConditional(logitsAt(tokens, place), temperature);
    tokens[place] = place < prefix.length ? prefix[place] : categorical(conditional, uniforms(seed, place)[0]);
    logs[place] = conditional[tokens[place]];
    conditionals[place] = conditional;
  }
  return { tokens, logs, conditionals };
}

// ---- what the figure of the tokens states

const MOVED = 1e-9; // a pixel that differs by more has changed
const CENTRE = 406; // the pixel in row 14, column 14
const PATCH = 4; // pixels of a token's side
const meanOf = (image) => image.reduce((a, b) => a + b, 0) / image.length;

/** [place, code] pairs from text, "24:17,30:5". */
export const editsOf = (text) => (text ? text.split(",").map((pair) => pair.split(":").map(Number)) : []);

/** Edits as text, if they name places and codes that there are, places rising; otherwise undefined. */
export function readEdits(text, { places, size }) {
  if (text === "") return "";
  if (typeof text !== "string" || !/^\d{1,6}:\d{1,6}(,\d{1,6}:\d{1,6})*$/.test(text)) return undefined;
  const edits = editsOf(text);
  const fine = edits.every(([place, code], i) => place < places && code < size && (i === 0 || edits[i - 1][0] < place));
  return fine ? edits.map((pair) => pair.join(":")).join(",") : undefined;
}

/** The pixels that a token can change, marked in `field`. */
function mark(field, place, { grid, reach }) {
  const side = PATCH * grid;
  const [row, column] = [Math.floor(place / grid), place % grid];
  for (let y = Math.max(row - reach, 0) * PATCH; y < Math.min(row + reach + 1, grid) * PATCH; y++)
    for (let x = Math.max(column - reach, 0) * PATCH; x < Math.min(column + reach + 1, grid) * PATCH; x++)
      field[y * side + x] = 1;
  return field;
}

/** An image from its text, its tokens before any edit, and what they decode to. */
export function encoded(text, nets) {
  const pixels = GREY.read(text);
  const tokens = nets.encode(pixels);
  return { pixels, tokens, image: nets.decode(tokens) };
}

/**
 * What the figure states in a state, `stated` (the twin of TokensFigure.numbers), with the tokens after the edits, and
 * what they decode to. `from` is what `encoded` gives of the image.
 */
export function numbersOfTokens(state, from, nets) {
  const edits = editsOf(state.edits);
  const all = from.tokens.slice();
  const field = new Uint8Array(from.image.length);
  for (const [place, code] of edits) {
    all[place] = code;
    mark(field, place, nets);
  }
  const picture = edits.length ? nets.decode(all) : from.image;
  let [moved, outside, error] = [0, 0, 0];
  for (let d = 0; d < picture.length; d++) {
    if (Math.abs(picture[d] - from.image[d]) > MOVED) {
      moved++;
      if (!field[d]) outside++;
    }
    error += (picture[d] - from.pixels[d]) ** 2 / picture.length;
  }
  const stated = {
    ...state,
    tokens: all.join(","),
    painted: edits.length,
    moved,
    outside,
    field: mark(new Uint8Array(picture.length), state.place, nets).reduce((a, b) => a + b, 0),
    rate: nets.places * Math.log(nets.size),
    brightness: meanOf(picture),
    centre: picture[CENTRE],
    error,
  };
  return { stated, all, from: from.tokens, picture };
}

// ---- what the figure of the prior states

/** Tokens from text, "3,17". */
export const tokensOf = (text) => (text ? text.split(",").map(Number) : []);

/** A prefix as text, if its tokens are codes and not too many; otherwise undefined. */
export function readPrefix(text, { places, size }) {
  if (text === "") return "";
  if (typeof text !== "string" || !/^\d{1,6}(,\d{1,6})*$/.test(text)) return undefined;
  const tokens = tokensOf(text);
  return tokens.length <= places && tokens.every((token) => token < size) ? tokens.join(",") : undefined;
}

const known = new WeakMap(); // nets -> what their codes look like

/**
 * What each code looks like where it stands alone, all over the grid: `patches`, the 4 x 4 pixels of a token in the
 * middle; `means` of whole images.
 */
export function plainImages(nets) {
  if (!known.has(nets)) {
    const { size, grid, places, decode } = nets;
    const [side, corner] = [PATCH * grid, PATCH * (grid >> 1)];
    const images = Array.from({ length: size }, (_, k) => decode(new Array(places).fill(k)));
    const cut = (image) =>
      Float64Array.from(
        { length: PATCH * PATCH },
        (_, d) => image[(corner + Math.floor(d / PATCH)) * side + corner + (d % PATCH)],
      );
    known.set(nets, { patches: images.map(cut), means: images.map(meanOf) });
  }
  return known.get(nets);
}

/** The code that, all over the grid, decodes to the image with the mean nearest to zero: "not yet drawn". */
export function emptyCode(nets) {
  const { means } = plainImages(nets);
  return means.reduce((best, mean, k) => (Math.abs(mean) < Math.abs(means[best]) ? k : best), 0);
}

/** All codes in a row, like by like: the emptiest first, then always the most alike of those that are left. */
export function byLikeness(nets) {
  const { patches } = plainImages(nets);
  const left = new Set(patches.keys());
  const order = [emptyCode(nets)];
  left.delete(order[0]);
  const far = (a, b) => patches[a].reduce((sum, v, d) => sum + (v - patches[b][d]) ** 2, 0);
  while (left.size) {
    const last = order[order.length - 1];
    const next = [...left].reduce((best, k) => (far(last, k) < far(last, best) ? k : best));
    order.push(next);
    left.delete(next);
  }
  return order;
}

/**
 * What the figure states in a state, `stated` (the twin of PriorFigure.numbers), with the sample and the image so far.
 * `drawn` is what `sample` gives for the state, `empty` the code that stands where no token is drawn yet.
 */
export function numbersOfPrior(state, drawn, empty, { places, size, decode }) {
  const { tokens, logs, conditionals } = drawn;
  const { step } = state;
  const locked = tokensOf(state.prefix).length;
  const cost = (from, to) => logs.slice(from, to).reduce((total, log) => total - log, 0);
  const image = decode(tokens.map((token, i) => (i < step ? token : empty)));
  const stated = {
    ...state,
    nll: cost(locked, step),
    of_prefix: cost(0, locked),
    uniform: step * Math.log(size),
    brightness: meanOf(image),
    centre: image[CENTRE],
    tokens: tokens.slice(0, step).join(","),
    next: step < places ? tokens[step] : -1,
  };
  if (step < places) {
    const following = conditionals[step];
    stated.entropy = -following.reduce((total, log) => total + Math.exp(log) * log, 0);
    stated.largest = Math.exp(Math.max(...following));
  }
  return { stated, all: tokens, logs, conditionals, locked, image };
}
