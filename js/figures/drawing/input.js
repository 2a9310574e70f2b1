// Where an image comes in: a pad to draw on, x pixel by pixel, the 28 x 28 image that the encoder sees, and stored
// images. The pad stands beside the image, or it is the image itself (`within`).

import { normalised, rendered, SIDE, settled } from "../../engine/drawing.js";
import { button } from "../../kit/controls.js";
import { set } from "../../kit/dom.js";
import { drag } from "../../kit/handles.js";
import { inkCanvas } from "./ink.js";

const PAD = 140; // units of the pad's own drawing, whatever its size on the screen

/**
 * The pad and x. `form` says how an image is a text (js/engine/drawing.js: BLACK_AND_WHITE or GREY); `change(text)`
 * takes a new x, `hold(on)` says that a stroke begins and ends; a stroke that is taken back goes to `restore(memory)`
 * with what `remember()` gave before it; `say(words)` speaks of the pixel under the cursor. `draw(text)` shows x,
 * `forget()` empties the pad. `within`: a stroke is drawn into the image itself, on an empty page; nothing moves under
 * the hand, and when it is lifted the drawing takes the size and the place that the data's digits have.
 */
export function makeInput({ h, s, view, onCleanup }, { form, change, hold, remember, restore, say, within = false }) {
  let strokes = [];
  let shown = "";
  let cursor = [14, 14];

  // ---- x, pixel by pixel
  const x = inkCanvas(h);
  const mark = h("i", { class: "lvm-cursor" });
  const pixels = h(
    "div",
    {
      class: "lvm-pixels",
      tabindex: "0",
      role: "application",
      "aria-label": "The image x, 28 by 28 pixels. Arrows move over the pixels, Space turns one black or white.",
    },
    x.node,
    mark,
  );
  const place = () => {
    const [row, column] = cursor;
    mark.style.transform = `translate(${column * 100}%, ${row * 100}%)`;
  };
  const turn = ([row, column]) => {
    const image = form.read(shown);
    const at = row * SIDE + column;
    image[at] = image[at] > 0.5 ? 0 : 1;
    forget();
    change(form.written(image));
    return shade(image[at]);
  };
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  pixels.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = moves[event.key];
    const turned = event.key === " " || event.key === "Enter";
    if (!by && !turned) return;
    event.preventDefault();
    if (by) cursor = cursor.map((v, i) => Math.min(Math.max(v + by[i] * (event.shiftKey ? 5 : 1), 0), SIDE - 1));
    const [row, column] = cursor;
    const is = turned ? turn(cursor) : shade(form.read(shown)[row * SIDE + column]);
    say(`row ${row + 1}, column ${column + 1}, ${is}`);
    place();
  });
  let drew = false; // since the press: a click then turns no pixel
  pixels.addEventListener("click", (event) => {
    if (drew) return;
    const box = pixels.getBoundingClientRect();
    const at = (v, size) => Math.min(Math.max(Math.floor((SIDE * v) / size), 0), SIDE - 1);
    cursor = [at(event.clientY - box.top, box.height), at(event.clientX - box.left, box.width)];
    turn(cursor);
    place();
  });
  place();

  // ---- the pad: a mouse or a pen draws at once, a finger after "Draw" was pressed, so that it can scroll past
  const ink = s("path", { class: "lvm-pad-ink" });
  const hint = s(
    "text",
    { class: "lvm-pad-hint", x: PAD / 2, y: PAD / 2, "text-anchor": "middle", "dominant-baseline": "middle" },
    view.matchMedia("(pointer: coarse)").matches ? "press Draw" : "draw here",
  );
  const svg = s("svg", { class: "lvm-pad-svg", viewBox: `0 0 ${PAD} ${PAD}`, "aria-hidden": "true" }, hint, ink);
  const pad = h("div", { class: `lvm-pad${within ? " is-within" : ""}` }, within ? [] : svg);
  const units = within ? SIDE : PAD;
  const at = (event) => {
    const box = pad.getBoundingClientRect();
    const clamp = (v) => Math.min(Math.max(v, 0), units);
    return [
      clamp(((event.clientX - box.left) / box.width) * units),
      clamp(((event.clientY - box.top) / box.height) * units),
    ];
  };
  const redo = () => {
    if (strokes.length) change(form.drawn(within ? rendered(strokes) : normalised(strokes, PAD)));
    paintPad();
  };
  const lift = () => {
    if (within && drew) {
      strokes = settled(strokes, SIDE);
      redo();
    }
  };
  const paintPad = () => {
    if (within) return;
    const d = strokes.map(
      (points) =>
        `M${points.map((p) => p.map((v) => v.toFixed(1)).join(" ")).join("L")}${points.length < 2 ? "h0" : ""}`,
    );
    set(ink, { d: d.join("") });
    hint.style.display = strokes.length ? "none" : "";
  };
  let armed = false;
  onCleanup(
    drag(pad, {
      start(event) {
        drew = !within;
        if (event.pointerType === "touch" && !armed) return false;
        if (!within) event.preventDefault();
        hold(true);
        const memory = { strokes, state: remember(), from: at(event), undone: false };
        if (!within) {
          strokes = [...strokes, [memory.from]];
          redo();
        }
        return memory;
      },
      move(event, memory) {
        const b = at(event);
        if (!drew) strokes = [...strokes, [memory.from]];
        const stroke = strokes.at(-1);
        const a = stroke.at(-1);
        if (Math.hypot(a[0] - b[0], a[1] - b[1]) < units / PAD) {
          if (!drew) strokes = memory.strokes;
          return;
        }
        drew = true;
        stroke.push(b);
        redo();
      },
      end(memory) {
        if (!memory.undone) lift();
        hold(false);
      },
      revert(memory) {
        memory.undone = true;
        strokes = memory.strokes;
        paintPad();
        restore(memory.state);
      },
    }),
  );
  const arm = button(
    h,
    "Draw",
    () => {
      armed = !armed;
      if (within) pixels.classList.toggle("is-armed", armed);
      pad.classList.toggle("is-armed", armed);
      panel.classList.toggle("is-large", armed);
      arm.setAttribute("aria-pressed", String(armed));
    },
    { "aria-pressed": "false", class: `lvm-button${within ? " lvm-for-fingers" : ""}` },
  );
  function forget() {
    strokes = [];
    paintPad();
  }
  const clear = button(h, "Clear", () => {
    forget();
    change(form.written(new Float64Array(SIDE * SIDE)));
  });

  const letter = h("b", {}, h("var", {}, "x"));
  const caption = h(
    "div",
    { class: "lvm-caption lvm-fill-data" },
    within ? [letter, ": draw", h("span", { class: "lvm-wider" }, " on it")] : ["input ", letter],
  );
  const buttons = h("div", { class: "lvm-pad-buttons" }, arm, clear);
  if (within) {
    pixels.append(pad);
  }
  const panel = within
    ? h("div", { class: "lvm-panel-x" }, caption, pixels, buttons)
    : h(
        "div",
        { class: "lvm-panel-pad" },
        h("div", { class: "lvm-caption" }, h("b", {}, "Draw"), " your own"),
        pad,
        buttons,
      );
  const node = h(
    "div",
    { class: `lvm-side lvm-side-in${within ? " is-within" : ""}` },
    within ? [] : h("div", { class: "lvm-panel-x" }, caption, pixels),
    panel,
  );

  return {
    node,
    forget,
    draw(text) {
      if (text === shown) return;
      shown = text;
      x.paint(form.read(text));
    },
  };
}

/** A grey level in words. */
const shade = (v) => (v === 0 ? "white" : v === 1 ? "black" : `${Math.round(100 * v)} percent grey`);

/** One button for each class of stored images: `picked(c)` when that of class c is pressed. */
export function makePicks({ h }, { names, picked }) {
  const node = h(
    "div",
    { class: "lvm-picks", role: "group", "aria-label": "Stored test images, not seen in training" },
    names.map((name, i) =>
      h(
        "button",
        { type: "button", class: "lvm-pick", "aria-label": `test image: ${name}` },
        name.length === 1 ? name : String(i),
      ),
    ),
  );
  [...node.children].forEach((one, i) => one.addEventListener("click", () => picked(i)));
  return h(
    "div",
    { class: "lvm-splits-head lvm-pick-row" },
    h("span", { class: "lvm-label" }, "Pick a test image"),
    node,
  );
}
