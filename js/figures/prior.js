// Live figure 11: an image drawn from a prior over tokens, token by token, with the probabilities that each had.
// state -> sample (js/engine/tokens.js) -> picture. Nothing is drawn that numbers() did not compute.

import { sample, tokenNets } from "../engine/tokens.js";
import { announcer } from "../kit/announce.js";
import { button, choice, slider } from "../kit/controls.js";
import { say, set } from "../kit/dom.js";
import { figure } from "../kit/figure.js";
import { fixed, nats } from "../kit/format.js";
import { keyed, sliderKeys } from "../kit/handles.js";
import { keep } from "../kit/keep.js";
import { numeric } from "../kit/link.js";
import { sentence } from "../kit/maths.js";
import { imageOf } from "./drawing/ink.js";
import { makeBars, makeGrid } from "./prior/grid.js";

const SEEDS = 1000;
const HEAT = { low: 0.2, high: 2, step: 0.1, leap: 0.5, home: 1 };
const CENTRE = 406;
const PACE = 90; // ms between two tokens of Play
const KEYS = ["prior", "label", "temperature", "seed", "step", "prefix"];

export default figure("prior", "Live figure: an image drawn from a prior over tokens, token by token", (kit) => {
  const { root, view, h, model, onCleanup } = kit;
  const made = tokenNets(model.get("nets"), model.get("weights"));
  const names = model.get("names");
  const priors = Object.keys(made.priors);
  const empty = emptyCode(made);
  const { places, size } = made;
  let kept = null;
  let now = null;
  let draws = 0;
  let walk = 0;
  let last = { key: "", drawn: null, steps: [] };

  /** What is known of a state but its step: the whole sample, and the numbers of each step that was looked at. */
  const walked = (s) => {
    const key = [s.prior, s.label, s.temperature, s.seed, s.prefix].join("|");
    if (key !== last.key)
      last = { key, drawn: sample(made.priors[s.prior], made, { ...s, prefix: tokensOf(s.prefix) }), steps: [] };
    return last;
  };
  const sampled = (s) => walked(s).drawn;

  /** Every number of a state: a walk along a sample draws nothing anew, and decodes each step once. */
  const numbers = (s) => {
    const { steps } = walked(s);
    steps[s.step] ??= numbersOf(s);
    return steps[s.step];
  };

  /** Every number that the figure states: the twin of `numbers` in lvm_lib/figures/prior.py. */
  function numbersOf(s) {
    const { tokens, logs, conditionals } = sampled(s);
    const locked = tokensOf(s.prefix).length;
    const sum = (from, to) => {
      let total = 0;
      for (let i = from; i < to; i++) total -= logs[i];
      return total;
    };
    const image = made.decode(tokens.map((token, i) => (i < s.step ? token : empty)));
    const stated = {
      ...s,
      all: tokens,
      logs,
      conditionals,
      locked,
      image,
      nll: sum(locked, s.step),
      ofPrefix: sum(0, locked),
      uniform: s.step * Math.log(size),
      brightness: image.reduce((a, b) => a + b, 0) / image.length,
      centre: image[CENTRE],
    };
    if (s.step < places) {
      const next = conditionals[s.step];
      stated.entropy = -next.reduce((total, log) => total + Math.exp(log) * log, 0);
      stated.largest = Math.exp(Math.max(...next));
    }
    return stated;
  }

  const reachable = (given, fallback) => {
    const whole = (v, low, high, other) => (Number.isFinite(v) ? Math.min(Math.max(Math.round(v), low), high) : other);
    const prefix = readPrefix(given.prefix, made) ?? fallback.prefix;
    return {
      prior: priors.includes(given.prior) ? given.prior : fallback.prior,
      label: whole(given.label, 0, names.length - 1, fallback.label),
      temperature: Number.isFinite(given.temperature)
        ? Math.min(Math.max(given.temperature, HEAT.low), HEAT.high)
        : fallback.temperature,
      seed: whole(given.seed, 0, SEEDS - 1, fallback.seed),
      prefix,
      step: whole(given.step, tokensOf(prefix).length, places, Math.max(fallback.step, tokensOf(prefix).length)),
    };
  };

  kept = keep(kit, {
    name: "prior",
    traits: Object.fromEntries(KEYS.map((key) => [key, key])),
    reachable,
    start: {
      prior: priors.at(-1),
      label: Math.min(3, names.length - 1),
      temperature: 1,
      seed: 1,
      step: places,
      prefix: "",
    },
    encode: (s) => ({
      p: priors.indexOf(s.prior),
      c: s.label,
      t: Number(s.temperature.toFixed(4)),
      s: s.seed,
      n: s.step,
      l: s.prefix,
    }),
    decode: (given) => ({
      prior: priors[numeric(given.p)],
      label: numeric(given.c),
      temperature: numeric(given.t),
      seed: numeric(given.s),
      step: numeric(given.n),
      prefix: given.l ?? "",
    }),
    report: (s) => ({ nll: numbers(s).nll }),
    adapt: () => false,
    speak: () => live.speak(spoken(now, made, names)),
    draw,
  });

  // ---- picture
  const live = announcer(h);
  const grid = makeGrid(kit, made, {
    go: (place) => {
      stopWalk();
      kept.change({ step: place });
    },
  });
  const canvas = h("canvas", { class: "lvm-ink", width: 4 * made.grid, height: 4 * made.grid, "aria-hidden": "true" });
  const bars = makeBars(kit, made);
  const cost = h("div", { class: "lvm-small" });
  const row = h(
    "div",
    { class: "lvm-token-row" },
    h(
      "div",
      { class: "lvm-token-side" },
      h("div", { class: "lvm-caption lvm-fill-prior" }, "tokens, shaded by cost"),
      grid.node,
    ),
    h(
      "div",
      { class: "lvm-token-side" },
      h("div", { class: "lvm-caption lvm-fill-model" }, "decoded image (a mean)"),
      h("div", { class: "lvm-screen" }, canvas),
    ),
    bars.node,
  );
  const invariant = h("p", { class: "lvm-invariant" });

  // ---- controls
  const which = choice(h, {
    label: "Which prior",
    value: kept.state.prior,
    options: priors.map((name) => ({ value: name, text: name })),
    choose: (prior) => {
      stopWalk();
      kept.change({ prior });
    },
  });
  const label = choice(h, {
    label: "Class",
    value: String(kept.state.label),
    options: names.map((name, i) => ({ value: String(i), text: name })),
    choose: (c) => {
      stopWalk();
      kept.change({ label: Number(c) });
    },
  });
  const heat = slider(h, {
    label: ["temperature ", h("var", {}, "T")],
    ...HEAT,
    step: 0.05,
    hold: kept.hold,
    input: (temperature) => kept.change({ temperature }),
    key: (event) => (event.key === "End" ? HEAT.high : keyed(event, kept.state.temperature, HEAT)),
  });
  const upTo = slider(h, {
    label: "tokens drawn",
    low: 0,
    high: places,
    step: 1,
    hold: kept.hold,
    input: (step) => {
      stopWalk();
      kept.change({ step });
    },
    key: (event) =>
      event.key === "End" ? places : keyed(event, kept.state.step, { low: 0, high: places, step: 1, leap: made.grid }),
  });
  const stopWalk = () => {
    view.clearTimeout(walk);
    walk = 0;
    say(play, "Play");
  };
  const tick = () => {
    if (kept.state.step >= places) {
      stopWalk();
      return;
    }
    kept.change({ step: kept.state.step + 1 });
    walk = view.setTimeout(tick, PACE);
  };
  const play = button(h, "Play", () => {
    if (walk) {
      stopWalk();
      return;
    }
    if (kept.state.step >= places) kept.change({ step: 0 });
    if (view.matchMedia("(prefers-reduced-motion: reduce)").matches) {
      kept.change({ step: kept.state.step + 1 });
      return;
    }
    say(play, "Pause");
    tick();
  });
  onCleanup(() => view.clearTimeout(walk));
  const by = (step) => {
    stopWalk();
    kept.change({ step: kept.state.step + step });
  };
  const lock = button(h, "Lock these tokens", () => {
    stopWalk();
    kept.change({ prefix: sampled(kept.state).tokens.slice(0, kept.state.step).join(",") });
  });
  const unlock = button(h, "Unlock", () => {
    stopWalk();
    kept.change({ prefix: "" });
  });
  const head = (text, node) => h("div", { class: "lvm-splits-head" }, h("span", { class: "lvm-label" }, text), node);
  root.append(
    h("div", { class: "lvm-title" }, "Where do new images come from?"),
    head("Prior", which.node),
    head("Class asked", label.node),
    row,
    cost,
    invariant,
    h(
      "div",
      { class: "lvm-controls" },
      h(
        "div",
        { class: "lvm-buttons" },
        button(h, "Back", () => by(-1)),
        button(h, "Step", () => by(1)),
        play,
        button(h, "Another sample", () => {
          stopWalk();
          kept.change({ seed: (kept.state.seed + 1) % SEEDS });
        }),
        lock,
        unlock,
        button(h, "Reset", () => {
          stopWalk();
          kept.reset();
        }),
        kept.share,
      ),
      h("div", { class: "lvm-sliders" }, upTo.node, heat.node),
    ),
    live.region,
  );

  // ---- drawing
  function draw(state) {
    now = numbers(state);
    grid.draw(now);
    const pen = canvas.getContext("2d");
    pen.putImageData(imageOf(pen, now.image), 0, 0);
    bars.draw(now);
    which.set(state.prior);
    label.set(String(state.label));
    heat.update(state.temperature, fixed(state.temperature, 2), `temperature ${fixed(state.temperature, 2)}`);
    upTo.update(state.step, `${state.step} / ${places}`, `${state.step} of ${places} tokens`);
    lock.disabled = state.step === now.locked;
    unlock.disabled = now.locked === 0;
    const drawn = state.step - now.locked;
    say(
      cost,
      drawn
        ? `${nats(now.nll, 1)} for ${drawn} drawn tokens, ${fixed(now.nll / drawn, 2)} each; the uniform prior ` +
            `asks ${fixed(Math.log(size), 2)} for each.`
        : "No token is drawn yet.",
    );
    tell(h, invariant, now, names);
    set(root, { "data-numbers": JSON.stringify(machineReadable(now, places)), "data-draws": ++draws });
  }

  // ---- hands
  const { handle } = grid;
  kept.byHand(handle, (event, memory) => {
    stopWalk();
    const over = Math.hypot(event.clientX - memory.px, event.clientY - memory.py) > 3;
    return over ? { step: Math.min(grid.at(event) + 1, places) } : {};
  });
  onCleanup(
    sliderKeys(handle, {
      label: "tokens drawn so far",
      value: () => kept.state.step,
      range: () => ({ low: 0, high: places, step: 1, leap: made.grid, home: 0 }),
      change: (step) => {
        stopWalk();
        kept.change({ step });
      },
    }),
  );
  kept.redraw.now();
});

