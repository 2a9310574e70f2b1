// Live figure 12: be the encoder. The reader shapes q on a covered plane, then sees what it, the network, and the
// family miss. state -> posteriors of the images in play (in slices) -> numbers (js/engine/encoder.js) -> picture.

import { answered, answersOf, known as knownOf, numbers as numbersOf, qOf, ROUND } from "../engine/encoder.js";
import { bytesOf, sigmoid } from "../engine/network.js";
import { imagesOf, modelOf } from "../engine/posterior.js";
import { remembered } from "../engine/remembered.js";
import { announcer } from "../kit/announce.js";
import { button, choice } from "../kit/controls.js";
import { disable, set } from "../kit/dom.js";
import { figure, followWidth } from "../kit/figure.js";
import { fixed, tolerance } from "../kit/format.js";
import { keep } from "../kit/keep.js";
import { layOut, makeCheck, makeInsight } from "../kit/layout.js";
import { formulaRow, maths, sentence, termButton, whole } from "../kit/maths.js";
import { planeKeys } from "../kit/planekeys.js";
import { patience, sliced } from "../kit/slices.js";
import { linkTerms } from "../kit/terms.js";
import { inkCanvas } from "./drawing/ink.js";
import { makeBar } from "./encoder/bar.js";
import { HALF, makePlane } from "./encoder/plane.js";

const NEAR = 4.5; // nats below the posterior's peak that the window shows
const ROOM = 1.25; // of the window around what it must show
const STRAY = 0.75; // of the window: a q that stands farther out is followed at rest
const COARSE = " The grid of this image is coarse: its numbers are the grid’s.";
const Q = ["mean1", "mean2", "log_std1", "log_std2"];

/** `table`: what Python says of the state. */
export const codecs = (table) => ({
  answers: { read: (text) => (answersOf(text, table) ? text : undefined) },
});

