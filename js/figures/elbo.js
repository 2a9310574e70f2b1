// Live figure 3: log p(x) = ELBO(q) + KL(q || posterior), a bar whose end q cannot move.
// state -> numbers (js/engine/curve.js) -> picture. Nothing is drawn that numbers() did not compute.

import { BOUNDS, numbers as numbersOf, QuadraticCurve, reachable } from "../engine/curve.js";
import { remembered } from "../engine/remembered.js";
import { announcer } from "../kit/announce.js";
import { button, slider } from "../kit/controls.js";
import { set } from "../kit/dom.js";
import { figure, followWidth, holdStill } from "../kit/figure.js";
import { fixed, nats, tolerance } from "../kit/format.js";
import { atMost, atRest, perFrame } from "../kit/frame.js";
import { drag, keyed, sliderKeys } from "../kit/handles.js";
import { copy, merged, numeric, parse, replaceHash } from "../kit/link.js";
import { sentence } from "../kit/maths.js";
import { bind } from "../kit/model.js";
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
  const { root, view, h, model, onCleanup } = kit;
  const numbers = remembered(numbersOf); // asked for by a draw, by what is read back, and at rest
  const space = kit.slot === 1 ? "elbo" : `elbo${kit.slot}`;

  // ---- state
  let state = reachable(START, START);
  let now = null; // numbers of the last draw
  let inHand = 0; // handles in hand
  let touched = false; // has the reader moved anything?
  let split = "gap";
  let left = -6; // of the bar's axis; moves only at rest

  const traits = bind(model, TRAITS, {
    busy: () => inHand > 0,
    changed: (values) => { state = reachable(values, state); redraw(); rest(); },
  });
  state = reachable(traits.read(), START);
  const start = { ...state };
  const readLink = () => {
    const given = parse(view.location.hash, space);
    if (!given) return false;
    const values = Object.fromEntries(Object.entries(LINK).map(([key, short]) => [key, numeric(given[short])]));
    state = reachable({ ...values, kind: { g: "gaussian", e: "exact" }[given.k] }, state);
    return true;
  };
  const linkOf = () => ({
    ...Object.fromEntries(Object.entries(LINK).map(([key, short]) => [short, Number(settled()[key].toFixed(4))])),
    k: state.kind[0],
  });
  /** The state with q's moments where q is the posterior itself. */
  const settled = () => {
    if (state.kind !== "exact") return state;
    const { mean, std } = numbers(state);
    return reachable({ ...state, mean, std }, state);
  };

  function change(values) {
    touched = true;
    const movesQ = "mean" in values || "std" in values;
    if (movesQ && state.kind === "exact") state = { ...settled(), kind: "gaussian" };
    state = reachable({ ...state, ...values }, state);
    redraw();
    rest();
  }

  /** Something is taken in hand or let go: while it is, the axis stands still and the traits are not read. */
  function hold(on) {
    inHand += on ? 1 : -1;
    holdStill(root, inHand > 0);
    if (!on) rest();
  }

  // ---- picture
  const plane = makePlane(kit);
  const bar = makeBar(kit);
  const identity = makeIdentity(h);
  const splits = makeSplits(h, (value) => { split = value; redraw(); });
  const predict = makePrediction(h);
  const live = announcer(h);
  const invariant = h("p", { class: "lvm-invariant" });
  const copied = h("span", { class: "lvm-copied", role: "status" });

  const keyFor = (key) => (event) => keyed(event, settled()[key], KEYS[key]);
  const sliders = {
    x: slider(h, {
      label: ["observation ", h("var", {}, "x")], low: BOUNDS.x[0], high: BOUNDS.x[1], hold, key: keyFor("x"),
      input: (x) => change({ x }),
    }),
    bend: slider(h, {
      label: ["decoder bend ", h("var", {}, "θ")], low: BOUNDS.bend[0], high: BOUNDS.bend[1], hold, key: keyFor("bend"),
      input: (bend) => change({ bend }),
    }),
  };
  const best = () => {
    const { x, slope, bend, noise } = state;
    change({ kind: "gaussian", ...new QuadraticCurve({ slope, bend, std: noise }).bestGaussian(x) });
  };
  const exact = button(h, "Make q exact", () => change({ kind: "exact" }));
  const share = kit.inPage && button(h, "Copy link", async () => {
    const hash = merged(view.location.hash, space, linkOf());
    replaceHash(view, hash);
    const url = view.location.href.split("#")[0] + hash;
    const ok = await copy(view, url);
    const field = h("input", { class: "lvm-url", readonly: "", value: url, "aria-label": "Link to this state" });
    copied.replaceChildren(ok ? "Link copied" : field);
    if (!ok) field.select();
    view.setTimeout(() => { if (ok) copied.textContent = ""; }, 2500);
  });
  const buttons = h("div", { class: "lvm-buttons" }, exact, button(h, "Best Gaussian", best),
    button(h, "Reset", () => { state = { ...start }; touched = true; redraw(); rest(); }),
    h("span", { class: "lvm-spring" }), copied, share);

  root.append(
    h("div", { class: "lvm-title" }, "Can ", h("var", { class: "lvm-ink-q" }, "q"), mathsOf(h, " move log p(x)?")),
    predict.node, plane.node, identity.node, bar.node, invariant, splits.node,
    h("div", { class: "lvm-controls" }, buttons, h("div", { class: "lvm-sliders" }, sliders.x.node, sliders.bend.node)),
    live.region,
  );
  const terms = linkTerms(root, view);

  // ---- drawing
  let width = 0;
  let draws = 0;
  function draw() {
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
  const redraw = perFrame(view, draw);

  // ---- at rest: the axis adapts, the traits follow, the address follows, the live region speaks
  const sync = atMost(view, 100, () => {
    const at = settled();
    const { evidence, elbo, kl } = numbers(state); // not the last draw's: a hidden page draws late
    const values = Object.fromEntries(Object.entries(TRAITS).map(([key, trait]) => [trait, at[key]]));
    traits.write({ ...values, evidence, elbo, kl });
  });
  const settle = atRest(view, 400, () => {
    if (inHand > 0 || !now) return;
    const wanted = axisFor(now.evidence);
    if (wanted !== left) { left = wanted; redraw(); }
    if (!touched) return;
    live.speak(spoken(now));
    if (kit.inPage) replaceHash(view, merged(view.location.hash, space, linkOf()));
  });
  function rest() { sync(); settle(); }

  // ---- hands
  const byHand = (element, { from, to }) => drag(element, {
    start(event) { hold(true); return from(event); },
    move: (event, memory) => change(to(event, memory)),
    end: () => hold(false),
    revert: (memory) => { state = { ...memory.state }; redraw(); },
  });
  const { scales, handles } = plane;
  const grip = (event) => ({ state: { ...state }, px: event.clientX, py: event.clientY, at: settled() });
  const dz = (event, memory) => scales.z.inverse(event.clientX - memory.px) - scales.z.inverse(0);
  onCleanup(byHand(handles.mean, { from: grip, to: (e, m) => ({ mean: m.at.mean + dz(e, m) }) }));
  onCleanup(byHand(handles.wider, { from: grip, to: (e, m) => ({ std: m.at.std + dz(e, m) }) }));
  onCleanup(byHand(handles.narrower, { from: grip, to: (e, m) => ({ std: m.at.std - dz(e, m) }) }));
  onCleanup(byHand(handles.x, {
    from: grip,
    to: (e, m) => ({ x: m.at.x + scales.x.inverse(e.clientY - m.py) - scales.x.inverse(0) }),
  }));
  const place = (event) => { // click to place: x in the upper panel, q's mean in the lower one
    const box = plane.svg.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    change(py < plane.divide() ? { x: scales.x.inverse(py) } : { mean: scales.z.inverse(px) });
  };
  plane.svg.addEventListener("click", place);
  onCleanup(() => plane.svg.removeEventListener("click", place));

  const asSlider = (element, key, label, orientation) => sliderKeys(element, {
    label, orientation, value: () => settled()[key], range: () => KEYS[key],
    change: (value) => change({ [key]: value }),
  });
  onCleanup(asSlider(handles.mean, "mean", "mean of q"));
  onCleanup(asSlider(handles.wider, "std", "spread of q"));
  onCleanup(asSlider(handles.x, "x", "observed x", "vertical"));

  const hashed = () => { if (readLink()) { redraw(); rest(); } };
  if (kit.inPage) view.addEventListener("hashchange", hashed);
  onCleanup(() => view.removeEventListener("hashchange", hashed));
  for (const job of [redraw, sync, settle]) onCleanup(job.cancel);
  onCleanup(terms.release);
  onCleanup(traits.release);

  if (kit.inPage) readLink();
  left = axisFor(numbers(state).evidence);
  onCleanup(followWidth(root, view, () => { width = plane.measure(); redraw.now(); }));
  if (kit.inPage) rest(); else sync();
});

function machineReadable(n) {
  return {
    x: n.x, bend: n.bend, slope: n.slope, std_noise: n.noise, mean: n.mean, std: n.std, kind: n.kind,
    evidence: n.evidence, elbo: n.elbo, kl: n.kl, reconstruction: n.reconstruction, kl_prior: n.klPrior,
    energy: n.energy, entropy: n.entropy,
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
    ["strong", `ELBO + KL = ${nats(n.elbo + n.kl, 6)} = log *p*(*x*): ${holds ? "holds to" : "does not hold, off by"} ${tolerance(off)}.`],
    ["plain", n.kind === "exact" ? " Here *q* is the posterior itself, so the gap is 0; move *x* or θ and *q* follows."
      : " Three separate routes: closed form, quadrature under *q*, quadrature over all *z*."]]);
}
