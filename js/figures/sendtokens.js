// Live figure 13, again: send it by way of tokens. One digit as a real message of which nothing comes back: its tape,
// its bytes, and what a receiver makes of the bytes alone. state -> message (js/engine/sendtokens.js) -> picture.

import { remembered } from "../engine/remembered.js";
import { message, PIXELS, sender } from "../engine/sendtokens.js";
import { announcer } from "../kit/announce.js";
import { button, choice } from "../kit/controls.js";
import { disable, say, set } from "../kit/dom.js";
import { figure, followWidth } from "../kit/figure.js";
import { counted, fixed, nats } from "../kit/format.js";
import { keep } from "../kit/keep.js";
import { layOut, makeInsight, makeLateCheck } from "../kit/layout.js";
import { formulaRow, sentence, termButton } from "../kit/maths.js";
import { linkTerms } from "../kit/terms.js";
import { makeScreen } from "./send/screen.js";
import { makeTape } from "./send/tape.js";
import { makeWalked } from "./tokens/walked.js";

const TERMS = [
  ["x", "−log *p*(*x* | *z*)", "model", (n) => n.x * Math.LN2],
  ["z", "−log *p*(*z*)", "prior", (n) => n.z * Math.LN2],
  ["length", "length", "elbo", (n) => n.length],
];
const PRIORS = [
  { value: "uniform", text: "uniform" },
  { value: "counted", text: "counted, place by place" },
];
const carried = ["nets", "weights", "counted", "pixels", "files", "by_vae"];

const others = (n, net, narrow) => [
  {
    text: narrow
      ? `message ${fixed(net, 1)} bits, as a file ${counted(n.wire)}`
      : `this message ${fixed(net, 1)} bits; as a file ${counted(n.wire)}: whole words, and the stack’s first number`,
    bars: [
      [0, net],
      [net, n.wire],
    ],
  },
  { text: `VAE, bits back${narrow ? "" : ", on average"}: ${fixed(n.vae, 1)} bits`, bars: [[0, n.vae]] },
  { text: `one bit for each pixel: ${n.fixed} bits`, bars: [[0, n.fixed]] },
  { text: `PNG${narrow ? "" : " file, one bit for a pixel"}: ${counted(n.png)} bits`, bars: [[0, n.png]] },
];

