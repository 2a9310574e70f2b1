// Live figure 6: the true posterior of a VAE on a grid, the encoder's q, and q refined for this one image.
// state -> posterior on the grid (in slices) -> numbers (js/engine/posterior.js) -> picture.

import { BLACK_AND_WHITE, readImage, written } from "../engine/drawing.js";
import { bytesOf, sigmoid } from "../engine/network.js";
import { imagesOf, MOST, modelOf, numbers as numbersOf, posterior } from "../engine/posterior.js";
import { remembered } from "../engine/remembered.js";
import { announcer } from "../kit/announce.js";
import { button, choice } from "../kit/controls.js";
import { figure, followWidth } from "../kit/figure.js";
import { fixed, nats, tolerance } from "../kit/format.js";
import { keep } from "../kit/keep.js";
import { layOut, makeCheck, makeInsight } from "../kit/layout.js";
import { formulaRow, maths, sentence, termButton, whole } from "../kit/maths.js";
import { player } from "../kit/player.js";
import { patience, sliced } from "../kit/slices.js";
import { linkTerms } from "../kit/terms.js";
import { inkCanvas } from "./drawing/ink.js";
import { makeInput } from "./drawing/input.js";
import { makeBar } from "./posterior/bar.js";
import { makePlane } from "./posterior/plane.js";

const PACE = 350; // ms between two steps of Play
const REMEMBERED = 8; // posteriors of drawn images
const TERMS = [
  ["evidence", "log *p*(*x*)", "evidence", (n) => n.evidence],
  ["refined", "ELBO(*q*)", "elbo", (n) => n.refined],
  ["amortisation", "amortisation left", "q", (n) => n.best - n.refined],
  ["approximation", "approximation gap", "gap", (n) => n.evidence - n.best],
];

export const codecs = { drawn: { read: (text) => (text === "" || readImage(text) ? text : undefined) } };

