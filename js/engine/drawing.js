// From strokes to what an encoder sees: a 28 x 28 image, normalised as MNIST's digits were. Pure, no DOM.
//
//   MNIST (LeCun et al. 1998): scale to a box of 20 pixels, the ratio of the sides kept; then move the centre of mass
//   to the middle of 28 x 28. Strokes are as wide as the digits' are, whatever the size of the drawing.
//   A pixel is black with the probability of its grey level, as in the data: its coin is the same for every drawing.

import { uniforms } from "./counter.js";
import { remembered } from "./remembered.js";

export const SIDE = 28;
export const PIXELS = SIDE * SIDE;
const BOX = 20; // pixels of the larger side, stroke width included
export const STROKE = 2; // width of a stroke, pixels of 28 x 28: ink over length of the test digits' skeletons
const SMALLEST = 0.12; // of the pad: a smaller drawing is not blown up to the whole box
const STREAM = 5; // of the counter: other figures draw from others

/** How grey the pixels are for strokes given in pixels: 1 inside a stroke, falling to 0 over one pixel at its edge. */
export function rendered(strokes) {
  const grey = new Float64Array(PIXELS);
  for (const points of strokes) {
    for (let i = 0; i < Math.max(points.length - 1, 1); i++) {
      inkSegment(grey, points[i], points[Math.min(i + 1, points.length - 1)]);
    }
  }
  return grey;
}

function inkSegment(grey, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const square = dx * dx + dy * dy;
  const reach = STROKE / 2 + 0.5;
  const from = (a, b) => Math.max(Math.floor(Math.min(a, b) - reach), 0);
  const to = (a, b) => Math.min(Math.ceil(Math.max(a, b) + reach), SIDE - 1);
  for (let row = from(ay, by); row <= to(ay, by); row++)
    for (let column = from(ax, bx); column <= to(ax, bx); column++) {
      const [px, py] = [column + 0.5 - ax, row + 0.5 - ay];
      const t = square > 0 ? Math.min(Math.max((px * dx + py * dy) / square, 0), 1) : 0;
      const ink = Math.min(Math.max(reach - Math.hypot(px - t * dx, py - t * dy), 0), 1);
      const at = row * SIDE + column;
      if (ink > grey[at]) grey[at] = ink;
    }
}

/** Strokes, lists of [x, y] in any square pad of that size, as grey levels 0..1 of the normalised image. */
export const normalised = (strokes, pad = 1) => rendered(settled(strokes, pad));

/** The same strokes in pixels, in the size and the place that the data's digits have. */
export function settled(strokes, pad = 1) {
  const points = strokes.flat();
  if (!points.length) return [];
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = (BOX - STROKE) / Math.max(right - left, bottom - top, SMALLEST * pad);
  const moved = (cx, cy) =>
    strokes.map((stroke) =>
      stroke.map(([x, y]) => {
        return [(x - (left + right) / 2) * scale + cx, (y - (top + bottom) / 2) * scale + cy];
      }),
    );
  const centred = rendered(moved(SIDE / 2, SIDE / 2));
  const [x, y] = centreOfMass(centred);
  return moved(SIDE - x, SIDE - y);
}

/** The centre of mass of an image, in pixels; the middle if it is empty. */
export function centreOfMass(grey) {
  let [sum, x, y] = [0, 0, 0];
  grey.forEach((v, i) => {
    sum += v;
    x += v * ((i % SIDE) + 0.5);
    y += v * (Math.floor(i / SIDE) + 0.5);
  });
  return sum > 0 ? [x / sum, y / sum] : [SIDE / 2, SIDE / 2];
}

/** @type {Float64Array | undefined} */
let coins;

/**
 * Black and white: pixel i is 1 where its coin, the i-th uniform of the shared generator, falls below its grey level.
 */
export function binarised(grey) {
  coins ??= Float64Array.from({ length: PIXELS }, (_, i) => uniforms(0, i, STREAM)[0]);
  const tossed = coins;
  return Uint8Array.from(grey, (v, i) => (tossed[i] < v ? 1 : 0));
}

// ---- images as text, in base64 for addresses: black and white in 98 bytes, the first pixel in the highest bit; grey
//      in a byte for a pixel, but a run of white pixels in two, 0 and its length (1 to 255)

export const LENGTH = 131; // characters

export function written(pixels) {
  const bytes = new Uint8Array(PIXELS / 8);
  pixels.forEach((v, i) => {
    if (v) bytes[i >> 3] |= 128 >> (i & 7);
  });
  return inBase64(bytes);
}

const inBase64 = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

/**
 * A reader that keeps its last text: each move of a pointer asks for the same image again. The answer is the caller's
 * own.
 */
function lately(read) {
  const found = remembered(read);
  return (text) => found(text)?.slice() ?? null;
}

/** The pixels of such a text, or null if it is none. */
export const readImage = lately((text) => {
  if (typeof text !== "string" || text.length !== LENGTH || !/^[\w-]+$/.test(text)) return null;
  const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  const pixels = Uint8Array.from({ length: PIXELS }, (_, i) => (raw.charCodeAt(i >> 3) >> (7 - (i & 7))) & 1);
  return written(pixels) === text ? pixels : null; // one text for one image
});

/** An image of 784 grey levels, whole numbers 0 (white) to 255 (black), as text. */
export function writtenGrey(levels) {
  const bytes = [];
  for (let d = 0; d < PIXELS; d++) {
    bytes.push(levels[d]);
    if (levels[d]) continue;
    const from = d;
    while (d + 1 < PIXELS && levels[d + 1] === 0 && d + 1 - from < 255) d++;
    bytes.push(d + 1 - from);
  }
  return inBase64(bytes);
}

const LONGEST = 4 * Math.ceil((1.5 * PIXELS) / 3); // white and grey by turns

/** The levels of such a text, or null if it is none. */
export const readGrey = lately((text) => {
  if (typeof text !== "string" || text.length > LONGEST || text.length % 4 === 1 || !/^[\w-]+$/.test(text)) return null;
  const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  const levels = new Uint8Array(PIXELS);
  let d = 0;
  for (let i = 0; i < raw.length && d < PIXELS; i++) {
    const level = raw.charCodeAt(i);
    if (level) levels[d++] = level;
    else d += raw.charCodeAt(++i);
  }
  return d === PIXELS && writtenGrey(levels) === text ? levels : null; // one text for one image
});

// ---- the two forms of an input: `read` gives values 0..1, `written` takes them back, `drawn` takes a
//      normalised drawing

export const BLACK_AND_WHITE = { read: readImage, written, drawn: (grey) => written(binarised(grey)) };

const inLevels = (grey) => writtenGrey(Uint8Array.from(grey, (v) => Math.round(255 * v)));
export const GREY = {
  read: (text) => {
    const levels = readGrey(text);
    return levels && Float64Array.from(levels, (v) => v / 255);
  },
  written: inLevels,
  drawn: inLevels,
};
