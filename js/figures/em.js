// Live figure 8: EM on points that the reader places, and a toy's landscape F(theta', theta) with the same moves.
// state -> numbers (js/engine/em.js, js/engine/landscape.js) -> picture. Nothing is drawn that they did not compute.

import { FLOOR, MOST, MOVES, numbers as numbersOf, readMoves, readPoints } from "../engine/em.js";
import { remembered } from "../engine/remembered.js";
import { announcer } from "../kit/announce.js";
import { button, choice } from "../kit/controls.js";
import { disable, set } from "../kit/dom.js";
import { figure, followWidth } from "../kit/figure.js";
import { fixed, nats, tolerance } from "../kit/format.js";
import { keep } from "../kit/keep.js";
import { layOut, makeInsight, makeLateCheck } from "../kit/layout.js";
import { pairs, writtenPairs } from "../kit/link.js";
import { formulaRow, maths, sentence, termButton } from "../kit/maths.js";
import { planeKeys } from "../kit/planekeys.js";
import { player } from "../kit/player.js";
import { linkTerms } from "../kit/terms.js";
import { makeWrong } from "../kit/wrong.js";
import { makeHands } from "./em/hands.js";
import { makeLandscape } from "./em/landscape.js";
import { makePlane, shares } from "./em/plane.js";
import { makeSteps } from "./em/steps.js";

const SETS = [
  ["digits", "digits"],
  ["clouds", "clouds"],
  ["cross", "cross"],
  ["twins", "twins"],
  ["none", "none"],
];
const SAID = {
  digits: "Real: 45 handwritten digits, 0, 1 and 7, in their first two principal coordinates (of 784). ",
  clouds: "A toy: three clouds. ",
  cross: "A toy: two long clouds that cross. ",
  twins: "A toy: four points lie at one place. ",
  none: "There are no points. Click into the plane to place one, or press Enter on its ring.",
  own: "Your points. ",
};
const PACE = 700; // ms between two half steps of Play

