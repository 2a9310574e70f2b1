// Live figure 9: one sigma from soft EM to K-means to a codebook, with cells, usage and straight-through arrows.
// state -> numbers (js/engine/kmeans.js) -> picture. Nothing is drawn that the engine did not compute.

import { MOST, numbers as numbersOf, placed, readCodes, revived, scattered, update } from "../engine/kmeans.js";
import { remembered } from "../engine/remembered.js";
import { announcer } from "../kit/announce.js";
import { button, choice, slider } from "../kit/controls.js";
import { disable } from "../kit/dom.js";
import { figure, followWidth } from "../kit/figure.js";
import { fixed } from "../kit/format.js";
import { keyed } from "../kit/handles.js";
import { keep } from "../kit/keep.js";
import { layOut, makeCheck, makeInsight } from "../kit/layout.js";
import { pairs, writtenPairs } from "../kit/link.js";
import { formulaRow, maths, sentence, termButton } from "../kit/maths.js";
import { player } from "../kit/player.js";
import { linkTerms } from "../kit/terms.js";
import { makeWrong } from "../kit/wrong.js";
import { makeHands } from "./kmeans/hands.js";
import { makePlane } from "./kmeans/plane.js";
import { makeSteps } from "./kmeans/steps.js";
import { makeUsage } from "./kmeans/usage.js";

const COPY = 0.4; // of the gradient's length, drawn
const SAID = {
  digits: "Real: 45 handwritten digits, 0, 1 and 7, in two principal coordinates. ",
  clouds: "A toy: three clouds. ",
  uneven: "A toy: one crowded cloud, one sparse. ",
};
const PACE = 700; // ms between two steps of Play

const KMEANS = "K-\u2060means"; // in no line broken

