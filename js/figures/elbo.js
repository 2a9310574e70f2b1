// Live figure 3: log p(x) = ELBO(q) + KL(q || posterior), a bar whose end q cannot move.
// state -> numbers (js/engine/curve.js) -> picture. Nothing is drawn that numbers() did not compute.

import { BOUNDS, numbers as numbersOf, QuadraticCurve, reachable } from "../engine/curve.js";
import { remembered } from "../engine/remembered.js";
import { announcer } from "../kit/announce.js";
import { button, slider } from "../kit/controls.js";
import { set } from "../kit/dom.js";
import { figure, followWidth } from "../kit/figure.js";
import { fixed, nats, tolerance } from "../kit/format.js";
import { keyed, sliderKeys } from "../kit/handles.js";
import { keep } from "../kit/keep.js";
import { numeric } from "../kit/link.js";
import { sentence } from "../kit/maths.js";
import { linkTerms } from "../kit/terms.js";
import { axisFor, makeBar } from "./elbo/bar.js";
import { makePlane } from "./elbo/plane.js";
import { makePrediction } from "./elbo/prediction.js";
import { makeIdentity, makeSplits, mathsOf } from "./elbo/terms.js";

export const START = { x: 0.5, slope: 1, bend: 1.2, noise: 0.5, mean: -0.9, std: 0.75, kind: "gaussian" };
const TRAITS = { x: "x", slope: "slope", bend: "bend", noise: "std_noise", mean: "mean", std: "std", kind: "kind" };
const LINK = { x: "x", slope: "a", bend: "b", noise: "n", mean: "m", std: "s" }; // and k for the kind
const KEYS = {
  x: { low: BOUNDS.x[0], high: BOUNDS.x[1], home: 0 },
  bend: { low: BOUNDS.bend[0], high: BOUNDS.bend[1], home: 0 },
  mean: { low: BOUNDS.mean[0], high: BOUNDS.mean[1], home: 0 },
  std: { low: BOUNDS.std[0], high: BOUNDS.std[1], home: 1 },
};

