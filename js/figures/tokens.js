// Live figure 10: the tokens of a digit, given or drawn, under the reader's brush; what is decoded, and how far one
// token reaches. state -> x -> tokens -> image (js/engine/tokens.js) -> picture. Nothing is drawn that numbers() did
// not compute.

import { GREY, PIXELS, readGrey, writtenGrey } from "../engine/drawing.js";
import { bytesOf } from "../engine/nn.js";
import { tokenNets } from "../engine/tokens.js";
import { announcer } from "../kit/announce.js";
import { button, slider } from "../kit/controls.js";
import { set } from "../kit/dom.js";
import { figure } from "../kit/figure.js";
import { fixed, nats } from "../kit/format.js";
import { drag, keyed } from "../kit/handles.js";
import { keep } from "../kit/keep.js";
import { numeric } from "../kit/link.js";
import { sentence } from "../kit/maths.js";
import { imageOf } from "./drawing/ink.js";
import { makeInput, makePicks } from "./drawing/input.js";
import { makePaper, makePalette } from "./tokens/paper.js";

const KEYS = ["image", "drawn", "edits", "place", "brush"];
const MOVED = 1e-9;
const CENTRE = 406;
const PATCH = 4;
const BACK = 50; // edits that Undo remembers

export default figure("tokens", "Live figure: paint over the tokens of a digit and see what is decoded", (kit) => {
  const { root, h, model, onCleanup } = kit;
  const made = tokenNets(model.get("nets"), model.get("weights"));
  const names = model.get("names");
  const stored = bytesOf(model.get("images"));
  const { places, size, grid, reach } = made;
  const side = PATCH * grid;
  const picks = Array.from({ length: stored.length / PIXELS }, (_, i) =>
    writtenGrey(stored.subarray(PIXELS * i, PIXELS * (i + 1))),
  );
  const each = picks.length / names.length;
  const seen = { text: "" }; // the last image, its tokens and what they decode to
  let before = []; // edits to go back to
  let now = null;
  let draws = 0;

  const shownText = (s) => s.drawn || picks[s.image];
  const unedited = (text) => {
    if (text !== seen.text) {
      const pixels = GREY.read(text);
      const tokens = made.encode(pixels);
      Object.assign(seen, { text, pixels, tokens, image: made.decode(tokens) });
    }
    return seen;
  };

  /** Every number that the figure states: the twin of `numbers` in lvm_lib/figures/tokens.py. */
  function numbers(s) {
    const from = unedited(shownText(s));
    const edits = read(s.edits);
    const tokens = from.tokens.slice();
    const field = new Uint8Array(side * side);
    for (const [place, code] of edits) {
      tokens[place] = code;
      mark(field, place);
    }
    const image = edits.length ? made.decode(tokens) : from.image;
    let [moved, outside, error] = [0, 0, 0];
    for (let d = 0; d < image.length; d++) {
      if (Math.abs(image[d] - from.image[d]) > MOVED) {
        moved++;
        if (!field[d]) outside++;
      }
      error += (image[d] - from.pixels[d]) ** 2 / image.length;
    }
    const own = new Uint8Array(side * side);
    mark(own, s.place);
    return {
      ...s,
      all: tokens,
      from: from.tokens,
      picture: image,
      painted: edits.length,
      moved,
      outside,
      error,
      field: own.reduce((a, b) => a + b, 0),
      rate: places * Math.log(size),
      brightness: image.reduce((a, b) => a + b, 0) / image.length,
      centre: image[CENTRE],
    };
  }

  /** Mark the pixels that a token can change. */
  function mark(field, place) {
    const [row, column] = [Math.floor(place / grid), place % grid];
    for (let y = Math.max(row - reach, 0) * PATCH; y < Math.min(row + reach + 1, grid) * PATCH; y++) {
      for (let x = Math.max(column - reach, 0) * PATCH; x < Math.min(column + reach + 1, grid) * PATCH; x++)
        field[y * side + x] = 1;
    }
  }

  const whole = (v, high, other) => (Number.isFinite(v) ? Math.min(Math.max(Math.round(v), 0), high) : other);
  const reachable = (values, fallback) => ({
    image: whole(values.image, picks.length - 1, fallback.image),
    drawn: values.drawn === "" || readGrey(values.drawn) ? values.drawn : fallback.drawn,
    edits: checked(values.edits, places, size) ?? fallback.edits,
    place: whole(values.place, places - 1, fallback.place),
    brush: whole(values.brush, size - 1, fallback.brush),
  });
  const kept = keep(kit, {
    name: "tokens",
    traits: Object.fromEntries(KEYS.map((key) => [key, key])),
    reachable,
    start: {
      image: Math.min(3 * each, picks.length - 1),
      drawn: "",
      edits: "",
      place: Math.floor(places / 2),
      brush: 0,
    },
    encode: (s) => ({ i: s.image, x: s.drawn, e: s.edits, p: s.place, b: s.brush }),
    decode: (strings) => ({
      image: numeric(strings.i),
      drawn: strings.x ?? "",
      edits: strings.e ?? "",
      place: numeric(strings.p),
      brush: numeric(strings.b),
    }),
    report: () => ({ rate: places * Math.log(size) }),
    adapt: () => false,
    speak: () => live.speak(spoken(now, made)),
    draw,
  });

  /** Paint codes over places: [[place, code], ...]; a code that stood there before any edit is no edit. */
  function paint(pairs, more = {}) {
    const edits = new Map(read(kept.state.edits));
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
  const row = h(
    "div",
    { class: "lvm-token-row lvm-token-drawn" },
    input.node,
    h(
      "div",
      { class: "lvm-token-side" },
      h("div", { class: "lvm-caption" }, "its tokens: paint over them"),
      paper.node,
    ),
    h(
      "div",
      { class: "lvm-token-side" },
      h("div", { class: "lvm-caption lvm-fill-model" }, "decoded; the frame is the token's field"),
      h("div", { class: "lvm-screen lvm-token-out" }, output, frame),
    ),
  );
  const palette = makePalette(kit, made, { choose: (brush) => kept.change({ brush }) });
  const invariant = h("p", { class: "lvm-invariant" });

  // ---- controls
  const brush = slider(h, {
    label: "brush: code",
    low: 0,
    high: size - 1,
    step: 1,
    hold: kept.hold,
    input: (v) => kept.change({ brush: Math.round(v) }),
    key: (event) =>
      event.key === "End" ? size - 1 : keyed(event, kept.state.brush, { low: 0, high: size - 1, step: 1, leap: 16 }),
  });
  const undo = button(h, "Undo", () => {
    const edits = before.at(-1);
    if (edits === undefined) return;
    before = before.slice(0, -1);
    kept.change({ edits });
  });
  root.append(
    h("div", { class: "lvm-title" }, "What does one token say, and how far does it reach?"),
    given,
    row,
    h("div", { class: "lvm-caption lvm-palette-head" }, `the ${size} codes, each as a patch`),
    palette.node,
    invariant,
    h(
      "div",
      { class: "lvm-controls" },
      h(
        "div",
        { class: "lvm-buttons" },
        undo,
        button(h, "Take the code here", () => kept.change({ brush: now.all[kept.state.place] })),
        button(h, "Unpaint all", () => {
          if (kept.state.edits) {
            before = [...before, kept.state.edits].slice(-BACK);
            kept.change({ edits: "" });
          }
        }),
        button(h, "Reset", () => {
          stop();
          input.forget();
          kept.reset();
        }),
        kept.share,
      ),
      h("div", { class: "lvm-sliders" }, brush.node),
    ),
    live.region,
  );

  // ---- drawing
  function draw(state) {
    now = numbers(state);
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
    brush.update(state.brush, String(state.brush), `code ${state.brush}`);
    undo.disabled = before.length === 0;
    tell(h, invariant, now, made);
    set(root, { "data-numbers": JSON.stringify(machineReadable(now)), "data-draws": ++draws });
  }

  // ---- hands: the brush is a handle; what it is drawn over is painted
  onCleanup(
    drag(paper.handle, {
      start(event) {
        kept.hold(true);
        return { edits: kept.state.edits, place: kept.state.place, from: [event.clientX, event.clientY] };
      },
      move(event, memory) {
        if (!memory.over && Math.hypot(event.clientX - memory.from[0], event.clientY - memory.from[1]) < 3) return;
        memory.over = true;
        const place = paper.at(event);
        paint([[place, kept.state.brush]], { place });
      },
      end: () => kept.hold(false),
      revert: (memory) => kept.change({ edits: memory.edits, place: memory.place }),
    }),
  );
  kept.redraw.now();
});

const read = (text) => (text ? text.split(",").map((pair) => pair.split(":").map(Number)) : []);

/** Edits from text, or undefined where it holds none. */
function checked(text, places, size) {
  if (text === "") return "";
  if (typeof text !== "string" || !/^\d{1,6}:\d{1,6}(,\d{1,6}:\d{1,6})*$/.test(text)) return undefined;
  const edits = read(text);
  const fine = edits.every(([place, code], i) => place < places && code < size && (i === 0 || edits[i - 1][0] < place));
  return fine ? edits.map((pair) => pair.join(":")).join(",") : undefined;
}

function machineReadable(n) {
  return {
    image: n.image,
    drawn: n.drawn,
    edits: n.edits,
    place: n.place,
    brush: n.brush,
    tokens: n.all.join(","),
    painted: n.painted,
    moved: n.moved,
    outside: n.outside,
    field: n.field,
    rate: n.rate,
    brightness: n.brightness,
    centre: n.centre,
    error: n.error,
  };
}

function spoken(n, { grid }) {
  return (
    `Row ${Math.floor(n.place / grid) + 1}, column ${(n.place % grid) + 1}: code ${n.all[n.place]}. ${n.painted} ` +
    `painted, ` +
    `${n.moved} pixels moved. Squared error ${fixed(n.error, 3)} per pixel. The rate is ${nats(n.rate, 3)}.`
  );
}

/** What holds, in words. */
function tell(h, node, n, { places, size }) {
  node.classList.toggle("is-broken", n.outside > 0);
  const edits =
    n.painted === 0
      ? "Nothing is painted, and nothing moves."
      : `${n.painted} painted, ${n.moved} pixels moved, ${n.outside === 0 ? "none" : n.outside} of them outside the ` +
        `fields.`;
  sentence(h, node, [
    ["strong", `${edits} `],
    [
      "plain",
      `One token reaches ${n.field} of 784 pixels here. Rate *M* log *K* = ${places} log ${size} = ` +
        `${fixed(n.rate, 2)} nats, whatever is painted.`,
    ],
  ]);
}
