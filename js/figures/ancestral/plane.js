// Three panels on shared axes: the generator in the plane of z and x, the prior of z below, the marginal of x beside.
// The z that is held stands as discs, the newest sample as diamonds; each has its name beside it.

import { decode, density } from "../../engine/ancestral.js";
import { logNormal } from "../../engine/densities.js";
import { area, path, scale, ticks } from "../../kit/axes.js";
import { beside } from "../../kit/beside.js";
import { put, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { makeHandle } from "../../kit/handles.js";
import { swatch } from "../../kit/maths.js";

const Z = [-4, 4]; // what the plane shows
const X = [-4, 4];
const BIN = 0.25;
const SHOWN = 300; // newest points drawn in the plane
const PEAKS = [0.6, 0.9, 1.4, 2, 4.2]; // ends of a density axis
const NAME = [54, 15]; // pixels, the room of a name beside its mark
const NEAR = 64; // pixels along z, where the curve may cross a name
const r = (v) => Math.round(v * 10) / 10;
const diamond = (x, y, half) => `M${r(x - half)} ${y}L${x} ${r(y - half)}L${r(x + half)} ${y}L${x} ${r(y + half)}Z`;

export function makePlane({ h, s }) {
  const keys = h(
    "div",
    { class: "lvm-keys" },
    swatch(h, "model", "generator *g*(*z*) ± *s*"),
    swatch(h, "prior", "prior *p*(*z*)"),
    swatch(h, "evidence", "marginal *p*(*x*)"),
    swatch(h, "dot", "samples"),
    swatch(h, "bars", "histograms"),
  );

  const marks = {
    grid: s("path", { class: "lvm-grid" }),
    frame: s("path", { class: "lvm-axis" }),
    band: s("path", { class: "lvm-band", "data-of": "last_g last_noise" }),
    curve: s("path", { class: "lvm-curve", "data-of": "last_g" }),
    points: s("path", { class: "lvm-points", "data-of": "last_x" }),
    bell: s("path", { class: "lvm-bell" }),
    guide: s("path", { class: "lvm-guide" }),
    bars: s("path", { class: "lvm-bars", "data-of": "last_x" }),
    density: s("path", { class: "lvm-evidence" }),
    priorBars: s("path", { class: "lvm-bars lvm-bars-prior", "data-of": "last_z" }),
    prior: s("path", { class: "lvm-prior", "data-of": "last_z" }),
  };
  const trace = {
    up: s("path", { class: "lvm-trace lvm-trace-prior", "data-of": "last_z last_g" }),
    noise: s("path", { class: "lvm-trace lvm-trace-noise", "data-of": "last_noise" }),
    out: s("path", { class: "lvm-trace", "data-of": "last_x" }),
    mean: s("path", { class: "lvm-trace-mean", "data-of": "last_g" }),
    x: s("path", { class: "lvm-trace-x", "data-of": "last_x" }),
    name: s("text", { class: "lvm-mark-name lvm-mark-newest", "data-of": "last_x" }, "newest"),
  };
  const dot = s("circle", { class: "lvm-here-dot", r: 4.5 });
  const onCurve = s("circle", { class: "lvm-here-dot", r: 4.5 });
  const yours = s("text", { class: "lvm-mark-name" }, "your ", s("tspan", {}, "z"));
  const [main, side, low] = [0, 1, 2].map(() => s("svg", { class: "lvm-clip" }));
  main.append(marks.band, marks.bell, marks.points, marks.curve);
  side.append(marks.bars, marks.density);
  low.append(marks.priorBars, marks.prior);
  const labels = s("g", { class: "lvm-ticks" });
  const svg = s(
    "svg",
    { class: "lvm-svg lvm-plane-svg", "aria-hidden": "true" },
    marks.grid,
    main,
    side,
    low,
    marks.frame,
    labels,
    marks.guide,
    Object.values(trace),
    dot,
    onCurve,
    yours,
  );
  const handle = makeHandle(h, "z");
  const stage = h("div", { class: "lvm-stage lvm-stage-model" }, svg, handle);
  const node = h("div", { class: "lvm-plane" }, keys, stage);

  const scales = { z: scale(Z, [0, 1]), x: scale(X, [1, 0]) };
  let box = null;
  let laid = "";
  let ends = [PEAKS[0], PEAKS[0]]; // of the density axes: beside, below

  /** Pixel geometry; ticks are made here, once per width and axis, never in a drag. */
  function layOut(width) {
    const narrow = width < 480;
    const [left, right] = [26, width - 8];
    const split = Math.round(left + (right - left) * (narrow ? 0.64 : 0.68));
    box = { left, split, beside: split + 10, right, top: 6, bottom: narrow ? 206 : 256 };
    box.low = box.bottom + 10;
    box.base = box.low + (narrow ? 74 : 92);
    Object.assign(scales, {
      z: scale(Z, [left, split]),
      x: scale(X, [box.bottom, box.top]),
      beside: scale([0, ends[0]], [box.beside, right]),
      below: scale([0, ends[1]], [box.base, box.low]),
    });
    const height = box.base + 24;
    set(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    const clip = (panel, x, y, w, tall) => {
      set(panel, { x, y, width: w, height: tall, viewBox: `${x} ${y} ${w} ${tall}` });
    };
    clip(main, left, box.top, split - left, box.bottom - box.top);
    clip(side, box.beside, box.top, right - box.beside, box.bottom - box.top);
    clip(low, left, box.low, split - left, box.base - box.low);
    const zs = ticks(-4, 4, narrow ? 4 : 8);
    const xs = ticks(-4, 4, 4);
    set(marks.grid, {
      d:
        zs.map((z) => `M${r(scales.z(z))} ${box.top}V${box.bottom}M${r(scales.z(z))} ${box.low}V${box.base}`).join("") +
        xs.map((x) => `M${left} ${r(scales.x(x))}H${split}M${box.beside} ${r(scales.x(x))}H${right}`).join(""),
    });
    set(marks.frame, { d: `M${left} ${box.base}H${split}M${box.beside} ${box.top}V${box.bottom}` });
    const text = (x, y, anchor, words, cls = "") =>
      s("text", { x: r(x), y: r(y), "text-anchor": anchor, class: cls }, words);
    labels.replaceChildren(
      ...zs.filter((z) => z < 4).map((z) => text(scales.z(z), box.base + 17, "middle", fixed(z, 0))),
      ...xs.filter((x) => x < 4).map((x) => text(left - 6, scales.x(x) + 4, "end", fixed(x, 0))),
      text(left - 6, scales.x(4) + 4, "end", "x", "lvm-axis-name"),
      text(split, box.base + 17, "end", "z", "lvm-axis-name"),
      text(box.beside, box.bottom + 16, "start", "0"),
      text(right, box.bottom + 16, "end", String(ends[0])),
      ...(narrow ? [] : [text((box.beside + right) / 2, box.bottom + 16, "middle", "density")]),
    );
    laid = `${width} ${ends}`;
  }

  function draw(width, n, sample) {
    if (laid !== `${width} ${ends}`) layOut(width);
    const { left, split, bottom, top, base } = box;
    const pixels = [];
    for (let px = left; px <= split; px += 2) pixels.push(px);
    const zs = pixels.map(scales.z.inverse);
    const along = (offset) => zs.map((z) => scales.x(decode(z) + offset));
    set(marks.band, { d: area(pixels, along(n.std_noise), along(-n.std_noise)) });
    set(marks.curve, { d: path(pixels, along(0)) });
    set(marks.prior, {
      d: path(
        pixels,
        zs.map((z) => scales.below(Math.exp(logNormal(z)))),
      ),
    });
    const rows = [];
    for (let py = top; py <= bottom; py += 2) rows.push(py);
    set(marks.density, {
      d: path(
        rows.map((py) => scales.beside(density(scales.x.inverse(py), n.std_noise))),
        rows,
      ),
    });
    drawSample(n, sample);

    // the z that is held: its bell in the plane (not to scale), and p(x) beside it
    const [px, py] = [scales.z(n.z), scales.x(n.g)];
    const bell = [];
    for (let i = -30; i <= 30; i++) bell.push(i / 10);
    const tall = Math.min(34, 0.2 * (split - left));
    const toLeft = px + tall > split ? -1 : 1;
    const across = bell.map((e) => px + toLeft * tall * Math.exp(-0.5 * e * e));
    set(marks.bell, {
      d: `${path(
        across,
        bell.map((e) => scales.x(n.g + n.std_noise * e)),
      )}Z`,
    });
    set(marks.guide, { d: `M${r(px)} ${base}V${r(py)}H${r(scales.beside(n.density))}` });
    set(onCurve, { cx: r(px), cy: r(py) });
    set(dot, { cx: r(scales.beside(n.density)), cy: r(py) });
    name(n, [
      toLeft < 0 ? px - tall : px,
      scales.x(n.g + 2 * n.std_noise),
      tall,
      scales.x(0) - scales.x(4 * n.std_noise),
    ]);
    put(handle, px, base);
    set(handle, { "aria-valuenow": n.z.toFixed(3), "aria-valuetext": `${fixed(n.z, 2)}, x around ${fixed(n.g, 2)}` });
  }

  /** The names stand where they cover neither the curve nor the lines and marks of the two; `bell` is a box too. */
  function name(n, bell) {
    const { left, split, bottom, top, base } = box;
    const within = [left + 2, top + 2, split - left - 4, bottom - top - 4];
    const mark = (x, y) => [x - 6, y - 6, 12, 12];
    const along = (px) => {
      const curve = [];
      const high = (x) => scales.x(decode(scales.z.inverse(x)));
      for (let x = Math.max(px - NEAR, left); x < Math.min(px + NEAR, split); x += 3) {
        const [a, b] = [high(x), high(x + 3)]; // without a gap where it is steep
        curve.push([x, Math.min(a, b) - 3, 3, Math.abs(a - b) + 6]);
      }
      return curve;
    };
    const [px, py] = [scales.z(n.z), scales.x(n.g)];
    const taken = [bell, mark(px, py), [px - 1, py, 2, base - py], [px, py - 1, split - px, 2]];
    if (n.count) {
      const [nz, ng, nx] = [scales.z(n.last_z), scales.x(n.last_g), scales.x(n.last_x)];
      taken.push(mark(nz, ng), mark(nz, nx), [nz - 1, ng, 2, base - ng], [nz, nx - 1, split - nz, 2]);
      taken.push([nz - 2, Math.min(ng, nx), 4, Math.abs(ng - nx)]);
    }
    const stand = (node, x, y, others) => {
      const at = beside([x, y], NAME, within, [...taken, ...others, ...along(x)]);
      set(node, { x: r(at[0] + 2), y: r(at[1] + 12) });
      return at;
    };
    const own = stand(yours, px, py, []);
    if (n.count) stand(trace.name, scales.z(n.last_z), scales.x(n.last_x), [own]);
  }

  function drawSample(n, { z, x }) {
    const { beside, base } = box;
    let points = "";
    const from = Math.max(0, n.count - SHOWN);
    for (let i = from; i < n.count; i++) points += `M${r(scales.z(z[i]))} ${r(scales.x(x[i]))}h0`;
    set(marks.points, { d: points });
    const bars = (values, [low, high], bar) =>
      histogram(values, low, high)
        .map((p, i) => (p ? bar(p, low + i * BIN, low + (i + 1) * BIN) : ""))
        .join("");
    const lying = (p, a, b) => `M${beside} ${r(scales.x(a))}H${r(scales.beside(p))}V${r(scales.x(b) + 0.7)}H${beside}Z`;
    const standing = (p, a, b) => `M${r(scales.z(a))} ${base}V${r(scales.below(p))}H${r(scales.z(b) - 0.7)}V${base}Z`;
    set(marks.bars, { d: bars(x, X, lying) });
    set(marks.priorBars, { d: bars(z, Z, standing) });
    for (const mark of Object.values(trace)) show(mark, n.count > 0);
    if (!n.count) return;
    const [pz, pg, px] = [r(scales.z(n.last_z)), r(scales.x(n.last_g)), r(scales.x(n.last_x))];
    set(trace.up, { d: `M${pz} ${base}V${pg}` });
    set(trace.noise, { d: `M${pz} ${pg}V${px}` });
    set(trace.out, { d: `M${pz} ${px}H${beside}` });
    set(trace.mean, { d: diamond(pz, pg, 4.5) });
    set(trace.x, { d: diamond(pz, px, 6.5) });
  }

  /** Choose the ends of the density axes for a state; true if one moved. */
  function adapt(marginalPeak, sample) {
    const wanted = [
      PEAKS.find((end) => end >= Math.max(marginalPeak, ...histogram(sample.x, ...X))) ?? PEAKS.at(-1),
      PEAKS.find((end) => end >= Math.max(0.4, ...histogram(sample.z, ...Z))) ?? PEAKS.at(-1),
    ];
    const moved = wanted.some((end, i) => end !== ends[i]);
    ends = wanted;
    return moved;
  }
  return { node, svg, handle, scales, draw, adapt, measure: () => Math.floor(stage.clientWidth) };
}

/** Shares per bin over the bin's width: an estimate of the density. What lies outside counts in no bin. */
function histogram(values, low, high) {
  const counts = new Array(Math.round((high - low) / BIN)).fill(0);
  for (const value of values) {
    const i = Math.floor((value - low) / BIN);
    if (i >= 0 && i < counts.length) counts[i] += 1;
  }
  return counts.map((count) => count / (values.length * BIN || 1));
}
