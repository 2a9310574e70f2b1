// The message as a tape: what is written, what comes back, what it takes in the end; and what other codes take.

import { scale, ticks } from "../../kit/axes.js";
import { say, set } from "../../kit/dom.js";
import { counted, fixed } from "../../kit/format.js";

const [ROW, TALL, TEXT] = [40, 14, 14]; // of a row, its bar, and where its text stands
const ROUND = 25; // bits, to which the axis goes on: it stands still while a message grows and shrinks
const NARROW = 580; // pixels: below, a row says less
const bits = (value) => `${fixed(value, 1)} bits = ${fixed(value * Math.LN2, 1)} nats`;

/** Rows of bars on one axis in bits; each row has words above it. */
function rowsOf(s, names) {
  const rows = names.map(({ parts, text, right = false }, i) => ({
    words: s("text", {
      class: `lvm-bar-text ${text}`,
      x: 2,
      y: i * ROW + TEXT,
      "text-anchor": right ? "end" : "start",
    }),
    right,
    bars: parts.map(({ cls, of }) => s("rect", { class: cls, y: i * ROW + 20, height: TALL, "data-of": of ?? false })),
  }));
  const axis = s("path", { class: "lvm-axis" });
  const labels = s("g", { class: "lvm-ticks" });
  const svg = s(
    "svg",
    { class: "lvm-svg", "aria-hidden": "true" },
    rows.flatMap(({ words, bars }) => [...bars, words]),
  );
  svg.append(axis, labels);
  const bottom = names.length * ROW;
  let ruled = ""; // the axis that stands there

  /** values: for each row { text, bars: [[from, to], ...] }, in bits. */
  function draw(width, top, values) {
    const x = scale([0, top], [2, width - 2]);
    set(svg, { width, height: bottom + 24, viewBox: `0 0 ${width} ${bottom + 24}` });
    values.forEach(({ text, bars }, i) => {
      say(rows[i].words, text);
      if (rows[i].right) set(rows[i].words, { x: width - 2 });
      bars.forEach(([from, to], k) =>
        set(rows[i].bars[k], { x: x(from).toFixed(1), width: Math.max(x(to) - x(from), 0).toFixed(1) }),
      );
    });
    if (ruled === `${width} ${top}`) return;
    ruled = `${width} ${top}`;
    const marks = ticks(0, top, width < 480 ? 4 : 8);
    set(axis, { d: `M2 ${bottom}H${width - 2}${marks.map((v) => `M${x(v).toFixed(1)} ${bottom}v4`).join("")}` });
    labels.replaceChildren(
      ...marks
        .slice(1)
        .map((v) =>
          s("text", { x: x(v), y: bottom + 17, "text-anchor": x(v) > width - 20 ? "end" : "middle" }, counted(v)),
        ),
      s("text", { x: 2, y: bottom + 17 }, "bits"),
    );
  }
  return { svg, draw };
}

/** What other codes take, for the message of a VAE: rows of { text, bars }, in bits. */
const beside = (n, net, narrow) => [
  {
    text: narrow
      ? `message ${fixed(net, 1)} bits, as a file ${counted(n.wire)}`
      : `this message ${fixed(net, 1)} bits; as a file ${counted(n.wire)}: whole words, and the ${n.first} first bits`,
    bars: [
      [0, net],
      [net, n.wire],
    ],
  },
  { text: `one bit for each pixel: ${n.fixed} bits`, bars: [[0, n.fixed]] },
  { text: `PNG${narrow ? "" : " file, one bit for a pixel"}: ${counted(n.png)} bits`, bars: [[0, n.png]] },
];

/** `others(n, net, narrow)` gives the second axis' `rows`, of which the first is the message. */
export function makeTape({ h, s }, others = beside, rows = 3) {
  const tape = rowsOf(s, [
    {
      text: "lvm-send-ink",
      parts: [
        { cls: "lvm-send-x", of: "x" },
        { cls: "lvm-send-of-z", of: "z" },
      ],
    },
    { text: "lvm-send-ink-q", right: true, parts: [{ cls: "lvm-send-back", of: "back" }] },
    { text: "lvm-send-ink-elbo", parts: [{ cls: "lvm-bar-elbo", of: "length" }] },
  ]);
  const codes = rowsOf(s, [
    { text: "lvm-send-ink-elbo", parts: [{ cls: "lvm-bar-elbo" }, { cls: "lvm-send-first" }] },
    ...Array.from({ length: rows - 1 }, () => ({ text: "lvm-send-ink", parts: [{ cls: "lvm-send-other" }] })),
  ]);
  const heading = h("div", { class: "lvm-caption lvm-send-codes" }, "The same picture in other codes");
  const node = h("div", { class: "lvm-bar" }, tape.svg, heading, codes.svg);

  function draw(width, n, most) {
    const net = n.x + n.z - n.back;
    const narrow = width < NARROW;
    tape.draw(width, ROUND * Math.max(Math.ceil((n.x + n.z) / ROUND), 3), [
      {
        text: narrow
          ? `x given z: ${fixed(n.x, 1)} bits; z: ${fixed(n.z, n.z % 1 ? 1 : 0)} bits`
          : `written: x given z, ${bits(n.x)}, and z, ${bits(n.z)}`,
        bars: [
          [0, n.x],
          [n.x, n.x + n.z],
        ],
      },
      { text: n.back ? `← back: ${bits(n.back)}` : "nothing comes back", bars: [[net, n.x + n.z]] },
      { text: `${narrow ? "takes" : "the message takes"} ${bits(net)}`, bars: [[0, net]] },
    ]);
    codes.draw(width, most, others(n, net, narrow));
  }
  return { node, draw };
}
