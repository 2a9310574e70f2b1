// One bar on an axis that never moves. Before: what the message of this image costs, distortion and rate. After: what
// is missing below log p(x), the family's share first, then the reader's and the network's, one over the other.

import { hatch, scale, ticks } from "../../kit/axes.js";
import { say, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";

const [TOP, TALL, AXIS, HEIGHT] = [22, 32, 62, 84];
const ENDS = { cost: 400, gaps: 15 }; // nats, where each axis ends
const LANE = TALL / 2;

export function makeBar({ h, s }) {
  const part = (key, cls, y, height, hatched = "") => {
    const box = s("rect", { class: cls, x: 0, y: 0, height });
    const lines = hatched && s("path", { class: `lvm-bar-hatch ${hatched}` });
    const node = s("svg", { class: "lvm-clip", "data-of": key, y, height }, box, lines || null);
    return { key, height, box, lines, node };
  };
  const parts = {
    distortion: part("reconstruction elbo", "lvm-bar-distortion", TOP, TALL),
    rate: part("rate elbo", "lvm-bar-rate", TOP, TALL),
    family: part("family", "lvm-bar-gap", TOP, TALL, "lvm-bar-hatch-family"),
    yours: part("yours", "lvm-bar-rate", TOP, LANE - 1),
    network: part("network", "lvm-bar-amortisation", TOP + LANE + 1, LANE - 1, "lvm-bar-hatch-q"),
  };
  const axis = s("path", { class: "lvm-axis" });
  const labels = s("g", { class: "lvm-ticks" });
  const beyond = [0, 1].map(() => s("path", { class: "lvm-bar-off" }));
  const title = s("text", { class: "lvm-bar-text lvm-bar-note", y: 14, x: 8 });
  const lanes = ["you", "network"].map((text) => s("text", { class: "lvm-bar-text lvm-bar-note" }, text));
  const svg = s(
    "svg",
    { class: "lvm-svg", "aria-hidden": "true" },
    Object.values(parts).map(({ node }) => node),
    axis,
    labels,
    beyond,
    title,
    lanes,
  );
  const node = h("div", { class: "lvm-bar" }, svg);
  let laid = "";

  function layOut(width, kind, x) {
    set(svg, { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` });
    const marks = ticks(0, ENDS[kind], width < 480 ? 4 : 8);
    set(axis, { d: `M8 ${AXIS}H${width - 8}${marks.map((v) => `M${x(v)} ${AXIS}v4`).join("")}` });
    for (const [name, own] of Object.entries(parts))
      if (own.lines) set(own.lines, { d: hatch(width, own.height, name === "family" ? 7 : 4) });
    labels.replaceChildren(
      ...marks.map((v) => s("text", { x: x(v), y: AXIS + 17, "text-anchor": v ? "middle" : "start" }, fixed(v, 0))),
    );
    say(title, kind === "cost" ? "−ELBO = distortion + rate, nats" : "nats below log p(x); first the family’s");
    laid = `${width} ${kind}`;
  }

  function draw(width, n) {
    const kind = n.revealed ? "gaps" : "cost";
    const x = scale([0, ENDS[kind]], [8, width - 22]);
    if (laid !== `${width} ${kind}`) layOut(width, kind, x);
    const spans = n.revealed
      ? {
          family: [0, n.family_short],
          yours: [n.family_short, n.family_short + n.yours_short],
          network: [n.family_short, n.family_short + n.network_short],
        }
      : { distortion: [0, -n.reconstruction], rate: [-n.reconstruction, -n.elbo] };
    for (const [name, own] of Object.entries(parts)) {
      const ends = spans[name] ?? [0, 0];
      const [from, to] = ends.map((v) => Math.min(x(Math.max(v, 0)), width - 16));
      const wide = Math.max(to - from, 0).toFixed(2);
      set(own.node, { x: from.toFixed(2), width: wide });
      set(own.box, { width: wide });
    }
    const rows = n.revealed
      ? [
          [TOP + LANE / 2, spans.yours[1]],
          [TOP + 1.5 * LANE, spans.network[1]],
        ]
      : [[TOP + LANE, -n.elbo]];
    beyond.forEach((arrow, i) => {
      const off = rows[i] && rows[i][1] > ENDS[kind];
      show(arrow, !!off);
      if (off) set(arrow, { d: `M${width - 14} ${rows[i][0] - 6}l10 6l-10 6z` });
    });
    lanes.forEach((text, i) => {
      show(text, n.revealed);
      if (!n.revealed) return;
      const end = x(Math.min(rows[i][1], ENDS.gaps));
      const fits = end + 70 < width;
      set(text, { x: fits ? end + 6 : end - 20, y: rows[i][0] + 4, "text-anchor": fits ? "start" : "end" });
    });
  }
  return { node, draw };
}