export default figure("elbo", "Live figure: log p(x) as ELBO plus KL, with q under your control", (kit) => {
  const { root, view, h, onCleanup } = kit;
  const numbers = remembered(numbersOf); // asked for by a draw, by what is read back, and at rest
  let now = null; // numbers of the last draw
  let split = "gap";
  let left = -6; // of the bar's axis; moves only at rest
  let width = 0;
  let draws = 0;

  /** A state with q's moments where q is the posterior itself. */
  const settled = (s) => {
    if (s.kind !== "exact") return s;
    const { mean, std } = numbers(s);
    return reachable({ ...s, mean, std }, s);
  };

  const kept = keep(kit, {
    name: "elbo",
    start: START,
    traits: TRAITS,
    reachable,
    encode: (s) => {
      const at = settled(s);
      return {
        ...Object.fromEntries(Object.entries(LINK).map(([key, short]) => [short, Number(at[key].toFixed(4))])),
        k: s.kind[0],
      };
    },
    decode: (given) => ({
      ...Object.fromEntries(Object.entries(LINK).map(([key, short]) => [key, numeric(given[short])])),
      kind: { g: "gaussian", e: "exact" }[given.k],
    }),
    report: (s) => {
      // not the last draw's numbers: a hidden page draws late
      const { evidence, elbo, kl } = numbers(s);
      const { mean, std } = settled(s);
      return { mean, std, evidence, elbo, kl };
    },
    adapt: () => {
      const wanted = now ? axisFor(now.evidence) : left;
      const moved = wanted !== left;
      left = wanted;
      return moved;
    },
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
  const invariant = h("p", { class: "lvm-invariant" });

  const keyFor = (key) => (event) => keyed(event, settled(kept.state)[key], KEYS[key]);
  const sliders = {
    x: slider(h, {
      label: ["observation ", h("var", {}, "x")],
      low: BOUNDS.x[0],
      high: BOUNDS.x[1],
      hold: kept.hold,
      key: keyFor("x"),
      input: (x) => kept.change({ x }),
    }),
    bend: slider(h, {
      label: ["decoder bend ", h("var", {}, "θ")],
      low: BOUNDS.bend[0],
      high: BOUNDS.bend[1],
      hold: kept.hold,
      key: keyFor("bend"),
      input: (bend) => kept.change({ bend }),
    }),
  };
  const best = () => {
    const { x, slope, bend, noise } = kept.state;
    kept.change({ kind: "gaussian", ...new QuadraticCurve({ slope, bend, std: noise }).bestGaussian(x) });
  };
  const exact = button(h, "Make q exact", () => kept.change({ kind: "exact" }));
  const buttons = h(
    "div",
    { class: "lvm-buttons" },
    exact,
    button(h, "Best Gaussian", best),
    button(h, "Reset", kept.reset),
    kept.share,
  );

  root.append(
    h("div", { class: "lvm-title" }, "Can ", h("var", { class: "lvm-ink-q" }, "q"), mathsOf(h, " move log p(x)?")),
    predict.node,
    plane.node,
    identity.node,
    bar.node,
    invariant,
    splits.node,
    h("div", { class: "lvm-controls" }, buttons, h("div", { class: "lvm-sliders" }, sliders.x.node, sliders.bend.node)),
    live.region,
  );
  const terms = linkTerms(root, view);

  // ---- drawing
  function draw(state, touched) {
    if (!width) return;
    const before = now;
    now = numbers(state);
    plane.draw(width, now);
    bar.draw(width, now, left, split);
    const lit = touched && before !== null;
    for (const [button_, key] of [...identity.terms, ...splits.terms]) terms.write(button_, fixed(now[key]), lit);
    splits.show(split);
    for (const key of ["x", "bend"]) {
      sliders[key].update(state[key], fixed(state[key], 2), `${key === "x" ? "x" : "theta"} = ${fixed(state[key], 2)}`);
    }
    set(exact, { "aria-pressed": state.kind === "exact" });
    invariantSentence(h, invariant, now);
    predict.follow(now);
    set(root, { "data-numbers": JSON.stringify(machineReadable(now)), "data-draws": ++draws });
  }

  // ---- hands
  const { scales, handles } = plane;
  const taken = (memory) => (memory.at ??= settled(memory.state)); // where q stood when it was taken in hand
  const dz = (event, memory) => scales.z.inverse(event.clientX - memory.px) - scales.z.inverse(0);
  kept.byHand(handles.mean, (e, m) => freed({ mean: taken(m).mean + dz(e, m) }));
  kept.byHand(handles.wider, (e, m) => freed({ std: taken(m).std + dz(e, m) }));
  kept.byHand(handles.narrower, (e, m) => freed({ std: taken(m).std - dz(e, m) }));
  kept.byHand(handles.x, (e, m) => ({ x: m.state.x + scales.x.inverse(e.clientY - m.py) - scales.x.inverse(0) }));
  const place = (event) => {
    // click to place: x in the upper panel, q's mean in the lower one
    const box = plane.svg.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    kept.change(py < plane.divide() ? { x: scales.x.inverse(py) } : freed({ mean: scales.z.inverse(px) }));
  };
  plane.svg.addEventListener("click", place);
  onCleanup(() => plane.svg.removeEventListener("click", place));

  const asSlider = (element, key, label, orientation) =>
    onCleanup(
      sliderKeys(element, {
        label,
        orientation,
        value: () => settled(kept.state)[key],
        range: () => KEYS[key],
        change: (value) => kept.change(key === "x" ? { x: value } : freed({ [key]: value })),
      }),
    );
  asSlider(handles.mean, "mean", "mean of q");
  asSlider(handles.wider, "std", "spread of q");
  asSlider(handles.x, "x", "observed x", "vertical");

  onCleanup(terms.release);
  left = axisFor(numbers(kept.state).evidence);
  onCleanup(
    followWidth(root, view, () => {
      width = plane.measure();
      kept.redraw.now();
    }),
  );
});

function machineReadable(n) {
  return {
    x: n.x,
    bend: n.bend,
    slope: n.slope,
    std_noise: n.noise,
    mean: n.mean,
    std: n.std,
    kind: n.kind,
    evidence: n.evidence,
    elbo: n.elbo,
    kl: n.kl,
    reconstruction: n.reconstruction,
    kl_prior: n.klPrior,
    energy: n.energy,
    entropy: n.entropy,
  };
}

function spoken(n) {
  const shape = `q has mean ${fixed(n.mean, 2)} and spread ${fixed(n.std, 2)}`;
  const q = n.kind === "exact" ? "q is the posterior itself" : shape;
  return `log p of x is ${nats(n.evidence)}. ELBO ${fixed(n.elbo)}, KL from q to the posterior ${fixed(n.kl)}. ${q}.`;
}

function invariantSentence(h, node, n) {
  const off = Math.abs(n.elbo + n.kl - n.evidence);
  const holds = off < 1e-6;
  node.classList.toggle("is-broken", !holds);
  sentence(h, node, [
    [
      "strong",
      `ELBO + KL = ${nats(n.elbo + n.kl, 6)} = log *p*(*x*): ${holds ? "holds to" : "does not hold, off by"} ` +
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
