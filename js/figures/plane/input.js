// The left of the figure: a pad to draw on, stored images to pick, and x, the 28 x 28 image that the encoder sees.

import { binarised, normalised, readImage, SIDE, written } from "../../engine/drawing.js";
import { button } from "../../kit/controls.js";
import { set } from "../../kit/dom.js";
import { drag } from "../../kit/handles.js";
import { inkCanvas } from "./ink.js";

const PAD = 140; // units of the pad's own drawing, whatever its size on the screen

/**
 * `picks` is a list, for each class, of images as text; `change(text)` takes a new x, `hold(on)` says that a stroke
 * begins and ends, `say(words)` speaks of the pixel under the cursor.
 */
export function makeInput({ h, s, view, onCleanup }, { names, picks, change, hold, say }) {
  let strokes = [];
  let shown = "";
  let cursor = [14, 14];

  // ---- x, pixel by pixel
  const x = inkCanvas(h);
  const mark = h("i", { class: "lvm-cursor" });
  const pixels = h("div", {
    class: "lvm-pixels", tabindex: "0", role: "application",
    "aria-label": "The image x, 28 by 28 pixels. Arrows move over the pixels, Space turns one black or white.",
  }, x.node, mark);
  const place = () => {
    const [row, column] = cursor;
    mark.style.transform = `translate(${column * 100}%, ${row * 100}%)`;
  };
  const turn = ([row, column]) => {
    const image = readImage(shown);
    const at = row * SIDE + column;
    image[at] = 1 - image[at];
    strokes = [];
    change(written(image));
    return image[at] ? "black" : "white";
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
    const is = turned ? turn(cursor) : readImage(shown)[row * SIDE + column] ? "black" : "white";
    say(`row ${row + 1}, column ${column + 1}, ${is}`);
    place();
  });
  pixels.addEventListener("click", (event) => {
    const box = pixels.getBoundingClientRect();
    const at = (v, size) => Math.min(Math.max(Math.floor(SIDE * v / size), 0), SIDE - 1);
    cursor = [at(event.clientY - box.top, box.height), at(event.clientX - box.left, box.width)];
    turn(cursor);
    place();
  });
  place();

  // ---- the pad: a mouse or a pen draws at once, a finger after "Draw" was pressed, so that it can scroll past
  const ink = s("path", { class: "lvm-pad-ink" });
  const hint = s("text", { class: "lvm-pad-hint", x: PAD / 2, y: PAD / 2, "text-anchor": "middle", "dominant-baseline": "middle" },
    view.matchMedia("(pointer: coarse)").matches ? "press Draw" : "draw here");
  const svg = s("svg", { class: "lvm-pad-svg", viewBox: `0 0 ${PAD} ${PAD}`, "aria-hidden": "true" }, hint, ink);
  const pad = h("div", { class: "lvm-pad" }, svg);
  const at = (event) => {
    const box = pad.getBoundingClientRect();
    const clamp = (v) => Math.min(Math.max(v, 0), PAD);
    return [clamp((event.clientX - box.left) / box.width * PAD), clamp((event.clientY - box.top) / box.height * PAD)];
  };
  const redo = () => {
    if (strokes.length) change(written(binarised(normalised(strokes, PAD))));
    paintPad();
  };
  const paintPad = () => {
    const d = strokes.map((points) => `M${points.map((p) => p.map((v) => v.toFixed(1)).join(" ")).join("L")}${points.length < 2 ? "h0" : ""}`);
    set(ink, { d: d.join("") });
    hint.style.display = strokes.length ? "none" : "";
  };
  let armed = false;
  onCleanup(drag(pad, {
    start(event) {
      if (event.pointerType === "touch" && !armed) return false;
      event.preventDefault();
      hold(true);
      const memory = { strokes, x: shown };
      strokes = [...strokes, [at(event)]];
      redo();
      return memory;
    },
    move(event) {
      const stroke = strokes.at(-1);
      const [a, b] = [stroke.at(-1), at(event)];
      if (Math.hypot(a[0] - b[0], a[1] - b[1]) < 1) return;
      stroke.push(b);
      redo();
    },
    end: () => hold(false),
    revert(memory) { strokes = memory.strokes; paintPad(); change(memory.x); },
  }));
  const arm = button(h, "Draw", () => {
    armed = !armed;
    pad.classList.toggle("is-armed", armed);
    panel.classList.toggle("is-large", armed);
    arm.setAttribute("aria-pressed", String(armed));
  }, { "aria-pressed": "false" });
  const clear = button(h, "Clear", () => { strokes = []; paintPad(); change(written(new Uint8Array(SIDE * SIDE))); });

  // ---- stored images, one button for each class; pressed again, the next of the class
  const choose = (of) => {
    strokes = [];
    paintPad();
    change(of[(of.indexOf(shown) + 1) % of.length]);
  };
  const stored = h("div", { class: "lvm-picks", role: "group", "aria-label": "Stored test images, not seen in training" },
    picks.map((of, i) => h("button", { type: "button", class: "lvm-pick", "aria-label": `test image: ${names[i]}` },
      names[i].length === 1 ? names[i] : String(i))));
  [...stored.children].forEach((node, i) => node.addEventListener("click", () => choose(picks[i])));

  const panel = h("div", { class: "lvm-panel-pad" }, h("div", { class: "lvm-caption" }, h("b", {}, "Draw"), " your own"), pad,
    h("div", { class: "lvm-pad-buttons" }, arm, clear));
  const node = h("div", { class: "lvm-side lvm-side-in" },
    h("div", { class: "lvm-panel-x" }, h("div", { class: "lvm-caption lvm-fill-data" }, "input ", h("b", {}, h("var", {}, "x"))), pixels), panel);

  return {
    node, stored,
    draw(text) {
      if (text === shown) return;
      shown = text;
      x.paint(readImage(text));
    },
    forget() { strokes = []; paintPad(); },
  };
}
