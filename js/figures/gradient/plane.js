// The plane: f along z, q standing on the axis with its handles, and a stroke for each sample.

import { eps, FUNCTIONS } from "../../engine/gradient.js";
import { area, path, scale, ticks } from "../../kit/axes.js";
import { crop, say, set } from "../../kit/dom.js";
import { counted, fixed } from "../../kit/format.js";
import { gaussianHandles, nearby, putGaussian } from "../../kit/gaussian.js";
import { maths, swatch } from "../../kit/maths.js";

const Z = [-3.5, 3.5]; // what the plane shows
const F = { joint: [-12, 0], wave: [-2, 1.25] };
const NAMES = { joint: "*f*(*z*) = log *p*(*x*, *z*)", wave: "*f*(*z*) = cos 6*z*" };

export function makePlane({ h, s }) {
  const keys = { f: swatch(h, "line-model"), q: swatch(h, "q"), draws: swatch(h, "stroke") };
  const keyTop = h("div", { class: "lvm-keys" }, Object.values(keys));
  const marks = {
    grid: s("path", { class: "lvm-grid" }),
    frame: s("path", { class: "lvm-axis" }),
    f: s("path", { class: "lvm-curve" }),
    q: s("path", { class: "lvm-q-area" }),
    spread: s("path", { class: "lvm-spread" }),
    rug: s("path", { class: "lvm-rug lvm-rug-q", "data-of": "re sf" }),
  };
  const inside = s("svg", { class: "lvm-clip" }, marks.q, marks.f);
  const labels = s("g", { class: "lvm-ticks" });
  const heights = s("g", { class: "lvm-ticks" });
  const svg = s(
    "svg",
    { class: "lvm-svg lvm-plane-svg", "aria-hidden": "true" },
    marks.grid,
    inside,
    marks.rug,
    marks.spread,
    marks.frame,
    labels,
    heights,
  );
  const handles = gaussianHandles(h);
  const stage = h("div", { class: "lvm-stage" }, svg, Object.values(handles));
  const node = h("div", { class: "lvm-plane" }, keyTop, stage);
  const scales = { z: scale(Z, [0, 1]) };
  let box = null;
  let laid = "";
  let y = null;

  function layOut(width, f) {
    const [left, right, top] = [34, width - 8, 6];
    const bottom = width < 480 ? 140 : 170;
    const height = bottom + 34;
    box = { width, left, right, top, bottom };
    scales.z = scale(Z, [left, right]);
    y = scale(F[f], [bottom, top]);
    set(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    crop(inside, left, right, top, bottom);
    const zs = ticks(...Z, 7);
    set(marks.grid, { d: zs.map((v) => `M${scales.z(v)} ${top}V${bottom}`).join("") });
    set(marks.frame, { d: `M${left} ${top}V${bottom}H${right}` });
    labels.replaceChildren(
      ...zs.map((v) => s("text", { x: scales.z(v), y: bottom + 28, "text-anchor": "middle" }, fixed(v, 0))),
      s("text", { x: right, y: bottom + 28, "text-anchor": "end", class: "lvm-axis-name" }, "z"),
    );
    heights.replaceChildren(
      ...ticks(...F[f], 3).map((v) => s("text", { x: left - 6, y: y(v) + 4, "text-anchor": "end" }, fixed(v, 0))),
    );
    const xs = [];
    for (let px = left; px <= right; px += 1) xs.push(px);
    const low = 2 * F[f][0];
    set(marks.f, {
      d: path(
        xs,
        xs.map((px) => y(Math.max(FUNCTIONS[f].of(scales.z.inverse(px)), low))),
      ),
    });
    keys.f.lastChild.replaceChildren(...maths(h, NAMES[f]));
    laid = `${width} ${f}`;
  }

  function draw(width, n) {
    if (laid !== `${width} ${n.f}`) layOut(width, n.f);
    const { left, right, bottom } = box;
    const tall = 0.5 * (bottom - box.top);
    const xs = [];
    for (let px = left; px <= right; px += 2) xs.push(px);
    const all = [...xs, ...nearby(n).map(scales.z)].sort((a, b) => a - b);
    const bell = (px) => bottom - tall * Math.exp(-0.5 * ((scales.z.inverse(px) - n.mean) / n.std) ** 2);
    set(marks.q, { d: area(all, all.map(bell), bottom) });
    let strokes = "";
    for (const e of eps(n.seed, n.n)) {
      const px = scales.z(n.mean + n.std * e);
      if (px > left && px < right) strokes += `M${px.toFixed(1)} ${bottom + 3}v9`;
    }
    set(marks.rug, { d: strokes, "stroke-opacity": n.n > 100 ? 0.35 : 1 });
    const side = bottom - tall * Math.exp(-0.5);
    putGaussian(handles, marks.spread, n, { z: scales.z, top: bottom - tall, side, base: bottom, width: box.width });
    say(keys.q.lastChild, `q = N(${fixed(n.mean, 2)}, ${fixed(n.std, 2)}²)`);
    say(keys.draws.lastChild, `${counted(n.n)} ${n.n === 1 ? "sample" : "samples"} z`);
  }

  return { node, svg, handles, scales, draw, measure: () => Math.floor(stage.clientWidth) };
}