export default figure(
  "posterior",
  "Live figure: the true posterior against the encoder’s guess, refined step by step",
  (kit) => {
    const { root, view, h, model, onCleanup, arrived, lost } = kit;
    const images = imagesOf(bytesOf(model.get("pixels")));
    const [names, grids] = [model.get("labels"), model.get("grids")];
    const vae = modelOf(model.get("nets"), model.get("weights"));
    const texts = images.map((x) => written(Uint8Array.from(x)));
    const numbers = remembered(numbersOf);
    const keyOf = (s) => s.drawn || s.digit;
    const shownText = (s) => s.drawn || texts[s.digit];
    const known = new Map(); // digit, or text of a drawn image -> its posterior
    let asked = null; // the key whose posterior is being computed
    let stroke = null; // while a stroke is drawn: what it has made of x so far
    let giveUp = () => {};
    let now = null;
    let width = 0;
    let planeWidth = 0; // asked for when the figure's own width changes: in a drag it would lay the page out

    // ---- picture
    const plane = makePlane(kit);
    const bar = makeBar(kit);
    const live = announcer(h);
    const insight = makeInsight(h);
    const check = makeCheck(h, maths(h, "log *p*(*x*) ≥ best ≥ refined ≥ encoder’s ELBO"));
    const wait = h("p", { class: "lvm-wait", role: "status" });
    const decoded = inkCanvas(h, {
      role: "img",
      "aria-hidden": null,
      "aria-label": "the mean of p(x | z) at the mean of q",
    });
    const output = h(
      "div",
      { class: "lvm-side lvm-side-out" },
      h("div", { class: "lvm-caption lvm-fill-model" }, "mean of ", whole(h, "*p*(*x* | *z*)")),
      h("div", { class: "lvm-screen" }, decoded.node),
      h("div", { class: "lvm-small" }, "at the mean of refined ", h("var", {}, "q")),
    );
    const terms_ = TERMS.map(([key, symbol, quantity]) => termButton(h, { key, symbol, quantity }));
    const formula = formulaRow(
      h,
      "log p of x is the ELBO of q, plus what is left of the amortisation gap, plus the approximation gap",
      [terms_[0], "=", terms_[1], "+", terms_[2], "+", terms_[3]],
    );

    const kept = keep(kit, {
      codecs,
      numbers: (s) => (known.has(keyOf(s)) ? numbers(s, known.get(keyOf(s))) : null),
      speak: () => {
        if (now) live.speak(spoken(now, names));
      },
      draw,
    });

    // ---- x: given or drawn. A stroke counts once it ends: its posterior takes a second or two.
    const input = makeInput(kit, {
      form: BLACK_AND_WHITE,
      say: (words) => live.speak(words),
      remember: () => null,
      change(text) {
        if (stroke === null) take(text);
        else {
          stroke = text;
          input.draw(text);
        }
      },
      hold(on) {
        const text = stroke;
        stroke = on ? "" : null;
        kept.hold(on);
        if (!on && text) take(text);
      },
      restore() {
        stroke = "";
        input.draw(shownText(kept.state));
      },
    });
    const take = (drawn) => {
      run.stop();
      kept.change({ drawn, step: 0 });
    };
    const arrow = (text) => h("div", { class: "lvm-arrow", "aria-hidden": "true" }, h("span", {}, text));
    const row = h(
      "div",
      { class: "lvm-flow lvm-posterior-row" },
      input.node,
      arrow("encoder"),
      plane.node,
      arrow("decoder"),
      output,
    );

    // ---- controls
    const pick = choice(h, {
      label: "Test image",
      value: String(kept.state.digit),
      className: "lvm-choice-tight",
      choose: (value) => {
        run.stop();
        input.forget();
        kept.change({ digit: Number(value), drawn: "", step: 0 });
      },
      options: names.map((name, k) => ({ value: String(k), text: name })),
    });
    const steps = kept.slider("step", { label: "steps" });
    const most = kept.range("step").high;
    const lastOf = (p) => (p ? Math.min(most, p.path.length - 1) : most);
    const run = player(kit, {
      pace: PACE,
      by: (n) => kept.change({ step: kept.state.step + n }),
      ended: () => kept.state.step >= lastOf(known.get(keyOf(kept.state))),
      ready: () => known.has(keyOf(kept.state)),
      rewind: () => kept.change({ step: 0 }),
    });
    layOut(kit, {
      title: "How good is the encoder’s guess for this one image?",
      given: h("div", { class: "lvm-splits-head" }, h("span", { class: "lvm-label" }, "Test digit"), pick.node),
      picture: [row, wait, bar.node],
      hand: [
        h("div", { class: "lvm-buttons" }, run.back, run.step, run.play),
        h("div", { class: "lvm-sliders" }, steps.node),
      ],
      insight,
      rest: h(
        "div",
        { class: "lvm-buttons" },
        button(
          h,
          "Reset",
          run.halting(() => {
            input.forget();
            kept.reset();
          }),
        ),
        kept.share,
      ),
      check,
      under: formula,
      live: live.region,
      flow: true,
    });
    const terms = linkTerms(root, view);
    onCleanup(terms.release);

    // ---- the posterior of an image, in slices
    function ask({ digit, drawn }) {
      const key = drawn || digit;
      if (asked === key) return;
      giveUp();
      asked = key;
      wait.textContent = drawn ? "Searching the plane for the posterior of this image …" : "Decoding the grid …";
      const work = drawn
        ? posterior(vae, Float64Array.from(readImage(drawn)))
        : posterior(vae, images[digit], grids[digit]);
      giveUp = sliced(view, work, {
        rest: () => patience(root, !known.has(keyOf(kept.state))),
        done: (found) => {
          known.set(key, found);
          const old = [...known.keys()].filter((one) => typeof one === "string");
          if (old.length > REMEMBERED) known.delete(old[0]);
          asked = null;
          wait.textContent = "";
          kept.redraw.now();
          kept.rest(); // what is read back follows
          arrived();
        },
        failed: (error) => {
          asked = null;
          if (drawn && error.unresolved) {
            // the figure goes back to what it can show
            wait.textContent =
              `No grid of at most ${MOST} points resolves the posterior of this drawing. What is ` +
              `shown belongs to the image before.`;
            input.forget();
            kept.change(now ? { digit: now.digit, drawn: now.drawn, step: now.step } : { drawn: "" });
            return;
          }
          wait.textContent = `The grid could not be decoded (${error.message}).`;
          lost(error);
        },
      });
    }
    onCleanup(() => giveUp());

    // ---- drawing: until its posterior is known, an image's picture is the last one's
    function draw(state, touched) {
      if (!width) return;
      pick.set(state.drawn ? "" : String(state.digit));
      if (stroke === null) input.draw(shownText(state));
      const p = known.get(keyOf(state));
      root.classList.toggle("is-waiting", !p);
      if (!p) {
        ask(state);
        return;
      }
      if (asked !== null && asked !== keyOf(state)) {
        giveUp();
        asked = null;
        wait.textContent = "";
      }
      const lit = touched && now !== null;
      now = numbers(state, p);
      plane.draw(planeWidth, now, p);
      bar.draw(width, now);
      TERMS.forEach(([, , , value], i) => terms.write(terms_[i], fixed(value(now), 2), lit));
      decoded.paint(vae.decoder.row(Float64Array.of(now.mean1, now.mean2)).map(sigmoid));
      steps.update(state.step, String(state.step), `${now.taken} refinement steps`);
      run.enable(state.step === 0, state.step >= most);
      say(h, check, now, lastOf(p));
      teach(insight, now);
      kept.tell(now);
    }

    onCleanup(
      followWidth(root, view, () => {
        width = Math.floor(bar.node.clientWidth);
        planeWidth = Math.floor(plane.node.clientWidth);
        kept.redraw.now();
      }),
    );
  },
  { slow: true },
);