export default figure(
  "encoder",
  "Live figure: be the encoder, and give q of z for one image by hand",
  (kit) => {
    const { root, view, h, model, onCleanup, arrived, lost } = kit;
    const table = model.get("reach")?.state ?? {};
    const images = imagesOf(bytesOf(model.get("pixels")));
    const [names, grids] = [model.get("labels"), model.get("grids")];
    const vae = modelOf(model.get("nets"), model.get("weights"));
    const known = new Map(); // image -> its posterior, the encoder's q, the best
    const started = new Map(); // image -> when the reader first moved q for it
    const took = new Map(); // image -> seconds until it was revealed
    const answers = remembered((text) => answersOf(text, table) ?? []);
    const numbers = remembered((s) => numbersOf(s, vae, (digit) => known.get(digit), answers(s.answers)));
    const inPlay = (s) => [s.digit, ...answers(s.answers).map(({ digit }) => digit)];
    const ready = (s) => inPlay(s).every((digit) => known.has(digit));
    let asked = null; // the image whose posterior is being computed
    let giveUp = () => {};
    let now = null;
    let width = 0;
    let pass = 0; // milliseconds of one pass through the encoder, measured once
    let window = { centre: [0, 0], half: HALF, zoom: 0 };

    // ---- picture
    const plane = makePlane(kit);
    const bar = makeBar(kit);
    const live = announcer(h);
    const insight = makeInsight(h);
    const check = makeCheck(h, maths(h, "log *p*(*x*) ≥ best ≥ yours; best ≥ encoder’s"));
    const wait = h("p", { class: "lvm-wait", role: "status" });
    const given = inkCanvas(h, { role: "img", "aria-hidden": null });
    const decoded = inkCanvas(h, { role: "img", "aria-hidden": null, "aria-label": "what the centre of q decodes to" });
    const screen = (cls, words, one) => [
      h("div", { class: `lvm-caption ${cls}` }, words),
      h("div", { class: "lvm-screen" }, one.node),
    ];
    const input = h("div", { class: "lvm-panel-x" }, screen("lvm-fill-data", maths(h, "the image *x*"), given));
    const output = screen("lvm-fill-model", ["mean of ", whole(h, "*p*(*x* | *z*)")], decoded);
    const arrow = (text) => h("div", { class: "lvm-arrow", "aria-hidden": "true" }, h("span", {}, text));
    const row = h(
      "div",
      { class: "lvm-flow lvm-posterior-row" },
      h("div", { class: "lvm-side lvm-side-in" }, input),
      arrow("you"),
      plane.node,
      arrow("decoder"),
      h(
        "div",
        { class: "lvm-side lvm-side-out" },
        output,
        h("div", { class: "lvm-small" }, maths(h, "at the centre of your *q*")),
      ),
    );
    const term = (key, symbol, quantity) => termButton(h, { key, symbol, quantity });
    const worth = [
      ["reconstruction", term("reconstruction", "E~q~ log *p*(*x* | *z*)", "model")],
      ["rate", term("rate", "KL(*q* ‖ *p*(*z*))", "q")],
      ["elbo", term("elbo", "ELBO", "elbo")],
    ];
    const short = [
      ["yours_short", term("yours", "you miss", "q")],
      ["network_short", term("network", "the network", "q")],
      ["family_short", term("family", "the family", "gap")],
    ];
    const formula = formulaRow(h, "Reconstruction minus rate is the ELBO", [
      worth[0][1],
      "−",
      worth[1][1],
      "=",
      worth[2][1],
    ]);
    const gaps = formulaRow(
      h,
      "Three gaps, nats below log p of x",
      short.map(([, node]) => node),
    );

    const kept = keep(kit, {
      codecs: codecs(table),
      numbers: (s) => (ready(s) ? numbers(s) : null),
      adapt: follow,
      speak: () => {
        if (now) live.speak(spoken(now, names));
      },
      draw,
    });

    // ---- the window
    /** Middle and half the side of what must be seen: the posterior, the encoder's q, the best, and `also`. */
    function needed(p, also = []) {
      let top = -Infinity;
      for (const value of p.logJoint) top = Math.max(top, value);
      const low = [Infinity, Infinity];
      const high = [-Infinity, -Infinity];
      const take = (a, from, to) => {
        low[a] = Math.min(low[a], from);
        high[a] = Math.max(high[a], to);
      };
      p.logJoint.forEach((value, k) => {
        if (value > top - NEAR) for (const a of [0, 1]) take(a, p.axes[a][k], p.axes[a][k]);
      });
      for (const { mean, logStd } of [p.encoder.q, p.top.q, ...also])
        for (const a of [0, 1]) take(a, mean[a] - 2 * Math.exp(logStd[a]), mean[a] + 2 * Math.exp(logStd[a]));
      const middle = low.map((v, a) => (v + high[a]) / 2);
      return { middle, half: (ROOM * Math.max(high[0] - low[0], high[1] - low[1])) / 2 };
    }

    const isRevealed = (s) => answers(s.answers).some(({ digit }) => digit === s.digit);
    const aim = (s) => (isRevealed(s) && known.has(s.digit) ? needed(known.get(s.digit)).middle : qOf(s).mean);

    function look(s) {
      if (s.zoom === window.zoom) return;
      show({ zoom: s.zoom, centre: aim(s) });
    }

    function show({ zoom, centre }) {
      const half = HALF / 2 ** zoom;
      window = { zoom, half, centre: centre.map((v) => Math.min(Math.max(v, half - HALF), HALF - half)) };
    }

    /** At rest: a close window follows a q that has left its middle. */
    function follow() {
      const { mean } = qOf(kept.state);
      const out = (v, a) => Math.abs(v - window.centre[a]) > STRAY * window.half;
      if (!window.zoom || !mean.some(out)) return false;
      const before = String(window.centre);
      show({ zoom: window.zoom, centre: mean });
      return String(window.centre) !== before;
    }

    // ---- hands
    const homes = () => Object.fromEntries(Q.map((key) => [key, kept.range(key).home]));
    const touch = (values) => {
      if (!started.has(kept.state.digit)) started.set(kept.state.digit, view.performance.now());
      return values;
    };
    const { handles, scales, svg } = plane;
    const moved = (e, m) => [(e.clientX - m.px) / scales.unit, (m.py - e.clientY) / scales.unit];
    kept.byHand(handles.centre, (e, m) => {
      const [a, b] = moved(e, m);
      return touch({ mean1: m.state.mean1 + a, mean2: m.state.mean2 + b });
    });
    // the handle stands two standard deviations out
    const widened = (log, by) => Math.log(Math.max(Math.exp(log) + by / 2, 1e-9));
    kept.byHand(handles.wider, (e, m) => touch({ log_std1: widened(m.state.log_std1, moved(e, m)[0]) }));
    kept.byHand(handles.taller, (e, m) => touch({ log_std2: widened(m.state.log_std2, moved(e, m)[1]) }));
    const place = (event) => {
      const box = svg.getBoundingClientRect();
      const [mean1, mean2] = [scales.x.inverse(event.clientX - box.left), scales.y.inverse(event.clientY - box.top)];
      kept.change(touch({ mean1, mean2 }));
    };
    svg.addEventListener("click", place);
    onCleanup(() => svg.removeEventListener("click", place));
    onCleanup(
      planeKeys(handles.centre, {
        label: "centre of q on the plane of z",
        low: kept.range("mean1").low,
        high: kept.range("mean1").high,
        value: () => qOf(kept.state).mean,
        home: [homes().mean1, homes().mean2],
        by: () => [40, 8].map((parts) => HALF / 2 ** kept.state.zoom / parts), // also before the closer window is drawn
        change: ([mean1, mean2]) => kept.change(touch({ mean1, mean2 })),
      }),
    );

    // ---- controls
    const widths = [1, 2].map((a) => {
      const key = `log_std${a}`;
      return [
        key,
        kept.slider(key, { label: maths(h, `deviation ${a}`), change: (v) => kept.change(touch({ [key]: v })) }),
      ];
    });
    const pick = choice(h, {
      label: "Image",
      value: String(kept.state.digit),
      className: "lvm-choice-tight",
      choose: (value) => turn(Number(value)),
      options: names.map((name, k) => ({ value: String(k), text: name })),
    });
    /** Another image: covered, q where it began; or, answered before, as it was answered. */
    function turn(digit) {
      const before = answers(kept.state.answers).find((one) => one.digit === digit);
      const q = before && { mean1: before.q.mean[0], mean2: before.q.mean[1] };
      const widths_ = before && { log_std1: before.q.logStd[0], log_std2: before.q.logStd[1] };
      show({ zoom: 0, centre: [0, 0] });
      kept.change({
        digit,
        ...(before ? { ...q, ...widths_ } : homes()),
        zoom: before ? lightsOn(digit, before.q) : 0,
      });
    }
    /** The zoom at which all is seen, and the window moved there. */
    function lightsOn(digit, q) {
      if (!known.has(digit)) return 0;
      const { middle, half } = needed(known.get(digit), [q]);
      const zoom = Math.min(Math.max(Math.floor(Math.log2(HALF / half)), 0), kept.range("zoom").high);
      show({ zoom, centre: middle });
      return zoom;
    }
    function reveal() {
      const s = kept.state;
      if (!ready(s) || isRevealed(s) || answers(s.answers).length >= ROUND) return;
      if (started.has(s.digit)) took.set(s.digit, (view.performance.now() - started.get(s.digit)) / 1000);
      pass ||= measured(view, () => vae.encoder.row(images[s.digit]));
      kept.change({ answers: answered(s), zoom: lightsOn(s.digit, qOf(s)) });
    }
    const nextOf = (s) => {
      const done = new Set(inPlay(s));
      const after = names.map((_, k) => (s.digit + 1 + k) % names.length);
      return answers(s.answers).length >= ROUND ? undefined : after.find((k) => !done.has(k));
    };
    const buttons = {
      reveal: button(h, "Reveal", reveal),
      next: button(h, "Next image", () => {
        const next = nextOf(kept.state);
        if (next !== undefined) turn(next);
      }),
      closer: button(h, "Zoom in", () => kept.change({ zoom: kept.state.zoom + 1 })),
      farther: button(h, "Zoom out", () => kept.change({ zoom: kept.state.zoom - 1 })),
      anew: button(h, "New round", () => {
        started.clear();
        took.clear();
        show({ zoom: 0, centre: [0, 0] });
        kept.change({ ...homes(), digit: 0, zoom: 0, answers: "" });
      }),
    };
    layOut(kit, {
      title: "Can you beat the network?",
      given: h("div", { class: "lvm-splits-head" }, h("span", { class: "lvm-label" }, "Image"), pick.node),
      picture: [row, wait, bar.node],
      hand: [
        h("div", { class: "lvm-buttons" }, buttons.closer, buttons.farther, buttons.reveal, buttons.next),
        h(
          "div",
          { class: "lvm-sliders" },
          widths.map(([, one]) => one.node),
        ),
      ],
      insight,
      rest: h("div", { class: "lvm-buttons" }, buttons.anew, kept.share),
      check,
      under: [formula, gaps],
      live: live.region,
      flow: true,
    });
    const terms = linkTerms(root, view);
    onCleanup(terms.release);

    // ---- the posteriors, in slices: of the images in play, then of the next one
    function ask(digit) {
      if (asked === digit) return;
      giveUp();
      asked = digit;
      giveUp = sliced(view, knownOf(vae, images[digit], grids[digit]), {
        rest: () => patience(root, !ready(kept.state)),
        done: (found) => {
          known.set(digit, found);
          asked = null;
          kept.redraw.now();
          kept.rest(); // what is read back follows
          if (ready(kept.state)) arrived();
        },
        failed: (error) => {
          wait.textContent = `The plane could not be searched (${error.message}).`;
          lost(error);
        },
      });
    }
    onCleanup(() => giveUp());

    // ---- drawing
    function draw(state, touched) {
      if (!width) return;
      const { digit } = state;
      pick.set(String(digit));
      given.paint(images[digit]);
      set(given.node, { "aria-label": `the image x, a ${names[digit]}` });
      const waits = !ready(state);
      root.classList.toggle("is-waiting", waits);
      const missing = [...inPlay(state), nextOf(state)].find((k) => k !== undefined && !known.has(k));
      if (missing !== undefined) ask(missing);
      wait.textContent = waits ? "Looking over the plane …" : "";
      for (const one of [buttons.reveal, buttons.next]) disable(one, true);
      if (waits) return;
      const lit = touched && now !== null;
      now = numbers(state);
      look(state);
      const q = qOf(state);
      plane.draw(q, window, now.revealed ? known.get(state.digit) : null);
      bar.draw(width, now);
      for (const [key, node] of worth) terms.write(node, about(now[key], now, key), lit);
      for (const [key, node] of short) terms.write(node, now.revealed ? about(now[key], now, key) : "?", lit);
      decoded.paint(vae.decoder.row(Float64Array.from(q.mean)).map(sigmoid));
      widths.forEach(([key, one], a) => {
        const std = fixed(Math.exp(state[key]), 3);
        one.update(state[key], std, `standard deviation ${a + 1} of q, ${std}`);
      });
      set(handles.centre, {
        "aria-valuenow": state.mean1.toFixed(3),
        "aria-valuetext": `${fixed(q.mean[0], 2)}, ${fixed(q.mean[1], 2)}; ELBO ${fixed(now.elbo, 1)} nats`,
      });
      disable(buttons.reveal, now.revealed || now.answered >= ROUND);
      disable(buttons.next, !now.revealed || nextOf(state) === undefined);
      disable(buttons.closer, state.zoom >= kept.range("zoom").high);
      disable(buttons.farther, state.zoom <= 0);
      teach(insight, now, { touched, pass, seconds: took.get(state.digit), count: Math.min(ROUND, names.length) });
      say(h, check, now, known.get(state.digit));
      kept.tell(now);
    }

    const themes = new view.MutationObserver(() => kept.redraw()); // the wash is painted in a colour of the theme
    themes.observe(root, { attributes: true, attributeFilter: ["data-lvm-theme"] });
    onCleanup(() => themes.disconnect());
    onCleanup(
      followWidth(root, view, () => {
        width = Math.floor(bar.node.clientWidth);
        plane.measure();
        kept.redraw.now();
      }),
    );
  },
  { slow: true },
);