export default figure("kmeans", "Live figure: from soft EM to K-means to a codebook, by one sigma", (kit) => {
  const { root, view, model, h, onCleanup } = kit;
  const numbers = remembered(numbersOf); // asked for by a draw, by what is read back, and at rest
  const sets = model.get("sets");
  if (!arePoints(sets)) throw new Error("its points are damaged");
  let arrows = "moves";
  let widths = null;
  let before = null; // numbers of the last draw
  const chosen = { index: 0 }; // the code that carries the handle

  // ---- picture
  const plane = makePlane(kit);
  const usage = makeUsage(kit);
  const steps = makeSteps(kit);
  const live = announcer(h);
  const insight = makeInsight(h);
  const check = makeCheck(h, "no step raises the energy");
  const about = h("p", { class: "lvm-em-note" });
  const aboutUse = h("p", { class: "lvm-em-note" });
  const [soft, rate, energy] = [
    ["soft", "distortion", "data"],
    ["rate", "2σ² · rate", "prior"],
    ["energy", "energy", "elbo"],
  ].map(([key, symbol, quantity]) => termButton(h, { key, symbol, quantity }));
  const formula = formulaRow(
    h,
    "distortion plus two sigma squared times rate equals energy",
    [soft, "+", rate, "=", energy],
    { small: false, unit: "" },
  );

  const kept = keep(kit, {
    codecs,
    settle: (s) => ({ ...s, points: sets[s.data] }),
    numbers: (s) => numbers(s).stated,
    adapt: () => steps.adapt(numbers(kept.state).states),
    speak: () => live.speak(spoken(numbers(kept.state).stated)),
    draw,
  });

  // ---- controls
  const act = (values) => {
    kept.change(values);
    steps.adapt(numbers(kept.state).states);
  };
  /** The codes where they stand now: what is changed by hand begins a new run there. */
  const standing = () => (kept.state.steps ? numbers(kept.state).states.at(-1).codes : kept.state.codes);
  const anew = (values) => ({ codes: standing(), steps: 0, ...values });
  const last = () => kept.range("steps").high;
  const still = ({ states }) => states.length > 1 && states.at(-2).energy - states.at(-1).energy < 1e-7;
  const run = player(kit, {
    pace: PACE,
    by: (n) => act({ steps: kept.state.steps + n }),
    ended: () => kept.state.steps >= last() || still(numbers(kept.state)),
  });
  const revive = button(
    h,
    "Revive dead",
    run.halting(() => act(anew({ codes: revived(kept.state.points, standing(), kept.state.sigma) }))),
  );
  const sigma = kept.slider("sigma", {
    label: ["width ", h("var", {}, "σ")],
    change: run.halting((value) => kept.change(anew({ sigma: value }))),
  });
  const home = kept.state.codes.length;
  const count = slider(h, {
    label: ["codes ", h("var", {}, "K")],
    low: 1,
    high: MOST,
    step: 1,
    hold: kept.hold,
    key: (event) => keyed(event, kept.state.codes.length, { low: 1, high: MOST, step: 1, leap: 3, home }),
    input: run.halting((k) => {
      const codes = standing();
      kept.change(anew({ codes: [...codes.slice(0, k), ...scattered(kept.state.seed, k).slice(codes.length)] }));
    }),
  });
  const data = choice(h, {
    label: "Set of points",
    value: kept.state.data,
    choose: run.halting((value) => act(anew({ data: value }))),
    options: Object.keys(sets).map((name) => ({ value: name, text: name })),
  });
  const which = choice(h, {
    label: "Arrows",
    value: arrows,
    choose: (value) => {
      arrows = value;
      kept.change({});
    },
    options: [
      { value: "moves", text: "next step" },
      { value: "copy", text: "straight-through" },
      { value: "none", text: "none" },
    ],
  });
  const head = (text) => h("div", { class: "lvm-em-head" }, maths(h, text));
  const wrong = makeWrong(kit, kept, [
    {
      value: "counts",
      text: "counts of an even share",
      told:
        "A code’s sum is divided by *N*/*K* and not by what the code holds: sums and means mixed, as in a " +
        "start of vector-quantize-pytorch (#66). Codes that hold much fly out, and the energy rises.",
    },
    {
      value: "rate",
      text: "rate left out",
      told:
        "The distortion alone is called the energy, as a VQ loss is called an ELBO without its KL. For one-" +
        "hots and a uniform prior the KL is log *K*, a constant; for soft *r* it is not.",
    },
  ]);
  layOut(kit, {
    title: `When does soft EM become ${KMEANS}?`,
    picture: [
      h(
        "div",
        { class: "lvm-em-panels" },
        h("div", {}, head("Points and codes: drag a code, or tap it first"), plane.node),
        h("div", {}, head("Points that each code holds"), usage.node),
      ),
      steps.node,
    ],
    hand: [
      h("div", { class: "lvm-buttons" }, run.back, run.step, run.play, revive),
      h("div", { class: "lvm-sliders" }, sigma.node),
    ],
    insight,
    rest: [
      h("div", { class: "lvm-sliders" }, count.node),
      h("div", { class: "lvm-em-row" }, h("span", { class: "lvm-label" }, "Points"), data.node),
      h("div", { class: "lvm-em-row" }, h("span", { class: "lvm-label" }, "Arrows"), which.node),
      h(
        "div",
        { class: "lvm-buttons" },
        button(
          h,
          "New start",
          run.halting(() => {
            const seed = (kept.state.seed % kept.range("seed").high) + 1;
            act({ seed, codes: scattered(seed, kept.state.codes.length), steps: 0 });
          }),
        ),
        button(
          h,
          "Reset",
          run.halting(() => {
            kept.reset();
            steps.adapt(numbers(kept.state).states);
          }),
        ),
        kept.share,
      ),
      wrong.node,
    ],
    check,
    under: [formula, about, aboutUse],
    live: live.region,
    broad: true,
  });
  const terms = linkTerms(root, view);
  onCleanup(terms.release);

  // ---- drawing
  function draw(state, touched) {
    if (!widths) return;
    const { stated, states } = numbers(state);
    const now = states.at(-1);
    const isSoft = state.sigma > 0;
    chosen.index = Math.min(chosen.index, stated.k - 1);
    const meaning = {
      moves: "the code’s next step",
      copy: "minus the gradient at the code, copied to the point",
      none: "",
    }[arrows];
    const drawn = { vectors: vectors(state, now), clear: arrows === "moves" ? 11 : 0, meaning };
    plane.draw(widths[0], state.points, now, drawn, isSoft, chosen.index);
    usage.draw(widths[1], now, state.points.length, isSoft);
    steps.draw(
      widths[2],
      states.map((one) => ({ ...one, energy: one.claimed_energy })),
    );
    wrong.update(state.wrong);
    const lit = touched && before !== null;
    const added = stated.energy - stated.soft;
    for (const [term, value] of [
      [soft, stated.soft],
      [rate, added],
      [energy, stated.claimed_energy],
    ])
      terms.write(term, fixed(value), lit);
    run.enable(!state.steps, state.steps >= last());
    disable(revive, !stated.dead);
    sigma.update(state.sigma, fixed(state.sigma, 2), isSoft ? fixed(state.sigma, 2) : "0, K-means");
    count.update(stated.k, String(stated.k), `${stated.k} ${stated.k === 1 ? "code" : "codes"}`);
    data.set(state.data);
    words(stated, states);
    before = stated;
    kept.tell(stated);
  }

  /** Arrows: the next step of each code; or minus the loss' gradient at a point's code, copied to the point. */
  function vectors({ points, wrong }, now) {
    if (arrows === "moves") return update(points, now.r, now.codes, wrong).map((to, j) => [now.codes[j], to]);
    if (arrows === "none") return [];
    const k = now.codes.length;
    return points.map(([x, y], n) => {
      let best = 0;
      for (let j = 1; j < k; j++) if (now.r[n * k + j] > now.r[n * k + best]) best = j;
      const [cx, cy] = now.codes[best];
      return [
        [x, y],
        [x + COPY * (x - cx), y + COPY * (y - cy)],
      ];
    });
  }

  function words(n, states) {
    holds(h, check, n, states);
    teach(insight, n);
    const story = {
      moves:
        n.sigma === 0
          ? "At σ = 0 each point belongs to its nearest code alone, and a step is Lloyd’s: the code goes to its " +
            "cell’s mean."
          : "Each code goes to the mean of what it holds. Turn σ down: threads gather until each point has one.",
      copy:
        "Encoder and decoder are the identity here. Forward the point becomes its code *c*; backward the loss’ " +
        "gradient at *c*, " +
        "2(*c* − *x*), is copied to the point: descent pushes it away from *c*. The commitment loss pulls back.",
      none: "",
    }[arrows];
    sentence(h, about, [["plain", SAID[n.data] + story]]);
    sentence(h, aboutUse, [
      ["strong", `Perplexity ${fixed(n.perplexity, 2)} of ${n.k}. `],
      [
        "plain",
        n.dead
          ? `${n.dead} ${n.dead === 1 ? "code is" : "codes are"} nearest to no point: dead. ` +
            `${n.sigma === 0 ? "No step moves it." : "A wide σ still lets it feel points."}`
          : n.perplexity > 0.98 * n.k
            ? "Every code is used, and nearly evenly here: nothing asks for that."
            : "Every code is used, but not evenly: nothing asks for that.",
      ],
    ]);
  }

  // ---- hands
  makeHands(kit, {
    plane,
    kept,
    codes: standing,
    choice: chosen,
    seen: () => kept.change({}),
    place: run.halting((codes) =>
      kept.change(anew({ codes: codes.map((code, j) => (j === chosen.index ? placed(code) : code)) })),
    ),
  });

  steps.adapt(numbers(kept.state).states);
  const measure = () => {
    // a part that the page has not laid out yet has no width, and nothing is drawn
    const found = [plane.measure(), usage.measure(), Math.floor(steps.node.clientWidth)];
    if (!found.every((width) => width > 0)) return;
    widths = found;
    kept.redraw.now();
  };
  for (const part of [root, plane.node, usage.node, steps.node]) onCleanup(followWidth(part, view, measure));
});

