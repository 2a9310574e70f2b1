// The bar of cost, from 0 nats to the left: solid up to ELBO + KL, the line at log p(x), and the KL hatched from there
// to the ELBO. Below it the chosen split of the ELBO, as a way on the same axis, which never moves.

import { held } from "../../kit/axes.js";
import { makeCostBars } from "../../kit/costbar.js";
import { say, set, show } from "../../kit/dom.js";
import { nats } from "../../kit/format.js";
import { SPLITS } from "./terms.js";

const [TOP, TALL, ROUTE, AXIS, HEIGHT] = [24, 32, 68, 94, 116];
const LETTER = 8; // pixels, of a word above the bar

export function makeBar({ h, s }) {
  const row = {
    y: TOP,
    sum: "evidence elbo",
    value: "elbo",
    solid: "lvm-bar-evidence",
    end: "lvm-bar-line lvm-bar-line-elbo",
    ink: "lvm-fill-elbo",
    near: true,
  };
  const bars = makeCostBars(s, [row], { axis: AXIS, tall: TALL });
  const line = s("path", { class: "lvm-bar-line", "data-of": "evidence" });
  const route = s("path", { class: "lvm-bar-route" });
  const dot = s("circle", { class: "lvm-bar-dot", r: 4 });
  const ofLine = s("text", { class: "lvm-bar-text lvm-fill-evidence", y: 13, "data-of": "evidence" });
  const ofRoute = s("text", { class: "lvm-bar-text lvm-bar-note", y: ROUTE + 17 });
  for (const words of [ofLine, ofRoute]) set(words, { "text-anchor": "middle" });
  const svg = s(
    "svg",
    { class: "lvm-svg", "aria-hidden": "true" },
    bars.under,
    route,
    dot,
    line,
    bars.over,
    ofLine,
    ofRoute,
  );
  const node = h("div", { class: "lvm-bar" }, svg);
  let laid = 0;

  function layOut(width) {
    set(svg, { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` });
    bars.layOut(width);
    laid = width;
  }

  function draw(width, n, split) {
    if (laid !== width) layOut(width);
    const [at, to] = [n.evidence, n.elbo].map(bars.clip);
    bars.draw(0, { name: "ELBO", value: n.elbo, kl: n.kl, at });
    const off = bars.beyond(n.evidence);
    show(line, !off);
    set(line, { d: `M${at} ${TOP - 6}V${TOP + TALL + 6}M${at} ${AXIS - 5}V${AXIS + 5}` });
    const short = `log p(x) = ${nats(n.evidence)}`;
    const long = off ? `${short}, left of the axis` : short;
    const words = long.length * LETTER < width - 4 ? long : short;
    say(set(ofLine, { x: held(at, words, 2, width - 2, LETTER) }), words);

    // the chosen split as a way on the axis: from its first term, by its second, to the ELBO
    const { first, second, note } = SPLITS[split];
    const from = bars.clip(n[first]);
    const d = to > from ? -5 : 5;
    const head = Math.abs(to - from) > 7 ? `M${to + d} ${ROUTE - 4}L${to} ${ROUTE}L${to + d} ${ROUTE + 4}` : "";
    set(route, { d: `M${from} ${ROUTE}H${to}${head}`, "data-of": `${second} ${first}` });
    set(dot, { cx: from, cy: ROUTE, "data-of": first });
    const middle = held(0.5 * (from + to), note, 2, width - 2, 6.4);
    say(set(ofRoute, { x: Math.round(10 * middle) / 10, "data-of": `${first} ${second}` }), note);
  }
  return { node, draw };
}
