// A training run, told what to do by messages and answering by messages: what a Worker runs. No DOM.
//
//   in    { do: "begin", about, seed, start, given, pixels, grey, scale }   a new run; its first look follows
//         { do: "images", packed, scale }   the training images, deflated as a file of NumPy: levels are `scale` apart
//         { do: "set", beta, rate, many }   for the steps from now on: two weights, and how many of the images
//         { do: "train" }, { do: "pause" }, { do: "step" }, { do: "go", record }
//         { do: "follow", text, pixels }   one image of the reader's own, under its name, or none
//   out   { is: "look", running, ... }  what the weights give: terms, codes, sheet, the records, training terms so far
//         { is: "followed", followed }  the reader's own image, where the run stands still
//         { is: "stopped", step, why, good }   a run that exploded, and the record to go back to
//         { is: "failed", why }
//
// A record is all that the next step hangs on, so that to go back is exact, and to train on from there gives the same
// run again. There are at most `room` of them: when they are full every second goes, and they come half as often.

import { normalQuantile } from "./counter.js";
import { PIXELS, RanAway, startOf, termsOf, trainer } from "./trainer.js";

export const SIDE = 10; // of the sheet, in images
export const CLOUD = 200; // test images whose codes are shown
const EVERY = 10; // steps between two records, at first
const SLICE = 60; // ms of training until messages are read
const NPY = 10; // bytes before the header of an array's file, whose length stands in the last two

/** The two coordinates of the sheet's z: normal quantiles, z1 to the right, z2 upwards, top row first. */
export function sheetPoints() {
  const at = Array.from({ length: SIDE }, (_, i) => normalQuantile((i + 0.5) / SIDE));
  return [...at].reverse().flatMap((z2) => at.map((z1) => [z1, z2]));
}

/** The two latents with the largest rates, the lower first. */
export function planeOf(rates) {
  const order = Array.from(rates.keys()).sort((a, b) => rates[b] - rates[a] || a - b);
  return order.slice(0, 2).sort((a, b) => a - b);
}

/** Bytes that were deflated without a header. */
export async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Images out of an array of NumPy, a byte for each pixel. */
export function imagesOf(file) {
  return file.subarray(NPY + file[NPY - 2] + 256 * file[NPY - 1]);
}

/** Black and white images from their bits, as numbers. */
export function unpacked(bits) {
  return Float32Array.from({ length: 8 * bits.length }, (_, i) => (bits[i >> 3] >> (7 - (i & 7))) & 1);
}

/**
 * A run: returns what takes a message. `post(message, transfer)` gets its answers, `later(act)` lets messages in before
 * it acts, `now()` is a clock in ms.
 */
