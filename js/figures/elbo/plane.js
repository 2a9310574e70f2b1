// The plane: the generator above, the densities below, one z axis.

import { QuadraticCurve } from "../../engine/curve.js";
import { logNormal } from "../../engine/densities.js";
import { area, path, scale, ticks } from "../../kit/axes.js";
import { crop, put, say, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { gaussianHandles, nearby, putGaussian } from "../../kit/gaussian.js";
import { makeHandle } from "../../kit/handles.js";
import { swatch } from "../../kit/maths.js";

const Z = [-4.5, 4.5]; // what the plane shows
const X = [-3.6, 4.6];

export function makePlane({ h, s }) {
  const qKey = swatch(h, "q", "*q*");
  const qText = qKey.lastChild.appendChild(h("span", {}));
  const keyTop = h(
    "div",
    { class: "lvm-keys" },
    swatch(h, "model", "generator *g*(*z*) ± *s*"),
    swatch(h, "data", "observed *x*"),
    swatch(h, "reach", "where *q* (± 2 std) lands"),
  );
  const keyLow = h(
    "div",
    { class: "lvm-keys" },
    swatch(h, "prior", "prior *p*(*z*)"),
    swatch(h, "posterior", "posterior *p*(*z* | *x*)"),
    qKey,
  );

  const marks = {
    grid: s("path", { class: "lvm-grid" }),
    frame: s("path", { class: "lvm-axis" }),
    drops: s("path", { class: "lvm-drops" }),
    band: s("path", { class: "lvm-band", "data-of": "reconstruction energy evidence elbo" }),
    curve: s("path", { class: "lvm-curve", "data-of": "reconstruction energy evidence elbo" }),
    reach: s("path", { class: "lvm-reach", "data-of": "reconstruction energy elbo" }),
    data: s("path", { class: "lvm-data", "data-of": "reconstruction energy evidence elbo" }),
    prior: s("path", { class: "lvm-prior", "data-of": "kl_prior energy evidence elbo" }),
    posterior: s("path", { class: "lvm-posterior", "data-of": "kl" }),
    q: s("path", { class: "lvm-q", "data-of": "kl elbo kl_prior entropy reconstruction energy" }),
    spread: s("path", { class: "lvm-spread", "data-of": "kl elbo kl_prior entropy" }),
  };
  const upper = s("svg", { class: "lvm-clip" }, marks.band, marks.curve, marks.reach, marks.data);
  const lower = s("svg", { class: "lvm-clip" }, marks.posterior, marks.prior, marks.q);
  const labels = s("g", { class: "lvm-ticks" });
  const heights = [0, 1, 2].map(() => s("text", { "text-anchor": "end" })); // ticks of the density axis
  const svg = s(
    "svg",
    { class: "lvm-svg lvm-plane-svg", "aria-hidden": "true" },
    marks.grid,
    marks.drops,
    upper,
    lower,
    marks.spread,
    marks.frame,
    labels,
    s("g", { class: "lvm-ticks" }, heights),
  );

  const handles = { x: makeHandle(h, "x"), ...gaussianHandles(h) };
  const stage = h("div", { class: "lvm-stage" }, svg, Object.values(handles));
  const node = h("div", { class: "lvm-plane" }, keyTop, stage, keyLow);

  const scales = { z: scale(Z, [0, 1]), x: scale(X, [1, 0]) };
  let box = null;
  let laid = 0;
  let grid = null; // every third pixel and the last, z there, and the prior's density
  let drawn = {}; // for which grid, model and x the still parts were drawn

  /** Pixel geometry for a width; ticks are made here, once per width and never in a drag. */
  function layOut(width) {
    const narrow = width < 480;
    const [leftEdge, right] = [30, width - 8];
    const top = { y0: 6, y1: narrow ? 156 : 196 };
    const low = { y0: top.y1 + 22, y1: top.y1 + 22 + (narrow ? 128 : 148) };
    const height = low.y1 + 22;
    box = { width, height, left: leftEdge, right, top, low };
    Object.assign(scales, { z: scale(Z, [leftEdge, right]), x: scale(X, [top.y1, top.y0]) });
    set(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    crop(upper, leftEdge, right, top.y0, top.y1);
    crop(lower, leftEdge, right, low.y0, low.y1);
    const zs = ticks(-4, 4, 8);
    const xs = ticks(-2, 4, 3);
    set(marks.grid, {
      d:
        zs.map((z) => `M${scales.z(z)} ${top.y0}V${top.y1}M${scales.z(z)} ${low.y0}V${low.y1}`).join("") +
        xs.map((x) => `M${leftEdge} ${scales.x(x)}H${right}`).join(""),
    });
    set(marks.frame, { d: `M${leftEdge} ${low.y1}H${right}` });
    const text = (x, y, anchor, words, cls = "") => s("text", { x, y, "text-anchor": anchor, class: cls }, words);
    labels.replaceChildren(
      ...zs.map((z) => text(scales.z(z), low.y1 + 17, "middle", fixed(z, 0))),
      ...xs.slice(0, -1).map((x) => text(leftEdge - 7, scales.x(x) + 4, "end", fixed(x, 0))),
      text(leftEdge - 7, scales.x(4) + 4, "end", "x", "lvm-axis-name"),
      text(right, low.y1 + 17, "end", "z", "lvm-axis-name"),
    );
    const pixels = [];
    for (let px = leftEdge; px < right; px += 3) pixels.push(px);
    pixels.push(right);
    const onPixels = pixels.map(scales.z.inverse);
    grid = { pixels, zs: onPixels, prior: onPixels.map((z) => Math.exp(logNormal(z))) };
    laid = width;
  }

  function draw(width, n) {
    if (laid !== width) layOut(width);
    const { left, right, low } = box;
    const curve = new QuadraticCurve({ slope: n.slope, bend: n.bend, std: n.std_noise });
    const { zs } = grid;
    const exact = n.kind === "exact";
    const { posterior, peak } = ofModel(n, curve);
    const y = scale([0, peak], [low.y1, low.y0]);

    // above: generator, its noise, where q lands, the observation, and the z that hit it
    const reach = [];
    for (let i = 0; i <= 48; i++) reach.push(n.mean + n.std * (i / 12 - 2));
    set(marks.reach, {
      d: path(
        reach.map(scales.z),
        reach.map((z) => scales.x(curve.decode(z))),
      ),
    });
    const yx = scales.x(n.x);
    set(marks.data, { d: `M${left} ${yx}H${right}` });
    set(marks.drops, {
      d: solutions(n)
        .map((z) => `M${scales.z(z)} ${yx}V${low.y1}`)
        .join(""),
    });

    // below: q, over what ofModel drew
    const dense = exact ? zs : around(zs, n);
    const q = exact ? posterior : dense.map((z) => Math.exp(logNormal(z, n.mean, n.std)));
    const values = ticks(0, peak, 2);
    heights.forEach((node_, i) => {
      const at_ = values[i];
      show(node_, at_ !== undefined && y(at_) > low.y0 + 4);
      if (at_ === undefined) return;
      say(set(node_, { x: left - 7, y: Math.round(y(at_) * 10) / 10 + (at_ ? 4 : 0) }), String(at_));
    });
    set(marks.q, {
      d: path(
        dense.map(scales.z),
        q.map((p) => y(Math.min(p, peak * 2))),
      ),
    });
    handleThem(n, y, exact);
    say(qText, exact ? " = the posterior" : ` = N(${fixed(n.mean, 2)}, ${fixed(n.std, 2)}²)`);
  }

  /** What q does not move, drawn anew only when x or the model moves: generator, prior, posterior and their axis. */
  function ofModel(n, curve) {
    const { pixels, zs } = grid;
    const model = `${n.slope} ${n.bend} ${n.std_noise}`;
    if (drawn.grid !== grid || drawn.model !== model) {
      const at = (offset) => zs.map((z) => scales.x(curve.decode(z) + offset));
      set(marks.band, { d: area(pixels, at(n.std_noise), at(-n.std_noise)) });
      set(marks.curve, { d: path(pixels, at(0)) });
    }
    if (drawn.grid !== grid || drawn.model !== model || drawn.x !== n.x) {
      const posterior = zs.map((z) => Math.exp(curve.logJoint(n.x, z) - n.evidence));
      const peak = Math.max(1, 1.2 * Math.max(...posterior));
      const { y0, y1 } = box.low;
      const y = scale([0, peak], [y1, y0]);
      if (drawn.grid !== grid || drawn.peak !== peak) set(marks.prior, { d: path(pixels, grid.prior.map(y)) });
      set(marks.posterior, { d: area(pixels, posterior.map(y), y1) });
      drawn = { grid, model, x: n.x, posterior, peak };
    }
    return drawn;
  }

  function handleThem(n, y, exact) {
    const { low, right } = box;
    const cap = low.y0 + 5;
    const height = Math.exp(logNormal(0, 0, n.std));
    const ym = Math.max(y(height), cap);
    const yw = Math.min(Math.max(y(height * Math.exp(-0.5)), ym + 22), low.y1);
    put(handles.x, right - 16, scales.x(n.x));
    putGaussian(handles, marks.spread, n, {
      z: scales.z,
      top: ym,
      side: yw,
      base: low.y1,
      width: box.width,
      words: exact ? ", moments of the posterior" : "",
    });
    set(handles.x, { "aria-valuenow": n.x.toFixed(3), "aria-valuetext": fixed(n.x, 2) });
  }

  return {
    node,
    svg,
    handles,
    scales,
    draw,
    measure: () => Math.floor(stage.clientWidth),
    divide: () => (box ? 0.5 * (box.top.y1 + box.low.y0) : 0),
  };
}

/** The z in view with g(z) = x: where the posterior would sit if there were no noise and no prior. */
function solutions({ slope, bend, x }) {
  const inside = slope * slope + 2 * bend * x;
  if (inside < 0) return [];
  const root = Math.sqrt(inside);
  const roots = [(2 * x) / (slope + root)]; // the form that survives bend -> 0
  if (Math.abs(bend) > 1e-3) roots.push((-slope - root) / bend);
  return roots.filter((z) => z > Z[0] && z < Z[1]);
}

/** The pixel grid, with q's own neighbourhood drawn as finely as q is narrow. */
function around(zs, { mean, std }) {
  return [...zs.filter((z) => Math.abs(z - mean) > 4 * std), ...nearby({ mean, std })].sort((a, b) => a - b);
}
