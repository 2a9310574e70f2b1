// The plane of z: the codes of the test images, circles of the prior, q(z | x), the path, and a handle for z.

import { SIDE } from "../../engine/drawing.js";
import { REACH } from "../../engine/plane.js";
import { scale, ticks } from "../../kit/axes.js";
import { put, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { makeHandle } from "../../kit/handles.js";
import { HUES } from "../../kit/hues.js";
import { plated } from "../../kit/plated.js";
import { patience, sliced } from "../../kit/slices.js";
import { imageOf } from "../drawing/ink.js";

const TILES = 17; // of the background, along one side
/** `codes` (n, 2) as Float32Array, `labels` their classes, `names` of the classes. */
export function makeStage({ h, s, view, root }, { codes, labels, names, label, handled }) {
  const tiles = h("canvas", {
    class: "lvm-ink lvm-tiles",
    width: TILES * SIDE,
    height: TILES * SIDE,
    "aria-hidden": "true",
  });
  const cloud = h("canvas", { class: "lvm-cloud", "aria-hidden": "true" });
  const marks = {
    grid: s("path", { class: "lvm-grid" }),
    prior: s("path", { class: "lvm-prior", "data-of": "kl" }),
    path: s("path", { class: "lvm-walk" }),
    q: s("ellipse", { class: "lvm-q-disc", "data-of": "kl reconstruction" }),
    here: s("circle", { class: "lvm-z-ring", r: 13 }),
  };
  const ends = ["A", "B"].map((text) => s("text", { class: "lvm-walk-end", "text-anchor": "middle" }, text));
  const labelsOf = s("g", { class: "lvm-ticks" });
  const svg = s(
    "svg",
    { class: "lvm-svg lvm-plane-svg", "aria-hidden": "true" },
    marks.grid,
    marks.prior,
    marks.path,
    ends,
    marks.q,
    marks.here,
    labelsOf,
  );
  const handle = handled && makeHandle(h, "plane");
  const stage = h("div", { class: "lvm-stage lvm-latent" }, tiles, cloud, svg, handle);
  const node = h("div", { class: "lvm-middle" }, h("div", { class: "lvm-caption" }, label), stage);
  const scales = { x: scale([-REACH, REACH], [0, 1]), y: scale([-REACH, REACH], [1, 0]) };
  let laid = 0;
  let painted = null;
  let stop = () => {};

  function layOut(size) {
    laid = size;
    scales.x = scale([-REACH, REACH], [0, size]);
    scales.y = scale([-REACH, REACH], [size, 0]);
    set(svg, { width: size, height: size, viewBox: `0 0 ${size} ${size}` });
    const at = ticks(-REACH, REACH, 4).slice(1, -1);
    set(marks.grid, { d: at.map((v) => `M${scales.x(v)} 0V${size}M0 ${scales.y(v)}H${size}`).join("") });
    const unit = scales.x(1) - scales.x(0);
    const [cx, cy] = [scales.x(0), scales.y(0)];
    set(marks.prior, {
      d: [1, 2, 3]
        .map(
          (r) =>
            `M${cx - r * unit} ${cy}a${r * unit} ${r * unit} 0 1 0 ${2 * r * unit} 0a${r * unit} ${r * unit} 0 1 0 ` +
            `${-2 * r * unit} 0`,
        )
        .join(""),
    });
    labelsOf.replaceChildren(
      ...at.filter((v) => v).flatMap((v) => plated(s, { x: scales.x(v), y: size - 5, anchor: "middle" }, fixed(v, 0))),
      ...at.filter((v) => v).flatMap((v) => plated(s, { x: 5, y: scales.y(v) + 4 }, fixed(v, 0))),
      ...plated(s, { x: size - 6, y: size - 6, anchor: "end", size: 14, class: "lvm-axis-name" }, "z₁"),
      ...plated(s, { x: 6, y: 15, size: 14, class: "lvm-axis-name" }, "z₂"),
    );
    paintCloud(size);
  }

  function paintCloud(size) {
    const ratio = Math.min(view.devicePixelRatio || 1, 3);
    set(cloud, { width: Math.round(size * ratio), height: Math.round(size * ratio) });
    const pen = cloud.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0); // a canvas of the same size keeps its scale and what is on it
    pen.clearRect(0, 0, size, size);
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.font = `600 ${size < 340 ? 8 : 9}px system-ui, sans-serif`;
    for (let i = 0; i < labels.length; i++) {
      const name = names[labels[i]];
      const [x, y] = [scales.x(codes[2 * i]), scales.y(codes[2 * i + 1])];
      pen.fillStyle = HUES[labels[i] % HUES.length];
      pen.fillText(name.length === 1 ? name : String(labels[i]), x, y);
    }
  }

  /** Decodes on a grid behind the codes, in slices; a net that has been painted is not painted again. */
  function background(on, net, mean) {
    stage.classList.toggle("has-tiles", on);
    if (!on || painted === net) return;
    painted = net;
    stop();
    const pen = tiles.getContext("2d");
    pen.clearRect(0, 0, tiles.width, tiles.height);
    const at = (k) => -REACH + (2 * REACH * (k + 0.5)) / TILES;
    function* painting() {
      for (let k = 0; k < TILES * TILES; k++) {
        const [row, column] = [Math.floor(k / TILES), k % TILES];
        pen.putImageData(imageOf(pen, mean(net, [at(column), -at(row)])), column * SIDE, row * SIDE);
        yield k;
      }
    }
    stop = sliced(view, painting(), {
      rest: () => patience(root, false),
      done: () => {
        stage.dataset.tiles = "painted";
      },
    });
  }

  /** `q` is { mean, std } (std null for a point), `z` the handle, `path` the two ends. */
  function draw({ q, z, path }) {
    if (!laid) return;
    const [x, y] = [scales.x(z[0]), scales.y(z[1])];
    const unit = scales.x(1) - scales.x(0);
    const rx = q.std ? Math.max(2 * q.std[0] * unit, 1) : 3;
    const ry = q.std ? Math.max(2 * q.std[1] * unit, 1) : 3;
    set(marks.q, { cx: scales.x(q.mean[0]), cy: scales.y(q.mean[1]), rx, ry });
    const where = [
      [path.a1, path.a2],
      [path.b1, path.b2],
    ].map(([a, b]) => [scales.x(a), scales.y(b)]);
    set(marks.path, { d: `M${where[0].join(" ")}L${where[1].join(" ")}` });
    ends.forEach((end, i) => set(end, { x: where[i][0], y: where[i][1] + 4 }));
    if (!handle) {
      set(marks.here, { cx: x, cy: y });
      return;
    }
    show(marks.here, false);
    put(handle, x, y);
  }

  return {
    node,
    svg,
    handle,
    scales,
    draw,
    background,
    stop: () => stop(),
    laid: () => laid > 0,
    /** Follow the width: when the figure's own changes, never in a drag, since asking for it lays the page out. */
    measure() {
      const size = Math.floor(stage.clientWidth);
      if (size > 0 && size !== laid) layOut(size);
    },
    /** Other codes: those of another net. */
    recode(fresh) {
      codes = fresh;
      if (laid) paintCloud(laid);
    },
  };
}
