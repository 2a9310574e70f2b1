// Live figure 3: log p(x) = ELBO(q) + KL(q || posterior), a bar of cost whose solid part q cannot move.
// state -> numbers (js/engine/elbo.js) -> picture. Nothing is drawn that numbers() did not compute.

import { QuadraticCurve } from "../engine/curve.js";
import { numbers as numbersOf } from "../engine/elbo.js";
import { remembered } from "../engine/remembered.js";
import { announcer } from "../kit/announce.js";
import { button } from "../kit/controls.js";
import { set } from "../kit/dom.js";
import { figure, followWidth } from "../kit/figure.js";
import { fixed, nats, tolerance } from "../kit/format.js";
import { holdGaussian } from "../kit/gaussian.js";
import { sliderKeys } from "../kit/handles.js";
import { keep } from "../kit/keep.js";
import { layOut, makeCheck, makeInsight } from "../kit/layout.js";
import { maths, sentence } from "../kit/maths.js";
import { linkTerms } from "../kit/terms.js";
import { makeWrong } from "../kit/wrong.js";
import { makeBar } from "./elbo/bar.js";
import { makePlane } from "./elbo/plane.js";
import { makePrediction } from "./elbo/prediction.js";
import { makeIdentity, makeSplits } from "./elbo/terms.js";

export default figure("elbo", "Live figure: log p(x) as ELBO plus KL, with q under your control", (kit) => {
  const { root, view, h, onCleanup } = kit;
  const numbers = remembered(numbersOf); // asked for by a draw, by what is read back, and at rest
  let now = null; // numbers of the last draw
  let split = "gap";
  let width = 0;

  /** A state with q's moments where q is the posterior itself. */
  const settled = (s) => {
    if (s.kind !== "exact") return s;
    const { mean, std } = numbers(s);
    const held = (key, value) => Math.min(Math.max(value, kept.range(key).low), kept.range(key).high);
    return { ...s, mean: held("mean", mean), std: held("std", std) };
  };

  const kept = keep(kit, {
    numbers,
    written: (s) => settled(s),
    speak: () => {
      if (now) live.speak(spoken(now));
    },
    draw,
  });
  /**
   * What the reader changes of q: where it is the posterior itself, it becomes a Gaussian with the same moments first.
   */
  const freed = (values) =>
    kept.state.kind === "exact" ? { ...settled(kept.state), kind: "gaussian", ...values } : values;

  // ---- picture
  const plane = makePlane(kit);
  const bar = makeBar(kit);
  const identity = makeIdentity(h);
  const splits = makeSplits(h, (value) => {
    split = value;
    kept.redraw();
  });
  const predict = makePrediction(h);
  const live = announcer(h);
  const insight = makeInsight(h);
  const check = makeCheck(h, maths(h, "ELBO + KL = log *p*(*x*)"));

  const sliders = {
    x: kept.slider("x", { label: ["observation ", h("var", {}, "x")] }),
    bend: kept.slider("bend", { label: ["bend ", h("var", {}, "θ")] }),
  };
  const best = () => {
    const { x, slope, bend, std_noise } = kept.state;
    const [mean, std] = ["mean", "std"].map((key) => [kept.range(key).low, kept.range(key).high]);
    const curve = new QuadraticCurve({ slope, bend, std: std_noise });
    kept.change({ kind: "gaussian", ...curve.bestGaussian(x, mean, std) });
  };
  const exact = button(h, "Make q exact", () => kept.change({ kind: "exact" }));
  const wrong = makeWrong(kit, kept, [
    {
      value: "normaliser",
      text: "normaliser dropped",
      told:
        "log *p*(*x* | *z*) without −log *s* − ½ log 2π, still called the ELBO (seen in NeuromatchAcademy’s " +
        "day on VAEs: 720 nats too high on 28 × 28). The constant trains as well; the number is no bound.",
    },
    {
      value: "sign",
      text: "KL added",
      told:
        "Reconstruction plus KL: a name that says KL for a value that is −KL. Such an objective rewards a *q*" +
        " far from the prior, and climbs over log *p*(*x*).",
    },
    {
      value: "mean",
      text: "one z for E",
      told:
        "The reconstruction at the mean of *q* alone, in place of its average over *q*. A reader asked for it" +
        " in pytorch/examples (#419): it ignores how far *q* reaches.",
    },
  ]);
  layOut(kit, {
    title: ["Can ", h("var", { class: "lvm-ink-q" }, "q"), maths(h, " move log *p*(*x*)?")],
    asks: predict.node,
    picture: [plane.node, bar.node],
    hand: [
      h("div", { class: "lvm-buttons" }, exact, button(h, "Best Gaussian", best)),
      h("div", { class: "lvm-sliders" }, sliders.bend.node),
    ],
    insight,
    rest: [
      h("div", { class: "lvm-sliders" }, sliders.x.node),
      h("div", { class: "lvm-buttons" }, button(h, "Reset", kept.reset), kept.share),
      wrong.node,
    ],
    check,
    under: [identity.node, splits.node],
    live: live.region,
  });
  const terms = linkTerms(root, view);

  // ---- drawing
  function draw(state, touched) {
    if (!width) return;
    const before = now;
    now = numbers(state);
    plane.draw(width, now);
    const claimed = { ...now, elbo: now.claimed_elbo };
    bar.draw(width, claimed, split);
    wrong.update(state.wrong);
    const lit = touched && before !== null;
    for (const [button_, key] of [...identity.terms, ...splits.terms]) terms.write(button_, fixed(claimed[key]), lit);
    splits.show(split);
    for (const key of ["x", "bend"]) {
      sliders[key].update(state[key], fixed(state[key], 2), `${key === "x" ? "x" : "theta"} = ${fixed(state[key], 2)}`);
    }
    set(exact, { "aria-pressed": state.kind === "exact" });
    invariantSentence(h, check, now);
    teach(insight, now);
    predict.follow(now);
    kept.tell(now);
  }

  // ---- hands
  const { scales, handles } = plane;
  holdGaussian(kit, kept, {
    ...plane,
    z: () => scales.z,
    of: "q",
    at: settled,
    change: freed,
    // click to place: x in the upper panel, q's mean in the lower one
    place: (values, py) => kept.change(py < plane.divide() ? { x: scales.x.inverse(py) } : values),
  });
  kept.byHand(handles.x, (e, m) => ({ x: m.state.x + scales.x.inverse(e.clientY - m.py) - scales.x.inverse(0) }));
  onCleanup(
    sliderKeys(handles.x, {
      label: "observed x",
      orientation: "vertical",
      value: () => kept.state.x,
      range: () => kept.range("x"),
      change: (x) => kept.change({ x }),
    }),
  );

  onCleanup(terms.release);
  onCleanup(
    followWidth(root, view, () => {
      width = plane.measure();
      kept.redraw.now();
    }),
  );
});

