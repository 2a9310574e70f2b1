// Live figure 5: an image, q(z | x) on the plane of z, and what is decoded where the reader's z stands.
// state -> numbers (js/engine/plane.js) -> picture. Nothing is drawn that numbers() did not compute.

import { BLACK_AND_WHITE, readImage, SIDE, written } from "../engine/drawing.js";
import { bytesOf, sigmoid } from "../engine/network.js";
import { along, Models, numbers as numbersOf, REACH, STEPS } from "../engine/plane.js";
import { remembered } from "../engine/remembered.js";
import { announcer } from "../kit/announce.js";
import { button, choice } from "../kit/controls.js";
import { say, set } from "../kit/dom.js";
import { figure, followWidth } from "../kit/figure.js";
import { fixed, nats, tolerance } from "../kit/format.js";
import { keyed } from "../kit/handles.js";
import { keep } from "../kit/keep.js";
import { sentence, sign, termButton } from "../kit/maths.js";
import { player } from "../kit/player.js";
import { linkTerms } from "../kit/terms.js";
import { imageOf, inkCanvas } from "./drawing/ink.js";
import { makeInput, makePicks } from "./drawing/input.js";
import { makeStage } from "./plane/stage.js";

const STRIP = 9; // images along the path
const PACE = 70; // ms between two steps of Play
const RANGE = { low: -REACH, high: REACH };

export const codecs = { x: { read: (text) => (readImage(text) ? text : undefined) } };