export function run({ post, later, now, room = 32, plain = false }) {
  /** @type {any} */
  let net = null;
  /** @type {any} */
  let about = null;
  let seed = 1;
  let test = new Float32Array(0);
  let train = new Uint8Array(0);
  let [beta, rate, many] = [1, 1e-3, Infinity];
  let running = false;
  let every = EVERY;
  /** @type {any[]} */
  let records = []; // { state, minusElbo, seconds }
  let at = 0; // the record at which the net stands, or stood before its last steps
  let seconds = 0;
  /** @type {number[][]} */
  let ticks = []; // [step, distortion, rate] of training batches, since the last look
  /** @type {any} */
  let own = null; // { text, pixels } of the image that is followed
  let plane = [0, 1]; // of the last look

  async function begin(given) {
    running = false;
    ({ about, seed } = given);
    test =
      about.likelihood === "bernoulli"
        ? unpacked(given.pixels)
        : Float32Array.from(await inflated(given.grey), (v) => (v * (given.scale ?? 1)) / 255);
    net = trainer({ ...about, plain });
    net.begin(given.start === "given" ? given.given : startOf(seed, about.latents, given.start, about.hidden));
    [records, every, seconds, ticks] = [[], EVERY, 0, []];
    record();
  }

  /** Keep the net as it stands, and say what it gives. */
  function record() {
    const seen = net.measure(test);
    const minusElbo = seen.distortion + seen.rates.reduce((sum, v) => sum + v, 0);
    net.trust(minusElbo);
    records.push({ state: net.state(), minusElbo, seconds });
    if (records.length > room) {
      records = records.filter((_, k) => k % 2 === 0 || k === records.length - 1);
      every *= 2;
    }
    at = records.length - 1;
    tell(seen);
  }

  function tell(seen) {
    plane = planeOf(seen.rates);
    const { latents } = about;
    const points = new Float32Array(SIDE * SIDE * latents);
    sheetPoints().forEach((z, k) => {
      for (const i of [0, 1]) points[k * latents + plane[i]] = z[i];
    });
    const codes = new Float32Array(2 * CLOUD);
    for (let k = 0; k < CLOUD; k++) for (const i of [0, 1]) codes[2 * k + i] = seen.codes[k * latents + plane[i]];
    const sheet = net.decoded(points);
    const { state } = records[at];
    const weights = state.weights.slice();
    post(
      {
        is: "look",
        running,
        step: state.steps,
        distortion: seen.distortion,
        rates: seen.rates,
        plane,
        codes,
        sheet,
        weights,
        seconds: records[at].seconds,
        record: at,
        steps: records.map((one) => one.state.steps),
        kind: net.kind,
        ticks,
        followed: followed(),
      },
      [codes.buffer, sheet.buffer, weights.buffer],
    );
    ticks = [];
  }

  /** What the net makes of the reader's own image: its terms, its code in the plane, the mean of p(x | z) there. */
  function followed() {
    if (!own) return null;
    const { distortion, rates, codes, image } = termsOf(records[at].state.weights, own.pixels, about);
    const rate = rates.reduce((sum, v) => sum + v, 0);
    return { text: own.text, distortion, rate, code: plane.map((j) => codes[j]), image };
  }

  /** One step from where the net stands: what was recorded after that is another future. */
  function forward() {
    records.length = at + 1;
    net.draw(train.subarray(0, many * PIXELS), seed);
    const terms = net.step(beta, rate);
    ticks.push([net.steps, terms.distortion, terms.rate]);
  }

  /** Steps until `enough(ms)`, or the next record; a run that explodes stops, at the last state that can be trusted. */
  function work(enough, kept = false) {
    const start = now();
    try {
      do {
        forward();
      } while (net.steps % every && !enough(now() - start));
      seconds += (now() - start) / 1000;
      if (kept || net.steps % every === 0) record();
    } catch (error) {
      if (!(error instanceof RanAway)) throw error;
      running = false;
      const good = records.reduce((best, one, k) => (one.minusElbo < records[best].minusElbo ? k : best), 0);
      post({ is: "stopped", step: error.step, why: error.message, good, at: records[good].state.steps });
      go(at);
    }
  }

  function go(k) {
    at = Math.min(Math.max(k, 0), records.length - 1);
    net.restore(records[at].state);
    ({ seconds } = records[at]);
    ticks = [];
    tell(net.measure(test));
  }

  function loop() {
    if (!running) return;
    work((ms) => ms > SLICE);
    later(loop);
  }

  const pause = () => {
    if (!running) return;
    running = false;
    if (net.steps > records[at].state.steps) record();
    else tell(net.measure(test));
  };

  const acts = {
    begin,
    images: async ({ packed, scale = 1 }) => {
      train = imagesOf(await inflated(packed)).map((level) => scale * level);
    },
    set: (given) => {
      ({ beta, rate } = given);
      many = train.length ? Math.min(given.many, train.length / PIXELS) : given.many;
    },
    train: () => {
      if (!running) {
        running = true;
        later(loop);
      }
    },
    pause,
    step: () => {
      pause();
      work(() => true, true);
    },
    follow: ({ text, pixels }) => {
      own = text ? { text, pixels } : null;
      if (records.length && !running) post({ is: "followed", followed: followed() });
    },
    go: ({ record: k }) => {
      running = false;
      go(k);
    },
  };
  let queue = Promise.resolve(); // one message after another, though some take their time
  return (message) => {
    queue = queue
      .then(() => acts[message.do](message))
      .catch((error) => {
        running = false;
        post({ is: "failed", why: error.message });
      });
    return queue;
  };
}
