// Live figure 10: the tokens of a digit, given or drawn, under the reader's brush; what is decoded, and how far one
// token reaches. state -> x -> tokens -> image (js/engine/tokens.js) -> picture. Nothing is drawn that numbers() did
// not compute.

import { GREY, PIXELS, readGrey, writtenGrey } from "../engine/drawing.js";
import { bytesOf } from "../engine/network.js";
import { remembered } from "../engine/remembered.js";
import { editsOf, encoded, numbersOfTokens, readEdits, tokenNets } from "../engine/tokens.js";
import { announcer } from "../kit/announce.js";
import { button } from "../kit/controls.js";
import { figure } from "../kit/figure.js";
import { fixed, nats } from "../kit/format.js";
import { drag } from "../kit/handles.js";
import { keep } from "../kit/keep.js";
import { layOut, makeCheck, makeInsight } from "../kit/layout.js";
import { sentence } from "../kit/maths.js";
import { imageOf } from "./drawing/ink.js";
import { makeInput, makePicks } from "./drawing/input.js";
import { between, makePalette, makePaper } from "./tokens/paper.js";

const PATCH = 4;
const BACK = 50; // edits that Undo remembers

export const codecs = (made) => ({
  drawn: { read: (text) => (text === "" || readGrey(text) ? text : undefined) },
  edits: { read: (text) => readEdits(text, made) },
});

export default figure("tokens", "Live figure: paint over the tokens of a digit and see what is decoded", (kit) => {
  const { h, model, onCleanup } = kit;
  const made = tokenNets(model.get("nets"), model.get("weights"));
  const names = model.get("names");
  const stored = bytesOf(model.get("images"));
  const { size, grid, reach } = made;
  const side = PATCH * grid;
  const picks = Array.from({ length: stored.length / PIXELS }, (_, i) =>
    writtenGrey(stored.subarray(PIXELS * i, PIXELS * (i + 1))),
  );
  const each = picks.length / names.length;
  let before = []; // edits to go back to
  let now = null;

  const shownText = (s) => s.drawn || picks[s.image];
  const unedited = remembered((text) => encoded(text, made));
  const numbers = remembered((s) => numbersOfTokens(s, unedited(shownText(s)), made));
  const kept = keep(kit, {
    codecs: codecs(made),
    numbers: (s) => numbers(s).stated,
    speak: () => live.speak(spoken(now, made)),
    draw,
  });

  /** Paint codes over places: [[place, code], ...]; a code that stood there before any edit is no edit. */
  function paint(pairs, more = {}) {
    const edits = new Map(editsOf(kept.state.edits));
    const from = unedited(shownText(kept.state)).tokens;
    for (const [place, code] of pairs) {
      if (from[place] === code) edits.delete(place);
      else edits.set(place, code);
    }
    const text = [...edits]
      .sort((a, b) => a[0] - b[0])
      .map((pair) => pair.join(":"))
      .join(",");
    if (text !== kept.state.edits) before = [...before, kept.state.edits].slice(-BACK);
    kept.change({ ...more, edits: text });
  }

  // ---- picture
  const live = announcer(h);
  const stop = () => {
    before = [];
  };
  const input = makeInput(kit, {
    form: GREY,
    within: true,
    hold: kept.hold,
    say: (words) => live.speak(words),
    change(drawn) {
      stop();
      kept.change({ drawn, edits: "" });
    },
    remember: () => [kept.state, before],
    restore([state, edits]) {
      before = edits;
      kept.change(state);
    },
  });
  const given = makePicks(kit, {
    names,
    picked(c) {
      // pressed again, the next of the class
      stop();
      input.forget();
      const here = kept.state.drawn ? -1 : kept.state.image - c * each;
      kept.change({ image: c * each + (here >= 0 && here < each ? (here + 1) % each : 0), drawn: "", edits: "" });
    },
  });
  const paper = makePaper(kit, made, {
    paint: (place) => paint([[place, kept.state.brush]], { place }),
    move: (place) => kept.change({ place }),
    take: () => kept.change({ brush: now.all[kept.state.place] }),
    clear: () => paint([[kept.state.place, now.from[kept.state.place]]]),
  });
  const output = h("canvas", { class: "lvm-ink", width: side, height: side, "aria-hidden": "true" });
  const frame = h("i", { class: "lvm-receptive" });
  const fingers = kit.view.matchMedia("(pointer: coarse)").matches;
  const row = h(
    "div",
    { class: "lvm-token-row lvm-token-drawn" },
    input.node,
    h(
      "div",
      { class: "lvm-token-side" },
      h(
        "div",
        { class: "lvm-caption" },
        fingers
          ? "its tokens: tap to paint, or drag from the marked one; elsewhere a swipe scrolls"
          : "its tokens: paint on them",
      ),
      paper.node,
    ),
    h(
      "div",
      { class: "lvm-token-side" },
      h("div", { class: "lvm-caption lvm-fill-model" }, "decoded; frame: its field"),
      h("div", { class: "lvm-screen lvm-token-out" }, output, frame),
    ),
  );
  const palette = makePalette(kit, made, { choose: (brush) => kept.change({ brush }) });
  const insight = makeInsight(h);
  const check = makeCheck(h, "an edit stays inside its field");

  // ---- controls
  const brush = kept.slider("brush", {
    label: "brush",
    change: (rank) => kept.change({ brush: palette.order[rank] }),
    value: () => palette.rank(kept.state.brush),
  });
  const undo = button(h, "Undo", () => {
    const edits = before.at(-1);
    if (edits === undefined) return;
    before = before.slice(0, -1);
    kept.change({ edits });
  });
  layOut(kit, {
    title: "What does one token say, and how far does it reach?",
    given,
    picture: [
      row,
      h("div", { class: "lvm-caption lvm-palette-head" }, `the brush: ${size} codes, like by like`),
      palette.node,
    ],
    hand: [
      h(
        "div",
        { class: "lvm-buttons" },
        undo,
        button(h, "Pick code", () => kept.change({ brush: now.all[kept.state.place] }), {
          title: "the brush takes the code here",
        }),
        button(h, "Unpaint all", () => {
          if (kept.state.edits) {
            before = [...before, kept.state.edits].slice(-BACK);
            kept.change({ edits: "" });
          }
        }),
      ),
      h("div", { class: "lvm-sliders" }, brush.node),
    ],
    insight,
    rest: [
      h(
        "div",
        { class: "lvm-buttons" },
        button(h, "Reset", () => {
          stop();
          input.forget();
          kept.reset();
        }),
        kept.share,
      ),
    ],
    check,
    live: live.region,
    broad: true,
  });

  // ---- drawing
  function draw(state) {
    const { stated, ...beside } = numbers(state);
    now = { ...beside, ...stated, stated };
    input.draw(shownText(state));
    const pen = output.getContext("2d");
    pen.putImageData(imageOf(pen, now.picture), 0, 0);
    paper.draw(now);
    palette.draw(state.brush);
    const [r, c] = [Math.floor(state.place / grid), state.place % grid];
    const [top, left] = [Math.max(r - reach, 0), Math.max(c - reach, 0)];
    frame.style.top = `${(100 * top) / grid}%`;
    frame.style.left = `${(100 * left) / grid}%`;
    frame.style.height = `${(100 * (Math.min(r + reach + 1, grid) - top)) / grid}%`;
    frame.style.width = `${(100 * (Math.min(c + reach + 1, grid) - left)) / grid}%`;
    const rank = palette.rank(state.brush);
    brush.update(rank, `code ${state.brush}, place ${rank + 1} of ${size}`);
    undo.disabled = before.length === 0;
    tell(h, check, now, made);
    teach(insight, stated);
    kept.tell(now.stated);
  }

  // ---- hands: what the brush is drawn over is painted; a mouse may begin anywhere on the grid, a finger on the ring,
  // since elsewhere it scrolls the page
  const stroke = (starts) => ({
    start(event) {
      if (!starts(event)) return false;
      kept.hold(true);
      const { edits, place } = kept.state;
      return { edits, place, last: paper.at(event), from: [event.clientX, event.clientY], over: false };
    },
    move(event, memory) {
      if (!memory.over && Math.hypot(event.clientX - memory.from[0], event.clientY - memory.from[1]) < 3) return;
      memory.over = true;
      const place = paper.at(event);
      const way = between(memory.last, place, grid);
      memory.last = place;
      paint(
        way.map((on) => [on, kept.state.brush]),
        { place },
      );
    },
    end: () => kept.hold(false),
    revert: (memory) => kept.change({ edits: memory.edits, place: memory.place }),
  });
  onCleanup(
    drag(
      paper.handle,
      stroke(() => true),
    ),
  );
  onCleanup(
    drag(
      paper.svg,
      stroke((event) => event.pointerType !== "touch"),
    ),
  );
  kept.redraw.now();
});

