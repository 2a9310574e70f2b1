// The plane: the two densities above, the integrand of the chosen KL below, one x axis.

import { logNormal } from "../../engine/densities.js";
import { DATA, integrandOf } from "../../engine/kl.js";
import { line } from "../../engine/quadrature.js";
import { area, path, scale, ticks } from "../../kit/axes.js";
import { crop, say, set, show } from "../../kit/dom.js";
import { counted, fixed } from "../../kit/format.js";
import { gaussianHandles, nearby, putGaussian } from "../../kit/gaussian.js";
import { maths, swatch } from "../../kit/maths.js";

const X = [-6, 6]; // what the plane shows
const TOPS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200];
const BOTTOMS = [-0.25, -0.5, -1];

export function makePlane({ h, s }) {
  const modelKey = swatch(h, "line-model", "model *p*~θ~");
  const modelText = modelKey.lastChild.appendChild(h("span", {}));
  const drawsKey = swatch(h, "draw", "");
  const drawsText = drawsKey.lastChild.appendChild(h("span", {}));
  const integrandKey = swatch(h, "integrand", "");
  const keyTop = h("div", { class: "lvm-keys" }, swatch(h, "density", "data density *p*~data~"), modelKey, drawsKey);
  const keyLow = h(
    "div",
    { class: "lvm-keys" },
    integrandKey,
    swatch(h, "below", "counts negative"),
    swatch(h, "proof", "same area, nowhere negative"),
  );

  const marks = {
    grid: s("path", { class: "lvm-grid" }),
    frame: s("path", { class: "lvm-axis" }),
    data: s("path", { class: "lvm-density", "data-of": "kl expected entropy sum" }),
    rug: s("path", { class: "lvm-rug", "data-of": "average wobble" }),
    model: s("path", { class: "lvm-model", "data-of": "kl expected average sum" }),
    above: s("path", { class: "lvm-positive", "data-of": "kl sum" }),
    below: s("path", { class: "lvm-negative", "data-of": "kl sum" }),
    belowLines: s("path", { class: "lvm-negative-hatch", "data-of": "kl sum" }),
    integrand: s("path", { class: "lvm-integrand", "data-of": "kl sum" }),
    proof: s("path", { class: "lvm-proof", "data-of": "kl" }),
    spread: s("path", { class: "lvm-spread-model", "data-of": "kl expected average" }),
  };
  const upper = s("svg", { class: "lvm-clip" }, marks.data, marks.model);
  const lower = s(
    "svg",
    { class: "lvm-clip" },
    marks.above,
    marks.below,
    marks.belowLines,
    marks.integrand,
    marks.proof,
  );
  const labels = s("g", { class: "lvm-ticks" });
  const heights = [0, 1, 2].map(() => s("text", { "text-anchor": "end" }));
  const depths = [0, 1, 2].map(() => s("text", { "text-anchor": "end" }));
  const svg = s(
    "svg",
    { class: "lvm-svg lvm-plane-svg", "aria-hidden": "true" },
    marks.grid,
    upper,
    lower,
    marks.rug,
    marks.spread,
    marks.frame,
    labels,
    s("g", { class: "lvm-ticks" }, heights, depths),
  );

  const handles = gaussianHandles(h);
  const stage = h("div", { class: "lvm-stage lvm-stage-model" }, svg, Object.values(handles));
  const node = h("div", { class: "lvm-plane" }, keyTop, stage, keyLow);

  const scales = { x: scale(X, [0, 1]) };
  let box = null;
  let laid = 0;
  let reach = { top: 1, bottom: -0.25 }; // of the integrand's axis; moves at rest only
  let ruled = "";
  let kept = { key: "" }; // the pixels
  let drawn = {};

  /** Pixel geometry for a width; ticks of x are made here, once per width and never in a drag. */
  function layOut(width) {
    const narrow = width < 480;
    const [left, right] = [34, width - 8];
    const top = { y0: 6, y1: narrow ? 140 : 170 };
    const low = { y0: top.y1 + 30, y1: top.y1 + 30 + (narrow ? 120 : 140) };
    const height = low.y1 + 22;
    box = { width, height, left, right, top, low };
    scales.x = scale(X, [left, right]);
    set(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    crop(upper, left, right, top.y0, top.y1);
    crop(lower, left, right, low.y0, low.y1);
    const xs = ticks(...X, narrow ? 6 : 12);
    set(marks.grid, {
      d: xs.map((v) => `M${scales.x(v)} ${top.y0}V${top.y1}M${scales.x(v)} ${low.y0}V${low.y1}`).join(""),
    });
    labels.replaceChildren(
      ...xs
        .slice(0, -1)
        .map((v) => s("text", { x: scales.x(v), y: low.y1 + 17, "text-anchor": "middle" }, fixed(v, 0))),
      s("text", { x: right, y: low.y1 + 17, "text-anchor": "end", class: "lvm-axis-name" }, "x"),
    );
    laid = width;
    ruled = "";
  }

  function draw(width, n, draws) {
    if (laid !== width) layOut(width);
    const { left, top } = box;
    const at = finely(onPixels(n.data), DATA[n.data], n);
    const tall = Math.exp(logNormal(0, 0, n.std));
    const peak = Math.max(0.55, 1.2 * tall);
    const y = scale([0, peak], [top.y1, top.y0]);
    if (drawn.pixels !== kept || drawn.peak !== peak) {
      // the data density stands still while the model only moves
      drawn = { pixels: kept, peak };
      set(marks.data, {
        d: area(
          kept.pixels,
          kept.logP.map((v) => y(Math.exp(v))),
          top.y1,
        ),
      });
    }
    const px = at.xs.map(scales.x);
    set(marks.model, {
      d: path(
        px,
        at.logQ.map((v) => y(Math.exp(v))),
      ),
    });
    label(heights, ticks(0, peak, 2), y, left, top.y0);
    rug(n, draws);
    drawIntegrand(n, at, px);
    handleThem(n, y, tall);
    say(modelText, ` = N(${fixed(n.mean, 2)}, ${fixed(n.std, 2)}²)`);
    say(drawsText, `${counted(n.n)} ${n.n === 1 ? "draw" : "draws"}`);
    const name = n.direction === "forward" ? "*p*~data~ log(*p*~data~ / *p*~θ~)" : "*p*~θ~ log(*p*~θ~ / *p*~data~)";
    if (integrandKey.dataset.of_ !== name) {
      integrandKey.dataset.of_ = name;
      integrandKey.lastChild.replaceChildren(...maths(h, `${name}: its area is the KL`));
    }
  }

  /** The integrand on the pixels and, finely, where the model is; above zero filled, below zero hatched. */
  function drawIntegrand(n, { logP, logQ }, px) {
    const { left, low } = box;
    const yi = scale([reach.bottom, reach.top], [low.y1, low.y0]);
    const values = logP.map((p, i) => integrandOf(p, logQ[i], n.direction));
    const sign = n.direction === "forward" ? 1 : -1;
    const proof = values.map((value, i) => value + sign * (Math.exp(logQ[i]) - Math.exp(logP[i])));
    const far = (v) => yi(Math.min(v, 3 * reach.top));
    const zero = yi(0);
    const under = area(
      px,
      values.map((v) => yi(Math.max(Math.min(v, 0), 3 * reach.bottom))),
      zero,
    );
    set(marks.above, {
      d: area(
        px,
        values.map((v) => far(Math.max(v, 0))),
        zero,
      ),
    });
    set(marks.below, { d: under });
    let strokes = "";
    for (let i = 0; i < kept.strokes.length; i++) {
      const { at, x, logP: p } = kept.strokes[i];
      const v = integrandOf(p, logNormal(x, n.mean, n.std), n.direction);
      if (v < 0 && zero - far(v) < -1) strokes += `M${at} ${zero}V${far(v).toFixed(1)}`;
    }
    set(marks.belowLines, { d: strokes });
    set(marks.integrand, { d: path(px, values.map(far)) });
    set(marks.proof, { d: path(px, proof.map(far)) });
    set(marks.frame, { d: `M${left} ${box.top.y1}H${box.right}M${left} ${zero}H${box.right}` });
    label(depths, ticks(0, reach.top, 1), yi, left, low.y0 - 6);
  }

  /** Every third pixel as x, with log p_data there; made anew only for another width or density. */
  function onPixels(name) {
    const key = `${box.width} ${name}`;
    if (kept.key === key) return kept;
    const pixels = [];
    for (let px = box.left; px <= box.right; px += 3) pixels.push(px);
    const xs = pixels.map(scales.x.inverse);
    const strokes = []; // of the hatching
    for (let at = box.left + 2; at < box.right; at += 4) {
      const x = scales.x.inverse(at);
      strokes.push({ at, x, logP: DATA[name].logDensity(x) });
    }
    kept = { key, pixels, xs, logP: xs.map((x) => DATA[name].logDensity(x)), strokes };
    return kept;
  }

  /** The draws as short strokes under the axis, made anew only when they change. */
  function rug(n, draws) {
    const key = `${box.width} ${n.data} ${n.seed} ${n.n}`;
    if (ruled === key) return;
    ruled = key;
    const y = box.top.y1;
    let d = "";
    for (const x of draws) if (x > X[0] && x < X[1]) d += `M${scales.x(x).toFixed(1)} ${y + 3}v10`;
    set(marks.rug, { d, "stroke-opacity": n.n > 100 ? 0.35 : 1 });
  }

  function label(nodes, values, y, left, top) {
    nodes.forEach((node_, i) => {
      const at = values[i];
      show(node_, at !== undefined && y(at) > top + 4);
      if (at === undefined) return;
      say(set(node_, { x: left - 7, y: Math.round(y(at) * 10) / 10 + (at ? 4 : 0) }), String(at));
    });
  }

  function handleThem(n, y, tall) {
    const { top } = box;
    const ym = Math.max(y(tall), top.y0 + 5);
    const yw = Math.min(Math.max(y(tall * Math.exp(-0.5)), ym + 22), top.y1);
    putGaussian(handles, marks.spread, n, { z: scales.x, top: ym, side: yw, base: top.y1, width: box.width });
  }

  /** Choose the integrand's axis for a state; true if it moved. */
  function adapt(n) {
    let [high, low] = [0, 0];
    for (const x of [...line(...X, 121).points, ...nearby(n)]) {
      const value = DATA[n.data].integrand(x, n, n.direction);
      [high, low] = [Math.max(high, value), Math.min(low, value)];
    }
    const wanted = {
      top: TOPS.find((t) => t >= 1.05 * high) ?? TOPS.at(-1),
      bottom: BOTTOMS.find((b) => b <= 1.05 * low) ?? BOTTOMS.at(-1),
    };
    if (wanted.top > 8 * -wanted.bottom) wanted.bottom = -wanted.top / 8; // zero stays off the panel's edge
    const moved = wanted.top !== reach.top || wanted.bottom !== reach.bottom;
    reach = wanted;
    return moved;
  }

  return { node, svg, handles, scales, draw, adapt, measure: () => Math.floor(stage.clientWidth) };
}

/** The pixels and, as fine as the model is narrow, its own neighbourhood: x, log p_data and log of the model there. */
function finely({ xs, logP }, data, { mean, std }) {
  const out = { xs: [], logP: [], logQ: [] };
  const put = (x, p) => {
    out.xs.push(x);
    out.logP.push(p);
    out.logQ.push(logNormal(x, mean, std));
  };
  let i = 0;
  for (const near of nearby({ mean, std })) {
    for (; i < xs.length && xs[i] <= near; i++) put(xs[i], logP[i]);
    put(near, data.logDensity(near));
  }
  for (; i < xs.length; i++) put(xs[i], logP[i]);
  return out;
}
