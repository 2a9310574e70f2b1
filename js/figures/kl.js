// Live figure 2: KL(p_data || p_theta) + E_data[log p_theta] = -H(p_data), two bars that mirror each other.
// state -> numbers (js/engine/kl.js) -> picture. Nothing is drawn that numbers() did not compute.

import {
  BOUNDS,
  DATA,
  drawsOf,
  fitted,
  fittedToDraws,
  numbers as numbersOf,
  reachable,
  SEEDS,
  SIZES,
} from "../engine/kl.js";
import { remembered } from "../engine/remembered.js";
import { announcer } from "../kit/announce.js";
import { button, choice, slider } from "../kit/controls.js";
import { set } from "../kit/dom.js";
import { figure, followWidth } from "../kit/figure.js";
import { fixed, nats, tolerance } from "../kit/format.js";
import { keyed, sliderKeys } from "../kit/handles.js";
import { keep } from "../kit/keep.js";
import { numeric } from "../kit/link.js";
import { sentence } from "../kit/maths.js";
import { linkTerms } from "../kit/terms.js";
import { makeBars } from "./kl/bars.js";
import { makeFormulas } from "./kl/formulas.js";
import { makePlane } from "./kl/plane.js";

export const START = { data: "two", direction: "forward", mean: 0.6, std: 1, n: 20, seed: 1 };
const KEYS = {
  mean: { low: BOUNDS.mean[0], high: BOUNDS.mean[1], home: 0 },
  std: { low: BOUNDS.std[0], high: BOUNDS.std[1], home: 1 },
  size: { low: 0, high: SIZES.length - 1, step: 1, leap: 3, home: SIZES.indexOf(START.n) },
};
const SHORT = { data: { t: "two", o: "one" }, direction: { f: "forward", r: "reverse" } };

export default figure("kl", "Live figure: KL divergence and log-likelihood of a model that you shape", (kit) => {
  const { root, view, h, onCleanup } = kit;
  const numbers = remembered(numbersOf); // asked for by a draw, by what is read back, and at rest
  let now = null; // numbers of the last draw

  // ---- picture
  const plane = makePlane(kit);
  const bars = makeBars(kit);
  const formulas = makeFormulas(h);
  const live = announcer(h);
  const invariant = h("p", { class: "lvm-invariant" });
  let width = 0;
  let draws = 0;

  const kept = keep(kit, {
    name: "kl",
    start: START,
    reachable,
    traits: { data: "data", direction: "direction", mean: "mean", std: "std", n: "n", seed: "seed" },
    encode: (s) => ({
      d: s.data[0],
      k: s.direction[0],
      m: Number(s.mean.toFixed(4)),
      s: Number(s.std.toFixed(4)),
      n: s.n,
      r: s.seed,
    }),
    decode: (given) => ({
      data: SHORT.data[given.d],
      direction: SHORT.direction[given.k],
      mean: numeric(given.m),
      std: numeric(given.s),
      n: numeric(given.n),
      seed: numeric(given.r),
    }),
    report: (s) => {
      const { kl, expected, average } = numbers(s);
      return { kl, expected, average };
    },
    adapt: () => {
      const n = numbers(kept.state);
      return [plane.adapt(n), bars.adapt(n)].some(Boolean);
    },
    speak: () => live.speak(spoken(numbers(kept.state))),
    draw,
  });

  // ---- controls
  const data = choice(h, {
    label: "Data density",
    value: kept.state.data,
    choose: (value) => kept.change({ data: value }),
    options: [
      { value: "two", text: "two hills" },
      { value: "one", text: "one hill" },
    ],
  });
  const direction = choice(h, {
    label: "Direction of the KL",
    value: kept.state.direction,
    choose: (value) => kept.change({ direction: value }),
    options: [
      { value: "forward", text: "forward" },
      { value: "reverse", text: "reverse" },
    ],
  });
  const size = slider(h, {
    label: ["draws ", h("var", {}, "N")],
    low: 0,
    high: SIZES.length - 1,
    step: 1,
    hold: kept.hold,
    key: (event) => keyed(event, SIZES.indexOf(kept.state.n), KEYS.size),
    input: (index) => kept.change({ n: SIZES[Math.round(index)] }),
  });
  const lower = button(h, "Lower this KL", () => {
    const { data: name, direction: which } = kept.state;
    kept.change(fitted(DATA[name], which, kept.state));
  });
  const buttons = h(
    "div",
    { class: "lvm-buttons" },
    lower,
    button(h, "Fit the draws", () => kept.change(fittedToDraws(drawsOf(kept.state)))),
    button(h, "New draws", () => kept.change({ seed: (kept.state.seed + 1) % SEEDS })),
    button(h, "Reset", kept.reset),
    kept.share,
  );
  const row = (text, group) =>
    h("div", { class: "lvm-splits-head" }, h("span", { class: "lvm-label" }, text), group.node);
  root.append(
    h("div", { class: "lvm-title" }, "What moves when the model moves?"),
    h("div", { class: "lvm-choices" }, row("Data density", data), row("KL", direction)),
    plane.node,
    formulas.node,
    bars.node,
    invariant,
    h("div", { class: "lvm-controls" }, buttons, h("div", { class: "lvm-sliders" }, size.node)),
    live.region,
  );
  const terms = linkTerms(root, view);
  onCleanup(terms.release);

  // ---- drawing
  function draw(state, touched) {
    if (!width) return;
    const lit = touched && now !== null;
    now = numbers(state);
    plane.draw(width, now, drawsOf(state));
    bars.draw(width, now);
    for (const [term, value] of formulas.values(now)) terms.write(term, fixed(value), lit);
    formulas.show(now.direction);
    data.set(state.data);
    direction.set(state.direction);
    size.update(SIZES.indexOf(state.n), String(state.n), `${state.n} ${state.n === 1 ? "draw" : "draws"}`);
    say(h, invariant, now);
    set(root, { "data-numbers": JSON.stringify(machineReadable(now)), "data-draws": ++draws });
  }

  // ---- hands
  const { scales, handles } = plane;
  const dx = (event, memory) => scales.x.inverse(event.clientX - memory.px) - scales.x.inverse(0);
  kept.byHand(handles.mean, (e, m) => ({ mean: m.state.mean + dx(e, m) }));
  kept.byHand(handles.wider, (e, m) => ({ std: m.state.std + dx(e, m) }));
  kept.byHand(handles.narrower, (e, m) => ({ std: m.state.std - dx(e, m) }));
  const place = (event) => {
    kept.change({ mean: scales.x.inverse(event.clientX - plane.svg.getBoundingClientRect().left) });
  };
  plane.svg.addEventListener("click", place);
  onCleanup(() => plane.svg.removeEventListener("click", place));
  for (const [element, key, label] of [
    [handles.mean, "mean", "mean of the model"],
    [handles.wider, "std", "spread of the model"],
  ]) {
    onCleanup(
      sliderKeys(element, {
        label,
        value: () => kept.state[key],
        range: () => KEYS[key],
        change: (value) => kept.change({ [key]: value }),
      }),
    );
  }

  plane.adapt(numbers(kept.state));
  bars.adapt(numbers(kept.state));
  onCleanup(
    followWidth(root, view, () => {
      width = plane.measure();
      kept.redraw.now();
    }),
  );
});

