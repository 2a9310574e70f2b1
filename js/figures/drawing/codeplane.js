// The ground of a plane of codes: the prior's rings and axes, two standard deviations marked.

import { scale } from "../../kit/axes.js";
import { set } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { plated } from "../../kit/plated.js";

const SMALL = 160; // pixels of a side: below, its numerals are smaller
const REACH = 4; // standard deviations of the prior, from the middle to an edge
const INSIDE = 3.88; // where a numeral near the edge stands, so that it is not cut

/** Where a code's numeral stands: wholly in the frame, or as far outside as it is. */
export const standing = (z) => (Math.abs(z) > REACH ? z : Math.min(Math.max(z, -INSIDE), INSIDE));

/** Its svg, with `codes` over the ticks and the rings; `lay(side)` says whether it had another size before. */
export function makeCodePlane(s, codes, more = {}) {
  const prior = [1, 2].map((k) => s("circle", { class: `lvm-prior-ring lvm-prior-ring-${k}` }));
  const cross = s("path", { class: "lvm-grid" });
  const frame = s("rect", { class: "lvm-field-frame", x: 0.5, y: 0.5 });
  const ticks = s("g", { class: "lvm-ticks" });
  const svg = s("svg", { class: "lvm-svg", "aria-hidden": "true", ...more }, cross, prior, ticks, codes, frame);
  const plane = {
    svg,
    reach: REACH,
    side: 0,
    foot: 4,
    x: scale([-REACH, REACH], [0, 1]),
    y: scale([-REACH, REACH], [1, 0]),
  };

  function lay(side) {
    if (plane.side === side) return false;
    const x = scale([-REACH, REACH], [0, side]);
    const y = scale([-REACH, REACH], [side, 0]);
    set(svg, { width: side, height: side, viewBox: `0 0 ${side} ${side}` });
    set(frame, { width: side - 1, height: side - 1 });
    set(cross, { d: `M0 ${y(0)}H${side}M${x(0)} 0V${side}` });
    prior.forEach((ring, i) => set(ring, { cx: x(0), cy: y(0), r: x(i + 1) - x(0) }));
    ticks.replaceChildren(
      ...[-2, 2].flatMap((v) => plated(s, { x: x(v), y: side - 6, anchor: "middle" }, fixed(v, 0))),
      ...[-2, 2].flatMap((v) => plated(s, { x: 5, y: y(v) + 4 }, fixed(v, 0))),
    );
    const numeral = side < SMALL ? 6.5 : 11;
    svg.style.setProperty("--lvm-numeral", `${numeral}px`);
    Object.assign(plane, { side, x, y, foot: 0.36 * numeral }); // of a numeral, below its middle
    return true;
  }
  return Object.assign(plane, { lay });
}
