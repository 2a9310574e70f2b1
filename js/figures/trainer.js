// Live figure 7: a VAE that the reader trains. A Worker computes (js/engine/run.js); this is what is seen and pressed.
// state + what the Worker found -> numbers -> picture. Nothing is drawn that was not computed from the weights.

import workerSource from "text:./trainer/worker.js";
import { BLACK_AND_WHITE, PIXELS, readImage } from "../engine/drawing.js";
import { bytesOf, half } from "../engine/network.js";
import { SIDE } from "../engine/run.js";
import { numbers as numbersOf, SHAPE } from "../engine/trainer.js";
import { announcer } from "../kit/announce.js";
import { button, choice, slider } from "../kit/controls.js";
import { disable, say, set, show } from "../kit/dom.js";
import { figure, followWidth } from "../kit/figure.js";
import { counted, fixed, nats } from "../kit/format.js";
import { keyed } from "../kit/handles.js";
import { keep } from "../kit/keep.js";
import { layOut, makeCheck, makeInsight } from "../kit/layout.js";
import { formulaRow, sentence, termButton, whole } from "../kit/maths.js";
import { linkTerms } from "../kit/terms.js";
import { inkCanvas } from "./drawing/ink.js";
import { makeInput } from "./drawing/input.js";
import { indexed, makeCodes } from "./trainer/codes.js";
import { makeCurves } from "./trainer/curves.js";
import { makePrediction } from "./trainer/prediction.js";
import { makeRates } from "./trainer/rates.js";

const TERMS = [
  ["distortion", "distortion", "data", "distortion"],
  ["rate", "rate", "q", "rate"],
  ["elbo", "−ELBO", "elbo", "minus_elbo"],
];
const DEAD = 0.1; // nats, a rate below which a latent tells almost nothing
const [ROOM, ROOM_SMALL] = [32, 10]; // records: each holds the weights three times, 2.7 MB
const WAY = 200; // looks of the reader's own image that are drawn
const EMPTY = BLACK_AND_WHITE.written(new Float64Array(PIXELS));
const RECENT = 3; // looks whose weights can still be asked for
const NO_WORKER =
  "This browser runs no Worker here, so nothing can be trained in this page. The figure shows the net as it was given.";
const IN_ITS_PLACE = " In place of your run, the chapter’s own training, recorded, stands below: it can be wound back.";

export const codecs = { drawn: { read: (text) => (text === "" || readImage(text) ? text : undefined) } };

