// The plane of points and codes: cells of the nearest code, threads to the codes that hold a point, arrows.

import { cell, MOST, X, Y } from "../../engine/kmeans.js";
import { scale, ticks } from "../../kit/axes.js";
import { put, say, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { makeHandle } from "../../kit/handles.js";

const LEVELS = [0.05, 0.2, 0.4, 0.6, 0.8]; // a thread's opacity, by the share that it stands for
const r = (v) => Math.round(v * 10) / 10;

export function makePlane({ h, s }) {
  const key = (swatch, text) => h("span", { class: "lvm-key" }, swatch, h("span", {}, text));
  const icon = (...children) =>
    s("svg", { class: "lvm-em-icon", width: 20, height: 14, "aria-hidden": "true" }, ...children);
  const arrowsKey = key(icon(s("path", { class: "lvm-km-arrow", d: "M2 7H16M12 3.5L16 7L12 10.5" })), "");
  const keys = h(
    "div",
    { class: "lvm-keys lvm-em-keys" },
    key(icon(s("circle", { class: "lvm-km-dot", cx: 10, cy: 7, r: 3.2 })), "point"),
    key(icon(s("path", { class: "lvm-km-code", d: "M4 1H16V13H4Z" })), "code, with its cell"),
    key(icon(s("path", { class: "lvm-km-code lvm-km-dead", d: "M4 1H16V13H4Z" })), "dead code"),
    key(icon(s("path", { class: "lvm-km-thread", d: "M1 7H19" })), "who holds the point"),
    arrowsKey,
  );

  const grid = s("path", { class: "lvm-grid" });
  const frame = s("path", { class: "lvm-axis" });
  const cells = Array.from({ length: MOST }, () => s("path", { class: "lvm-km-cell" }));
  const threads = LEVELS.map((level) =>
    s("path", { class: "lvm-km-thread", "stroke-opacity": level + 0.15, "data-of": "soft" }),
  );
  const dots = s("path", { class: "lvm-km-dots" });
  const arrows = s("path", { class: "lvm-km-arrow" });
  const marks = Array.from({ length: MOST }, (_, j) => {
    const box = s("rect", { class: "lvm-km-code", width: 20, height: 20 });
    const text = s("text", { class: "lvm-km-number", dy: 4.5 }, String(j + 1));
    return { node: s("g", {}, box, text), box, text };
  });
  const svg = s(
    "svg",
    { class: "lvm-svg lvm-plane-svg", "aria-hidden": "true" },
    grid,
    cells,
    threads,
    dots,
    marks.map((mark) => mark.node),
    arrows,
    frame,
  );
  const handle = makeHandle(h, "code");
  const stage = h("div", { class: "lvm-stage" }, svg, handle);
  const node = h("div", { class: "lvm-plane lvm-em-panel" }, stage, keys);
  const scales = { x: scale(X, [0, 1]), y: scale(Y, [1, 0]) };
  let laid = 0;

  function layOut(width) {
    const height = Math.round((6 * (width - 2)) / 8) + 2;
    Object.assign(scales, { x: scale(X, [1, width - 1]), y: scale(Y, [height - 1, 1]) });
    set(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    const [xs, ys] = [ticks(...X, 8), ticks(...Y, 6)];
    set(grid, {
      d:
        xs.map((x) => `M${r(scales.x(x))} 1V${height - 1}`).join("") +
        ys.map((y) => `M1 ${r(scales.y(y))}H${width - 1}`).join(""),
    });
    set(frame, { d: `M1 1H${width - 1}V${height - 1}H1Z` });
    laid = width;
  }

  /**
   * `now`: the run's last state; `vectors`: arrows as [from, to], drawn from `clear` pixels on; `meaning`: what they
   * are; `chosen`: the code in hand.
   */
  function draw(width, points, now, { vectors, clear, meaning }, soft, chosen) {
    if (laid !== width) layOut(width);
    const at = ([x, y]) => `${r(scales.x(x))} ${r(scales.y(y))}`;
    const k = now.codes.length;
    cells.forEach((path, j) => {
      show(path, j < k);
      if (j >= k) return;
      const corners = cell(now.codes, j);
      set(path, {
        d: corners.length ? `M${corners.map(at).join("L")}Z` : "",
        class: `lvm-km-cell${soft ? " is-soft" : ""}`,
      });
    });
    const strands = LEVELS.map(() => "");
    points.forEach((point, n) => {
      for (let j = 0; j < k; j++) {
        const share = now.r[n * k + j];
        if (share <= LEVELS[0]) continue;
        const level = LEVELS.filter((least) => share > least).length - 1;
        strands[level] += `M${at(point)}L${at(now.codes[j])}`;
      }
    });
    threads.forEach((path, i) => set(path, { d: strands[i] }));
    set(dots, { d: points.map((point) => `M${at(point)}h0`).join("") });
    set(arrows, {
      d: vectors
        .map(([from, to]) => arrow(scales.x(from[0]), scales.y(from[1]), scales.x(to[0]), scales.y(to[1]), clear))
        .join(""),
    });
    show(arrowsKey, !!meaning);
    say(arrowsKey.lastChild, meaning);
    marks.forEach(({ node: group, box, text }, j) => {
      show(group, j < k);
      if (j >= k) return;
      const [x, y] = [r(scales.x(now.codes[j][0])), r(scales.y(now.codes[j][1]))];
      set(box, { x: x - 10, y: y - 10 });
      set(text, { x, y });
      group.classList.toggle("is-dead", now.counts[j] === 0);
    });
    const [cx, cy] = now.codes[chosen];
    put(handle, scales.x(cx), scales.y(cy));
    set(handle, {
      "aria-label": `code ${chosen + 1} of ${k}: arrows move it, Page keys choose another`,
      "aria-valuenow": cx.toFixed(2),
      "aria-valuetext":
        `code ${chosen + 1}, x ${fixed(cx, 2)}, y ${fixed(cy, 2)}, ` + `nearest to ${now.counts[chosen]} points`,
    });
  }
  return { node, svg, handle, scales, draw, measure: () => Math.floor(stage.clientWidth) };
}

/** A line with a head, nothing where it is too short to be seen; it begins where the mark of its start ends. */
function arrow(fromX, fromY, x1, y1, clear) {
  const whole = Math.hypot(x1 - fromX, y1 - fromY);
  const long = whole - clear;
  if (long < 1.5) return "";
  const [ux, uy] = [(x1 - fromX) / whole, (y1 - fromY) / whole];
  const [x0, y0] = [fromX + clear * ux, fromY + clear * uy];
  const head = Math.min(6, 0.5 * long);
  const wing = (side) =>
    `M${r(x1)} ${r(y1)}L${r(x1 - head * (ux + 0.6 * side * uy))} ${r(y1 - head * (uy - 0.6 * side * ux))}`;
  return `M${r(x0)} ${r(y0)}L${r(x1)} ${r(y1)}${wing(1)}${wing(-1)}`;
}
