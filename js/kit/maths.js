// Formulas as real text: "*p*" is a variable, "~data~" an index.

import { refill } from "./dom.js";

/** "KL(*p*~data~ ‖ *p*~θ~)" as a list of nodes and strings. */
export function maths(h, text) {
  return text.split(/(\*[^*]+\*|~[^~]+~)/).filter(Boolean).map((part) => {
    if (part[0] === "*") return h("var", {}, part.slice(1, -1));
    if (part[0] === "~") return h("sub", {}, part.slice(1, -1));
    return part;
  });
}

/** The same without its marks, for labels that are read aloud or drawn as plain text. */
export const plain = (text) => text.replace(/[*~]/g, "");

/** A term of a formula as a button with its number: `key` links it to the picture, `quantity` is its colour. */
export function termButton(h, { key, symbol, quantity }) {
  return h("button", { type: "button", class: `lvm-term lvm-ink-${quantity}`, "data-term": key, "aria-pressed": "false" },
    h("span", { class: "lvm-term-symbol" }, maths(h, symbol)), " ", h("span", { class: "lvm-term-number" }));
}

/** A sign between two terms. */
export const sign = (h, text) => h("span", { class: "lvm-sign" }, text);

/** Sentences whose parts are ["strong" or "plain", text]; touched only where they differ. */
export function sentence(h, node, parts) {
  const text = parts.map((part) => part.join(" ")).join("|");
  if (node.dataset.text === text) return;
  node.dataset.text = text;
  refill(node, parts.flatMap(([kind, words]) => {
    const inner = maths(h, words);
    return kind === "strong" ? [h("strong", {}, inner)] : inner;
  }));
}