function spoken(n, names) {
  return (
    `${n.drawn ? "Drawn image" : `Image ${names[n.digit]}`}, ${n.taken} refinement steps. log p of x is ` +
    `${nats(n.evidence)}, the ELBO of q ${fixed(n.refined)}, ` +
    `the encoder’s ${fixed(n.amortised)}. q has mean ${fixed(n.mean1, 2)}, ${fixed(n.mean2, 2)}.`
  );
}

/** What always holds, in words, and what is estimated. */
function say(h, check, n, last) {
  const { told: node } = check;
  const off = Math.abs(n.refined + n.kl - n.evidence);
  const chain = n.evidence >= n.best - 1e-9 && n.best >= n.refined - 1e-9 && n.refined >= n.amortised - 1e-12;
  check.holds(chain && off <= 1e-6 + 1e-12 * Math.abs(n.refined));
  const done = n.taken >= last ? ` After ${last} steps no step raises the ELBO by 1e−7 nats.` : "";
  const grid = n.coarse
    ? [["strong", ` The grid of ${n.points} points is coarse: these are numbers of the grid, not of the integrals.`]]
    : [];
  sentence(h, node, [
    [
      "strong",
      `log *p*(*x*) ≥ best found ≥ refined ≥ encoder’s ELBO: ${chain ? "holds" : "does not hold"}. ELBO + KL = log ` +
        `*p*(*x*) to ${tolerance(off)}. `,
    ],
    [
      "plain",
      `“Best found” is the better end of two climbs, so the approximation gap is at most what is shown.${done} Grid: ` +
        `spacing ` +
        `${fixed(n.spacing, 2)} posterior standard deviations; twice as coarse, log *p*(*x*) moves by ` +
        `${fixed(Math.abs(n.halving), 4)} nats.`,
    ],
    ...grid,
  ]);
}

/** What this state teaches. */
function teach(insight, n) {
  if (n.taken)
    insight.tell(
      n,
      "Refining q for this one image has won {refined-amortised:2} nats; {best-refined:2} are left to win.",
      "No Gaussian wins the last {evidence-best:2}: the posterior has another shape.",
    );
  else
    insight.tell(
      n,
      "The encoder’s q misses {evidence-amortised:2} nats: {best-amortised:2} since one network serves all images, " +
        "{evidence-best:2} since it is a Gaussian.",
      "Refine it for this image alone.",
    );
}