export default figure("em", "Live figure: EM on points that you place, and a landscape of its bound", (kit) => {
  const { root, view, model, h, onCleanup } = kit;
  const numbers = remembered(numbersOf); // asked for by a draw, by what is read back, and at rest
  const presets = { ...model.get("presets"), none: [] };
  const ring = { x: 0, y: 0, index: -1, holding: false };
  let now = null; // numbers of the last draw
  let widths = null;

  // ---- picture
  const plane = makePlane(kit, model.get("reach").state.k.high);
  const toy = makeLandscape(kit);
  const steps = makeSteps(kit);
  const live = announcer(h);
  const insight = makeInsight(h);
  const check = makeLateCheck(h, maths(h, "*F* + gap = evidence; *F* and evidence never fall"));
  const about = h("p", { class: "lvm-em-note" });
  const aboutToy = h("p", { class: "lvm-em-note" });
  const [f, gap, evidence] = [
    ["f", "*F*(*q*, θ)", "elbo"],
    ["gap", "gap", "gap"],
    ["evidence", "log *p*(*x*; θ)", "evidence"],
  ].map(([key, symbol, quantity]) => termButton(h, { key, symbol, quantity }));
  const formula = formulaRow(h, "F plus gap equals evidence, summed over the points", [f, "+", gap, "=", evidence], {
    small: false,
  });

  const named = (points) => nameOf(points, presets);
  const kept = keep(kit, {
    codecs: codecs(presets),
    numbers: (s) => numbers(s).stated,
    adapt: () => steps.adapt(numbers(kept.state).states),
    speak: () => live.speak(spoken(numbers(kept.state).stated)),
    draw,
  });

  // ---- controls
  /** A change that is not a drag: the axis may follow at once. */
  const act = (values) => {
    kept.change(values);
    steps.adapt(numbers(kept.state).states);
  };
  const move = (letter) => act({ moves: (kept.state.moves + letter).slice(0, MOVES) });
  const next = () => (kept.state.moves.endsWith("E") ? "M" : "E");
  const still = ({ states }) => states.length > 3 && states.at(-1).f - states.at(-3).f < 1e-6;
  const run = player(kit, {
    pace: PACE,
    by: (n) => (n > 0 ? move(next()) : act({ moves: kept.state.moves.slice(0, -1) })),
    ended: () => kept.state.moves.length >= MOVES || still(numbers(kept.state)),
  });
  const [e, m] = ["E", "M"].map((letter) =>
    button(
      h,
      letter,
      run.halting(() => move(letter)),
      { "aria-label": `${letter}-step` },
    ),
  );
  const sets = choice(h, {
    label: "Set of points",
    value: named(kept.state.points),
    options: SETS.map(([value, text]) => ({ value, text })),
    choose: (value) => {
      act({ points: presets[value] });
      land();
    },
  });
  const removal = button(h, "Remove point", () => hands.remove(), { "aria-label": "Remove point under the ring" });
  const count = kept.slider("k", { label: ["components ", h("var", {}, "K")] });
  const rate = kept.slider("rate", { label: "gradient step" });
  const head = (text) => h("div", { class: "lvm-em-head" }, maths(h, text));
  const wrong = makeWrong(kit, kept, [
    {
      value: "stale",
      text: "stale responsibilities",
      told:
        "The M-step takes the responsibilities of the E-step before the last. It maximises a bound for a *q* " +
        "that is no more there, so *F* may fall.",
    },
    {
      value: "entropy",
      text: "Q called the bound",
      told:
        "E~*q*~ log *p*(*x*, *z*) alone, the Q of many textbooks, is called the lower bound. The bound is Q +" +
        " H(*q*): without the entropy an E-step may lower it.",
    },
    {
      value: "label",
      text: "bound logged as evidence",
      told:
        "*F* is logged after the M-step with the old *q*, and labelled log-likelihood. It is right after an " +
        "E-step only: after an M-step it is short by the gap.",
    },
  ]);
  layOut(kit, {
    title: "Can a step of EM make things worse?",
    picture: [
      h(
        "div",
        { class: "lvm-em-panels" },
        h("div", {}, head("Your points: click to place, drag to move"), plane.node),
        h("div", {}, head("A toy: *F*(θ′, θ)"), toy.node),
      ),
      steps.node,
    ],
    hand: h("div", { class: "lvm-buttons" }, run.back, e, m, run.step, run.play),
    insight,
    rest: [
      sets.node,
      about,
      h("div", { class: "lvm-sliders" }, count.node, rate.node),
      h(
        "div",
        { class: "lvm-buttons" },
        removal,
        button(h, "New start", () => act({ seed: (kept.state.seed % kept.range("seed").high) + 1 })),
        button(
          h,
          "Reset",
          run.halting(() => {
            kept.reset();
            land();
            steps.adapt(numbers(kept.state).states);
          }),
        ),
        kept.share,
      ),
      wrong.node,
    ],
    check,
    under: [formula, aboutToy],
    live: live.region,
    broad: true,
  });
  const terms = linkTerms(root, view);
  onCleanup(terms.release);

  // ---- drawing
  function draw(state, touched) {
    if (!widths) return;
    const before = now;
    const { stated, states, em, gradient } = numbers(state);
    now = stated;
    if (ring.index >= state.points.length) Object.assign(ring, { index: -1, holding: false });
    plane.draw(widths[0], states.at(-1), state.points, ring);
    toy.draw(widths[1], em, gradient, state);
    steps.draw(
      widths[2],
      (now.n ? states : []).map((one) => ({ ...one, f: one.claimed_f, evidence: one.claimed_evidence })),
    );
    wrong.update(state.wrong);
    const lit = touched && before !== null;
    for (const [term, value] of [
      [f, now.claimed_f],
      [gap, now.gap],
      [evidence, now.claimed_evidence],
    ])
      terms.write(term, now.n ? fixed(value) : "–", lit);
    enable(state);
    count.update(state.k, String(state.k), `${state.k} ${state.k === 1 ? "component" : "components"}`);
    rate.update(state.rate, fixed(state.rate, 2));
    sets.set(named(state.points));
    words(state, states);
    kept.tell(now);
  }

  function enable({ moves, points }) {
    const full = moves.length >= MOVES;
    run.enable(!moves, full);
    disable(e, full);
    disable(m, full || !moves);
    disable(removal, ring.index < 0 || !points.length);
  }

  function words(state, states) {
    if (now.n) holds(h, check, now, states);
    else check.open("There are no points, so there is nothing to sum.");
    teach(insight, now);
    sentence(h, about, [["plain", SAID[named(state.points) ?? "own"]], ...warnings(now, states.at(-1))]);
    sentence(h, aboutToy, [
      [
        "plain",
        `The toy has ten points of its own and one unknown θ: *z* = ±1, *x* ~ N(*z*θ, 1). There EM has *F* = ` +
          `${fixed(now.toy_f, 2)}, the gradient *F* = ${fixed(now.gradient_f, 2)}. ` +
          "Another step size bends the gradient’s path; EM has none.",
      ],
    ]);
    const on =
      ring.index >= 0 ? `on point ${ring.index + 1}, ${shares(states.at(-1).q, ring.index, state.k)}` : "on no point";
    set(plane.cursor, {
      "aria-valuenow": ring.x.toFixed(2),
      "aria-valuetext": `x ${fixed(ring.x, 2)}, y ${fixed(ring.y, 2)}, ${ring.holding ? "holding" : ""} ${on}`,
    });
  }

  // ---- hands
  const hands = makeHands(kit, kept, plane, ring);
  /** The ring goes to the first point, or to the middle. */
  function land() {
    if (kept.state.points.length) hands.select(0);
    else Object.assign(ring, { x: 0, y: 0, index: -1, holding: false });
    kept.redraw();
  }
  const begin = ([q, theta]) => kept.change({ start_q: q, start_theta: theta });
  kept.byHand(toy.handle, (event, memory) => ({
    start_q: memory.state.start_q + toy.scales.q.inverse(event.clientX - memory.px) - toy.scales.q.inverse(0),
    start_theta:
      memory.state.start_theta + toy.scales.theta.inverse(event.clientY - memory.py) - toy.scales.theta.inverse(0),
  }));
  onCleanup(
    planeKeys(toy.handle, {
      label: "start in the landscape",
      low: kept.range("start_theta").low,
      high: kept.range("start_theta").high,
      value: () => [kept.state.start_q, kept.state.start_theta],
      home: [kept.range("start_q").home, kept.range("start_theta").home],
      change: begin,
    }),
  );
  const place = (event) => {
    const box = toy.svg.getBoundingClientRect();
    begin([toy.scales.q.inverse(event.clientX - box.left), toy.scales.theta.inverse(event.clientY - box.top)]);
  };
  toy.svg.addEventListener("click", place);
  onCleanup(() => toy.svg.removeEventListener("click", place));

  land();
  steps.adapt(numbers(kept.state).states);
  const measure = () => {
    // a part that the page has not laid out yet has no width, and nothing is drawn
    const found = [plane.measure(), toy.measure(), Math.floor(steps.node.clientWidth)];
    if (!found.every((width) => width > 0)) return;
    widths = found;
    kept.redraw.now();
  };
  for (const part of [root, plane.node, toy.node, steps.node]) onCleanup(followWidth(part, view, measure));
});

