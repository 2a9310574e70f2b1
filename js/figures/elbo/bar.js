// The bar: the ELBO from the left, the KL from there to the line at log p(x). The axis never moves.

import { hatch, held, scale, ticks } from "../../kit/axes.js";
import { say, set, show } from "../../kit/dom.js";
import { fixed, nats } from "../../kit/format.js";
import { SPLITS } from "./terms.js";

const LEFT = -12; // nats: the axis' left end, which no state moves

export function makeBar({ h, s }) {
  const elbo = s("rect", { class: "lvm-bar-elbo", "data-of": "elbo" });
  const lines = s("path", { class: "lvm-bar-hatch" });
  const gapBox = s("rect", { class: "lvm-bar-gap" });
  const gap = s("svg", { class: "lvm-clip", "data-of": "kl" }, gapBox, lines);
  const line = s("path", { class: "lvm-bar-line", "data-of": "evidence" });
  const route = s("path", { class: "lvm-bar-route" });
  const dot = s("circle", { class: "lvm-bar-dot", r: 4 });
  const arrow = s("path", { class: "lvm-bar-off" });
  const axis = s("path", { class: "lvm-axis" });
  const tickLabels = s("g", { class: "lvm-ticks" });
  const text = (cls, of) => s("text", { class: `lvm-bar-text ${cls}`, "data-of": of });
  const words = {
    line: text("lvm-fill-evidence", "evidence"),
    elbo: text("lvm-bar-in", "elbo"),
    gap: text("lvm-fill-gap", "kl"),
    route: s("text", { class: "lvm-bar-text lvm-bar-note" }),
  };
  const svg = s(
    "svg",
    { class: "lvm-svg", "aria-hidden": "true" },
    elbo,
    gap,
    axis,
    tickLabels,
    route,
    dot,
    line,
    arrow,
    ...Object.values(words),
  );
  const node = h("div", { class: "lvm-bar" }, svg);
  const [Y0, Y1, ROUTE, AXIS, HEIGHT] = [24, 56, 68, 94, 116];
  let laid = 0;
  let x = null;

  function layOut(width) {
    x = scale([LEFT, 0], [8, width - 8]);
    set(svg, { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` });
    const values = ticks(LEFT, 0, width < 480 ? 5 : 10);
    set(axis, { d: `M8 ${AXIS}H${width - 8}${values.map((v) => `M${x(v)} ${AXIS}v4`).join("")}` });
    tickLabels.replaceChildren(
      ...values.map((v) =>
        s(
          "text",
          {
            x: v === 0 ? width - 2 : x(v),
            y: AXIS + 17,
            dx: v === LEFT ? -6 : 0,
            "text-anchor": v === 0 ? "end" : v === LEFT ? "start" : "middle",
          },
          v === 0 ? "0 nats" : fixed(v, 0),
        ),
      ),
    );
    set(lines, { d: hatch(width, Y1 - Y0) });
    laid = width;
  }

  function draw(width, n, split) {
    if (laid !== width) layOut(width);
    const clip = (value) => Math.min(Math.max(x(value), 8), width - 8);
    const [a, b] = [clip(n.elbo), clip(n.evidence)];
    const end = clip(n.elbo + n.kl); // at the line, unless something went wrong
    const [offElbo, offLine] = [n.elbo < LEFT, n.evidence < LEFT];
    set(elbo, { x: 8, y: Y0, width: Math.max(a - 8, 0), height: Y1 - Y0 });
    set(gap, { x: a, y: Y0, width: Math.max(end - a, 0), height: Y1 - Y0 });
    set(gapBox, { x: 0, y: 0, width: Math.max(end - a, 0), height: Y1 - Y0 });
    set(line, { d: `M${b} ${Y0 - 6}V${Y1 + 6}M${b} ${AXIS - 5}V${AXIS + 5}` });
    show(arrow, offElbo || offLine);
    set(arrow, { d: `M8 ${(Y0 + Y1) / 2}l9 -7v14Z` });

    const evidenceText = `log p(x) = ${nats(n.evidence)}${offLine ? ", left of the axis" : ""}`;
    put(words.line, held(b, evidenceText, 2, width - 2, 8), 13, evidenceText, "middle");
    const room = (text_) => text_.length * 7.6 + 12;
    const short = `ELBO ${fixed(n.elbo)}`;
    const long = `${short}, left of the axis`;
    let elboEnd = 8;
    if (offLine) put(words.elbo, 26, 45, long, "start");
    else if (!offElbo) put(words.elbo, 18, 45, a - 8 > room(short) ? short : "", "start");
    else {
      const fits = [long, short].find((text_) => b - 26 > room(text_));
      if (fits) put(words.elbo, 26, 45, fits, "start");
      else put(words.elbo, b + 10, 45, width - b - 12 > room(long) ? long : short, "start");
      elboEnd = fits ? 26 + room(fits) : 26;
    }
    words.elbo.classList.toggle("lvm-bar-in", !offElbo);
    words.elbo.classList.toggle("lvm-bar-over", offElbo);
    const klText = `KL ${fixed(n.kl)}`;
    put(words.gap, b - 10, 45, b - Math.max(a, elboEnd) > room(klText) + 8 ? klText : "", "end");

    // the chosen split as a way on the axis: from its first term, by its second, to the ELBO
    const { first, second, note } = SPLITS[split];
    const [f, to] = [clip(n[first]), a];
    const d = to > f ? -5 : 5;
    const head = Math.abs(to - f) > 7 ? `M${to + d} ${ROUTE - 4}L${to} ${ROUTE}L${to + d} ${ROUTE + 4}` : "";
    set(route, { d: `M${f} ${ROUTE}H${to}${head}`, "data-of": `${second} ${first}` });
    set(dot, { cx: f, cy: ROUTE, "data-of": first });
    put(words.route, held(0.5 * (f + to), note, 2, width - 2, 6.4), ROUTE + 17, note, "middle");
    set(words.route, { "data-of": `${first} ${second}` });
  }

  function put(node_, px, py, words_, anchor) {
    set(node_, { x: Math.round(px * 10) / 10, y: py, "text-anchor": anchor });
    say(node_, words_);
  }
  return { node, draw };
}
