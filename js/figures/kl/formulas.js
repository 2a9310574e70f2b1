// The formulas above the bars: real text, each term a button. One row for the expectation, one for N draws.

import { show } from "../../kit/dom.js";
import { formulaRow, termButton } from "../../kit/maths.js";

const KL = { forward: "KL(*p*~data~ ‖ *p*~θ~)", reverse: "KL(*p*~θ~ ‖ *p*~data~)" };
const EXPECTED = { key: "expected", symbol: "E~data~ log *p*~θ~", quantity: "evidence" };
const AVERAGE = { key: "average", symbol: "average log *p*~θ~", quantity: "evidence" };
const ENTROPY = { key: "entropy", symbol: "−H(*p*~data~)", quantity: "data" };
const WOBBLE = { key: "wobble", symbol: "average − expectation", quantity: "prior" };

export function makeFormulas(h) {
  const terms = []; // [button, number of the state]
  const term = (of, value) => {
    const made = termButton(h, of);
    terms.push([made, value]);
    return made;
  };
  const row = (label, ...parts) => formulaRow(h, label, parts);
  const kl = (which) => term({ key: "kl", symbol: KL[which], quantity: "gap" }, (n) => n.kl);
  const rows = {
    forward: h(
      "div",
      {},
      row(
        "KL plus expected log-likelihood equals minus the entropy of the data",
        kl("forward"),
        "+",
        term(EXPECTED, (n) => n.expected),
        "=",
        term(ENTROPY, (n) => -n.entropy),
      ),
      row(
        "KL plus average log-likelihood equals minus the entropy plus the wobble",
        kl("forward"),
        "+",
        term(AVERAGE, (n) => n.average),
        "=",
        term(ENTROPY, (n) => -n.entropy),
        "+",
        term(WOBBLE, (n) => n.wobble),
      ),
    ),
    reverse: h(
      "div",
      {},
      row(
        "Reverse KL plus expected log-likelihood: not a constant",
        kl("reverse"),
        "+",
        term(EXPECTED, (n) => n.expected),
        "=",
        term({ key: "sum", symbol: "no constant", quantity: "prior" }, (n) => n.kl + n.expected),
      ),
    ),
  };
  return {
    node: h("div", { class: "lvm-kl-formulas" }, rows.forward, rows.reverse),
    values: (n) => terms.map(([made, value]) => [made, value(n)]),
    show: (which) => {
      for (const [key, node] of Object.entries(rows)) show(node, key === which);
    },
  };
}
