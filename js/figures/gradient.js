// Live figure 4: gradient arrows. One expectation, estimated through the sample and through the density.
// state -> numbers (js/engine/gradient.js) -> picture. Nothing is drawn that the engine did not compute.

import { BOUNDS, numbers as numbersOf, reachable, samples, SEEDS, SIZES, WITHIN } from "../engine/gradient.js";
import { remembered } from "../engine/remembered.js";
import { announcer } from "../kit/announce.js";
import { button, choice, slider } from "../kit/controls.js";
import { set } from "../kit/dom.js";
import { figure, followWidth } from "../kit/figure.js";
import { fixed } from "../kit/format.js";
import { keyed, sliderKeys } from "../kit/handles.js";
import { keep } from "../kit/keep.js";
import { numeric } from "../kit/link.js";
import { sentence, sign, termButton } from "../kit/maths.js";
import { linkTerms } from "../kit/terms.js";
import { makeArrows } from "./gradient/arrows.js";
import { makePlane } from "./gradient/plane.js";

export const START = { f: "joint", mean: -0.4, std: 0.6, n: 20, seed: 1, baseline: false };
const KEYS = {
  mean: { low: BOUNDS.mean[0], high: BOUNDS.mean[1], home: 0 },
  std: { low: BOUNDS.std[0], high: BOUNDS.std[1], home: 0.6 },
  size: { low: 0, high: SIZES.length - 1, step: 1, leap: 3, home: SIZES.indexOf(START.n) },
};
const TERMS = [
  ["exact", "exact ∇", "evidence", "exactMean", "exactLogStd"],
  ["re", "average of *f*′(*z*) ∂*z*", "q", "reMean", "reLogStd"],
  ["sf", "average of *f*(*z*) ∂ log *q*(*z*)", "q", "sfMean", "sfLogStd"],
];

