// Live figure 7: a training that can be wound back. Checkpoint -> manifold, codes, -ELBO, computed again from its
// weights. state -> what the checkpoint gives (in slices; the others follow in the background) -> numbers -> picture.

import { bytesOf } from "../engine/network.js";
import { imagesOf, measured, netOf, numbers, SIDE, unfolded } from "../engine/scrubber.js";
import { announcer } from "../kit/announce.js";
import { button } from "../kit/controls.js";
import { set } from "../kit/dom.js";
import { figure, followWidth } from "../kit/figure.js";
import { fixed, nats, tolerance } from "../kit/format.js";
import { keep } from "../kit/keep.js";
import { layOut, makeCheck, makeInsight } from "../kit/layout.js";
import { formulaRow, sentence, termButton, whole } from "../kit/maths.js";
import { player } from "../kit/player.js";
import { patience, sliced } from "../kit/slices.js";
import { linkTerms } from "../kit/terms.js";
import { imageOf } from "./drawing/ink.js";
import { makeCloud } from "./scrubber/cloud.js";
import { makeCurves } from "./scrubber/curves.js";

const PACE = 700; // ms between two checkpoints of Play
const TERMS = [
  ["distortion", "distortion", "data", "distortion"],
  ["rate", "rate", "q", "rate"],
  ["elbo", "−ELBO", "elbo", "negative_elbo"],
];

export default figure(
  "scrubber",
  "Live figure: a training that you can wind back",
  (kit) => {
    const { root, view, h, model, onCleanup, arrived, lost } = kit;
    const given = { epochs: model.get("epochs"), curve: model.get("curve"), losses: model.get("losses") };
    const [labels, note] = [model.get("labels"), model.get("note") || ""];
    const images = imagesOf(bytesOf(model.get("pixels")));
    const buffers = unfolded(bytesOf(model.get("weights")), given.epochs.length);
    const last = given.epochs.length - 1;
    const known = new Map(); // checkpoint -> what it gives
    let working = null; // the checkpoint that is being measured
    let giveUp = () => {};
    let now = null;
    let width = 0;

    // ---- picture
    const sheet = h("canvas", { class: "lvm-ink lvm-sheet", width: 28 * SIDE, height: 28 * SIDE, role: "img" });
    const pen = sheet.getContext("2d");
    const cloud = makeCloud(kit, labels);
    const curves = makeCurves(kit, given);
    const live = announcer(h);
    const insight = makeInsight(h);
    const check = makeCheck(h, "curve = this page’s own value");
    const wait = h("p", { class: "lvm-wait", role: "status" });
    const terms_ = TERMS.map(([key, symbol, quantity]) => termButton(h, { key, symbol, quantity }));
    const when = h("span", { class: "lvm-label" });
    const formula = formulaRow(h, "distortion plus rate is minus the ELBO, per test image", [
      terms_[0],
      "+",
      terms_[1],
      "=",
      terms_[2],
    ]);

    const kept = keep(kit, {
      numbers: (s) => (known.has(s.checkpoint) ? numbers(s, known.get(s.checkpoint), given) : null),
      speak: () => {
        if (now) live.speak(spoken(now));
      },
      draw,
    });

    // ---- controls
    const go = (checkpoint) => kept.change({ checkpoint });
    const run = player(kit, {
      pace: PACE,
      by: (n) => go(kept.state.checkpoint + n),
      ended: () => kept.state.checkpoint >= last,
      ready: () => known.has(kept.state.checkpoint),
      rewind: () => go(0),
    });
    const scrub = kept.slider("checkpoint", { label: "epoch", change: run.halting(go) });
    const sheetField = h(
      "div",
      { class: "lvm-field" },
      h("p", { class: "lvm-field-title" }, ["means of ", whole(h, "*p*(*x* | *z*)"), " on the prior’s quantiles"]),
      h("div", { class: "lvm-paper" }, sheet),
    );
    const picture = [h("div", { class: "lvm-fields" }, sheetField, cloud.node), wait, curves.node];
    layOut(kit, {
      title: "What does training do to the plane?",
      picture,
      hand: [
        h("div", { class: "lvm-buttons" }, run.back, run.step, run.play),
        h("div", { class: "lvm-sliders" }, scrub.node),
      ],
      insight,
      rest: h("div", { class: "lvm-buttons" }, button(h, "Reset", run.halting(kept.reset)), kept.share),
      check,
      under: h("div", { class: "lvm-newest" }, when, formula),
      live: live.region,
    });
    const terms = linkTerms(root, view);
    onCleanup(terms.release);
    const place = run.halting((event) => go(curves.nearest(event.clientX - curves.svg.getBoundingClientRect().left)));
    curves.svg.addEventListener("click", place);
    onCleanup(() => curves.svg.removeEventListener("click", place));

    // ---- checkpoints, in slices: the one that is looked at first, then all others
    function work(k) {
      if (working === k) return;
      giveUp();
      working = k;
      giveUp = sliced(view, measured(netOf(model.get("nets"), buffers[k]), images), {
        rest: () => patience(root, !known.has(kept.state.checkpoint)),
        done: (found) => {
          known.set(k, { ...found, picture: imageOf(pen, tiled(found.sheet), 28 * SIDE) });
          cloud.prepare(found.codes);
          working = null;
          if (k === kept.state.checkpoint) {
            kept.redraw.now();
            kept.rest();
          }
          arrived();
          const next = given.epochs.findIndex((_, j) => !known.has(j));
          if (working === null && next >= 0) work(next);
        },
        failed: (error) => {
          working = null;
          wait.textContent = `The checkpoint could not be computed (${error.message}).`;
          lost(error);
        },
      });
    }
    onCleanup(() => giveUp());

    // ---- drawing: until a checkpoint was measured, the pictures are the last one's
    function draw(state, touched) {
      if (!width) return;
      const at = known.get(state.checkpoint);
      scrub.update(
        state.checkpoint,
        `${given.epochs[state.checkpoint]}`,
        `after ${given.epochs[state.checkpoint]} epochs`,
      );
      curves.draw(width, state.checkpoint);
      run.enable(state.checkpoint === 0, state.checkpoint === last);
      const words = at ? "" : "Computing this checkpoint …";
      if (wait.textContent !== words) wait.textContent = words;
      if (!at) {
        work(state.checkpoint);
        return;
      }
      const fresh = now?.checkpoint !== state.checkpoint;
      const lit = touched && now !== null;
      now = numbers(state, at, given);
      if (fresh) {
        pen.putImageData(at.picture, 0, 0);
        const words = `${SIDE} by ${SIDE} decoded images on the prior’s quantiles after ${now.epoch} epochs`;
        set(sheet, { "aria-label": words });
      }
      cloud.draw(Math.floor((width - 14) / 2), at.codes);
      TERMS.forEach(([, , , key], i) => terms.write(terms_[i], fixed(now[key], 2), lit));
      when.textContent = `After ${now.epoch} ${now.epoch === 1 ? "epoch" : "epochs"}, per test image:`;
      say(h, check, now, note);
      teach(insight, now, cloud.outside(at.codes));
      kept.tell(now);
    }

    onCleanup(
      followWidth(root, view, () => {
        width = Math.floor(curves.node.clientWidth);
        kept.redraw.now();
      }),
    );
  },
  { slow: true },
);

