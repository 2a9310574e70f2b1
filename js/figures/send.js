// Live figure 13: send it. One digit as a real message by bits back: its tape, its bytes, and what a receiver makes of
// the bytes alone. state -> message (js/engine/send.js) -> picture; the bound and a chain of messages follow in slices.

import { bytesOf } from "../engine/network.js";
import { remembered } from "../engine/remembered.js";
import { CHAIN, message, PIXELS, received, sender, summary } from "../engine/send.js";
import { announcer } from "../kit/announce.js";
import { button, choice } from "../kit/controls.js";
import { disable, say, set } from "../kit/dom.js";
import { figure, followWidth } from "../kit/figure.js";
import { fixed, nats } from "../kit/format.js";
import { sliderKeys } from "../kit/handles.js";
import { keep } from "../kit/keep.js";
import { layOut, makeInsight, makeLateCheck } from "../kit/layout.js";
import { formulaRow, sentence, termButton } from "../kit/maths.js";
import { patience, sliced } from "../kit/slices.js";
import { linkTerms } from "../kit/terms.js";
import { makePlane } from "./send/plane.js";
import { makeScreen } from "./send/screen.js";
import { makeTape } from "./send/tape.js";

const REMEMBERED = 40; // bounds and chains
const TERMS = [
  ["x", "−log *p*(*x* | *z*)", "model", (n) => n.x * Math.LN2],
  ["z", "−log *p*(*z*)", "prior", (n) => n.z * Math.LN2],
  ["back", "−log *q*(*z* | *x*)", "q", (n) => n.back * Math.LN2],
  ["length", "length", "elbo", (n) => n.length],
];

export default figure("send", "Live figure: one digit as a message, and the bits that come back", (kit) => {
  const { root, view, h, model, onCleanup } = kit;
  const own = sender(model.get("nets"), model.get("weights"), bytesOf(model.get("pixels")), model.get("files"));
  const most = Math.max(...own.png, PIXELS); // bits, of the second axis
  const quick = remembered((s) => message(own, s));
  const read = remembered((s) => received(own, s, quick(s).bytes).x); // from the bytes alone
  const known = new Map(); // state -> its bound and chain
  const keyOf = ({ digit, width, bits, seed }) => [digit, width, bits, seed].join(" ");
  const whole = (s) => (known.has(keyOf(s)) ? { ...quick(s).numbers, ...known.get(keyOf(s)) } : null);
  let asked = null;
  let giveUp = () => {};
  let now = null;
  let width = 0;

  // ---- picture
  const plane = makePlane(kit);
  const tape = makeTape(kit);
  const live = announcer(h);
  const insight = makeInsight(h);
  const check = makeLateCheck(h, "decoded = sent, and the first bits come back");
  const bytes = h("code", { class: "lvm-send-bytes" });
  const sent = makeScreen(h, "sent", "lvm-fill-data", "the picture that is sent");
  const got = makeScreen(h, "decoded", "lvm-fill-model", "nothing is decoded yet");
  const buttonsOf = TERMS.map(([key, symbol, quantity]) => termButton(h, { key, symbol, quantity }));
  const formula = formulaRow(h, "bits for x given z, plus bits for z, minus the bits that come back, is the length", [
    buttonsOf[0],
    "+",
    buttonsOf[1],
    "−",
    buttonsOf[2],
    "=",
    buttonsOf[3],
  ]);
  const kept = keep(kit, {
    numbers: (s) => whole(s),
    speak: () => live.speak(spoken(kept.state, quick(kept.state).numbers, known.get(keyOf(kept.state)))),
    draw,
  });
  const move = (values) => kept.change({ opened: "no", ...values });

  // ---- controls
  const pick = choice(h, {
    label: "Test digit",
    value: String(kept.state.digit),
    className: "lvm-choice-tight",
    choose: (value) => move({ digit: Number(value) }),
    options: own.images.map((_, k) => ({ value: String(k), text: String(k) })),
  });
  const widths = kept.slider("width", { label: "width of q", change: (value) => move({ width: value }) });
  const precision = kept.slider("bits", { label: "bits for each z", change: (value) => move({ bits: value }) });
  const decode = button(h, "Decode the bytes", () => kept.change({ opened: "yes" }));
  kept.byHand(plane.handle, (event, { state, px }) => ({
    width: state.width + (event.clientX - px) / plane.unit,
    opened: "no",
  }));
  onCleanup(
    sliderKeys(plane.handle, {
      label: "width of q, a factor on the encoder’s",
      value: () => kept.state.width,
      range: () => kept.range("width"),
      change: (value) => move({ width: value }),
    }),
  );
  layOut(kit, {
    title: "How long is the message, and which bits come back?",
    given: h("div", { class: "lvm-splits-head" }, h("span", { class: "lvm-label" }, "Test digit"), pick.node),
    picture: [h("div", { class: "lvm-send-row" }, sent.node, plane.node, got.node), tape.node],
    hand: [
      h(
        "div",
        { class: "lvm-buttons" },
        decode,
        button(h, "One-point q", () => move({ width: 0 })),
      ),
      h("div", { class: "lvm-sliders" }, widths.node, precision.node),
    ],
    insight,
    rest: h(
      "div",
      { class: "lvm-buttons" },
      button(h, "Other bits", () => move({ seed: (kept.state.seed % kept.range("seed").high) + 1 }), {
        title: "other bits that are there first",
      }),
      button(h, "Reset", () => kept.reset()),
      kept.share,
    ),
    check,
    under: [formula, h("p", { class: "lvm-small" }, "On the line: ", bytes)],
    live: live.region,
  });
  const terms = linkTerms(root, view);
  onCleanup(terms.release);

  // ---- the bound and the chain, in slices
  function ask(state) {
    const key = keyOf(state);
    if (asked === key) return;
    giveUp();
    asked = key;
    giveUp = sliced(view, summary(own, state), {
      rest: () => patience(root, true),
      done: (found) => {
        asked = null;
        if (known.size > REMEMBERED) known.delete(known.keys().next().value);
        known.set(key, found);
        kept.redraw.now();
        kept.rest(); // what is read back follows
      },
    });
  }
  onCleanup(() => giveUp());

  // ---- drawing
  function draw(state, touched) {
    if (!width) return;
    const lit = touched && now !== null;
    const made = quick(state);
    now = made.numbers;
    pick.set(String(state.digit));
    sent.canvas.paint(own.images[state.digit]);
    const opened = state.opened === "yes";
    const decoded = opened ? read(state) : new Float64Array(PIXELS);
    const same = decoded.filter((v, d) => v === own.images[state.digit][d]).length;
    got.canvas.paint(decoded);
    say(got.words, !opened ? "not yet decoded" : same === PIXELS ? "the same" : "not the same");
    set(got.canvas.node, {
      "aria-label": opened ? `decoded from the bytes alone: ${same} of 784 pixels as sent` : "nothing is decoded yet",
    });
    disable(decode, opened);
    plane.draw(made, state.width);
    set(plane.handle, {
      "aria-valuenow": state.width.toFixed(2),
      "aria-valuetext": `${fixed(state.width, 2)} times the encoder’s`,
    });
    tape.draw(width, now, most);
    say(bytes, now.bytes.match(/.{1,4}/g).join(" "));
    TERMS.forEach(([, , , value], i) => terms.write(buttonsOf[i], fixed(value(now), 2), lit));
    widths.update(state.width, fixed(state.width, 2), `${fixed(state.width, 2)} times the encoder’s`);
    precision.update(state.bits, String(state.bits), `${2 ** state.bits} bins`);
    const rest = known.get(keyOf(state));
    holdsOf(h, check, state, now, rest);
    teach(insight, { ...state, ...now, ...rest }, rest !== undefined);
    set(root, { "data-waits": rest ? "no" : "yes" }); // what is stated is of the state before
    if (!rest) ask(state);
    else kept.tell({ ...state, ...now, ...rest });
  }

  onCleanup(
    followWidth(root, view, () => {
      width = Math.floor(tape.node.clientWidth);
      kept.redraw.now();
    }),
  );
});

