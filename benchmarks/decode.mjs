// Times the page's engine: reads networks as JSON, writes { what: median milliseconds }. Called by decode.py.
import { readFileSync } from "node:fs";
import { network } from "../js/engine/network.js";
import { sample, tokenNets } from "../js/engine/tokens.js";

const { runs, vae, tokens, images, names } = JSON.parse(readFileSync(0, "utf8"));
const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64"));

/** The median time of `run(i)` over i = 0 ... times - 1, after a tenth as many calls that warm the compiler up. */
function median(run, times = runs) {
  for (let i = 0; i < times / 10; i++) run(i);
  const spent = Array.from({ length: times }, (_, i) => {
    const start = performance.now();
    run(i);
    return performance.now() - start;
  }).sort((a, b) => a - b);
  return (spent[(times - 1) >> 1] + spent[times >> 1]) / 2;
}

const [encoder, decoder] = [vae.encoder, vae.decoder].map((layers) => network(layers, bytes(vae.weights)));
const nets = tokenNets(tokens.nets, bytes(tokens.weights));
const angle = (i) => 2 * Math.PI * i / 97;
const grid = (i) => Array.from({ length: nets.places }, (_, p) => (31 * p + i) % nets.size);

const found = {
  [names.decode]: median((i) => decoder.row([1.5 * Math.cos(angle(i)), 1.5 * Math.sin(angle(i))])),
  [names.encode]: median((i) => encoder.row(images[i % images.length])),
  [names.tokens]: median((i) => nets.decode(grid(i))),
};
for (const [name, start] of Object.entries(nets.priors)) {
  if (name !== "uniform") {
    const draw = (i) => sample(start, nets, { seed: i, label: i % 10, temperature: 1 });
    found[names.draw.replace("{}", name)] = median(draw, Math.ceil(runs / 10));
  }
}
console.log(JSON.stringify(found));