const tokensOf = (text) => (text ? text.split(",").map(Number) : []);

/** A prefix from text, or undefined where it is none. */
function readPrefix(text, { places, size }) {
  if (text === "") return "";
  if (typeof text !== "string" || !/^\d{1,6}(,\d{1,6})*$/.test(text)) return undefined;
  const tokens = tokensOf(text);
  return tokens.length <= places && tokens.every((token) => token < size) ? tokens.join(",") : undefined;
}

/** The code that, all over the grid, decodes to the image with the mean nearest to zero: "not yet drawn". */
function emptyCode({ size, places, decode }) {
  let [best, least] = [0, Infinity];
  for (let k = 0; k < size; k++) {
    const image = decode(new Array(places).fill(k));
    const mean = Math.abs(image.reduce((a, b) => a + b, 0) / image.length);
    if (mean < least) [best, least] = [k, mean];
  }
  return best;
}

function machineReadable(n, places) {
  return {
    prior: n.prior,
    label: n.label,
    temperature: n.temperature,
    seed: n.seed,
    step: n.step,
    prefix: n.prefix,
    nll: n.nll,
    of_prefix: n.ofPrefix,
    uniform: n.uniform,
    brightness: n.brightness,
    centre: n.centre,
    tokens: n.all.slice(0, n.step).join(","),
    next: n.step < places ? n.all[n.step] : -1,
    ...(n.step < places ? { entropy: n.entropy, largest: n.largest } : {}),
  };
}

function spoken(n, { places, size }, names) {
  const next = n.step < places ? ` The next token is one of ${size}, with an entropy of ${nats(n.entropy, 2)}.` : "";
  return (
    `${n.prior} prior, class ${names[n.label]}, temperature ${fixed(n.temperature, 2)}: ${n.step} of ${places} ` +
    `tokens, ` +
    `${nats(n.nll, 2)}; under the uniform prior ${nats(n.uniform, 2)}.${next}`
  );
}

/** What holds, in words, with the name of the distribution that the nats belong to. */
function tell(h, node, n, names) {
  const given = n.locked ? `, given the ${n.locked} locked tokens` : "";
  sentence(h, node, [
    ["strong", `${fixed(n.nll, 2)} nats = −Σ log p(z~i~ | before): `],
    [
      "plain",
      `the ${n.prior} prior for class ${names[n.label]} at *T* = ${fixed(n.temperature, 2)}${given}. ` +
        "A later token never changes an earlier conditional: step back and look.",
    ],
  ]);
}