/** A number of nats: as exact as the rule that found it. */
function about(value, n, key) {
  const certain = n.exact || ["rate", "network_short", "family_short"].includes(key);
  return certain ? fixed(value, 2) : `≈ ${fixed(value, 0)}`;
}

/** Milliseconds that one call takes, over a few dozen. */
function measured(view, act) {
  const clock = () => view.performance.now();
  act();
  let count = 0;
  const start = clock();
  while (count < 20 || (clock() - start < 8 && count < 2000)) {
    act();
    count++;
  }
  return (clock() - start) / count;
}

function spoken(n, names) {
  const first =
    `Image ${names[n.digit]}. ELBO of your q ${n.exact ? fixed(n.elbo, 2) : `about ${fixed(n.elbo, 2)}`} nats: ` +
    `reconstruction ${fixed(n.reconstruction, 2)}, rate ${fixed(n.rate, 2)}. `;
  if (!n.revealed) return first;
  return (
    `${first}You miss ${fixed(n.yours_short, 2)} nats of the best Gaussian, the network ` +
    `${fixed(n.network_short, 2)}, the family ${fixed(n.family_short, 2)} of log p of x.`
  );
}

/** What this state teaches. */
function teach(insight, n, { touched, pass, seconds, count }) {
  if (!n.revealed) {
    const cost = n.exact
      ? "This q costs {0-elbo:2} nats: {0-reconstruction:2} for the pixels, {rate:2} for the code."
      : "This q costs about {0-elbo:0} nats: {0-reconstruction:0} for the pixels, {rate:2} for the code.";
    insight.tell(
      n,
      touched ? cost : "Some codes z on this plane explain x well. Put your q over them, as the encoder does.",
      "Drag its centre until the decoded picture looks like x. Zoom in, and narrow q as long as the ELBO rises. " +
        "Then reveal.",
    );
    return;
  }
  const long = seconds < 99.5 ? `${fixed(seconds, 0)} s` : `${fixed(seconds / 60, 1)} min`;
  const time = seconds === undefined ? "" : ` in ${long}`;
  const once = pass ? ` in ${Math.max(1, Math.round(pass * 100)) * 10} µs` : ""; // no fact of the state
  const done = n.answered >= count;
  const won = done && n.score < n.network ? " You beat it, by a search for each image anew." : "";
  insight.tell(
    n,
    `You: ${n.exact ? "{yours_short:2}" : "about {yours_short:0}"} nats short${time}, for this image. The encoder: ` +
      `{network_short:2} nats short${once}, for every image.`,
    `${done ? "The round is over" : `${n.answered} of ${count} answered`}: you missed {score:2} nats in all, the ` +
      `network {network:2}.${won}`,
  );
}

