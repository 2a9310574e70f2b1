// The rate of each latent as a bar: a latent that dies is seen dying.

import { set } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { indexed } from "./codes.js";

const [TALL, FOOT] = [92, 18]; // pixels

export function makeRates({ h, s }) {
  const svg = s("svg", { class: "lvm-svg", "aria-hidden": "true", "data-of": "rate" });
  const title = h("p", { class: "lvm-field-title" }, "rate of each latent, nats");
  const node = h("div", { class: "lvm-rates" }, title, svg);
  let bars = [];
  let laid = "";
  let roof = 1;

  function layOut(width, many) {
    bars = Array.from({ length: many }, (_, j) => ({
      box: s("rect", { class: "lvm-rate-bar" }),
      number: s("text", { class: "lvm-bar-note", "text-anchor": "middle" }),
      name: s("text", { class: "lvm-bar-note", "text-anchor": "middle" }, many > 8 ? `${j + 1}` : indexed(j)),
    }));
    set(svg, { width, height: TALL + FOOT + 16, viewBox: `0 0 ${width} ${TALL + FOOT + 16}` });
    svg.replaceChildren(...bars.flatMap(({ box, number, name }) => [box, number, name]));
  }

  function draw(width, rates) {
    const now = `${width} ${rates.length}`;
    if (laid !== now) {
      layOut(width, rates.length);
      laid = now;
    }
    const top = Math.max(...rates.filter(Number.isFinite), 0.5);
    if (top > roof || top < 0.5 * roof) roof = 1.2 * top; // the scale moves seldom, so that a fall is seen as one
    const pace = width / rates.length;
    rates.forEach((rate, j) => {
      const tall = Math.min(Number.isFinite(rate) ? Math.max(rate, 0) / roof : 1, 1) * TALL;
      const { box, number, name } = bars[j];
      const middle = (j + 0.5) * pace;
      const wide = Math.min(0.7 * pace, 60);
      set(box, { x: middle - wide / 2, y: 16 + TALL - tall, width: wide, height: Math.max(tall, 1) });
      set(number, { x: middle, y: 12 + TALL - tall });
      set(name, { x: middle, y: 16 + TALL + FOOT - 4 });
      const text = fixed(rate, pace < 34 ? 1 : 2);
      if (number.textContent !== text) number.textContent = text;
    });
  }
  return { node, draw };
}