export default figure("plane", "Live figure: the latent plane of a variational autoencoder", (kit) => {
  const { root, view, h, model, onCleanup } = kit;
  const models = new Models(model.get("nets"), model.get("weights"));
  const numbers = remembered((state) => numbersOf(state, models)); // asked for by a draw, and by what is read back
  const vaes = models.vaes.map(({ name }) => name);
  const names = model.get("names");
  const codes = codesOf(model.get("codes"), models.nets.length);
  const labels = bytesOf(model.get("labels"));
  const picks = picksOf(bytesOf(model.get("images")), names.length);
  let now = null; // numbers of the last draw
  let background = false;

  const kept = keep(kit, {
    codecs,
    numbers: (s) => numbers(s).stated,
    speak: () => live.speak(spoken(now, models)),
    draw,
  });

  // ---- picture
  const live = announcer(h);
  const take = (x) => kept.change({ x, follow: true });
  const input = makeInput(kit, {
    form: BLACK_AND_WHITE,
    hold: kept.hold,
    say: (words) => live.speak(words),
    change: take,
    remember: () => kept.state,
    restore: kept.change,
  });
  const stored = makePicks(kit, {
    names,
    picked(c) {
      // pressed again, the next of the class
      input.forget();
      take(picks[c][(picks[c].indexOf(kept.state.x) + 1) % picks[c].length]);
    },
  });
  const stage = makeStage(kit, {
    codes: codes[0],
    labels,
    names,
    handled: true,
    label: [h("b", {}, h("var", {}, "z")), `: codes of ${labels.length} test images`],
  });
  const out = inkCanvas(h, { "data-of": "here reconstruction" });
  const atZ = h("span", { class: "lvm-number" });
  const output = h(
    "div",
    { class: "lvm-side lvm-side-out" },
    h(
      "div",
      { class: "lvm-caption lvm-fill-model" },
      "mean of ",
      h("i", {}, "p"),
      "(",
      h("var", {}, "x"),
      " | ",
      h("var", {}, "z"),
      ")",
    ),
    h("div", { class: "lvm-screen" }, out.node),
    h(
      "div",
      { class: "lvm-small" },
      "at this ",
      h("var", {}, "z"),
      ", ",
      h(
        "span",
        { class: "lvm-whole" },
        "log ",
        h("i", {}, "p"),
        "(",
        h("var", {}, "x"),
        " | ",
        h("var", {}, "z"),
        ") =",
      ),
      " ",
      atZ,
    ),
  );
  const arrow = (text) => h("div", { class: "lvm-arrow", "aria-hidden": "true" }, h("span", {}, text));
  const row = h("div", { class: "lvm-flow" }, input.node, arrow("encoder"), stage.node, arrow("decoder"), output);
  const beside = models.ae && makeBeside(kit, { codes: codes[models.nets.indexOf(models.ae)], labels, names });

  const term = (key, symbol, quantity) => termButton(h, { key, symbol, quantity });
  const terms3 = [
    ["reconstruction", term("reconstruction", "E~q~ log *p*(*x* | *z*)", "model")],
    ["kl", term("kl", "KL(*q* ‖ *p*(*z*))", "q")],
    ["elbo", term("elbo", "ELBO", "elbo")],
  ];
  const formula = h(
    "div",
    { class: "lvm-formula lvm-formula-small", role: "group", "aria-label": "Reconstruction minus KL equals the ELBO" },
    terms3[0][1],
    sign(h, "−"),
    terms3[1][1],
    sign(h, "="),
    terms3[2][1],
    h("span", { class: "lvm-unit" }, "nats"),
  );
  const invariant = h("p", { class: "lvm-invariant" });

  // ---- controls
  const nets =
    vaes.length > 1 &&
    choice(h, {
      label: "Which VAE",
      value: kept.state.net,
      options: vaes.map((name) => ({ value: name, text: name })),
      choose: (net) => kept.change({ net }),
    });
  const toggle = (text, act) => button(h, text, act, { "aria-pressed": "false" });
  const follow = toggle("z follows q", () => kept.change({ follow: !kept.state.follow, z1: now.z1, z2: now.z2 }));
  const tiles = toggle("Decodes", () => {
    background = !background;
    kept.redraw();
  });
  const goTo = (step) => {
    const [z1, z2] = along(kept.state, step);
    kept.change({ step, z1, z2, follow: false });
  };
  const path = kept.slider("step", { label: "path, A to B", change: goTo });
  const run = player(kit, {
    pace: PACE,
    by: (n) => goTo(Math.min(Math.max(kept.state.step + n, 0), STEPS)),
    ended: () => kept.state.step >= STEPS,
    rewind: () => goTo(0),
  });
  onCleanup(() => {
    stage.stop();
    beside?.stop();
  });
  const strip = h("canvas", { class: "lvm-ink lvm-strip", width: STRIP * SIDE, height: SIDE, "aria-hidden": "true" });
  const walkRow = h(
    "div",
    { class: "lvm-walk-row" },
    path.node,
    strip,
    h(
      "div",
      { class: "lvm-buttons" },
      run.back,
      run.step,
      run.play,
      button(h, "A = z", () => kept.change({ a1: now.z1, a2: now.z2, step: 0 })),
      button(h, "B = z", () => kept.change({ b1: now.z1, b2: now.z2, step: STEPS })),
    ),
  );
  const reset = button(
    h,
    "Reset",
    run.halting(() => {
      input.forget();
      kept.reset();
    }),
  );
  root.append(
    h("div", { class: "lvm-title" }, "Where does a picture lie, and which picture lies there?"),
    ...(nets
      ? [h("div", { class: "lvm-splits-head" }, h("span", { class: "lvm-label" }, "VAE trained with"), nets.node)]
      : []),
    stored,
    row,
    formula,
    invariant,
    ...(beside ? [beside.node] : []),
    h("div", { class: "lvm-controls" }, h("div", { class: "lvm-buttons" }, follow, tiles, reset, kept.share), walkRow),
    live.region,
  );
  const terms = linkTerms(root, view);
  onCleanup(terms.release);

  // ---- drawing
  let coded = vaes[0];
  let stripped = "";
  const mean = (name, z) => {
    const net = models.nets.find((one) => one.name === name);
    const outputs = net.decoder.row(z);
    return net.kind === "vae" ? outputs.map(sigmoid) : outputs;
  };
  function draw(state, touched) {
    if (!stage.laid()) return;
    const lit = touched && now !== null;
    const { stated, image, aeImage } = numbers(state);
    now = stated;
    if (coded !== state.net) {
      coded = state.net;
      stage.recode(codes[models.nets.findIndex(({ name }) => name === coded)]);
    }
    const z = [now.z1, now.z2];
    stage.draw({ q: { mean: [now.mean1, now.mean2], std: [now.std1, now.std2] }, z, path: state });
    stage.background(background, state.net, mean);
    input.draw(state.x);
    out.paint(image);
    if (beside) beside.draw({ ...now, aeImage }, z, state, background, mean);
    drawStrip(state);
    say(atZ, nats(now.log_px_z, 1));
    for (const [key, node] of terms3) terms.write(node, fixed(now[key], 2), lit);
    set(stage.handle, {
      "aria-valuenow": now.z1.toFixed(3),
      "aria-valuetext": `z is ${fixed(now.z1, 2)}, ${fixed(now.z2, 2)}`,
    });
    follow.setAttribute("aria-pressed", String(state.follow));
    tiles.setAttribute("aria-pressed", String(background));
    if (nets) nets.set(state.net);
    path.update(state.step, `${state.step} / ${STEPS}`, `step ${state.step} of ${STEPS}`);
    tell(h, invariant, now);
    kept.tell(now);
  }

  /** The images along the path, made anew only when it changes. */
  function drawStrip(state) {
    const key = [state.net, state.a1, state.a2, state.b1, state.b2].join(" ");
    if (key === stripped) return;
    stripped = key;
    const pen = strip.getContext("2d");
    for (let i = 0; i < STRIP; i++) {
      pen.putImageData(imageOf(pen, mean(state.net, along(state, (STEPS * i) / (STRIP - 1)))), i * SIDE, 0);
    }
  }

  // ---- hands
  const { handle, scales, svg } = stage;
  kept.byHand(handle, (event, memory) => {
    memory.from ??= memory.state.follow ? { z1: now.z1, z2: now.z2 } : memory.state;
    return {
      follow: false,
      z1: memory.from.z1 + scales.x.inverse(event.clientX - memory.px) - scales.x.inverse(0),
      z2: memory.from.z2 + scales.y.inverse(event.clientY - memory.py) - scales.y.inverse(0),
    };
  });
  handle.addEventListener("pointerdown", run.stop);
  const placed = (event) => {
    const box = svg.getBoundingClientRect();
    run.stop();
    kept.change({
      follow: false,
      z1: scales.x.inverse(event.clientX - box.left),
      z2: scales.y.inverse(event.clientY - box.top),
    });
  };
  svg.addEventListener("click", placed);
  for (const [name, value] of Object.entries({
    role: "slider",
    tabindex: "0",
    "aria-valuemin": -REACH,
    "aria-valuemax": REACH,
    "aria-orientation": "horizontal",
    "aria-label": "z, two numbers: left and right move the first, up and down the second",
  }))
    handle.setAttribute(name, value);
  handle.addEventListener("keydown", (event) => {
    const upright = event.key === "ArrowUp" || event.key === "ArrowDown";
    const to = event.key === "Home" ? 0 : keyed(event, upright ? now.z2 : now.z1, RANGE);
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    run.stop();
    const home = event.key === "Home";
    kept.change({ follow: false, z1: upright ? now.z1 : to, z2: upright || home ? to : now.z2 });
  });

  onCleanup(
    followWidth(root, view, () => {
      stage.measure();
      beside?.measure();
      kept.redraw.now();
    }),
  );
});