/** What always holds, and how it is computed. */
function say(h, check, n, p) {
  const rule = n.exact
    ? "ELBO by quadrature over the plane."
    : "Your ELBO by 5 × 5 Gauss–Hermite points, about right; exact, by quadrature over the plane, nearer to the truth.";
  const [best, amortised] = [p.top.elbo, p.encoder.elbo];
  const chain = p.evidence >= best - 1e-9 && best >= n.elbo - 1e-4 && best >= amortised - 1e-9;
  const off = n.revealed ? Math.abs(n.elbo + n.yours_short + n.family_short - n.evidence) : 0;
  check.holds(chain && off <= 1e-6 && Math.abs(n.reconstruction - n.rate - n.elbo) <= 1e-6);
  if (!n.revealed) {
    sentence(h, check.told, [["plain", `${rule} Reveal shows log *p*(*x*), which no *q* passes.`]]);
    return;
  }
  sentence(h, check.told, [
    [
      "plain",
      `${fixed(n.evidence, 2)} ≥ ${fixed(n.best, 2)} ≥ ${fixed(n.elbo, 2)} nats, and the encoder reaches ` +
        `${fixed(n.amortised, 2)}. The gaps add up to log *p*(*x*), to ${tolerance(off)}. “Best” is the highest end ` +
        `of three climbs over diagonal Gaussians. ${rule}${n.coarse ? COARSE : ""}`,
    ],
  ]);
}
