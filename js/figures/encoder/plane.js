// The covered plane: the reader's q with its handles, and, once it is uncovered, the posterior, the encoder's q and the
// best Gaussian. Equal units on both axes; a square window that may be moved and halved.

import { logPosteriorAt } from "../../engine/encoder.js";
import { scale, ticks } from "../../kit/axes.js";
import { put, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { makeHandle } from "../../kit/handles.js";
import { swatch } from "../../kit/maths.js";
import { LEVELS, levelPath } from "../posterior/levels.js";

export const HALF = 4; // of the whole plane, in standard deviations of the prior
const GRAINS = 140; // of the painted density, along one side
const APART = 30; // pixels at least between the handles of the centre and of a width
const EDGE = 8;

export function makePlane({ h, s, root, view }) {
  const pair = (more, of) =>
    [1, 2].map((k) => s("ellipse", { class: `lvm-ellipse ${more} lvm-ellipse-${k}`, "data-of": of }));
  const light = h("canvas", { class: "lvm-light", width: GRAINS, height: GRAINS, "aria-hidden": "true" });
  const marks = {
    grid: s("path", { class: "lvm-grid" }),
    prior: s("path", { class: "lvm-prior" }),
    contours: LEVELS.map((_, i) => s("path", { class: `lvm-contour lvm-contour-${i}`, "data-of": "family" })),
    encoder: pair("lvm-ellipse-encoder", "network"),
    best: pair("lvm-ellipse-best", "yours network family"),
    yours: pair("", "yours elbo reconstruction rate"),
    arms: s("path", { class: "lvm-arms" }),
  };
  const truth = s("g", {}, marks.contours, marks.encoder, marks.best);
  const labels = s("g", { class: "lvm-ticks" });
  const cover = s("text", { class: "lvm-cover-word", y: 17, "text-anchor": "end" }, "posterior covered");
  const svg = s(
    "svg",
    { class: "lvm-svg lvm-plane-svg lvm-posterior-svg", "aria-hidden": "true" },
    marks.grid,
    marks.prior,
    truth,
    marks.arms,
    marks.yours,
    labels,
    cover,
  );
  const handles = {
    wider: makeHandle(h, "across", { "aria-hidden": "true" }),
    taller: makeHandle(h, "along", { "aria-hidden": "true" }),
    centre: makeHandle(h, "plane"),
  };
  const stage = h("div", { class: "lvm-stage lvm-latent lvm-covered" }, light, svg, Object.values(handles));
  const later = [
    swatch(h, "q-dashed", "encoder’s *q*"),
    swatch(h, "top", "best Gaussian"),
    swatch(h, "contour", "*p*(*z* | *x*)"),
  ];
  const keys = h("div", { class: "lvm-keys" }, swatch(h, "q", "your *q*"), later);
  const node = h("div", { class: "lvm-middle lvm-posterior-plane" }, keys, stage);
  const scales = { x: scale([-HALF, HALF], [0, 1]), y: scale([-HALF, HALF], [1, 0]), unit: 1, size: 0 };
  let drawn = ""; // the window that is drawn
  let lit = null; // the posterior that is painted, and where

  function layOut({ centre, half }) {
    const { size } = scales;
    scales.x = scale([centre[0] - half, centre[0] + half], [0, size]);
    scales.y = scale([centre[1] - half, centre[1] + half], [size, 0]);
    scales.unit = size / (2 * half);
    const { x, y, unit } = scales;
    set(svg, { width: size, height: size, viewBox: `0 0 ${size} ${size}` });
    const inside = (map, range) => ticks(...range, 5).filter((v) => map(v) > 20 && map(v) < size - 20);
    const [xs, ys] = [inside(x, x.domain), inside(y, y.domain)];
    set(cover, { x: size - 8 });
    set(marks.grid, {
      d:
        xs.map((v) => `M${x(v).toFixed(1)} 0V${size}`).join("") +
        ys.map((v) => `M0 ${y(v).toFixed(1)}H${size}`).join(""),
    });
    const ring = (r) =>
      `M${(x(0) - r * unit).toFixed(1)} ${y(0).toFixed(1)}a${r * unit} ${r * unit} 0 1 0 ${2 * r * unit} 0` +
      `a${r * unit} ${r * unit} 0 1 0 ${-2 * r * unit} 0`;
    set(marks.prior, { d: [1, 2, 3].map(ring).join("") });
    const digits = half > 2 ? 0 : half > 0.5 ? 1 : 2;
    labels.replaceChildren(
      ...xs
        .filter((v) => x(v) < size - 40)
        .map((v) => s("text", { x: x(v), y: size - 6, "text-anchor": "middle" }, fixed(v, digits))),
      ...ys.map((v) => s("text", { x: 5, y: y(v) + 4 }, fixed(v, digits))),
      s("text", { x: size - 6, y: size - 6, "text-anchor": "end", class: "lvm-axis-name" }, "z₁"),
      s("text", { x: 6, y: 15, class: "lvm-axis-name" }, "z₂"),
    );
  }

  /** The density, as a wash of the posterior's colour: as strong as it is high. */
  function paint(p) {
    const pen = light.getContext("2d");
    const image = pen.createImageData(GRAINS, GRAINS);
    const [r, g, b] = (/\d+(, ?\d+){2}/.exec(view.getComputedStyle(marks.contours[0]).stroke)?.[0] ?? "92,192,234")
      .split(",")
      .map(Number);
    let top = -Infinity;
    for (const value of p.logJoint) top = Math.max(top, value);
    for (let row = 0, at = 0; row < GRAINS; row++)
      for (let column = 0; column < GRAINS; column++, at += 4) {
        const place = (k) => ((k + 0.5) * scales.size) / GRAINS;
        const log = logPosteriorAt(p, scales.x.inverse(place(column)), scales.y.inverse(place(row)));
        image.data.set([r, g, b, Math.round(190 * Math.exp(log + p.evidence - top))], at);
      }
    pen.putImageData(image, 0, 0);
    LEVELS.forEach((level, i) => set(marks.contours[i], { d: levelPath(p, top - level, scales.x, scales.y) }));
  }

  const ellipse = (nodes, { mean, logStd }) =>
    nodes.forEach((one, i) =>
      set(one, {
        cx: scales.x(mean[0]).toFixed(1),
        cy: scales.y(mean[1]).toFixed(1),
        rx: Math.max((i + 1) * Math.exp(logStd[0]) * scales.unit, 0.5).toFixed(1),
        ry: Math.max((i + 1) * Math.exp(logStd[1]) * scales.unit, 0.5).toFixed(1),
      }),
    );

  /** `q` of the reader, the window { centre, half }, and `p` of engine/encoder.js where it is revealed, else null. */
  function draw(q, window, p) {
    const { size } = scales;
    if (!size) return;
    const key = `${size} ${window.centre} ${window.half} ${root.dataset.lvmTheme}`;
    if (key !== drawn) layOut(window);
    show(truth, p !== null);
    show(cover, p === null);
    light.hidden = p === null;
    root.classList.toggle("is-revealed", p !== null);
    for (const key of later) key.style.visibility = p === null ? "hidden" : ""; // their room is kept
    if (p && (lit?.p !== p || lit.key !== key)) {
      paint(p);
      lit = { p, key };
    }
    drawn = key;
    if (p) {
      ellipse(marks.encoder, p.encoder.q);
      ellipse(marks.best, p.top.q);
    }
    ellipse(marks.yours, q);
    const [cx, cy] = [scales.x(q.mean[0]), scales.y(q.mean[1])];
    const [rx, ry] = q.logStd.map((v) => Math.max(2 * Math.exp(v) * scales.unit, APART));
    const held = (v) => Math.min(Math.max(v, EDGE), size - EDGE);
    put(handles.centre, held(cx), held(cy));
    put(handles.wider, held(cx + rx), held(cy));
    put(handles.taller, held(cx), held(cy - ry));
    set(marks.arms, {
      d: `M${cx.toFixed(1)} ${cy.toFixed(1)}H${held(cx + rx)}M${cx.toFixed(1)} ${cy}V${held(cy - ry)}`,
    });
  }

  return {
    node,
    svg,
    handles,
    scales,
    draw,
    /** Follow the width: when the figure's own changes, never in a drag, since asking for it lays the page out. */
    measure() {
      scales.size = Math.floor(stage.clientWidth);
    },
  };
}