/** The autoencoder beside the VAE, under the same handle: its plane and what it decodes there. */
function makeBeside(kit, { codes, labels, names }) {
  const { h } = kit;
  const stage = makeStage(kit, {
    codes,
    labels,
    names,
    handled: false,
    label: [h("b", {}, "Autoencoder"), ": codes, in units of their Gaussian"],
  });
  const out = inkCanvas(h);
  const error = h("span", { class: "lvm-number" });
  const output = h(
    "div",
    { class: "lvm-side lvm-side-out" },
    h("div", { class: "lvm-caption" }, "output at this ", h("var", {}, "z")),
    h("div", { class: "lvm-screen" }, out.node),
    h(
      "div",
      { class: "lvm-small" },
      "no density over ",
      h("var", {}, "x"),
      ", so no ELBO. Squared error of ",
      h("var", {}, "x"),
      ": ",
      error,
    ),
  );
  const note = h(
    "div",
    { class: "lvm-side lvm-side-note" },
    h(
      "p",
      { class: "lvm-small" },
      "The dot is the code of ",
      h("var", {}, "x"),
      ": a point, no spread. The circles are 1, 2 and 3 standard deviations of the Gaussian that was fitted to the " +
        "codes afterwards.",
    ),
  );
  const node = h(
    "div",
    { class: "lvm-flow lvm-flow-ae" },
    note,
    h("div", { class: "lvm-arrow" }),
    stage.node,
    h("div", { class: "lvm-arrow", "aria-hidden": "true" }, h("span", {}, "decoder")),
    output,
  );
  return {
    node,
    measure: stage.measure,
    stop: stage.stop,
    draw(n, z, path, background, mean) {
      stage.draw({ q: { mean: [n.ae_code1, n.ae_code2], std: null }, z, path });
      stage.background(background, "ae", mean);
      out.paint(n.aeImage);
      say(error, fixed(n.ae_error, 1));
    },
  };
}