const same = (a, b) => a === b || (a.length === b.length && a.every(([x, y], i) => x === b[i][0] && y === b[i][1]));

const nameOf = (points, presets) => Object.keys(presets).find((name) => same(presets[name], points));

/** Points stand in a link by their name, or in hundredths: "264,-98_222,28". */
export const codecs = (presets) => ({
  points: {
    read: readPoints,
    write: (points) => nameOf(points, presets) ?? writtenPairs(points.map((p) => p.map((v) => Math.round(100 * v)))),
    parse: (given) => presets[given] ?? pairs(given)?.map((p) => p.map((v) => v / 100)),
  },
  moves: { read: readMoves },
});

function spoken(n) {
  const last = { E: "The last was an E-step. ", M: "The last was an M-step. " }[n.moves.at(-1)] ?? "";
  const sums = n.n
    ? `${n.n} points, ${n.k} ${n.k === 1 ? "component" : "components"}, ${n.moves.length} half steps. ${last}F ` +
      `${fixed(n.f)}, gap ${fixed(n.gap)}, evidence ${nats(n.evidence)}. `
    : "No points. Enter on the plane’s ring places one. ";
  return (
    `${sums}In the toy EM stands at theta ${fixed(n.toy_theta, 2)} ` +
    `with F ` +
    `${fixed(n.toy_f)}, the gradient path at theta ${fixed(n.gradient_theta, 2)}.`
  );
}