function spoken(state, n, rest) {
  const decoded = state.opened === "yes" && rest ? `Decoded: ${rest.same} of 784 pixels as sent. ` : "";
  const bound = rest ? ` Minus ELBO is ${nats(rest.minus_elbo, 2)}.` : "";
  return (
    `${decoded}Digit ${state.digit}: ${fixed(n.x, 2)} bits for x given z, ${fixed(n.z, 0)} for z, ` +
    `${fixed(n.back, 2)} come back. The message takes ${nats(n.length, 2)}.${bound}`
  );
}

/** What always holds, in words. */
function holdsOf(h, check, state, n, rest) {
  const opened = state.opened === "yes";
  if (opened) check.holds(!rest || (rest.same === PIXELS && rest.returned === 1 && rest.chain === CHAIN));
  else check.waits("not yet decoded");
  if (!rest) return; // the sentence of the state before stands for a moment
  sentence(h, check.told, [
    [
      "strong",
      opened
        ? `${rest.same} of 784 pixels are decoded as sent, and the ${n.first} first bits are back. `
        : "Decode the bytes, and compare. ",
    ],
    [
      "plain",
      `−ELBO = ${fixed(rest.distortion, 2)} + ${fixed(rest.rate, 2)} = ${nats(rest.minus_elbo, 2)}` +
        `${state.width === 0 ? ", of the bins" : ""}. ${CHAIN} messages of this picture in a chain, all decoded: ` +
        `${fixed(rest.mean, 2)} ± ${fixed(rest.error, 2)} nats each. What is left is chance and the bins; these move ` +
        `the rate by ${fixed(rest.binned, 3)} nats.`,
    ],
  ]);
}

/** What this state teaches. */
function teach(insight, n, known) {
  insight.tell(
    n,
    n.width === 0
      ? "q is one point: nothing comes back, and each bit of precision is paid for."
      : "{back:1} of the {z:0} bits for z come back.",
    known
      ? "The message takes {length:1} nats, in a chain of twenty {mean:1} on average; −ELBO is {minus_elbo:1}."
      : "The message takes {length:1} nats.",
  );
}
