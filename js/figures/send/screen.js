// A picture of a message under its caption: the one that is sent, or what a receiver makes of the bytes.

import { inkCanvas } from "../drawing/ink.js";

/** Its canvas, its caption and both as one node. */
export function makeScreen(h, caption, cls, label) {
  const canvas = inkCanvas(h, { role: "img", "aria-hidden": null, "aria-label": label });
  const words = h("div", { class: `lvm-caption ${cls}` }, caption);
  const node = h("div", { class: "lvm-send-side" }, words, h("div", { class: "lvm-screen" }, canvas.node));
  return { canvas, words, node };
}