export default figure("gradient", "Live figure: two estimates of one gradient, and how far they scatter", (kit) => {
  const { root, view, h, onCleanup } = kit;
  const numbers = remembered(numbersOf); // asked for by a draw, by what is read back, and at rest
  let now = null; // numbers of the last draw
  let width = 0;
  let draws = 0;

  // ---- picture
  const plane = makePlane(kit);
  const arrows = makeArrows(kit);
  const live = announcer(h);
  const invariant = h("p", { class: "lvm-invariant" });
  const buttonsOf = TERMS.map(([key, symbol, quantity]) => termButton(h, { key, symbol, quantity }));
  const formula = h(
    "div",
    {
      class: "lvm-formula lvm-formula-small",
      role: "group",
      "aria-label": "gradient by mean and log standard deviation: exact, and both averages",
    },
    buttonsOf[0],
    sign(h, "≈"),
    buttonsOf[1],
    sign(h, "≈"),
    buttonsOf[2],
  );

  const kept = keep(kit, {
    name: "gradient",
    start: START,
    reachable,
    traits: { f: "f", mean: "mean", std: "std", n: "n", seed: "seed", baseline: "baseline" },
    encode: (s) => ({
      f: s.f[0],
      m: Number(s.mean.toFixed(4)),
      s: Number(s.std.toFixed(4)),
      n: s.n,
      r: s.seed,
      b: Number(s.baseline),
    }),
    decode: (given) => ({
      f: { j: "joint", w: "wave" }[given.f],
      mean: numeric(given.m),
      std: numeric(given.s),
      n: numeric(given.n),
      seed: numeric(given.r),
      baseline: { 0: false, 1: true }[given.b],
    }),
    report: (s) => {
      const n = numbers(s);
      return { ratio_mean: n.ratioMean, ratio_log_std: n.ratioLogStd };
    },
    adapt: () => arrows.adapt(numbers(kept.state)),
    speak: () => live.speak(spoken(numbers(kept.state))),
    draw,
  });

  // ---- controls
  const change = (values) => {
    kept.change(values);
    arrows.adapt(numbers(kept.state));
  }; // a choice may move the axes
  const which = choice(h, {
    label: "The function f",
    value: kept.state.f,
    choose: (f) => change({ f }),
    options: [
      { value: "joint", text: "log p(x, z)" },
      { value: "wave", text: "a fast wave" },
    ],
  });
  const baseline = choice(h, {
    label: "Baseline of the score function",
    value: "off",
    choose: (value) => change({ baseline: value === "on" }),
    options: [
      { value: "off", text: "none" },
      { value: "on", text: "f − E f" },
    ],
  });
  const size = slider(h, {
    label: "samples",
    low: 0,
    high: SIZES.length - 1,
    step: 1,
    hold: kept.hold,
    key: (event) => keyed(event, SIZES.indexOf(kept.state.n), KEYS.size),
    input: (index) => kept.change({ n: SIZES[Math.round(index)] }),
  });
  const buttons = h(
    "div",
    { class: "lvm-buttons" },
    button(h, "New samples", () => kept.change({ seed: (kept.state.seed + 1) % SEEDS })),
    button(h, "Reset", () => {
      kept.reset();
      arrows.adapt(numbers(kept.state));
    }),
    kept.share,
  );
  const row = (text, group) =>
    h("div", { class: "lvm-splits-head" }, h("span", { class: "lvm-label" }, text), group.node);
  root.append(
    h("div", { class: "lvm-title" }, "Which arrow would you trust after one sample?"),
    h("div", { class: "lvm-choices" }, row("Function", which), row("Baseline", baseline)),
    plane.node,
    arrows.node,
    formula,
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
    plane.draw(width, now);
    arrows.draw(width, now, samples(state));
    TERMS.forEach(([, , , a, b], i) => terms.write(buttonsOf[i], `(${fixed(now[a], 2)}, ${fixed(now[b], 2)})`, lit));
    which.set(state.f);
    baseline.set(state.baseline ? "on" : "off");
    size.update(SIZES.indexOf(state.n), String(state.n), `${state.n} samples`);
    say(h, invariant, now);
    set(root, { "data-numbers": JSON.stringify(machineReadable(now)), "data-draws": ++draws });
  }

  // ---- hands
  const { scales, handles } = plane;
  const dz = (event, memory) => scales.z.inverse(event.clientX - memory.px) - scales.z.inverse(0);
  kept.byHand(handles.mean, (e, m) => ({ mean: m.state.mean + dz(e, m) }));
  kept.byHand(handles.wider, (e, m) => ({ std: m.state.std + dz(e, m) }));
  kept.byHand(handles.narrower, (e, m) => ({ std: m.state.std - dz(e, m) }));
  const place = (event) => {
    kept.change({ mean: scales.z.inverse(event.clientX - plane.svg.getBoundingClientRect().left) });
  };
  plane.svg.addEventListener("click", place);
  onCleanup(() => plane.svg.removeEventListener("click", place));
  for (const [element, key, label] of [
    [handles.mean, "mean", "mean of q"],
    [handles.wider, "std", "spread of q"],
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

  arrows.adapt(numbers(kept.state));
  onCleanup(
    followWidth(root, view, () => {
      width = plane.measure();
      kept.redraw.now();
    }),
  );
});

function machineReadable(n) {
  return {
    f: n.f,
    mean: n.mean,
    std: n.std,
    n: n.n,
    seed: n.seed,
    baseline: n.baseline,
    value: n.value,
    exact_mean: n.exactMean,
    exact_log_std: n.exactLogStd,
    re_mean: n.reMean,
    re_log_std: n.reLogStd,
    sf_mean: n.sfMean,
    sf_log_std: n.sfLogStd,
    re_mean_error: n.reMeanError,
    re_log_std_error: n.reLogStdError,
    sf_mean_error: n.sfMeanError,
    sf_log_std_error: n.sfLogStdError,
    ratio_mean: n.ratioMean,
    ratio_log_std: n.ratioLogStd,
    away: n.away,
  };
}

const times = (ratio) => (ratio >= 9.95 ? fixed(ratio, 0) : ratio >= 0.095 ? fixed(ratio, 1) : fixed(ratio, 3));

function spoken(n) {
  return (
    `Exact gradient ${fixed(n.exactMean, 2)} by the mean, ${fixed(n.exactLogStd, 2)} by log std. Reparameterised ` +
    `${fixed(n.reMean, 2)}, ${fixed(n.reLogStd, 2)}. Score function ${fixed(n.sfMean, 2)}, ${fixed(n.sfLogStd, 2)}. ` +
    `Its variance is ${times(n.ratioMean)} times as large along the mean.`
  );
}

/** What always holds, in words, and what the two ways cost. */
function say(h, node, n) {
  const holds = n.away < WITHIN;
  node.classList.toggle("is-broken", !holds);
  sentence(h, node, [
    [
      "strong",
      `Both averages aim at the exact gradient: ${holds ? "within" : "not within"} ${WITHIN} standard errors of it, ` +
        `and here at most ${fixed(n.away, 1)} of them away. `,
    ],
    [
      "plain",
      `One score-function sample has ${times(n.ratioMean)} times the variance of a reparameterised one along the ` +
        `mean, ` +
        `${times(n.ratioLogStd)} times along log std: so many times the samples for an equal error. Numbers in ` +
        `brackets: (by mean, by log std).`,
    ],
  ]);
}
