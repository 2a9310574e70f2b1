// Live figure 1: ancestral sampling. z from the prior, through g, plus noise; x piles up under the marginal p(x).
// state -> numbers (js/engine/ancestral.js) -> picture. Nothing is drawn that the engine did not compute.

import { BOUNDS, marginal, numbers as numbersOf, reachable, sample } from "../engine/ancestral.js";
import { remembered } from "../engine/remembered.js";
import { announcer } from "../kit/announce.js";
import { button, slider } from "../kit/controls.js";
import { say as write, set } from "../kit/dom.js";
import { figure, followWidth } from "../kit/figure.js";
import { fixed, tolerance } from "../kit/format.js";
import { keyed, sliderKeys } from "../kit/handles.js";
import { keep } from "../kit/keep.js";
import { numeric } from "../kit/link.js";
import { sentence, sign, termButton } from "../kit/maths.js";
import { linkTerms } from "../kit/terms.js";
import { makePlane } from "./ancestral/plane.js";
import { makePrediction } from "./ancestral/prediction.js";

export const START = { z: 0.5, noise: 0.3, seed: 7, count: 0 };
const KEYS = {
  z: { low: BOUNDS.z[0], high: BOUNDS.z[1], home: 0 },
  noise: { low: BOUNDS.noise[0], high: BOUNDS.noise[1], step: 0.05, leap: 0.25, home: START.noise },
};
const MOST = BOUNDS.count[1];
const STEP = [
  ["lastZ", "*z*", "prior"],
  ["lastG", "*g*(*z*)", "model"],
  ["lastNoise", "*s* ε", "data"],
  ["lastX", "*x*", "evidence"],
];

export default figure("ancestral", "Live figure: ancestral sampling from a latent variable model", (kit) => {
  const { root, view, h, onCleanup } = kit;
  const numbers = remembered(numbersOf); // asked for by a draw, by what is read back, and at rest
  const fitAxes = (state) => plane.adapt(Math.max(...marginal(state.noise).p), sample(state));
  let now = null; // numbers of the last draw
  let width = 0;
  let draws = 0;

  // ---- picture
  const plane = makePlane(kit);
  const predict = makePrediction(h);
  const live = announcer(h);
  const here = h("p", { class: "lvm-here" });
  const invariant = h("p", { class: "lvm-invariant" });
  const which = h("span", { class: "lvm-label" });
  const [z, g, noise, x] = STEP.map(([key, symbol, quantity]) => termButton(h, { key, symbol, quantity }));
  const named = { role: "group", "aria-label": "the newest sample: x equals g of z plus s epsilon" };
  const formula = h(
    "div",
    { class: "lvm-formula lvm-formula-small", ...named },
    z,
    sign(h, "→"),
    g,
    sign(h, "+"),
    noise,
    sign(h, "="),
    x,
  );

  const kept = keep(kit, {
    name: "ancestral",
    start: START,
    reachable,
    traits: { z: "z", noise: "std_noise", seed: "seed", count: "count" },
    encode: (s) => ({ z: Number(s.z.toFixed(4)), s: Number(s.noise.toFixed(4)), r: s.seed, n: s.count }),
    decode: (given) => ({
      z: numeric(given.z),
      noise: numeric(given.s),
      seed: numeric(given.r),
      count: numeric(given.n),
    }),
    report: () => ({}),
    adapt: () => fitAxes(kept.state),
    speak: () => live.speak(spoken(numbers(kept.state))),
    draw,
  });

  // ---- controls
  const more = (count) => () => {
    kept.change({ count: kept.state.count + count });
    fitAxes(kept.state);
  };
  const back = button(h, "Back", more(-1));
  const one = button(h, "Sample 1", more(1));
  const many = button(h, "Sample 100", more(100));
  const buttons = h(
    "div",
    { class: "lvm-buttons" },
    back,
    one,
    many,
    button(h, "New seed", () => kept.change({ seed: (kept.state.seed % BOUNDS.seed[1]) + 1 })),
    button(h, "Reset", () => {
      kept.reset();
      fitAxes(kept.state);
    }),
    kept.share,
  );
  const spread = slider(h, {
    label: ["noise ", h("var", {}, "s")],
    low: BOUNDS.noise[0],
    high: BOUNDS.noise[1],
    hold: kept.hold,
    key: (event) => keyed(event, kept.state.noise, KEYS.noise),
    input: (noise_) => kept.change({ noise: noise_ }),
  });
  root.append(
    h("div", { class: "lvm-title" }, "How does ", h("var", {}, "z"), " make ", h("var", {}, "x"), "?"),
    predict.node,
    plane.node,
    here,
    h("div", { class: "lvm-newest" }, which, formula),
    invariant,
    h("div", { class: "lvm-controls" }, buttons, h("div", { class: "lvm-sliders" }, spread.node)),
    live.region,
  );
  const terms = linkTerms(root, view);
  onCleanup(terms.release);

  // ---- drawing
  function draw(state, touched) {
    if (!width) return;
    const before = now;
    now = numbers(state);
    plane.draw(width, now, sample(state));
    const fresh = touched && before !== null && before.count !== now.count;
    [z, g, noise, x].forEach((term, i) => terms.write(term, now.count ? fixed(now[STEP[i][0]], 2) : "–", fresh));
    write(which, now.count ? `The newest, draw ${now.count} of seed ${now.seed}:` : "No sample yet:");
    for (const [node, off] of [
      [back, !now.count],
      [one, now.count >= MOST],
      [many, now.count >= MOST],
    ]) {
      if (node.disabled !== off) node.disabled = off;
    }
    spread.update(state.noise, fixed(state.noise, 2), `standard deviation ${fixed(state.noise, 2)}`);
    sentence(h, here, [
      [
        "plain",
        `At your *z* = ${fixed(now.z, 2)} the prior density is *p*(*z*) = ${fixed(now.prior)}. The generator ` +
          `puts *x* around *g*(*z*) = ${fixed(now.g, 2)}; there *p*(*x*) = ${fixed(now.density)}.`,
      ],
    ]);
    say(h, invariant, now);
    predict.follow(now);
    set(root, { "data-numbers": JSON.stringify(machineReadable(now)), "data-draws": ++draws });
  }

  // ---- hands
  const { scales, handle } = plane;
  kept.byHand(handle, (e, m) => ({ z: m.state.z + scales.z.inverse(e.clientX - m.px) - scales.z.inverse(0) }));
  onCleanup(
    sliderKeys(handle, {
      label: "z, the latent variable that you hold",
      value: () => kept.state.z,
      range: () => KEYS.z,
      change: (value) => kept.change({ z: value }),
    }),
  );
  const place = (event) => {
    const px = event.clientX - plane.svg.getBoundingClientRect().left;
    if (px <= scales.z.range[1] + 4) kept.change({ z: scales.z.inverse(px) });
  };
  plane.svg.addEventListener("click", place);
  onCleanup(() => plane.svg.removeEventListener("click", place));

  fitAxes(kept.state);
  onCleanup(
    followWidth(root, view, () => {
      width = plane.measure();
      kept.redraw.now();
    }),
  );
});

