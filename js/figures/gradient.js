// Live figure 4: gradient arrows. One expectation, estimated through the sample and through the density.
// state -> numbers (js/engine/gradient.js) -> picture. Nothing is drawn that the engine did not compute.

import { numbers as numbersOf, samples, WITHIN } from "../engine/gradient.js";
import { remembered } from "../engine/remembered.js";
import { announcer } from "../kit/announce.js";
import { button, choice } from "../kit/controls.js";
import { figure, followWidth } from "../kit/figure.js";
import { counted, fixed } from "../kit/format.js";
import { holdGaussian } from "../kit/gaussian.js";
import { keep } from "../kit/keep.js";
import { layOut, makeCheck, makeInsight } from "../kit/layout.js";
import { formulaRow, sentence, termButton } from "../kit/maths.js";
import { linkTerms } from "../kit/terms.js";
import { makeArrows } from "./gradient/arrows.js";
import { makePlane } from "./gradient/plane.js";

const TERMS = [
  ["exact", "exact gradient", "evidence", "exact_mean", "exact_log_std"],
  ["re", "reparameterised average", "q", "re_mean", "re_log_std"],
  ["sf", "score-function average", "q", "sf_mean", "sf_log_std"],
];

export default figure("gradient", "Live figure: two estimates of one gradient, and how far they scatter", (kit) => {
  const { root, view, h, onCleanup } = kit;
  const numbers = remembered(numbersOf); // asked for by a draw, by what is read back, and at rest
  let now = null; // numbers of the last draw
  let width = 0;

  // ---- picture
  const plane = makePlane(kit);
  const arrows = makeArrows(kit);
  const live = announcer(h);
  const insight = makeInsight(h);
  const check = makeCheck(h, `both averages within ${WITHIN} standard errors of the exact gradient`);
  const buttonsOf = TERMS.map(([key, symbol, quantity]) => termButton(h, { key, symbol, quantity }));
  const formula = formulaRow(h, "gradient by mean and log standard deviation: exact, and both averages", buttonsOf, {
    unit: "",
  });

  const kept = keep(kit, {
    numbers,
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
  const size = kept.slider("n", { label: "samples" });
  const row = (text, group) =>
    h("div", { class: "lvm-splits-head" }, h("span", { class: "lvm-label" }, text), group.node);
  layOut(kit, {
    title: "Which arrow would you trust after one sample?",
    picture: [plane.node, arrows.node],
    hand: [
      h(
        "div",
        { class: "lvm-buttons" },
        button(h, "New samples", () => kept.change({ seed: (kept.state.seed + 1) % (kept.range("seed").high + 1) })),
      ),
      h("div", { class: "lvm-sliders" }, size.node),
    ],
    insight,
    rest: [
      h("div", { class: "lvm-choices" }, row("Function", which), row("Baseline", baseline)),
      h(
        "div",
        { class: "lvm-buttons" },
        button(h, "Reset", () => {
          kept.reset();
          arrows.adapt(numbers(kept.state));
        }),
        kept.share,
      ),
    ],
    check,
    under: h(
      "div",
      { class: "lvm-newest" },
      h("span", { class: "lvm-label" }, "(d mean, d log std) of each arrow:"),
      formula,
    ),
    live: live.region,
  });
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
    size.update(state.n, counted(state.n), `${counted(state.n)} samples`);
    say(h, check, now);
    teach(insight, now);
    kept.tell(now);
  }

  // ---- hands
  holdGaussian(kit, kept, { ...plane, z: () => plane.scales.z, of: "q" });

  arrows.adapt(numbers(kept.state));
  onCleanup(
    followWidth(root, view, () => {
      width = plane.measure();
      kept.redraw.now();
    }),
  );
});

const times = (ratio) => (ratio >= 9.95 ? fixed(ratio, 0) : ratio >= 0.095 ? fixed(ratio, 1) : fixed(ratio, 3));

function spoken(n) {
  return (
    `Exact gradient ${fixed(n.exact_mean, 2)} by the mean, ${fixed(n.exact_log_std, 2)} by log std. Reparameterised ` +
    `${fixed(n.re_mean, 2)}, ${fixed(n.re_log_std, 2)}. Score function ${fixed(n.sf_mean, 2)}, ` +
    `${fixed(n.sf_log_std, 2)}. ` +
    `Its variance is ${times(n.ratio_mean)} times as large along the mean.`
  );
}

/** What always holds, in words, and what the two ways cost. */
function say(h, check, n) {
  const { told: node } = check;
  const holds = n.away < WITHIN;
  check.holds(holds);
  sentence(h, node, [
    [
      "strong",
      `Both averages are ${holds ? "within" : "not within"} ${WITHIN} standard errors of the exact gradient, ` +
        `here at most ${fixed(n.away, 1)} of them away. `,
    ],
    [
      "plain",
      `One score-function sample has ${times(n.ratio_mean)} times the variance of a reparameterised one along the ` +
        `mean, ` +
        `${times(n.ratio_log_std)} times along log std: so many times the samples for an equal error. ` +
        `A reparameterised sample gives *f*′(*z*) times the derivatives of *z*, by mean and by log std; a ` +
        `score-function sample *f*(*z*) times those of log *q*(*z*).`,
    ],
  ]);
}

/** What this state teaches. */
function teach(insight, n) {
  const digits = n.ratio_mean >= 9.95 ? 0 : n.ratio_mean >= 0.095 ? 1 : 3;
  insight.tell(
    n,
    n.ratio_mean >= 1
      ? `The score function’s single draws have {ratio_mean:${digits}} times the variance: it needs ` +
          `{ratio_mean:${digits}} times as many for the same error.`
      : `Here the score function scatters less: {ratio_mean:${digits}} times the variance along the mean.`,
    n.baseline ? "With the baseline." : "A baseline takes some of it away: try it.",
  );
}
