// What is missing below log p(x), in nats from 0: what no Gaussian of the family wins, what refining could still win,
// and what it has won. The axis never moves; what goes on beyond it has an arrow.

import { hatch, held, scale, ticks } from "../../kit/axes.js";
import { say, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";

const [TOP, TALL, AXIS, HEIGHT] = [24, 30, 66, 100];
const MISSING = 15; // nats, where the axis ends, as that of the figure of the encoder does
const LETTER = 8.2; // pixels, of a word above the bar

export function makeBar({ h, s }) {
  const part = (key, cls, apart = 0) => {
    const box = s("rect", { class: cls, x: 0, y: 0, height: TALL });
    const lines = apart ? s("path", { class: "lvm-bar-hatch" }) : null;
    return {
      box,
      lines,
      apart,
      node: s("svg", { class: "lvm-clip", "data-of": key, y: TOP, height: TALL }, box, lines),
    };
  };
  const parts = [
    part("approximation", "lvm-bar-gap", 7),
    part("amortisation", "lvm-bar-amortisation", 4),
    part("refined", "lvm-bar-elbo"),
  ];
  parts[1].lines.classList.add("lvm-bar-hatch-q");
  const line = s("path", { class: "lvm-bar-line", "data-of": "evidence" });
  const beyond = s("path", { class: "lvm-bar-off" });
  const axis = s("path", { class: "lvm-axis" });
  const labels = s("g", { class: "lvm-ticks" });
  const text = (cls, anchor, of) =>
    s("text", { class: `lvm-bar-text ${cls}`, y: 14, "text-anchor": anchor, "data-of": of });
  const words = {
    evidence: text("lvm-fill-evidence", "start", "evidence"),
    encoder: text("lvm-fill-elbo", "middle", "amortised"),
  };
  const svg = s(
    "svg",
    { class: "lvm-svg", "aria-hidden": "true" },
    parts.map(({ node }) => node),
    axis,
    labels,
    line,
    beyond,
    Object.values(words),
  );
  const node = h("div", { class: "lvm-bar" }, svg);
  let laid = 0;
  let x = null;

  function layOut(width) {
    x = scale([0, MISSING], [9, width - 22]);
    set(svg, { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` });
    for (const { lines, apart } of parts) if (lines) set(lines, { d: hatch(width, TALL, apart) });
    set(line, { d: `M9 ${TOP - 6}V${AXIS + 5}` });
    set(beyond, { d: `M${width - 12} ${TOP + TALL / 2 - 7}l10 7l-10 7z` });
    const marks = ticks(0, MISSING, width < 480 ? 4 : 8);
    set(axis, { d: `M9 ${AXIS}H${width - 8}${marks.map((v) => `M${x(v)} ${AXIS}v4`).join("")}` });
    labels.replaceChildren(
      ...marks.map((v) => s("text", { x: x(v), y: AXIS + 17, "text-anchor": "middle" }, fixed(v, 0))),
      s("text", { x: width - 8, y: AXIS + 31, "text-anchor": "end" }, "nats below log p(x)"),
    );
    laid = width;
  }

  function draw(width, n) {
    if (laid !== width) layOut(width);
    const ends = [n.evidence, n.best, n.refined, n.amortised].map((v) => Math.max(n.evidence - v, 0));
    const off = ends[3] > MISSING;
    const place = (v) => Math.min(x(v), width - 14);
    parts.forEach((own, i) => {
      const wide = Math.max(place(ends[i + 1]) - place(ends[i]), 0).toFixed(2);
      set(own.node, { x: place(ends[i]).toFixed(2), width: wide });
      set(own.box, { width: wide });
    });
    show(beyond, off);
    // both stand on one line: where it is short, the formula alone says the number
    const evidence = width < 320 ? "log p(x)" : `log p(x) ${fixed(n.evidence, 2)} nats`;
    const encoder = `encoder ${fixed(n.amortised, 2)}`;
    say(set(words.evidence, { x: 8 }), evidence);
    const after = 8 + evidence.length * LETTER + 12;
    say(set(words.encoder, { x: held(place(ends[3]), encoder, after, width - 4, LETTER) }), encoder);
  }
  return { node, draw };
}