/** Images of 28 x 28, one after another, as one sheet of SIDE x SIDE. */
function tiled(images) {
  const wide = 28 * SIDE;
  const out = new Float64Array(wide * wide);
  for (let k = 0; k < SIDE * SIDE; k++)
    for (let d = 0; d < 784; d++) {
      const [row, column] = [28 * Math.floor(k / SIDE) + Math.floor(d / 28), 28 * (k % SIDE) + (d % 28)];
      out[row * wide + column] = images[k * 784 + d];
    }
  return out;
}

function spoken(n) {
  return (
    `After ${n.epoch} ${n.epoch === 1 ? "epoch" : "epochs"}: minus ELBO ${nats(n.negative_elbo, 2)} per test image, ` +
    `distortion ${fixed(n.distortion, 2)}, ` +
    `rate ${fixed(n.rate, 2)}. The codes spread by ${fixed(n.code_std1, 2)} and ${fixed(n.code_std2, 2)}.`
  );
}

/** What always holds, in words. */
function say(h, check, n, note) {
  const { told: node } = check;
  const off = Math.abs(n.curve - n.negative_elbo);
  const holds = off < 1e-6;
  check.holds(holds);
  const loss =
    n.loss === null
      ? ""
      : ` The epoch’s training loss was ${fixed(n.loss, 1)}: an average over the epoch, on fresh binarisations, one ` +
        `draw of *z* each.`;
  sentence(h, node, [
    [
      "strong",
      `Curve = value computed again from this checkpoint’s weights: ` +
        `${holds ? `holds to ${tolerance(off)}` : `off by ${tolerance(off)}`}. `,
    ],
    [
      "plain",
      `The curve was drawn in Python, the value comes from this page: 60 stored test images, 6 × 6 quadrature points ` +
        `each.${loss}`,
    ],
    ["strong", note && ` ${note}`],
  ]);
}

/** What this state teaches. */
function teach(insight, n, outside) {
  const lie = outside === 1 ? "lies" : "lie";
  insight.tell(
    n,
    "Naming z costs {rate:2} nats, the picture given z {distortion:1}.",
    outside
      ? `${outside} of the codes ${lie} outside the frame. ` +
          "The codes’ standard deviations are {code_std1:1} and {code_std2:1}."
      : "All codes lie inside the frame. Their standard deviations are {code_std1:2} and {code_std2:2}.",
  );
}