/** What holds, in words, and what the last half step did. */
function holds(h, check, n, states) {
  const { told: node } = check;
  const off = Math.abs(n.off);
  const size = 1e-9 * Math.max(1, Math.abs(n.evidence), Math.abs(n.f));
  const fell = Math.min(n.claimed_least_rise, n.least_evidence) < -size;
  check.holds(off <= size && !fell);
  const [now, before] = [states.at(-1), states.at(-2)];
  const [rise, lift] = before ? [now.f - before.f, now.evidence - before.evidence] : [0, 0];
  const did = {
    "": "*q* knows nothing yet: each component takes the same part of every point. An E-step comes first.",
    E:
      rise < size
        ? "A second E-step in a row changes nothing: *q* is the posterior already."
        : `The E-step closed the gap: *F* rose by ${fixed(rise)}, the evidence stayed.`,
    M:
      rise < size
        ? "This M-step found nothing to improve: θ was the best for this *q* already."
        : `The M-step raised *F* by ${fixed(rise)} and the evidence by ${fixed(lift)}, the rest is the new gap.`,
  }[now.move];
  const sofar = n.moves.length
    ? `In ${n.moves.length} half ${n.moves.length === 1 ? "step" : "steps"} neither *F* nor the evidence ` +
      `${fell ? "should fall, but one did. " : "ever fell. "}`
    : "";
  sentence(h, node, [
    [
      "strong",
      off <= size
        ? `*F* + gap = evidence, to ${tolerance(off)}. ${sofar}`
        : `*F* + gap misses the evidence by ${nats(off)}. ${sofar}`,
    ],
    ["plain", did],
  ]);
}

/** What is degenerate, said and not hidden. */
function warnings(n, { components, move }) {
  const list = (test) => components.flatMap((c, i) => (test(c) ? [i + 1] : []));
  const name = (which) => `${which.length === 1 ? "Component" : "Components"} ${which.join(" and ")}`;
  const held = list((c) => c.minor < FLOOR + 1e-9 && c.weight > 0);
  const empty = list((c) => c.weight === 0);
  const out = [];
  if (held.length) {
    out.push(
      ["strong", `${name(held)} at the floor, a width of ${fixed(Math.sqrt(FLOOR), 2)}. `],
      [
        "plain",
        "Without a floor a component may narrow onto one point, or onto points in a line, and *F* rises without end. ",
      ],
    );
  }
  if (empty.length)
    out.push(["plain", `${name(empty)} took no point and ${empty.length === 1 ? "is" : "are"} not drawn. `]);
  if (n.n === MOST) out.push(["plain", `${MOST} points are the most. `]);
  if (n.n && n.n < n.k) out.push(["plain", "There are fewer points than components. "]);
  if (!out.length && move === "" && n.n) out.push(["plain", "Dots: no component has taken a point yet. "]);
  return out;
}

/** What the last half step teaches. */
function teach(insight, n) {
  const move = n.moves.at(-1);
  if (!n.n) {
    insight.tell(n, "No points, nothing to explain.", "Click into the plane to place some.");
    return;
  }
  if (n.wrong !== "none") {
    if (n.wrong === "stale")
      insight.tell(
        n,
        n.least_rise < -1e-9
          ? "With stale responsibilities F fell, once by {0-least_rise:3} nats."
          : "With stale responsibilities nothing keeps F from falling.",
        "Take some more steps.",
      );
    else if (n.wrong === "entropy")
      insight.tell(
        n,
        "What is called F here misses {0-off:3} nats: the entropy of q.",
        "F + gap is no longer the evidence.",
      );
    else
      insight.tell(
        n,
        n.off > 1e-9
          ? "What is logged as evidence is {off:3} nats too low: the gap that this M-step opened."
          : "After an E-step the wrong label does not show.",
        "Take an M-step, and an E-step.",
      );
    return;
  }
  if (!move)
    insight.tell(
      n,
      "q knows nothing yet: the gap is {gap:2} nats.",
      "Each component takes the same part of every point.",
    );
  else if (move === "E")
    insight.tell(
      n,
      n.rise < 1e-9
        ? "A second E-step in a row changes nothing: q is the posterior already."
        : "The E-step closed the gap: F rose by {rise:3} nats, the evidence stayed.",
    );
  else
    insight.tell(
      n,
      n.rise < 1e-9
        ? "This M-step found nothing to improve."
        : "The M-step raised F by {rise:3} nats and the evidence by {lift:3}.",
      n.rise < 1e-9 ? "" : "The rest is the new gap, {gap:3}.",
    );
}
