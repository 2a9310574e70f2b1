// Two bars of cost, which begin at 0 nats and grow to the left. Solid, up to the sum: H(p_data), which no model saves.
// Hatched, the KL, from there to the log-likelihood. Above, expected over the data density: the sum stands at
// -H(p_data). Below, averaged over N draws: the sum moves. The axis never does; what goes on beyond it has an arrow.

import { held } from "../../kit/axes.js";
import { makeCostBars } from "../../kit/costbar.js";
import { say, set, show } from "../../kit/dom.js";
import { counted, fixed } from "../../kit/format.js";

const [TOP, MIDDLE, AXIS, HEIGHT, TALL] = [26, 88, 140, 162, 24];
const KEYS = ["expected", "average"];

export function makeBars({ h, s }) {
  const marks = { sum: "entropy", solid: "lvm-bar-sum", end: "lvm-bar-line", ink: "lvm-fill-evidence" };
  const rows = [TOP, MIDDLE].map((y, i) => ({ ...marks, y, value: KEYS[i] }));
  const bars = makeCostBars(s, rows, { axis: AXIS, tall: TALL });
  const line = s("path", { class: "lvm-bar-entropy", "data-of": "entropy" });
  const bracket = s("path", { class: "lvm-bar-route", "data-of": "wobble" });
  const above = s("text", {
    class: "lvm-bar-text lvm-fill-data",
    y: 14,
    "text-anchor": "middle",
    "data-of": "entropy",
  });
  const below = s("text", {
    class: "lvm-bar-text lvm-bar-note",
    y: MIDDLE - 9,
    "text-anchor": "middle",
    "data-of": "wobble",
  });
  const svg = s("svg", { class: "lvm-svg", "aria-hidden": "true" }, bars.under, bracket, line, bars.over, above, below);
  const node = h("div", { class: "lvm-bar" }, svg);
  let laid = 0;

  function layOut(width) {
    set(svg, { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` });
    bars.layOut(width);
    laid = width;
  }

  function draw(width, n) {
    if (laid !== width) layOut(width);
    const at = bars.clip(-n.entropy);
    KEYS.forEach((name, i) => {
      bars.draw(i, { name, value: n[name], kl: n.kl, at });
    });
    // past each bar, but not through the words between them
    set(line, {
      d: `${[TOP, MIDDLE].map((y) => `M${at} ${y - 3}V${y + TALL + 6}`).join("")}M${at} ${AXIS - 5}V${AXIS + 5}`,
    });
    const end = bars.clip(n.average + n.kl);
    const forward = n.direction === "forward";
    const y = MIDDLE + TALL + 14;
    const long = Math.min(Math.abs(end - at), 5); // a short arrow keeps its head
    const head = end > at ? -long : long;
    const tip = `M${end + head} ${y - 0.8 * long}L${end} ${y}L${end + head} ${y + 0.8 * long}`;
    show(bracket, forward && long >= 2);
    set(bracket, { d: `M${at} ${y}H${end}${tip}` });
    const sum = `−H = ${fixed(-n.entropy)}${forward && width >= 240 ? ": no model moves it" : ""}`;
    say(set(above, { x: held(at, sum, 2, width - 2, 8.2) }), sum);
    const plus = n.wobble < 0 ? "" : "+";
    const words = forward
      ? `N = ${counted(n.n)}: off by ${plus}${fixed(n.wobble)} ± ${fixed(n.error)}`
      : `N = ${counted(n.n)}`;
    say(set(below, { x: held(end, words, 2, width - 2, 7) }), words);
  }
  return { node, draw };
}