/** Codes of each net, (n, 2) each, from one buffer of float32. */
function codesOf(buffer, count) {
  const bytes = bytesOf(buffer);
  const all = new Float32Array(bytes.slice().buffer);
  const size = all.length / count;
  return Array.from({ length: count }, (_, i) => all.subarray(i * size, (i + 1) * size));
}

/** Images to pick, as text, a list for each class. */
function picksOf(bytes, classes) {
  const each = bytes.length / 98 / classes;
  const text = (i) =>
    written(Uint8Array.from({ length: SIDE * SIDE }, (_, d) => (bytes[98 * i + (d >> 3)] >> (7 - (d & 7))) & 1));
  return Array.from({ length: classes }, (_, c) => Array.from({ length: each }, (_, k) => text(c * each + k)));
}

function spoken(n, models) {
  const ae = models.ae ? ` Squared error of the autoencoder ${fixed(n.ae_error, 2)}.` : "";
  return (
    `z is ${fixed(n.z1, 2)}, ${fixed(n.z2, 2)}. q has mean ${fixed(n.mean1, 2)}, ${fixed(n.mean2, 2)}. ` +
    `Reconstruction ` +
    `${nats(n.reconstruction, 2)}, KL ${fixed(n.kl, 2)}, ELBO ${fixed(n.elbo, 2)}. log p of x given this z ` +
    `${fixed(n.log_px_z, 2)}.${ae}`
  );
}

/** What holds, in words, and how the numbers are found. */
function tell(h, node, n) {
  const off = Math.abs(n.reconstruction - n.kl - n.elbo);
  const holds = off < 1e-9;
  node.classList.toggle("is-broken", !holds);
  const ink = readImage(n.x).reduce((a, b) => a + b, 0);
  sentence(h, node, [
    [
      "strong",
      `The terms sum to the ELBO ${holds ? `to ${tolerance(off)}.` : `no longer: off by ${tolerance(off)}.`} `,
    ],
    [
      "plain",
      `They belong to *x* (${ink} pixels of ink) and its *q*, wherever *z* stands; the average over *q* is ` +
        `Gauss–Hermite quadrature, ` +
        "5 × 5 points, no sampling. The dashed circles are 1, 2 and 3 standard deviations of the prior, the filled " +
        "ellipse is *q* to two.",
    ],
  ]);
}