/** Whether `sets` holds points of the plane under each of its names. */
function arePoints(sets) {
  const pair = (point) => Array.isArray(point) && point.length === 2 && point.every(Number.isFinite);
  const isSet = (points) => Array.isArray(points) && points.length > 0 && points.every(pair);
  return sets !== null && typeof sets === "object" && Object.keys(sets).length > 0 && Object.values(sets).every(isSet);
}

/** Codes stand in a link to four decimals: "2.64,-0.98_2.22,0.28". */
export const codecs = {
  codes: {
    read: readCodes,
    write: (codes) => writtenPairs(codes.map((code) => code.map((v) => Number(v.toFixed(4))))),
    parse: pairs,
  },
};

function spoken(n) {
  const kind = n.sigma === 0 ? "K-means" : `Width ${fixed(n.sigma, 2)}`;
  return (
    `${kind}, ${n.k} ${n.k === 1 ? "code" : "codes"}, ${n.steps} ${n.steps === 1 ? "step" : "steps"}. Distortion ` +
    `${fixed(n.distortion)}, ` +
    `energy ${fixed(n.energy)}, perplexity ${fixed(n.perplexity)}, ${n.dead} dead.`
  );
}

/** What holds, in words. */
function holds(h, check, n, states) {
  const { told: node } = check;
  const off = Math.abs(n.off) > 1e-9;
  const rises = n.largest_rise > 1e-9 || (n.sigma === 0 && n.largest_distortion_rise > 1e-9);
  check.holds(!rises && !off);
  const name = n.sigma === 0 ? "distortion" : "energy";
  const done = n.steps
    ? `In ${n.steps} ${n.steps === 1 ? "step" : "steps"} the ${name} ` +
      `${rises ? "should never rise, but did. " : "never rose. "}`
    : `A run begins here: step, and see whether the ${name} can rise. `;
  const fall = n.steps ? states.at(-2).energy - states.at(-1).energy : 0;
  const last =
    n.steps && fall < 1e-9
      ? "The codes have come to rest: a local optimum, seldom the best. "
      : n.steps
        ? `The last one lowered it by ${fixed(fall)}. `
        : "";
  const sharp =
    n.sigma === 0
      ? "At σ = 0 every *r* is one-hot and the energy is the distortion."
      : `The least certain point gives its nearest code ${fixed(100 * n.firm, 0)} %. Energy is 2σ² times −*F* per ` +
        `point, up to a constant.`;
  const missing = off ? `Distortion and rate miss the energy by ${fixed(Math.abs(n.off))}. ` : "";
  sentence(h, node, [
    ["strong", missing + done],
    ["plain", last + sharp],
  ]);
}