export default figure(
  "trainer",
  "Live figure: a VAE that you train",
  (kit) => {
    const { root, view, document, h, model, onCleanup, arrived, lost } = kit;
    const hidden = model.get("hidden");
    const fixedParts = {
      given: Float32Array.from(new Uint16Array(bytesOf(model.get("given")).slice().buffer), half),
    };
    const carried = {
      pixels: bytesOf(model.get("pixels")).slice(),
      grey: bytesOf(model.get("grey")).slice(),
      labels: model.get("labels"),
      scale: 1,
    };
    const all = Math.max(...model.get("reach").state.images.values); // images of the larger set
    const small = view.matchMedia("(pointer: coarse) and (max-width: 700px)").matches;
    let width = 0;
    let look = null; // what the Worker said last, with the state of its run
    let begun = null; // the state whose run was asked for
    let waiting = false;
    let running = false;
    let test = [];
    let training = [];
    const sets = new Map(); // name -> a promise of a set's images
    let within = ""; // the set on which the Worker trains
    let recent = []; // [{ step, own }]
    let asked = ""; // the reader's own image, as the Worker knows it
    let ways = []; // [{ step, plane, code }] of it, look by look

    // ---- picture
    const sheet = h("canvas", { class: "lvm-ink lvm-sheet", width: 28 * SIDE, height: 28 * SIDE, role: "img" });
    const others = h("span", {});
    const sheetTitle = h(
      "p",
      { class: "lvm-field-title" },
      ["means of ", whole(h, "*p*(*x* | *z*)"), " on the prior’s quantiles"],
      others,
    );
    const codes = makeCodes(kit);
    const classes = h("p", { class: "lvm-small", hidden: true });
    const curves = makeCurves(kit);
    const rates = makeRates(kit);
    const live = announcer(h);
    const status = h("p", { class: "lvm-wait", role: "status" });
    const alert = h("p", { class: "lvm-run-away", role: "alert", hidden: true });
    const insight = makeInsight(h);
    const check = makeCheck(h, "−ELBO = distortion + rate");
    const buttonsOf = TERMS.map(([key, symbol, quantity]) => termButton(h, { key, symbol, quantity }));
    const formula = formulaRow(h, "distortion plus rate is minus the ELBO, per test image", [
      buttonsOf[0],
      "+",
      buttonsOf[1],
      "=",
      buttonsOf[2],
    ]);

    const kept = keep(kit, {
      codecs,
      numbers: () => (look && !running && !waiting && known(kept.state) ? numbers() : null),
      speak: () => {
        if (look && !waiting && known(kept.state)) live.speak(spoken(numbers()));
      },
      draw,
    });

    // ---- the reader's own image, which is followed through the plane
    const input = makeInput(kit, {
      form: BLACK_AND_WHITE,
      within: true,
      hold: kept.hold,
      say: (words) => live.speak(words),
      change: (text) => kept.change({ drawn: text === EMPTY ? "" : text }),
      remember: () => kept.state.drawn,
      restore: (drawn) => kept.change({ drawn }),
    });
    const decodedOwn = inkCanvas(h, { role: "img", "aria-hidden": null, "aria-label": "nothing is drawn yet" });
    const ownWords = h("p", { class: "lvm-small lvm-trainer-told" });
    const ownNode = h(
      "div",
      { class: "lvm-trainer-own" },
      input.node,
      h(
        "div",
        { class: "lvm-panel-out" },
        h("div", { class: "lvm-caption lvm-fill-model" }, ["mean of ", whole(h, "*p*(*x* | *z*)")]),
        h("div", { class: "lvm-screen" }, decodedOwn.node),
      ),
      ownWords,
    );
    /** Whether the Worker has answered for the image that stands there. */
    const known = ({ drawn }) => !drawn || look?.followed?.text === drawn;
    const ownOf = ({ drawn }) => (drawn ? look.followed : null);
    const numbers = () => numbersOf(kept.state, look, ownOf(kept.state));
    function follow(text) {
      if (text === asked) return;
      asked = text;
      ways = [];
      post({ do: "follow", text, pixels: text ? Float32Array.from(readImage(text)) : null });
    }
    function wayOf({ step, plane, followed }) {
      const now = { step, plane: `${plane}`, code: followed?.code };
      const before = ways.filter((one) => one.step < step && one.plane === now.plane);
      ways = followed ? [...before, now].slice(-WAY) : [];
    }

    // ---- the Worker
    let worker = null;
    let alone = false;
    let post = (_message) => {};
    function employ() {
      try {
        const url = view.URL.createObjectURL(new view.Blob([workerSource], { type: "text/javascript" }));
        worker = new view.Worker(url);
        onCleanup(() => {
          worker?.terminate();
          view.URL.revokeObjectURL(url);
        });
        worker.onmessage = ({ data }) => heard(data);
        worker.onerror = (event) => {
          event.preventDefault();
          dismiss();
        };
        post = (message) => worker.postMessage(message);
      } catch {
        dismiss();
      }
    }

    /** Without a Worker the page looks at the net itself, once, and trains nothing; the recorded run stands below. */
    function dismiss() {
      if (alone) return;
      alone = true;
      worker?.terminate();
      worker = null;
      [running, waiting, begun, asked] = [false, false, null, ""];
      warn(NO_WORKER + (recordedBelow() ? IN_ITS_PLACE : ""));
      const here = { postMessage: heard, onmessage: (_event) => {} };
      const early = [];
      let hear = (data) => void early.push(data); // until the script is there
      post = (data) => {
        if (data.do === "begin" || data.do === "follow") hear(data);
      };
      // the Worker's own script, here: a page that carried it twice would weigh a third more
      const text = `window.lvmTrainer = (self) => {${workerSource}\n};`;
      const url = view.URL.createObjectURL(new view.Blob([text], { type: "text/javascript" }));
      const script = h("script", { src: url });
      script.onload = () => {
        view.URL.revokeObjectURL(url);
        view.lvmTrainer(here);
        hear = (data) => here.onmessage({ data });
        early.forEach(hear);
      };
      script.onerror = () => lost(new Error("its script could not run"));
      document.head.append(script);
      kept.redraw();
    }

    /** The page's recorded run once more, after this figure. Says whether there is one. */
    function recordedBelow() {
      const own = root.closest("[data-lvm-live]");
      const recorded = document.querySelector("[data-lvm-live=scrubber]");
      if (!own || !recorded) return false;
      const again = h("div", { class: recorded.className, style: recorded.getAttribute("style") ?? "" });
      for (const part of ["live", "id", "state"])
        again.setAttribute(`data-lvm-${part}`, recorded.getAttribute(`data-lvm-${part}`));
      own.after(again);
      again.dispatchEvent(new view.Event("lvm-host", { bubbles: true })); // host.js brings it to life
      return true;
    }

    const settings = (s) => ({ do: "set", beta: s.beta, rate: 10 ** s.log_rate, many: s.images });
    const shapeOf = (s) =>
      JSON.stringify(SHAPE.map((key) => (key === "sigma" && s.likelihood !== "gaussian" ? 0 : s[key])));

    function begin() {
      const s = kept.state;
      begun = { ...s };
      [waiting, running] = [true, false];
      const about = { latents: s.latents, likelihood: s.likelihood, sigma: s.sigma, hidden };
      const room = small || (view.navigator.deviceMemory ?? 8) <= 4 ? ROOM_SMALL : ROOM;
      const own = begun;
      const go = ({ pixels, grey, scale, labels, names = [], count = all }) => {
        if (begun !== own) return; // another one was asked for meanwhile
        own.set = { labels, names, count };
        post({ do: "begin", about, seed: s.seed, start: startOf(s), room, pixels, grey, scale, ...fixedParts });
      };
      if (s.data === "digits") return go(carried);
      post({ do: "pause" });
      setOf(s.data)
        .then(go)
        .catch((error) => {
          waiting = false;
          warn(`The images could not be loaded (${error.message}), so it stays with digits.`);
          kept.change({ data: "digits" });
        });
    }
    /** What a run can begin with: the given weights have the size of their own net. */
    const startOf = (s) =>
      s.start === "given" && fixedParts.given.length !== countOf(s.latents) ? "speaking" : s.start;
    const countOf = (latents) => {
      const sizes = [784, ...hidden];
      const inner = sizes.slice(1).reduce((sum, wide, i) => sum + 2 * wide * sizes[i] + wide, 0);
      const up = hidden.slice(0, -1).reduce((sum, wide) => sum + wide, 0) + hidden.at(-1) + 784;
      return inner + up + (hidden.at(-1) + 1) * 2 * latents + latents * hidden.at(-1);
    };

    function heard(message) {
      if (message.is === "failed") {
        [running, waiting] = [false, false];
        warn(`The run could not go on (${message.why}).`);
        if (!look) lost(new Error(message.why));
        kept.redraw();
        return;
      }
      if (message.is === "stopped") {
        const { step, why, good, at } = message;
        warn(`The run stopped by itself at step ${counted(step)}: ${why}. A smaller learning rate would not have. `, [
          button(h, `Go back to step ${at}, the best so far`, () => {
            calm();
            post({ do: "go", record: good });
          }),
        ]);
        return;
      }
      if (message.is === "followed") {
        if (!look || waiting) return; // the first look brings it too
        look.followed = message.followed;
        wayOf(look);
        kept.redraw();
        kept.rest();
        return;
      }
      const first = waiting && message.step === 0;
      if (waiting && !first) return; // of the run before
      if (first) [test, training, recent, ways] = [[], [], [], []];
      waiting = false;
      look = { ...message, state: begun };
      running = message.running;
      recent = [{ step: message.step, own: message.weights }, ...recent].slice(0, RECENT);
      const { step, distortion } = message;
      const rate = message.rates.reduce((sum, v) => sum + v, 0);
      if (!test.length || step > test.at(-1).step) test.push({ step, distortion, rate, elbo: distortion + rate });
      for (const [at, d, r] of message.ticks) training.push({ step: at, elbo: d + r });
      predict.follow(kept.state.beta, rate, step);
      wayOf(message);
      if (!running) settle();
      kept.redraw();
      arrived();
    }

    /** What stands still is told to Python: weights and steps go before the number that follows from them. */
    function settle() {
      if (!kit.inPage) {
        model.set("step", look.step);
        model.set("own", look.step ? new DataView(look.weights.slice().buffer) : new DataView(new ArrayBuffer(0)));
      }
      kept.rest();
    }

    /** A set's images, which come once, when the reader first trains on it. */
    function setOf(name) {
      const raw = (packed) =>
        typeof packed === "string"
          ? Uint8Array.from(view.atob(packed), (c) => c.charCodeAt(0))
          : bytesOf(packed).slice();
      const come = () =>
        kit.inPage
          ? model.beside(`${name}-images`)
          : new Promise((resolve) => {
              const take = (content, buffers) => {
                if (content?.images !== name) return;
                model.off("msg:custom", take);
                resolve({ ...content, ...Object.fromEntries(content.parts.map((key, i) => [key, buffers[i]])) });
              };
              model.on("msg:custom", take);
              model.send(`images ${name}`);
            });
      if (!sets.has(name)) {
        const coming = come().then((found) => {
          const held = { ...found };
          for (const key of ["train", "grey", "pixels"]) if (held[key]) held[key] = raw(held[key]);
          return held;
        });
        sets.set(name, coming);
        coming.catch(() => sets.delete(name));
      }
      return sets.get(name);
    }
    /** The training images of the run, in the Worker. */
    const fetched = () =>
      setOf(begun.data).then(({ train, scale }) => {
        if (within !== begun.data) post({ do: "images", packed: train, scale });
        within = begun.data;
      });

    const warn = (text, more = []) => {
      alert.replaceChildren(text, ...more);
      show(alert, true);
    };
    const calm = () => show(alert, false);

    // ---- what the reader does
    /** Go on from what is looked at: what came after it is another future. */
    const onwards = (act) => async () => {
      if (!worker || waiting) return;
      if (small && kept.state.images > 1500 && !root.dataset.subset) {
        root.dataset.subset = "offered";
        kept.change({ images: 1500 });
        const whole = begun.set.count.toLocaleString("en");
        warn(`This looks like a phone: training takes 1,500 of the ${whole} images. The slider takes all of them.`);
      } else calm();
      disable(train, true);
      say(status, "Loading the training images …");
      try {
        await fetched();
      } catch (error) {
        warn(`The training images could not be loaded (${error.message}), so nothing was trained.`);
        kept.redraw();
        return;
      }
      test = test.filter(({ step }) => step <= look.step);
      training = training.filter(({ step }) => step <= look.step);
      post(settings(kept.state));
      act();
      kept.redraw();
    };
    const start = onwards(() => {
      running = true;
      post({ do: "train" });
    });
    const pause = () => {
      if (running) post({ do: "pause" });
    };
    const train = button(h, "Train", () => {
      if (running) pause();
      else if (look && !waiting && !predict.asks(kept.state.beta, numbers().rate, look.step)) start();
    });
    const step = button(
      h,
      "Step",
      onwards(() => post({ do: "step" })),
    );
    let going = null; // the record that the reader wants to see
    const go = (record) => {
      if (!look || waiting || !worker) return;
      going = Math.min(Math.max(record, 0), look.steps.length - 1);
      post({ do: "go", record: going });
      running = false;
    };
    const back = button(h, "Back", () => go(look.record - 1));
    const predict = makePrediction(h, start);
    const anew = (values) => () => {
      predict.reset();
      calm();
      kept.change(values());
      begin();
    };
    const reset = button(h, "Reset", () => {
      predict.reset();
      calm();
      kept.reset();
      begin();
    });
    const fresh = button(
      h,
      "New seed",
      anew(() => ({
        seed: (kept.state.seed + 1) % (kept.range("seed").high + 1),
        ...(kept.state.start === "given" && { start: "speaking" }),
      })),
    );
    const scrub = slider(h, {
      label: "look back",
      low: 0,
      high: 1,
      step: 1,
      key: (event) =>
        keyed(event, look?.record ?? 0, { low: 0, high: (look?.steps.length ?? 1) - 1, step: 1, leap: 5, home: 0 }),
      input: (value) => go(Math.round(value)),
    });
    const onPlane = (event) => {
      if (!look || look.steps.length < 2) return;
      const wanted = curves.stepAt(event.clientX - curves.svg.getBoundingClientRect().left);
      const away = look.steps.map((value) => Math.abs(value - wanted));
      go(away.indexOf(Math.min(...away)));
    };
    curves.svg.addEventListener("click", onPlane);
    onCleanup(() => curves.svg.removeEventListener("click", onPlane));
    const away = () => {
      if (document.hidden) pause();
    };
    document.addEventListener("visibilitychange", away);
    onCleanup(() => document.removeEventListener("visibilitychange", away));

    // ---- controls
    const beta = kept.slider("beta", { label: "β", step: 0.25 });
    const rate = kept.slider("log_rate", { label: "learning rate", step: 0.1 });
    const latents = kept.slider("latents", { label: "latents" });
    const sigma = kept.slider("sigma", { label: "σ of a pixel", step: 0.05 });
    const many = kept.slider("images", { label: "images" });
    const seed = kept.slider("seed", { label: "seed" });
    const likelihood = choice(h, {
      label: "Likelihood",
      choose: (value) => kept.change({ likelihood: value }),
      options: [
        { value: "bernoulli", text: "Bernoulli" },
        { value: "gaussian", text: "Gaussian" },
      ],
    });
    const data = choice(h, {
      label: "Images",
      choose: (value) => kept.change({ data: value, ...(kept.state.start === "given" && { start: "speaking" }) }),
      options: [
        { value: "digits", text: "digits" },
        { value: "clothing", text: "clothing (1.4 MB)" },
      ],
    });
    const starts = choice(h, {
      label: "Start",
      choose: (value) => kept.change({ start: value }),
      options: [
        ...(fixedParts.given.length ? [{ value: "given", text: "trained" }] : []),
        { value: "speaking", text: "fresh" },
        { value: "mute", text: "fresh and mute" },
      ],
    });
    const row = (text, group) =>
      h("div", { class: "lvm-splits-head" }, h("span", { class: "lvm-label" }, text), group.node);
    const fields = h("div", { class: "lvm-fields lvm-fields-even" });
    fields.append(h("div", { class: "lvm-field" }, sheetTitle, h("div", { class: "lvm-paper" }, sheet)), codes.node);
    const runNode = h("div", { class: "lvm-trainer-run" }, curves.node, rates.node);
    layOut(kit, {
      title: "Train it: what does the rate buy?",
      asks: [predict.node, alert],
      picture: [fields, classes, h("div", { class: "lvm-newest" }, formula), runNode, status],
      under: [h("p", { class: "lvm-field-title" }, "Draw a digit: follow it"), ownNode],
      hand: [
        h("div", { class: "lvm-buttons" }, train, step, back),
        h("div", { class: "lvm-sliders" }, beta.node, scrub.node),
      ],
      insight,
      rest: [
        h(
          "div",
          { class: "lvm-sliders" },
          [rate, latents, sigma, many, seed].map(({ node }) => node),
        ),
        h("div", { class: "lvm-choices" }, row("Images", data), row("Likelihood", likelihood), row("Start", starts)),
        h("div", { class: "lvm-buttons" }, reset, fresh, kept.share),
      ],
      check,
      live: live.region,
      long: true,
    });
    const terms = linkTerms(root, view);
    onCleanup(terms.release);

    // ---- drawing
    let painted = null;
    const image = sheet.getContext("2d").createImageData(28 * SIDE, 28 * SIDE);

    /** What a look and the reader's own image in it fix: while settings are dragged it stays as it is. */
    let pictured = [];
    function drawLook(own) {
      const side = Math.floor((width - 14) / 2);
      codes.draw(side, look.codes, look.plane, own ? ways.map(({ code }) => code) : [], look.state.set.labels);
      decodedOwn.paint(own ? Float64Array.from(own.image, (v) => v / 255) : new Float64Array(PIXELS));
      const wide = width >= 560;
      runNode.classList.toggle("is-wide", wide);
      curves.draw(wide ? Math.floor(0.64 * width) : width, test, training, look.step);
      rates.draw(wide ? width - Math.floor(0.64 * width) - 16 : width, look.rates);
    }

    function draw(state, touched) {
      if (!width) return;
      if (!waiting && (!begun || shapeOf(state) !== shapeOf(begun))) begin();
      if (look && worker) post(settings(state));
      follow(state.drawn);
      input.draw(state.drawn || EMPTY);
      beta.update(state.beta, fixed(state.beta, 2));
      rate.update(state.log_rate, shortly(10 ** state.log_rate));
      latents.update(state.latents, `${state.latents}`);
      sigma.update(state.sigma, fixed(state.sigma, 2));
      disable(sigma.field, state.likelihood !== "gaussian");
      many.update(state.images, counted(state.images));
      seed.update(state.seed, `${state.seed}`);
      likelihood.set(state.likelihood);
      starts.set(state.start);
      data.set(state.data);
      say(train, running ? "Pause" : "Train");
      disable(train, !look || waiting || !worker);
      disable(step, !look || waiting || !worker);
      disable(back, !look || waiting || look.record === 0);
      if (!look) {
        say(status, "Computing …");
        return;
      }
      const there = known(state);
      set(root, { "data-waits": there ? "no" : "yes" }); // for a look at the image that was just drawn
      const n = numbers();
      if (painted !== look) {
        painted = look;
        tile(image.data, look.sheet);
        sheet.getContext("2d").putImageData(image, 0, 0);
        set(sheet, { "aria-label": `${SIDE} by ${SIDE} decoded images on the prior’s quantiles, step ${look.step}` });
        say(others, n.latents > 2 ? ", other z = 0" : "");
      }
      const own = there ? ownOf(state) : null;
      const shows = [look, width, own && state.drawn, ways, test];
      if (shows.some((one, i) => one !== pictured[i])) {
        pictured = shows;
        drawLook(own);
      }
      const { names } = look.state.set;
      show(classes, names.length > 0);
      say(classes, names.map((name, k) => `${k} ${name}`).join(", "));
      const nameOf = (j) => indexed(look.plane[j]);
      const words = own
        ? `Your digit, step ${counted(n.step)}: −ELBO ${fixed(n.own_minus_elbo, 1)} nats, ${fixed(n.own_rate, 1)} of ` +
          `them rate (one draw of z). The ring marks the mean of its q, ${nameOf(0)} = ${fixed(n.own_z1, 2)}, ` +
          `${nameOf(1)} = ${fixed(n.own_z2, 2)}; the line is its way while the net trained. It is not trained on.`
        : "A ring marks its code in training.";
      say(ownWords, words);
      set(decodedOwn.node, {
        "aria-label": own ? "the mean of p(x | z) at your digit’s code" : "nothing is drawn yet",
      });
      TERMS.forEach(([, , , key], i) => terms.write(buttonsOf[i], fixed(n[key], 2), touched && !running));
      set(scrub.field, { max: Math.max(look.steps.length - 1, 1) });
      disable(scrub.field, look.steps.length < 2 || !worker);
      scrub.update(look.record, counted(look.step), `step ${counted(look.step)}`);
      const given = startOf(look.state) === "given";
      say(status, stateOfRun(look, Math.min(state.images, look.state.set.count), running, given));
      teach(insight, n, look.rates);
      certify(h, check, n);
      if (there) kept.tell(n);
    }

    /** The weights behind the numbers of a step, for tests: this page trained them, so no file has them. */
    root.lvmOwn = (at) => {
      const found = recent.find((one) => one.step === at) ?? recent[0];
      return Array.from(new Uint8Array(found.own.buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
    };

    employ();
    onCleanup(
      followWidth(root, view, () => {
        width = Math.floor(runNode.clientWidth);
        kept.redraw.now();
      }),
    );
  },
  { slow: true },
);

const shortly = (value) => (value >= 1 ? fixed(value, 0) : `${Number(value.toPrecision(1))}`);

/** Decoded images, one after another, as one sheet of SIDE x SIDE: black ink, as opaque as their bytes say. */
function tile(data, images) {
  const wide = 28 * SIDE;
  for (let k = 0; k < SIDE * SIDE; k++) {
    const corner = 28 * Math.floor(k / SIDE) * wide + 28 * (k % SIDE);
    for (let d = 0; d < 784; d++) {
      data[4 * (corner + Math.floor(d / 28) * wide + (d % 28)) + 3] = images[784 * k + d];
    }
  }
}

/** Steps, epochs, seconds. */
function stateOfRun({ step, seconds, kind }, images, running, given) {
  if (!step) return given ? "Step 0: as in the chapter, no step yet." : "Step 0: a fresh net.";
  const epochs = fixed((100 * step) / images, 1);
  const pace = seconds > 0 ? `, ${fixed((1000 * seconds) / step, 0)} ms a step (${kind})` : "";
  const now = running ? "Training" : "Paused";
  const seen = `${epochs} epochs of ${counted(images)} images`;
  return `${now} at step ${counted(step)}: ${seen}, ${fixed(seconds, 1)} s${pace}.`;
}

function spoken(n) {
  return (
    `After ${counted(n.step)} steps: minus ELBO ${nats(n.minus_elbo, 2)} an image, ` +
    `distortion ${fixed(n.distortion, 2)}, rate ${fixed(n.rate, 2)}.`
  );
}

/** What the state teaches. */
function teach(insight, n, rates) {
  const dead = rates.filter((rate) => rate < DEAD).length;
  insight.tell(
    n,
    dead === rates.length
      ? "No latent says anything: the decoder draws one picture for every z."
      : "Naming z costs {rate:2} nats, the picture given z {distortion:1}.",
    dead === rates.length || !dead
      ? ""
      : `${dead} of ${rates.length} latents say less than ${DEAD} nats: their q is the prior.`,
  );
}

/** What always holds, in words. */
function certify(h, check, n) {
  check.holds(Math.abs(n.minus_elbo - n.distortion - n.rate) <= 1e-9 * Math.max(1, Math.abs(n.minus_elbo)));
  const density = n.likelihood === "gaussian" ? "; a density of grey levels, so below 0 is possible" : "";
  sentence(h, check.told, [
    ["strong", "−ELBO = distortion + rate, whatever β is. "],
    [
      "plain",
      `Training makes distortion + β · rate small. Computed from this page’s weights on 500 test images, one draw of ` +
        `*z* each${density}.`,
    ],
  ]);
}