export default figure("sendtokens", "Live figure: one digit as a message by way of tokens", (kit) => {
  const { root, view, h, model, onCleanup } = kit;
  const own = sender(Object.fromEntries(carried.map((key) => [key, model.get(key)])));
  const most = Math.max(...own.png, PIXELS); // bits, of the second axis
  const made = remembered((s) => message(own, s));
  let now = null;
  let width = 0;

  // ---- picture
  const live = announcer(h);
  const insight = makeInsight(h);
  const check = makeLateCheck(h, "decoded = sent, nothing is left over");
  const bytes = h("code", { class: "lvm-send-bytes" });
  const tape = makeTape(kit, others, 4);
  const kept = keep(kit, {
    numbers: (s) => made(s).numbers,
    speak: () => live.speak(spoken(kept.state, made(kept.state).numbers)),
    draw,
  });
  const move = (values) => kept.change({ opened: "no", ...values });
  const stand = (place) => move({ place, rank: 1 });
  const label = "Place of the token that may be exchanged: arrows move it";
  const grid = makeWalked(kit, own.made, { move: stand, press: stand, label });
  const sent = makeScreen(h, "sent", "lvm-fill-data", "the picture that is sent");
  const got = makeScreen(h, "decoded", "lvm-fill-model", "nothing is decoded yet");
  const buttonsOf = TERMS.map(([key, symbol, quantity]) => termButton(h, { key, symbol, quantity }));
  const formula = formulaRow(h, "bits for x given z, plus bits for z, is the length", [
    buttonsOf[0],
    "+",
    buttonsOf[1],
    "=",
    buttonsOf[2],
  ]);

  // ---- controls
  const pick = choice(h, {
    label: "Test digit",
    value: String(kept.state.digit),
    className: "lvm-choice-tight",
    choose: (value) => move({ digit: Number(value), rank: 1 }),
    options: own.images.map((_, k) => ({ value: String(k), text: String(k) })),
  });
  const priors = choice(h, {
    label: "Prior of the tokens",
    value: kept.state.prior,
    choose: (prior) => move({ prior }),
    options: PRIORS,
  });
  const ranks = kept.slider("rank", { label: "nearest code here", change: (rank) => move({ rank }) });
  const decode = button(h, "Decode the bytes", () => kept.change({ opened: "yes" }));
  kept.byHand(grid.handle, (event) => ({ place: grid.at(event), rank: 1, opened: "no" }));
  layOut(kit, {
    title: "What does a message by way of tokens take?",
    given: h("div", { class: "lvm-splits-head" }, h("span", { class: "lvm-label" }, "Test digit"), pick.node),
    picture: [
      h(
        "div",
        { class: "lvm-send-row" },
        sent.node,
        h("div", { class: "lvm-send-z" }, h("div", { class: "lvm-caption" }, "its 49 tokens"), grid.node),
        got.node,
      ),
      tape.node,
    ],
    hand: [
      h("div", { class: "lvm-buttons" }, decode),
      h("div", { class: "lvm-splits-head" }, h("span", { class: "lvm-label" }, "Prior"), priors.node),
      h("div", { class: "lvm-sliders" }, ranks.node),
    ],
    insight,
    rest: h(
      "div",
      { class: "lvm-buttons" },
      button(h, "Reset", () => kept.reset()),
      kept.share,
    ),
    check,
    under: [formula, h("p", { class: "lvm-small" }, "On the line: ", bytes)],
    live: live.region,
  });
  const terms = linkTerms(root, view);
  onCleanup(terms.release);

  // ---- drawing
  function draw(state, touched) {
    if (!width) return;
    const lit = touched && now !== null;
    const all = made(state);
    now = all.numbers;
    pick.set(String(state.digit));
    priors.set(state.prior);
    sent.canvas.paint(own.images[state.digit]);
    const opened = state.opened === "yes";
    got.canvas.paint(opened ? all.read.x : new Float64Array(PIXELS));
    say(got.words, !opened ? "not yet decoded" : now.same === PIXELS ? "the same" : "not the same");
    set(got.canvas.node, {
      "aria-label": opened
        ? `decoded from the bytes alone: ${now.same} of 784 pixels as sent`
        : "nothing is decoded yet",
    });
    disable(decode, opened);
    grid.draw({ ...all, place: state.place });
    tape.draw(width, now, most);
    say(bytes, now.bytes.match(/.{1,4}/g).join(" "));
    TERMS.forEach(([, , , value], i) => terms.write(buttonsOf[i], fixed(value(now), 2), lit));
    ranks.update(state.rank, String(state.rank), `code ${now.code}, number ${state.rank} by nearness`);
    if (opened) check.holds(now.same === PIXELS && now.left === 0);
    else check.waits("not yet decoded");
    sentence(h, check.told, [
      [
        "strong",
        opened
          ? `${now.same} of 784 pixels are decoded as sent, and ${now.left || "no"} bits are left over. `
          : "Decode the bytes, and compare. ",
      ],
      [
        "plain",
        `−log *p*(*x* | *z*) − log *p*(*z*) = ${fixed(now.distortion, 2)} + ${fixed(now.rate, 2)} = ` +
          `${nats(now.minus_bound, 2)}; the message takes ${fixed(now.length, 2)}.`,
      ],
    ]);
    teach(insight, { ...state, ...now });
    kept.tell({ ...state, ...now });
  }

  onCleanup(
    followWidth(root, view, () => {
      width = Math.floor(tape.node.clientWidth);
      kept.redraw.now();
    }),
  );
});

function spoken(state, n) {
  const decoded = state.opened === "yes" ? `Decoded: ${n.same} of 784 pixels as sent. ` : "";
  return (
    `${decoded}Digit ${state.digit}: ${fixed(n.x, 2)} bits for x given z, ${fixed(n.z, 2)} for the tokens, none come ` +
    `back. The message takes ${nats(n.length, 2)}.`
  );
}

/** What this state teaches. */
function teach(insight, n) {
  if (n.rank > 1) {
    const longer = n.length >= n.nearest;
    insight.tell(
      n,
      `Another token at one place: the picture arrives all the same, in a message ${
        longer ? "{length-nearest:2} nats longer" : "{nearest-length:2} nats shorter"
      }.`,
      "Both grids explain it. Naming one of them is paid for, and nothing comes back.",
    );
  } else if (n.prior === "counted")
    insight.tell(
      n,
      "Counted shares code the tokens in {z:1} bits, not in 343.",
      "The message takes {length:1} nats, minus the bound is {minus_bound:1}. The pixels cost what they did.",
    );
  else
    insight.tell(
      n,
      "Seven bits for each of 49 tokens, {z:0} bits, and none come back.",
      "The message takes {length:1} nats; minus the bound is {minus_bound:1}.",
    );
}
