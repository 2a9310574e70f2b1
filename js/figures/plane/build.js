// Live figure 5 and the front page's: an image, q(z | x) on the plane of z, and what is decoded where the reader's z
// stands; on the front page z is drawn from the prior, and x from p(x | z).
// state -> numbers (js/engine/plane.js) -> picture. Nothing is drawn that numbers() did not compute.

import { BLACK_AND_WHITE, readImage, SIDE, written } from "../../engine/drawing.js";
import { bytesOf, sigmoid } from "../../engine/network.js";
import { along, drawnZ, Models, numbers as numbersOf } from "../../engine/plane.js";
import { remembered } from "../../engine/remembered.js";
import { announcer } from "../../kit/announce.js";
import { button, choice } from "../../kit/controls.js";
import { say, set } from "../../kit/dom.js";
import { followWidth } from "../../kit/figure.js";
import { counted, fixed, nats, tolerance } from "../../kit/format.js";
import { keyed } from "../../kit/handles.js";
import { keep } from "../../kit/keep.js";
import { layOut, makeCheck, makeInsight } from "../../kit/layout.js";
import { formulaRow, sentence, termButton } from "../../kit/maths.js";
import { player } from "../../kit/player.js";
import { linkTerms } from "../../kit/terms.js";
import { imageOf, inkCanvas } from "../drawing/ink.js";
import { makeInput, makePicks } from "../drawing/input.js";
import { makeStage } from "./stage.js";

const STRIP = 9; // images along the path
const PACE = 70; // ms between two steps of Play
const BEAT = 700; // ms between z, its mean and its sample

export const codecs = { x: { read: (text) => (readImage(text) ? text : undefined) } };