function machineReadable(n) {
  return {
    z: n.z,
    std_noise: n.noise,
    seed: n.seed,
    count: n.count,
    prior: n.prior,
    g: n.g,
    density: n.density,
    hills: n.hills,
    area: n.area,
    mean: n.mean,
    std: n.std,
    sample_mean: n.sampleMean,
    sample_std: n.sampleStd,
    last_z: n.lastZ,
    last_g: n.lastG,
    last_noise: n.lastNoise,
    last_x: n.lastX,
    distance: n.distance,
    line: n.line,
  };
}

function spoken(n) {
  const held =
    `At z ${fixed(n.z, 2)} the generator gives x around ${fixed(n.g, 2)}, ` +
    `where the marginal density is ${fixed(n.density)}.`;
  if (!n.count) return `${held} No sample yet.`;
  return (
    `${held} ${n.count} ${n.count === 1 ? "sample" : "samples"}, the newest x is ${fixed(n.lastX, 2)}. ` +
    `Distance of the sample to the marginal ${fixed(n.distance)}.`
  );
}

/** What always holds, in words, with its numbers. */
function say(h, node, n) {
  const off = Math.abs(n.area - 1);
  const density = `p(x) integrates to one, to ${tolerance(off)}.`.replace("p(x)", "*p*(*x*)");
  const near = !n.count || n.distance < n.line;
  node.classList.toggle("is-broken", off >= 1e-6 || !near);
  if (!n.count) {
    sentence(h, node, [
      ["strong", `${density} `],
      ["plain", "It is the average of the generator's bell over all *z*, by quadrature: no sample is in it."],
    ]);
    return;
  }
  sentence(h, node, [
    [
      "strong",
      `Largest gap between the sample and *p*(*x*): ${fixed(n.distance)}, ${near ? "below" : "above"} ` +
        `2.47/√${n.count} = ${fixed(n.line)}. `,
    ],
    [
      "plain",
      `A gap between distribution functions (Kolmogorov). For a right sampler it lies below that line in ` +
        `all but at most one of 100 000 samples of this size. ${density}`,
    ],
  ]);
}