/** What this state teaches. */
function teach(insight, n) {
  if (n.wrong === "counts") {
    insight.tell(
      n,
      n.largest_rise > 1e-9
        ? "A step raised the energy by {largest_rise:3}: the codes are no means."
        : "Divided by an even share a sum is no mean: nothing keeps the energy from rising.",
      "Take some more steps.",
    );
    return;
  }
  if (n.wrong === "rate") {
    insight.tell(
      n,
      "What is called energy misses {off:3}, the price of the shares.",
      n.sigma === 0 ? "At σ = 0 it is nothing: turn σ up." : "At σ = 0 it is nothing.",
    );
    return;
  }
  if (n.dead)
    insight.tell(
      n,
      n.dead === 1
        ? "One code is nearest to no point: {perplexity:2} codes’ worth of {k:0} are in use."
        : "{dead:0} codes are nearest to no point: {perplexity:2} codes’ worth of {k:0} are in use.",
      n.sigma === 0 ? `No step of ${KMEANS} moves a dead code.` : "A wide σ still lets it feel points.",
    );
  else if (n.sigma > 0)
    insight.tell(
      n,
      "The least certain point gives its nearest code {100*firm:0} %.",
      `Turn σ down: at 0 it is all or nothing, and soft EM is ${KMEANS}.`,
    );
  else if (n.steps && n.fall < 1e-9)
    insight.tell(
      n,
      "The codes are at rest with a distortion of {distortion:3}: a local optimum, seldom the best.",
      "Try another start.",
    );
  else
    insight.tell(
      n,
      n.steps ? "The last step lowered the distortion by {fall:3}." : "Each step takes a code to the mean of its cell.",
      "Every point belongs to one code alone.",
    );
}