function spoken(n) {
  const shape = `q has mean ${fixed(n.mean, 2)} and spread ${fixed(n.std, 2)}`;
  const q = n.kind === "exact" ? "q is the posterior itself" : shape;
  return `log p of x is ${nats(n.evidence)}. ELBO ${fixed(n.elbo)}, KL from q to the posterior ${fixed(n.kl)}. ${q}.`;
}

function invariantSentence(h, check, n) {
  const { told: node } = check;
  const off = Math.abs(n.off);
  const holds = off < 1e-6;
  check.holds(holds);
  sentence(h, node, [
    [
      "strong",
      `ELBO + KL = ${nats(n.claimed_elbo + n.kl, 6)}, log *p*(*x*) = ${nats(n.evidence, 6)}: ` +
        `${holds ? "holds to" : "does not hold, off by"} ` +
        `${tolerance(off)}.`,
    ],
    [
      "plain",
      n.kind === "exact"
        ? " Here *q* is the posterior itself, so the gap is 0; move *x* or θ and *q* follows."
        : " Three separate routes: closed form, quadrature under *q*, quadrature over all *z*.",
    ],
  ]);
}

/** What this state teaches. */
function teach(insight, n) {
  if (n.wrong !== "none")
    insight.tell(
      n,
      n.claimed_elbo > n.evidence
        ? "This “ELBO” of {claimed_elbo:2} lies above log *p*(*x*) = {evidence:2}: it is no lower bound."
        : "“ELBO” + KL misses log *p*(*x*) by {off:2} nats.",
      "The solid part of the bar no longer ends at the line.",
    );
  else if (n.kind === "exact") insight.tell(n, "q is the posterior: no gap, the ELBO is log p(x) = {evidence:3}.");
  else if (n.away > 0.5)
    insight.tell(
      n,
      "q lies {away:1} of the posterior’s standard deviations off its mean: that costs {kl:2} nats.",
      "Drag q, or bend the generator: only the second moves the line.",
    );
  else if (n.wide > 1.15 || n.wide < 0.87)
    insight.tell(
      n,
      n.wide > 1
        ? "q is {wide:1} times as wide as the posterior: the gap is {kl:2} nats."
        : "q is only {wide:2} times as wide as the posterior: the gap is {kl:2} nats.",
      "No q moves log *p*(*x*).",
    );
  else
    insight.tell(
      n,
      "q has about the mean and the width of the posterior: {kl:3} nats are left.",
      n.kl > 0.02 ? "They are what a Gaussian’s shape costs." : "",
    );
}
