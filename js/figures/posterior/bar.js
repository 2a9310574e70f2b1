// The chain of bounds: from the encoder's ELBO on the left to log p(x) on the right. What refining won, what it could
// still win, and what no Gaussian of the family wins. The axis begins at the encoder's ELBO: only differences show.

import { hatch, held, scale, ticks } from "../../kit/axes.js";
import { say, set } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";

const [TOP, TALL, AXIS, HEIGHT] = [24, 30, 66, 86];

export function makeBar({ h, s }) {
  const won = s("rect", { class: "lvm-bar-elbo", "data-of": "refined", y: TOP, height: TALL });
  const part = (key, cls) => {
    const box = s("rect", { class: cls, x: 0, y: 0, height: TALL });
    const lines = s("path", { class: "lvm-bar-hatch" });
    return { key, box, lines, node: s("svg", { class: "lvm-clip", "data-of": key, y: TOP, height: TALL }, box, lines) };
  };
  const parts = [part("amortisation", "lvm-bar-amortisation"), part("approximation", "lvm-bar-gap")];
  parts[0].lines.classList.add("lvm-bar-hatch-q");
  const line = s("path", { class: "lvm-bar-line", "data-of": "evidence" });
  const axis = s("path", { class: "lvm-axis" });
  const labels = s("g", { class: "lvm-ticks" });
  const text = (cls, anchor, of) =>
    s("text", { class: `lvm-bar-text ${cls}`, y: 14, "text-anchor": anchor, "data-of": of });
  const words = {
    left: text("lvm-fill-elbo", "start", "amortised"),
    right: text("lvm-fill-evidence", "end", "evidence"),
  };
  const svg = s(
    "svg",
    { class: "lvm-svg", "aria-hidden": "true" },
    won,
    parts.map(({ node }) => node),
    axis,
    labels,
    line,
    Object.values(words),
  );
  const node = h("div", { class: "lvm-bar" }, svg);
  let laid = "";

  /** What an image and a width fix: a drag of the steps leaves it as it is. */
  function layOut(width, n, x) {
    const now = `${width} ${n.amortised} ${n.evidence}`;
    if (now === laid) return;
    laid = now;
    set(svg, { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` });
    parts.forEach(({ lines }, i) => set(lines, { d: hatch(width, TALL, i ? 7 : 4) }));
    set(line, { d: `M${x(n.evidence)} ${TOP - 6}V${TOP + TALL + 6}` });
    const marks = ticks(n.amortised, n.evidence, width < 480 ? 3 : 6);
    const digits = marks.length > 1 && marks[1] - marks[0] < 0.1 ? 2 : 1;
    set(axis, { d: `M8 ${AXIS}H${width - 8}${marks.map((v) => `M${x(v)} ${AXIS}v4`).join("")}` });
    labels.replaceChildren(
      ...marks.map((v) => {
        const label = fixed(v, digits);
        return s("text", { x: held(x(v), label, 2, width - 2), y: AXIS + 17, "text-anchor": "middle" }, label);
      }),
    );
    const narrow = width < 320; // both stand on one line
    say(set(words.left, { x: 8 }), `${narrow ? "ELBO" : "encoder"} ${fixed(n.amortised, 2)}`);
    say(set(words.right, { x: width - 8 }), `log p(x) ${fixed(n.evidence, 2)}${narrow ? "" : " nats"}`);
  }

  function draw(width, n) {
    const whole = n.evidence - n.amortised;
    const x = scale([n.amortised, n.amortised + 1.06 * whole], [8, width - 8]);
    layOut(width, n, x);
    set(won, { x: 8, width: Math.max(x(n.refined) - 8, 0).toFixed(2) });
    const ends = [n.refined, n.best, n.evidence];
    parts.forEach((own, i) => {
      const wide = Math.max(x(ends[i + 1]) - x(ends[i]), 0).toFixed(2);
      set(own.node, { x: x(ends[i]).toFixed(2), width: wide });
      set(own.box, { width: wide });
    });
  }
  return { node, draw };
}
