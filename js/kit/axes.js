// Scales, ticks and paths: numbers in, numbers and strings out. No DOM.

/** A linear map from a domain to pixels, with its inverse. */
export function scale([d0, d1], [r0, r1]) {
  const k = (r1 - r0) / (d1 - d0);
  const map = (value) => r0 + (value - d0) * k;
  map.inverse = (pixel) => d0 + (pixel - r0) / k;
  map.domain = [d0, d1];
  map.range = [r0, r1];
  return map;
}

/** Round numbers from low to high, about `count` of them. */
export function ticks(low, high, count) {
  const raw = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= raw * 0.999) ?? 10 * power;
  const out = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) {
    const value = i * step;
    out.push(Math.abs(value) < step * 1e-9 ? 0 : Number(value.toPrecision(12)));
  }
  return out;
}

const r = (v) => Math.round(v * 10) / 10;

/** "M x y L x y ..." through the points; those inside a level stretch are left out. */
export function path(xs, ys) {
  const last = xs.length - 1;
  let d = "";
  let before = NaN;
  let here = r(ys[0]);
  for (let i = 0; i <= last; i++) {
    const next = i < last ? r(ys[i + 1]) : NaN;
    const between = here === before && here === next && (xs[i] - xs[i - 1]) * (xs[i + 1] - xs[i]) >= 0;
    if (!between) d += `${i ? "L" : "M"}${r(xs[i])} ${here}`;
    before = here;
    here = next;
  }
  return d;
}

/** The closed area between two curves over the same xs; `lower` may be one number. */
export function area(xs, upper, lower) {
  const d = path(xs, upper);
  const last = xs.length - 1;
  if (typeof lower === "number") return `${d}L${r(xs[last])} ${r(lower)}L${r(xs[0])} ${r(lower)}Z`;
  let back = "";
  for (let i = last; i >= 0; i--) back += `L${r(xs[i])} ${r(lower[i])}`;
  return `${d}${back}Z`;
}

/** The box behind a label of that many pixels: [x, y, width, height], a little wider than its words. */
export function plate({ x, y, anchor = "start", size = 12 }, text) {
  const wide = 0.62 * size * text.length + 6;
  const left = { start: x - 3, middle: x - wide / 2, end: x - wide + 3 }[anchor];
  return [r(left), r(y - 0.92 * size), r(wide), r(1.2 * size)];
}

/** Diagonal hatching for a box of that size, to be clipped by it: a pattern without an id. */
export function hatch(width, height, gap = 7) {
  let d = "";
  for (let x = -height; x < width; x += gap) d += `M${r(x)} ${height}L${r(x + height)} 0`;
  return d;
}

/** Where a label of that many characters may stand so that it stays in [low, high]: centre, held to the ends. */
export function held(centre, text, low, high, perCharacter = 7) {
  const half = 0.5 * text.length * perCharacter;
  return Math.min(Math.max(centre, low + half), Math.max(high - half, low + half));
}