function spoken(n, { grid }) {
  return (
    `Row ${Math.floor(n.place / grid) + 1}, column ${(n.place % grid) + 1}: code ${n.all[n.place]}. ${n.painted} ` +
    `painted, ` +
    `${n.moved} pixels moved. Squared error ${fixed(n.error, 3)} per pixel. The rate is ${nats(n.rate, 3)}.`
  );
}

/** What holds, in words. */
function tell(h, check, n, { places, size }) {
  check.holds(n.outside === 0);
  const edits =
    n.painted === 0
      ? "Nothing is painted, and nothing moves."
      : `${n.painted} painted, ${n.moved} pixels moved, ${n.outside === 0 ? "none" : n.outside} of them outside the ` +
        `fields.`;
  sentence(h, check.told, [
    ["strong", `${edits} `],
    [
      "plain",
      `One token reaches ${n.field} of 784 pixels here. Rate *M* log *K* = ${places} log ${size} = ` +
        `${fixed(n.rate, 2)} nats, whatever is painted.`,
    ],
  ]);
}

/** What this state teaches. */
function teach(insight, n) {
  if (n.painted)
    insight.tell(
      n,
      `{painted:0} painted, {moved:0} pixels moved, ${n.outside ? "{outside:0}" : "none"} of them outside the frames.`,
      "The rate stays {rate:1} nats: a code of fixed length asks the same for every painting.",
    );
  else
    insight.tell(
      n,
      "The names of all tokens take {rate:1} nats, and a token moves at most {field:0} pixels.",
      "Paint one, and see what moves.",
    );
}