/** Build it into a kit. Where its state has a chance, z is drawn and samples are tossed. */
export function build(kit) {
  const { root, view, h, model, onCleanup } = kit;
  const models = new Models(model.get("nets"), model.get("weights"));
  const numbers = remembered((state) => numbersOf(state, models)); // asked for by a draw, and by what is read back
  const vaes = models.vaes.map(({ name }) => name);
  const names = model.get("names");
  const codes = codesOf(model.get("codes"), models.nets.length);
  const labels = bytesOf(model.get("labels"));
  const picks = picksOf(bytesOf(model.get("images")), names.length);
  const chancy = "chance" in model.get("reach").state;
  let pictures = false; // decoded on a grid, in place of the codes
  let now = null; // numbers of the last draw

  const kept = keep(kit, {
    codecs,
    numbers: (s) => numbers(s).stated,
    speak: () => live.speak(`${pictured()} ${spoken(now, models)}`),
    draw,
  });

  /** Which image is shown: a stored one by its name, or what was drawn. */
  function pictured() {
    const { x } = kept.state;
    const c = picks.findIndex((those) => those.includes(x));
    if (c >= 0) return `Image ${names[c]}.`;
    return readImage(x).some((v) => v) ? "Your drawing." : "An empty page.";
  }

  // ---- picture
  const live = announcer(h);
  const take = (x) => kept.change({ x, follow: true });
  const input = makeInput(kit, {
    form: BLACK_AND_WHITE,
    within: true,
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
  const under = h("span", {});
  const stage = makeStage(kit, {
    codes: codes[0],
    labels,
    names,
    handled: true,
    label: [h("b", {}, h("var", {}, "z")), ": ", under],
  });
  const out = inkCanvas(h, { "data-of": "here reconstruction" });
  const tossed = inkCanvas(h);
  const atZ = h("span", { class: "lvm-number" });
  const given = () => [h("i", {}, "p"), "(", h("var", {}, "x"), " | ", h("var", {}, "z"), ")"];
  const output = h(
    "div",
    { class: "lvm-side lvm-side-out" },
    h(
      "div",
      { class: "lvm-caption lvm-fill-model" },
      chancy
        ? ["a mean", h("span", { class: "lvm-wider" }, ": greys")]
        : ["mean of ", h("span", { class: "lvm-whole" }, given())],
    ),
    h("div", { class: "lvm-screen" }, out.node),
    h("div", { class: "lvm-small" }, h("span", { class: "lvm-whole" }, "log ", given(), " ="), " ", atZ),
  );
  const tossing = h(
    "div",
    { class: "lvm-side lvm-side-sample" },
    h("div", { class: "lvm-caption lvm-fill-data" }, "a sample"),
    h("div", { class: "lvm-screen lvm-screen-sample" }, tossed.node),
    h("div", { class: "lvm-small" }, "each grey was the chance of ink"),
  );
  const arrow = (text) => h("div", { class: "lvm-arrow", "aria-hidden": "true" }, h("span", {}, text));
  const row = h(
    "div",
    { class: "lvm-flow" },
    input.node,
    arrow("encoder"),
    stage.node,
    arrow("decoder"),
    chancy ? h("div", { class: "lvm-side-outs" }, output, tossing) : output,
  );
  const beside = models.ae && makeBeside(kit, { codes: codes[models.nets.indexOf(models.ae)], labels, names });

  const term = (key, symbol, quantity) => termButton(h, { key, symbol, quantity });
  const terms3 = [
    ["reconstruction", term("reconstruction", "E~q~ log *p*(*x* | *z*)", "model")],
    ["kl", term("kl", "KL(*q* ‖ *p*(*z*))", "q")],
    ["elbo", term("elbo", "ELBO", "elbo")],
  ];
  const formula = formulaRow(h, "Reconstruction minus KL equals the ELBO", [
    terms3[0][1],
    "−",
    terms3[1][1],
    "=",
    terms3[2][1],
  ]);
  const insight = makeInsight(h);
  const check = makeCheck(h, "the terms sum to the ELBO");

  // ---- controls
  const nets =
    vaes.length > 1 &&
    choice(h, {
      label: "Which VAE",
      value: kept.state.net,
      options: vaes.map((name) => ({ value: name, text: name })),
      choose: (net) => kept.change({ net }),
    });
  const follow = button(
    h,
    ["Keep ", h("var", {}, "z"), " on ", h("var", {}, "q")],
    () => kept.change({ follow: !kept.state.follow, z1: now.z1, z2: now.z2 }),
    { "aria-pressed": "false" },
  );
  const ground = choice(h, {
    label: "What lies under the plane",
    value: kept.state.ground ?? "codes",
    options: [
      { value: "pictures", text: "pictures decoded there" },
      { value: "codes", text: "codes of test images" },
    ],
    choose(to) {
      pictures = to === "pictures";
      if (chancy) kept.change({ ground: to });
      else kept.redraw();
    },
  });

  // ---- three beats: z from the prior, the mean there, a sample of it. Who wishes for less motion takes them singly
  const said = h("span", { class: "lvm-beat", "aria-hidden": "true" });
  const FACES = ["Draw a z", "Show its mean", "Toss its coins"];
  let beat = 3; // of three; at the last all is seen
  let beating = 0;
  const show3 = (to) => {
    beat = to;
    view.clearTimeout(beating);
    for (const k of [1, 2]) root.classList.toggle(`is-beat-${k}`, beat === k);
    say(face, FACES[beat % 3]);
    kept.redraw();
  };
  const rest = () => {
    if (beat < 3) show3(3);
  };
  const face = h("span", {}, FACES[0]);
  const drawZ = button(
    h,
    face,
    () => {
      const still = view.matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (still && beat < 3) {
        show3(beat + 1);
        return;
      }
      run.stop();
      const chance = (kept.state.chance + 1) % (kept.range("chance").high + 1);
      const [z1, z2] = drawnZ(chance);
      kept.change({ chance, z1, z2, follow: false });
      show3(1);
      if (!still)
        beating = view.setTimeout(() => {
          show3(2);
          beating = view.setTimeout(() => show3(3), BEAT);
        }, BEAT);
    },
    { class: "lvm-button lvm-draw-z" },
  );
  onCleanup(() => view.clearTimeout(beating));
  const last = kept.range("step").high;
  const goTo = (step) => {
    const [z1, z2] = along(kept.state, step);
    kept.change({ step, z1, z2, follow: false });
  };
  const path = kept.slider("step", { label: "path, A to B", change: goTo });
  const run = player(kit, {
    pace: PACE,
    by: (n) => goTo(Math.min(Math.max(kept.state.step + n, 0), last)),
    ended: () => kept.state.step >= last,
    rewind: () => goTo(0),
  });
  onCleanup(() => {
    stage.stop();
    beside?.stop();
  });
  const strip = h("canvas", { class: "lvm-ink lvm-strip", width: STRIP * SIDE, height: SIDE, "aria-hidden": "true" });
  const walk = h(
    "div",
    { class: "lvm-walked" },
    h("div", { class: "lvm-caption" }, "the path, A to B, decoded"),
    h("div", { class: "lvm-paper" }, strip),
  );
  const reset = button(
    h,
    "Reset",
    run.halting(() => {
      input.forget();
      kept.reset();
    }),
  );
  layOut(kit, {
    title: "Where does a picture lie, and which picture lies there?",
    given: [
      ...(nets
        ? [h("div", { class: "lvm-splits-head" }, h("span", { class: "lvm-label" }, "VAE trained with"), nets.node)]
        : []),
      ...(chancy ? [h("div", { class: "lvm-draw-row" }, drawZ, said)] : []),
      stored,
    ],
    picture: [row, ...(beside ? [beside.node] : [])],
    hand: [h("div", { class: "lvm-buttons" }, follow), h("div", { class: "lvm-sliders" }, path.node)],
    insight,
    rest: [
      ground.node,
      h("div", { class: "lvm-buttons" }, run.back, run.step, run.play),
      h(
        "div",
        { class: "lvm-buttons" },
        button(h, "Set A here", () => kept.change({ a1: now.z1, a2: now.z2, step: 0 }), {
          title: "the path begins at z",
        }),
        button(h, "Set B here", () => kept.change({ b1: now.z1, b2: now.z2, step: last }), {
          title: "the path ends at z",
        }),
      ),
      h("div", { class: "lvm-buttons" }, reset, kept.share),
    ],
    check,
    under: [walk, formula],
    live: live.region,
    flow: true,
  });
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
    const { stated, image, sample, aeImage } = numbers(state);
    now = stated;
    if (coded !== state.net) {
      coded = state.net;
      stage.recode(codes[models.nets.findIndex(({ name }) => name === coded)]);
    }
    const z = [now.z1, now.z2];
    stage.draw({ q: { mean: [now.mean1, now.mean2], std: [now.std1, now.std2] }, z, path: state });
    if (chancy) pictures = state.ground === "pictures";
    stage.background(pictures, state.net, mean);
    input.draw(state.x);
    out.paint(image);
    if (sample) tossed.paint(sample);
    if (beside) beside.draw({ ...now, aeImage }, z, state, pictures, mean);
    drawStrip(state);
    say(atZ, nats(now.log_px_z, 1));
    for (const [key, node] of terms3) terms.write(node, fixed(now[key], 2), lit);
    set(stage.handle, {
      "aria-valuenow": now.z1.toFixed(3),
      "aria-valuetext": `z is ${fixed(now.z1, 2)}, ${fixed(now.z2, 2)}`,
    });
    follow.setAttribute("aria-pressed", String(state.follow));
    ground.set(pictures ? "pictures" : "codes");
    say(under, pictures ? "what each place decodes to" : `codes of ${counted(labels.length)} test images`);
    if (chancy) tellBeat(h, said, now, beat);
    if (nets) nets.set(state.net);
    path.update(state.step, `${state.step} / ${last}`, `step ${state.step} of ${last}`);
    tell(h, check, now);
    teach(insight, now);
    kept.tell(now);
  }

  /** The images along the path, made anew only when it changes. */
  function drawStrip(state) {
    const key = [state.net, state.a1, state.a2, state.b1, state.b2].join(" ");
    if (key === stripped) return;
    stripped = key;
    const pen = strip.getContext("2d");
    for (let i = 0; i < STRIP; i++) {
      pen.putImageData(imageOf(pen, mean(state.net, along(state, (last * i) / (STRIP - 1)))), i * SIDE, 0);
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
  handle.addEventListener("pointerdown", () => {
    run.stop();
    rest();
  });
  const placed = (event) => {
    const box = svg.getBoundingClientRect();
    run.stop();
    rest();
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
    "aria-valuemin": kept.range("z1").low,
    "aria-valuemax": kept.range("z1").high,
    "aria-orientation": "horizontal",
    "aria-label": "z, two numbers: left and right move the first, up and down the second",
  }))
    handle.setAttribute(name, value);
  // Keys may come faster than frames: a step starts where z is, not where it was drawn last.
  const placeOfZ = () => (kept.state.follow && now ? now : kept.state);
  handle.addEventListener("keydown", (event) => {
    const { z1, z2 } = placeOfZ();
    const upright = event.key === "ArrowUp" || event.key === "ArrowDown";
    const to = keyed(event, upright ? z2 : z1, kept.range("z1"));
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    run.stop();
    rest();
    const home = event.key === "Home";
    kept.change({ follow: false, z1: upright ? z1 : to, z2: upright || home ? to : z2 });
  });

  onCleanup(
    followWidth(root, view, () => {
      stage.measure();
      beside?.measure();
      kept.redraw.now();
    }),
  );
}

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

/** The three beats of a draw, in words: each is said when it is shown. */
function tellBeat(h, node, n, beat) {
  const fresh = Math.abs(n.z1 - n.drawn1) < 1e-9 && Math.abs(n.z2 - n.drawn2) < 1e-9;
  const words = [
    `1. *z* = (${fixed(n.z1, 2)}, ${fixed(n.z2, 2)}), from the prior N(0, I). `,
    "2. Its mean: 784 chances. ",
    `3. A sample: 784 coins, ${n.sample_ink} fell black.`,
  ];
  sentence(
    h,
    node,
    fresh
      ? words.slice(0, beat).map((text, i) => [i + 1 === beat ? "strong" : "plain", text])
      : [["plain", "*z* from the prior → the mean of *p*(*x* | *z*) → a sample of it"]],
  );
}

/** What holds, in words, and how the numbers are found. */
function tell(h, check, n) {
  const { told: node } = check;
  const off = Math.abs(n.reconstruction - n.kl - n.elbo);
  const holds = off < 1e-9;
  check.holds(holds);
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

/** What this state teaches. */
function teach(insight, n) {
  if (!readImage(n.x).some((v) => v))
    insight.tell(
      n,
      "An empty page, and its ELBO is {elbo:1} nats.",
      "Most digits of the buttons above stay below that. Is nothing more probable than a digit?",
    );
  else if (n.reconstruction - n.log_px_z > 1)
    insight.tell(
      n,
      "From this z the image is {reconstruction-log_px_z:1} nats less probable than from q’s own.",
      "Each place of the plane is another picture.",
    );
  else
    insight.tell(
      n,
      "Saying where the image lies costs {kl:2} nats; drawing it from there costs {0-reconstruction:1}.",
      "Together they are −ELBO.",
    );
}
