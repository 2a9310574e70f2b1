// Live figure 2: KL(p_data || p_theta) + E_data[log p_theta] = -H(p_data), two bars that mirror each other.
// state -> numbers (js/engine/kl.js) -> picture. Nothing is drawn that numbers() did not compute.

import { DATA, drawsOf, fitted, fittedToDraws, numbers as numbersOf } from "../engine/kl.js";
import { remembered } from "../engine/remembered.js";
import { announcer } from "../kit/announce.js";
import { button, choice } from "../kit/controls.js";
import { figure, followWidth } from "../kit/figure.js";
import { fixed, nats, tolerance } from "../kit/format.js";
import { holdGaussian } from "../kit/gaussian.js";
import { keep } from "../kit/keep.js";
import { sentence } from "../kit/maths.js";
import { linkTerms } from "../kit/terms.js";
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
  const invariant = h("p", { class: "lvm-invariant" });
  let width = 0;

  const kept = keep(kit, {
    numbers,
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
  const size = kept.slider("n", { label: ["draws ", h("var", {}, "N")] });
  const ends = Object.fromEntries(["mean", "std"].map((key) => [key, [kept.range(key).low, kept.range(key).high]]));
  const lower = button(h, "Lower this KL", () => {
    const { data: name, direction: which } = kept.state;
    kept.change(fitted(DATA[name], which, kept.state, ends));
  });
  const buttons = h(
    "div",
    { class: "lvm-buttons" },
    lower,
    button(h, "Fit the draws", () => kept.change(fittedToDraws(drawsOf(kept.state), ends))),
    button(h, "New draws", () => kept.change({ seed: (kept.state.seed + 1) % (kept.range("seed").high + 1) })),
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
    size.update(state.n, String(state.n), `${state.n} ${state.n === 1 ? "draw" : "draws"}`);
    say(h, invariant, now);
    kept.tell(now);
  }

  // ---- hands
  holdGaussian(kit, kept, { ...plane, z: () => plane.scales.x, of: "the model" });

  plane.adapt(numbers(kept.state));
  bars.adapt(numbers(kept.state));
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
  const off = Math.abs(n.kl_forward + n.expected + n.entropy);
  const holds = off < 1e-6;
  node.classList.toggle("is-broken", !holds);
  if (n.direction === "reverse") {
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
      `KL + E~data~ log *p*~θ~ = ${nats(n.kl_forward + n.expected, 6)} = −H(*p*~data~): ` +
        `${holds ? `holds to ${tolerance(off)}.` : `does not hold, off by ${tolerance(off)}.`} `,
    ],
    ["plain", wobble],
  ]);
}