function machineReadable(n) {
  return {
    data: n.data,
    direction: n.direction,
    n: n.n,
    seed: n.seed,
    mean: n.mean,
    std: n.std,
    kl_forward: n.klForward,
    kl_reverse: n.klReverse,
    kl: n.kl,
    expected: n.expected,
    entropy: n.entropy,
    average: n.average,
    wobble: n.wobble,
    error: n.error,
  };
}

function spoken(n) {
  const which = n.direction === "forward" ? "KL from data to model" : "KL from model to data";
  return (
    `${which} ${nats(n.kl)}. Expected log-likelihood ${fixed(n.expected)}. Average over ${n.n} draws ` +
    `${fixed(n.average)}. The model has mean ${fixed(n.mean, 2)} and spread ${fixed(n.std, 2)}.`
  );
}

/** What holds, in words; and what does not, with its reason. */
function say(h, node, n) {
  const signed = (value) => (value < 0 ? fixed(value) : `+${fixed(value)}`);
  const wobble =
    `Over N = ${n.n} ${n.n === 1 ? "draw" : "draws"} the sum is off by ${signed(n.wobble)}: that is average − ` +
    `expectation, with a standard error of ${fixed(n.error)}. It depends on the model.`;
  const off = Math.abs(n.klForward + n.expected + n.entropy);
  const holds = off < 1e-6;
  node.classList.toggle("is-broken", !holds);
  if (n.direction === "reverse") {
    const away = n.klReverse + n.expected + n.entropy;
    sentence(h, node, [
      ["strong", "In this direction nothing holds the sum in place: "],
      ["plain", `it is ${signed(away)} nats away from −H(*p*~data~). Only the forward KL mirrors the log-likelihood.`],
    ]);
    return;
  }
  sentence(h, node, [
    [
      "strong",
      `KL + E~data~ log *p*~θ~ = ${nats(n.klForward + n.expected, 6)} = −H(*p*~data~): ` +
        `${holds ? `holds to ${tolerance(off)}.` : `does not hold, off by ${tolerance(off)}.`} `,
    ],
    ["plain", wobble],
  ]);
}
