// Tokens, their decoder, and priors over them, token by token: the twin of lvm_lib/token_priors.py in a page.
//
//   decoder      tokens -> codes -> image
//   priors       conditional(tokens, place, label): logits of one place, given the tokens before it
//   sample       a whole grid: token i is the inverse distribution function at uniform number i of the seed
//
// No DOM. Everything in float64, with the rounded weights that lvm_lib/figures/token_nets.py packed.

import { bytesOf, network } from "./nn.js";
import { categorical, uniforms } from "./random.js";

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

  /** The tokens of an image: at each place the nearest code, the first of equals. */
  const encode = (pixels) => {
    const maps = encoder.run(Float64Array.from(pixels), [1, pixels.length]).data;
    return Array.from({ length: places }, (_, p) => {
      let [best, least] = [0, Infinity];
      for (let k = 0; k < size; k++) {
        let far = 0;
        for (let j = 0; j < dimensions; j++) far += (maps[j * places + p] - codes[k * dimensions + j]) ** 2;
        if (far < least) [best, least] = [k, far];
      }
      return best;
    });
  };
  const priors = Object.fromEntries(
    nets.priors.map((prior) => [prior.name, KINDS[prior.kind](prior, bytes, { size, grid, places })]),
  );
  return { size, grid, places, reach, encode, decode, priors };
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
