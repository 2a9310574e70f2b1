// Live figure 1: ancestral sampling. z from the prior, through g, plus noise; x piles up under the marginal p(x).
// state -> numbers (js/engine/ancestral.js) -> picture. Nothing is drawn that the engine did not compute.

import { marginal, numbers as numbersOf, sample } from "../engine/ancestral.js";
import { remembered } from "../engine/remembered.js";
import { announcer } from "../kit/announce.js";
import { button } from "../kit/controls.js";
import { say as write } from "../kit/dom.js";
import { figure, followWidth } from "../kit/figure.js";
import { counted, fixed, tolerance } from "../kit/format.js";
import { sliderKeys } from "../kit/handles.js";
import { keep } from "../kit/keep.js";
import { layOut, makeCheck, makeInsight } from "../kit/layout.js";
import { formulaRow, maths, sentence, termButton } from "../kit/maths.js";
import { linkTerms } from "../kit/terms.js";
import { makePlane } from "./ancestral/plane.js";
import { makePrediction } from "./ancestral/prediction.js";

const STEP = [
  ["last_z", "*z*", "prior"],
  ["last_g", "*g*(*z*)", "model"],
  ["last_noise", "*s* ε", "data"],
  ["last_x", "*x*", "evidence"],
];

export default figure("ancestral", "Live figure: ancestral sampling from a latent variable model", (kit) => {
  const { root, view, h, onCleanup } = kit;
  const numbers = remembered(numbersOf); // asked for by a draw, by what is read back, and at rest
  const fitAxes = (state) => plane.adapt(Math.max(...marginal(state.std_noise).p), sample(state));
  let now = null; // numbers of the last draw
  let width = 0;

  // ---- picture
  const plane = makePlane(kit);
  const predict = makePrediction(h);
  const live = announcer(h);
  const here = h("p", { class: "lvm-here" });
  const insight = makeInsight(h);
  const check = makeCheck(h, maths(h, "the sample follows *p*(*x*)"));
  const which = h("span", { class: "lvm-label" });
  const [z, g, noise, x] = STEP.map(([key, symbol, quantity]) => termButton(h, { key, symbol, quantity }));
  const formula = formulaRow(h, "the newest sample: x equals g of z plus s epsilon", [z, "→", g, "+", noise, "=", x], {
    unit: "",
  });

  const kept = keep(kit, {
    numbers,
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
  const spread = kept.slider("std_noise", { label: ["noise ", h("var", {}, "s")] });
  const most = kept.range("count").high;
  layOut(kit, {
    title: ["How does ", h("var", {}, "z"), " make ", h("var", {}, "x"), "?"],
    asks: predict.node,
    picture: plane.node,
    hand: [h("div", { class: "lvm-buttons" }, back, one, many), h("div", { class: "lvm-sliders" }, spread.node)],
    insight,
    rest: [
      here,
      h(
        "div",
        { class: "lvm-buttons" },
        button(h, "New seed", () => kept.change({ seed: (kept.state.seed % kept.range("seed").high) + 1 })),
        button(h, "Reset", () => {
          kept.reset();
          fitAxes(kept.state);
        }),
        kept.share,
      ),
    ],
    check,
    under: h("div", { class: "lvm-newest" }, which, formula),
    live: live.region,
  });
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
    write(which, now.count ? `The newest, draw ${counted(now.count)} of seed ${now.seed}:` : "No sample yet:");
    for (const [node, off] of [
      [back, !now.count],
      [one, now.count >= most],
      [many, now.count >= most],
    ]) {
      if (node.disabled !== off) node.disabled = off;
    }
    spread.update(state.std_noise, fixed(state.std_noise, 2), `standard deviation ${fixed(state.std_noise, 2)}`);
    sentence(h, here, [
      [
        "plain",
        `At your *z* = ${fixed(now.z, 2)} the prior density is *p*(*z*) = ${fixed(now.prior)}. The generator ` +
          `puts *x* around *g*(*z*) = ${fixed(now.g, 2)}; there *p*(*x*) = ${fixed(now.density)}.`,
      ],
    ]);
    say(h, check, now);
    teach(insight, now);
    predict.follow(now);
    kept.tell(now);
  }

  // ---- hands
  const { scales, handle } = plane;
  kept.byHand(handle, (e, m) => ({ z: m.state.z + scales.z.inverse(e.clientX - m.px) - scales.z.inverse(0) }));
  onCleanup(
    sliderKeys(handle, {
      label: "z, the latent variable that you hold",
      value: () => kept.state.z,
      range: () => kept.range("z"),
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

function spoken(n) {
  const held =
    `At z ${fixed(n.z, 2)} the generator gives x around ${fixed(n.g, 2)}, ` +
    `where the marginal density is ${fixed(n.density)}.`;
  if (!n.count) return `${held} No sample yet.`;
  return (
    `${held} ${counted(n.count)} ${n.count === 1 ? "sample" : "samples"}, the newest x is ${fixed(n.last_x, 2)}. ` +
    `Distance of the sample to the marginal ${fixed(n.distance)}.`
  );
}

/** What always holds, in words, with its numbers. */
function say(h, check, n) {
  const { told: node } = check;
  const off = Math.abs(n.area - 1);
  const density = `p(x) integrates to one, to ${tolerance(off)}.`.replace("p(x)", "*p*(*x*)");
  const near = !n.count || n.distance < n.line;
  check.holds(off < 1e-6 && near);
  if (!n.count) {
    sentence(h, node, [
      ["strong", `${density} `],
      ["plain", "It is the average of the generator’s bell over all *z*, by quadrature: no sample is in it."],
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
        `all but at most one of 100,000 samples of this size. ${density}`,
    ],
  ]);
}

/** What this state teaches. */
function teach(insight, n) {
  if (!n.count)
    insight.tell(
      n,
      "Each z makes x near one place, here {g:2}; p(x) is the average over all z.",
      "Draw: prior, generator, noise.",
    );
  else if (n.count < 30)
    insight.tell(
      n,
      n.count === 1 ? "One sample says little about p(x)." : "{count:0} samples say little about p(x).",
      "Draw a hundred more.",
    );
  else
    insight.tell(
      n,
      "{count:0} samples pile up under p(x), which was computed without any of them.",
      "Their distribution function is off by {distance:3} at most.",
    );
}
