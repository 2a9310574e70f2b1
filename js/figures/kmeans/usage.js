// How many points each code holds, beside an even share; a code that is nearest to none is dead.

import { MOST } from "../../engine/kmeans.js";
import { scale } from "../../kit/axes.js";
import { say, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";

const [TOP, ROOM, TALL, LEFT] = [22, 216, 17, 24]; // ROOM: for the rows, however many, so that nothing jumps
const r = (v) => Math.round(v * 10) / 10;

export function makeUsage({ h, s }) {
  const rows = Array.from({ length: MOST }, (_, j) => ({
    name: s("text", { class: "lvm-km-name", x: LEFT - 8, "text-anchor": "end" }, String(j + 1)),
    bar: s("rect", { class: "lvm-km-bar", x: LEFT, height: TALL }),
    text: s("text", { class: "lvm-km-count" }),
  }));
  const even = s("path", { class: "lvm-km-even" });
  const label = s("text", { class: "lvm-bar-text lvm-bar-note", y: 13, "text-anchor": "middle" });
  const svg = s(
    "svg",
    { class: "lvm-svg", "aria-hidden": "true" },
    rows.flatMap(({ name, bar }) => [name, bar]),
    even,
    rows.map(({ text }) => text),
    label,
  );
  const node = h("div", { class: "lvm-em-panel" }, svg);

  function draw(width, { held, counts }, n, soft) {
    const k = held.length;
    const height = TOP + ROOM;
    const row = Math.min(ROOM / k, 40);
    set(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    const x = scale([0, Math.max(...held, (2 * n) / k) * 1.05], [LEFT, width - 46]);
    rows.forEach(({ name, bar, text }, j) => {
      for (const part of [name, bar, text]) show(part, j < k);
      if (j >= k) return;
      const y = r(TOP + j * row);
      set(name, { y: y + 13 });
      set(bar, { y, width: r(Math.max(x(held[j]) - LEFT, 0)) });
      const words = counts[j] ? fixed(held[j], soft ? 1 : 0) : soft ? `${fixed(held[j], 1)} (dead)` : "dead";
      say(set(text, { x: r(x(held[j]) + 6), y: y + 13 }), words);
    });
    set(even, { d: `M${r(x(n / k))} ${TOP - 4}V${r(TOP + k * row)}` });
    say(set(label, { x: r(Math.min(Math.max(x(n / k), 60), width - 60)) }), `even: ${fixed(n / k, 1)}`);
  }
  return { node, draw, measure: () => Math.floor(node.clientWidth) };
}
