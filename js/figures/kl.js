// Live figure 2: KL(p_data || p_theta) + E_data[log p_theta] = -H(p_data), two bars that mirror each other.
// state -> numbers (js/engine/kl.js) -> picture. Nothing is drawn that numbers() did not compute.

import { DATA, drawsOf, fitted, fittedToDraws, numbers as numbersOf } from "../engine/kl.js";
import { remembered } from "../engine/remembered.js";
import { announcer } from "../kit/announce.js";
import { button, choice } from "../kit/controls.js";
import { figure, followWidth } from "../kit/figure.js";
import { counted, fixed, nats, tolerance } from "../kit/format.js";
import { holdGaussian } from "../kit/gaussian.js";
import { keep } from "../kit/keep.js";
import { layOut, makeCheck, makeInsight } from "../kit/layout.js";
import { sentence } from "../kit/maths.js";
import { linkTerms } from "../kit/terms.js";
import { makeWrong } from "../kit/wrong.js";
import { makeBars } from "./kl/bars.js";
import { makeFormulas } from "./kl/formulas.js";
import { makePlane } from "./kl/plane.js";

export default figure("kl", "Live figure: KL divergence and log-likelihood of a model that you shape", (kit) => {
  const { root, view, h, onCleanup } = kit;
  const numbers = remembered(numbersOf); // asked for by a draw, by what is read back, and at rest
  let now = null; // numbers of the last draw

  // ---- picture
  const plane = makePlane(kit);
  const bars = makeBars(kit);
  const formulas = makeFormulas(h);
  const live = announcer(h);
  const insight = makeInsight(h);
  const check = makeCheck(h, "KL and expected log-likelihood mirror each other");
  let width = 0;

  const kept = keep(kit, {
    numbers,
    adapt: () => plane.adapt(numbers(kept.state)),
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
  const size = kept.slider("n", { label: ["draws ", h("var", {}, "N")] });
  const ends = Object.fromEntries(["mean", "std"].map((key) => [key, [kept.range(key).low, kept.range(key).high]]));
  const lower = button(h, "Lower this KL", () => {
    const { data: name, direction: which } = kept.state;
    kept.change(fitted(DATA[name], which, kept.state, ends));
  });
  const row = (text, group) =>
    h("div", { class: "lvm-splits-head" }, h("span", { class: "lvm-label" }, text), group.node);
  const wrong = makeWrong(kit, kept, [
    {
      value: "normaliser",
      text: "normaliser dropped",
      told:
        "The Gaussian’s −log *s* − ½ log 2π is left out, and the rest still called a log-likelihood. The sum " +
        "now moves with the width. Seen in NeuromatchAcademy’s day on VAEs, where the result is 720 nats too " +
        "high.",
    },
    {
      value: "sign",
      text: "KL with the other sign",
      told:
        "E~data~ log *p*~θ~ / *p*~data~ is −KL. Code that calls it KL shows divergences below zero, and the " +
        "sum falls when the model gets better: no KL is negative.",
    },
    {
      value: "average",
      text: "log of the average",
      told:
        "The log was taken after averaging *p*~θ~ over the data: by Jensen’s inequality never too small, and " +
        "blind to points that the model calls impossible.",
    },
  ]);
  layOut(kit, {
    title: "What moves when the model moves?",
    picture: [plane.node, bars.node],
    hand: h(
      "div",
      { class: "lvm-buttons" },
      lower,
      button(h, "Fit the draws", () => kept.change(fittedToDraws(drawsOf(kept.state), ends))),
    ),
    insight,
    rest: [
      h("div", { class: "lvm-choices" }, row("KL", direction), row("Data", data)),
      h("div", { class: "lvm-sliders" }, size.node),
      h(
        "div",
        { class: "lvm-buttons" },
        button(h, "New draws", () => kept.change({ seed: (kept.state.seed + 1) % (kept.range("seed").high + 1) })),
        button(h, "Reset", kept.reset),
        kept.share,
      ),
      wrong.node,
    ],
    check,
    under: formulas.node,
    live: live.region,
  });
  const terms = linkTerms(root, view);
  onCleanup(terms.release);

  // ---- drawing
  function draw(state, touched) {
    if (!width) return;
    const lit = touched && now !== null;
    now = numbers(state);
    plane.draw(width, now, drawsOf(state));
    const claimed = { ...now, kl: now.claimed_kl, expected: now.claimed_expected };
    bars.draw(width, claimed);
    wrong.update(state.wrong);
    for (const [term, value] of formulas.values(claimed)) terms.write(term, fixed(value), lit);
    formulas.show(now.direction);
    data.set(state.data);
    direction.set(state.direction);
    size.update(state.n, counted(state.n), `${counted(state.n)} ${state.n === 1 ? "draw" : "draws"}`);
    say(h, check, now);
    teach(insight, now);
    kept.tell(now);
  }

  // ---- hands
  holdGaussian(kit, kept, { ...plane, z: () => plane.scales.x, of: "the model" });

  plane.adapt(numbers(kept.state));
  onCleanup(
    followWidth(root, view, () => {
      width = plane.measure();
      kept.redraw.now();
    }),
  );
});

function spoken(n) {
  const which = n.direction === "forward" ? "KL from data to model" : "KL from model to data";
  return (
    `${which} ${nats(n.kl)}. Expected log-likelihood ${fixed(n.expected)}. Average over ${counted(n.n)} draws ` +
    `${fixed(n.average)}. The model has mean ${fixed(n.mean, 2)} and spread ${fixed(n.std, 2)}.`
  );
}

/** What holds, in words; and what does not, with its reason. */
function say(h, check, n) {
  const { told: node } = check;
  const signed = (value) => (value < 0 ? fixed(value) : `+${fixed(value)}`);
  const wobble =
    `Over N = ${counted(n.n)} ${n.n === 1 ? "draw" : "draws"} the sum is off by ${signed(n.wobble)}: that is average ` +
    `− expectation, with a standard error of ${fixed(n.error)}. It depends on the model.`;
  const off = Math.abs(n.off);
  const holds = off < 1e-6;
  check.holds(holds);
  if (n.direction === "reverse") {
    check.holds(n.wrong === "none");
    const away = n.kl_reverse + n.expected + n.entropy;
    sentence(h, node, [
      ["strong", "In this direction nothing holds the sum in place: "],
      ["plain", `it is ${signed(away)} nats away from −H(*p*~data~). Only the forward KL mirrors the log-likelihood.`],
    ]);
    return;
  }
  sentence(h, node, [
    [
      "strong",
      `KL + E~data~ log *p*~θ~ = ${nats(n.off - n.entropy, 6)}, −H(*p*~data~) = ${nats(-n.entropy, 6)}: ` +
        `${holds ? `holds to ${tolerance(off)}.` : `does not hold, off by ${tolerance(off)}.`} `,
    ],
    ["plain", wobble],
  ]);
}

/** What this state teaches. */
function teach(insight, n) {
  const forward = n.direction === "forward";
  if (n.wrong === "sign") {
    insight.tell(n, "“KL” = {claimed_kl:2} nats: a divergence below zero.", "No KL is negative: the sign is wrong.");
    return;
  }
  if (n.wrong !== "none" && forward) {
    insight.tell(
      n,
      n.wrong === "normaliser"
        ? "Without its normaliser the likelihood is off by {off:2} nats, and the sum moves with the width."
        : "The log of the average is {off:2} nats above the average of the logs.",
      "Move the model: the end of the bar no longer stays.",
    );
    return;
  }
  if (n.direction === "reverse")
    insight.tell(
      n,
      "Read backwards this model costs {kl_reverse:2} nats, read forwards {kl_forward:2}.",
      "Backwards only the places count where the model has mass: a hill that it leaves out costs nothing.",
    );
  else if (n.cost_width + n.cost_place < 0.005)
    insight.tell(
      n,
      "No Gaussian is closer: {kl_forward:3} nats are what its shape costs.",
      "It has the mean and the spread of the data.",
    );
  else if (n.cost_width >= n.cost_place)
    insight.tell(
      n,
      n.wide > 1
        ? "The model is {wide:1} times as wide as the data: that costs {cost_width:2} nats."
        : "The model is only {wide:2} times as wide as the data: that costs {cost_width:2} nats.",
      "Where it stands costs {cost_place:2}.",
    );
  else
    insight.tell(
      n,
      "The model stands {away:2} from the mean of the data: that costs {cost_place:2} nats.",
      "Its width costs {cost_width:2}.",
    );
}
