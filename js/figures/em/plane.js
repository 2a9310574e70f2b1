// The plane of points: a mark's shape says which component takes most of its point, its colour is mixed as the
// responsibilities are; ellipses are the components, a ring is the cursor.

import { MOST as POINTS, X, Y } from "../../engine/em.js";
import { path, scale, ticks } from "../../kit/axes.js";
import { crop, put, say, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { makeHandle } from "../../kit/handles.js";
import { shape } from "./marks.js";

// One hue for each component, which both grounds carry; shape and number say the same.
const HUES = [
  [0, 114, 178],
  [204, 88, 0],
  [0, 140, 100],
  [186, 88, 150],
  [160, 120, 0],
];
const SHARED = 0.05; // of a runner-up: from here on its mark is drawn inside
const r = (v) => Math.round(v * 10) / 10;

/** The plane for at most `most` components, each with a mark of its own. */
export function makePlane({ h, s }, most) {
  const key = (mark, ...text) => h("span", { class: "lvm-key" }, mark, h("span", {}, ...text));
  const icon = (...children) =>
    s("svg", { class: "lvm-em-icon", width: 20, height: 14, "aria-hidden": "true" }, ...children);
  const keys = h(
    "div",
    { class: "lvm-keys lvm-em-keys" },
    key(
      icon(s("path", { class: "lvm-em-mark", d: shape(0, 10, 7, 5) })),
      "mark: largest share; colour: all shares, mixed",
    ),
    key(
      icon(
        s("path", { class: "lvm-em-mark", d: shape(0, 10, 7, 5.5) }),
        s("path", { class: "lvm-em-inner", d: shape(2, 10, 7, 3.2) }),
      ),
      "mark inside: next largest share",
    ),
    key(
      icon(s("ellipse", { class: "lvm-em-ellipse", cx: 10, cy: 7, rx: 9, ry: 5 })),
      "component, two standard deviations",
    ),
  );

  const grid = s("path", { class: "lvm-grid" });
  const frame = s("path", { class: "lvm-axis" });
  const ellipses = Array.from({ length: most }, () => s("path", { class: "lvm-em-ellipse", "data-of": "evidence f" }));
  const marks = Array.from({ length: POINTS }, () => s("path", { class: "lvm-em-mark", "data-of": "f gap" }));
  const inner = Array.from({ length: most }, () => s("path", { class: "lvm-em-inner", "data-of": "f gap" }));
  const plain = s("path", { class: "lvm-em-plain", "data-of": "f gap evidence" });
  const names = Array.from({ length: most }, () => {
    const disc = s("circle", { class: "lvm-em-disc", r: 9 });
    const text = s("text", { class: "lvm-em-name", dy: 4.5 });
    return { node: s("g", { "data-of": "evidence f" }, disc, text), disc, text };
  });
  const panel = s(
    "svg",
    { class: "lvm-clip" },
    ellipses,
    plain,
    marks,
    inner,
    names.map((name) => name.node),
  );
  const nothing = s("text", { class: "lvm-em-nothing", "text-anchor": "middle" }, "No points: click to place some");
  const svg = s("svg", { class: "lvm-svg lvm-plane-svg", "aria-hidden": "true" }, grid, panel, frame, nothing);
  const cursor = makeHandle(h, "cursor");
  const stage = h("div", { class: "lvm-stage" }, svg, cursor);
  const node = h("div", { class: "lvm-plane lvm-em-panel" }, stage, keys);

  const scales = { x: scale(X, [0, 1]), y: scale(Y, [1, 0]) };
  let laid = 0;
  let size = { width: 0, height: 0, mark: 5 };

  function layOut(width) {
    const unit = (width - 2) / 8;
    const height = Math.round(6 * unit) + 2;
    size = { width, height, mark: width < 380 ? 4.4 : 5 };
    Object.assign(scales, { x: scale(X, [1, width - 1]), y: scale(Y, [height - 1, 1]) });
    set(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    crop(panel, 1, width - 1, 1, height - 1);
    const [xs, ys] = [ticks(...X, 8), ticks(...Y, 6)];
    set(grid, {
      d:
        xs.map((x) => `M${r(scales.x(x))} 1V${height - 1}`).join("") +
        ys.map((y) => `M1 ${r(scales.y(y))}H${width - 1}`).join(""),
    });
    set(frame, { d: `M1 1H${width - 1}V${height - 1}H1Z` });
    set(nothing, { x: width / 2, y: height / 2 - 30 }); // clear of the ring
    laid = width;
  }

  function draw(width, { components, q }, points, ring) {
    if (laid !== width) layOut(width);
    const k = points.length ? components.length : 0; // of no points there is no mixture to show
    components.slice(0, k).forEach((c, j) => drawComponent(c, j));
    for (let j = k; j < most; j++) {
      show(ellipses[j], false);
      show(names[j].node, false);
    }
    drawMarks(points, q, k);
    show(nothing, !points.length);
    put(cursor, scales.x(ring.x), scales.y(ring.y));
    cursor.classList.toggle("is-holding", ring.holding);
    cursor.classList.toggle("is-free", ring.index < 0);
  }

  ellipses.forEach((ellipse, j) => {
    for (const node of [ellipse, names[j].disc]) node.style.stroke = hue(HUES[j]);
    ellipse.style.fill = hue(HUES[j]);
  });

  function drawComponent(c, j) {
    const [xs, ys] = [[], []];
    const [a, b] = [2 * Math.sqrt(c.major), 2 * Math.sqrt(c.minor)];
    for (let i = 0; i < 64; i++) {
      const [u, v] = [a * Math.cos((i * Math.PI) / 32), b * Math.sin((i * Math.PI) / 32)];
      xs.push(scales.x(c.x + u * c.cos - v * c.sin));
      ys.push(scales.y(c.y + u * c.sin + v * c.cos));
    }
    const there = c.weight > 0;
    show(ellipses[j], there);
    show(names[j].node, there);
    set(ellipses[j], { d: `${path(xs, ys)}Z` });
    const [x, y] = [r(scales.x(c.x)), r(scales.y(c.y))];
    set(names[j].disc, { cx: x, cy: y });
    say(set(names[j].text, { x, y }), String(j + 1));
  }

  /** Each point as the mark of the component that takes most of it; the runner-up's inside, its area its share. */
  function drawMarks(points, q, k) {
    const within = new Array(most).fill("");
    let bare = "";
    points.forEach(([x, y], n) => {
      const [px, py] = [scales.x(x), scales.y(y)];
      let [first, second] = [0, -1];
      for (let j = 1; j < k; j++) {
        if (q[n * k + j] > q[n * k + first]) [first, second] = [j, first];
        else if (second < 0 || q[n * k + j] > q[n * k + second]) second = j;
      }
      const even = k > 1 && q[n * k + first] - 1 / k < 1e-9;
      if (even) {
        bare += `M${r(px)} ${r(py)}h0`;
        set(marks[n], { d: "" });
        return;
      }
      set(marks[n], { d: shape(first, px, py, size.mark) });
      paint(marks[n], mixed(q, n, k));
      const other = second < 0 ? 0 : q[n * k + second];
      if (other > SHARED)
        within[second] += shape(second, px, py, size.mark * Math.sqrt(other / (other + q[n * k + first])));
    });
    for (let n = points.length; n < POINTS; n++) set(marks[n], { d: "" });
    inner.forEach((mark, j) => set(mark, { d: within[j] }));
    set(plain, { d: bare });
  }

  return { node, svg, cursor, scales, draw, measure: () => Math.floor(stage.clientWidth) };
}

const hue = (rgb) => `rgb(${rgb.map(Math.round).join(" ")})`;

/** The components' hues, mixed as point n is shared among them. */
const mixed = (q, n, k) =>
  hue([0, 1, 2].map((c) => HUES.reduce((sum, rgb, j) => (j < k ? sum + q[n * k + j] * rgb[c] : sum), 0)));

/** Fill a mark, only if its colour differs: kept as an attribute, since a browser writes a style in its own words. */
function paint(mark, colour) {
  if (mark.dataset.fill === colour) return;
  mark.dataset.fill = colour;
  mark.style.fill = colour;
}

/** What a point's mark says, in words. */
export function shares(q, n, k) {
  const parts = Array.from({ length: k }, (_, j) => [q[n * k + j], j + 1])
    .filter(([share]) => share > 0.005)
    .sort((a, b) => b[0] - a[0]);
  return parts
    .slice(0, 2)
    .map(([share, j]) => `component ${j} ${fixed(100 * share, 0)} %`)
    .join(", ");
}
