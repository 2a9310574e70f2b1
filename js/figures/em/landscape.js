// The toy's landscape F(theta', theta). F is a parabola along theta, so the line of each level is known in closed form.

import { bound, evidence, halfWidth, mStep } from "../../engine/landscape.js";
import { path, scale, ticks } from "../../kit/axes.js";
import { crop, put, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { makeHandle } from "../../kit/handles.js";
import { swatch } from "../../kit/maths.js";

const SIDE = [-3.2, 3.2];
const BELOW = [64, 32, 16, 8, 4, 2, 1, 0.4]; // nats under the top: the lines of equal F
const r = (v) => Math.round(v * 10) / 10;
const TOP = bound(...best());

/** The top of the landscape, by EM from afar. */
function best() {
  let theta = 3;
  for (let i = 0; i < 200; i++) theta = mStep(theta);
  return [theta, theta];
}

export function makeLandscape({ h, s }) {
  const keys = h(
    "div",
    { class: "lvm-keys lvm-em-keys" },
    swatch(h, "q", "E moves *θ*′"),
    swatch(h, "line-model", "M moves *θ*"),
    swatch(h, "joint", "gradient moves both"),
    swatch(h, "evidence", "evidence: *θ*′ = *θ*"),
    swatch(h, "best", "where M lands"),
  );
  const fills = BELOW.map(() => s("path", { class: "lvm-em-level" }));
  const lines = BELOW.map(() => s("path", { class: "lvm-em-line" }));
  const diagonal = s("path", { class: "lvm-em-diagonal" });
  const ridge = s("path", { class: "lvm-em-best" });
  const gradient = s("path", { class: "lvm-em-joint" });
  const dots = s("path", { class: "lvm-em-joint-dots" });
  const eMoves = s("path", { class: "lvm-em-e" });
  const mMoves = s("path", { class: "lvm-em-m" });
  const corners = s("path", { class: "lvm-em-corners" });
  const now = s("circle", { class: "lvm-em-now", r: 5 });
  const there = s("circle", { class: "lvm-em-there", r: 4.5 });
  const panel = s(
    "svg",
    { class: "lvm-clip" },
    fills,
    lines,
    diagonal,
    ridge,
    gradient,
    dots,
    mMoves,
    eMoves,
    corners,
    there,
    now,
  );
  const frame = s("path", { class: "lvm-axis" });
  const labels = s("g", { class: "lvm-ticks" });
  const svg = s("svg", { class: "lvm-svg lvm-plane-svg", "aria-hidden": "true" }, panel, frame, labels);
  const handle = makeHandle(h, "start");
  const stage = h("div", { class: "lvm-stage" }, svg, handle);
  const node = h("div", { class: "lvm-plane lvm-em-panel" }, stage, keys);
  const scales = { q: scale(SIDE, [0, 1]), theta: scale(SIDE, [1, 0]) };
  let laid = 0;

  /** Levels, diagonal and M's line: made once per width. */
  function layOut(width) {
    const [left, right, top] = [26, width - 4, 4];
    const bottom = top + Math.min(right - left, 300);
    const height = bottom + 24;
    Object.assign(scales, { q: scale(SIDE, [left, right]), theta: scale(SIDE, [bottom, top]) });
    set(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    crop(panel, left, right, top, bottom);
    const pixels = [];
    for (let px = left; px <= right; px += 1) pixels.push(px);
    const qs = pixels.map(scales.q.inverse);
    BELOW.forEach((below, i) => {
      const outline = levels(pixels, qs, TOP - below, scales.theta);
      set(fills[i], { d: outline });
      set(lines[i], { d: outline });
    });
    set(ridge, {
      d: path(
        pixels,
        qs.map((q) => scales.theta(mStep(q))),
      ),
    });
    set(diagonal, { d: `M${left} ${bottom}L${right} ${top}` });
    set(frame, { d: `M${left} ${top}H${right}V${bottom}H${left}Z` });
    const marks = ticks(-3, 3, 3);
    const text = (x, y, anchor, words, cls = "") =>
      s("text", { x: r(x), y: r(y), "text-anchor": anchor, class: cls }, words);
    labels.replaceChildren(
      ...marks.map((v) => text(scales.q(v), bottom + 17, "middle", fixed(v, 0))),
      ...marks.map((v) => text(left - 6, scales.theta(v) + 4, "end", fixed(v, 0))),
      text(right, bottom + 17, "end", "θ′", "lvm-axis-name"),
      text(left - 6, top + 10, "end", "θ", "lvm-axis-name"),
    );
    laid = width;
  }

  function draw(width, em, joint, state) {
    if (laid !== width) layOut(width);
    const at = ({ q, theta }) => `${r(scales.q(q))} ${r(scales.theta(theta))}`;
    let [e, m, bends] = ["", "", ""];
    for (let i = 1; i < em.length; i++) {
      const segment = `M${at(em[i - 1])}L${at(em[i])}`;
      if (em[i].move === "E") e += segment;
      else m += segment;
      bends += `M${at(em[i])}h0`;
    }
    set(eMoves, { d: e });
    set(mMoves, { d: m });
    set(corners, { d: bends });
    set(gradient, { d: `M${joint.map(at).join("L")}` });
    set(dots, {
      d: joint
        .slice(1)
        .map((place) => `M${at(place)}h0`)
        .join(""),
    });
    const [here, end] = [em.at(-1), joint.at(-1)];
    set(now, { cx: r(scales.q(here.q)), cy: r(scales.theta(here.theta)) });
    set(there, { cx: r(scales.q(end.q)), cy: r(scales.theta(end.theta)) });
    for (const dot of [now, there]) show(dot, em.length > 1);
    put(handle, scales.q(state.start_q), scales.theta(state.start_theta));
    set(handle, {
      "aria-valuenow": state.start_theta.toFixed(3),
      "aria-valuetext":
        `theta prime ${fixed(state.start_q, 2)}, theta ${fixed(state.start_theta, 2)}, evidence ` +
        `${fixed(evidence(state.start_theta), 2)} nats`,
    });
  }

  return { node, svg, handle, scales, draw, measure: () => Math.floor(stage.clientWidth) };
}

/** The region F > level as closed outlines: for each theta' it is one interval around where M lands. */
function levels(pixels, qs, level, y) {
  let d = "";
  let run = [];
  const close = () => {
    if (run.length > 1) {
      const ends = [...run.map(([px, up]) => [px, up]), ...run.reverse().map(([px, , low]) => [px, low])];
      d += `M${ends.map(([px, py]) => `${r(px)} ${r(py)}`).join("L")}Z`;
    }
    run = [];
  };
  qs.forEach((q, i) => {
    const half = halfWidth(q, level);
    if (Number.isNaN(half)) {
      close();
      return;
    }
    const middle = mStep(q);
    run.push([pixels[i], y(middle + half), y(middle - half)]);
  });
  close();
  return d;
}
