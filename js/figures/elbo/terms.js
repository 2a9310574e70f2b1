// The formula above the bar and the split below it: real text, each term a button.

import { choice } from "../../kit/controls.js";
import { show } from "../../kit/dom.js";
import { formulaRow, termButton } from "../../kit/maths.js";

/** A term: what it is called, and the quantity whose colour it wears. */
const TERMS = {
  evidence: ["log *p*(*x*)", "evidence"],
  elbo: ["ELBO(*q*)", "elbo"],
  kl: ["KL(*q* ‖ *p*(*z* | *x*))", "gap"],
  reconstruction: ["E~*q*~\u2009 log *p*(*x* | *z*)", "model"],
  kl_prior: ["KL(*q* ‖ *p*(*z*))", "prior"],
  energy: ["E~*q*~\u2009 log *p*(*x*, *z*)", "model"],
  entropy: ["H(*q*)", "q"],
};

/** Three ways to read the ELBO. `note` is said beside the way from the first term to the ELBO. */
export const SPLITS = {
  gap: { text: "evidence − gap", first: "evidence", sign: "−", second: "kl", note: "log p(x), less the KL" },
  rate: {
    text: "reconstruction − KL to prior",
    first: "reconstruction",
    sign: "−",
    second: "kl_prior",
    note: "reconstruction, less KL to prior",
  },
  energy: { text: "energy + entropy", first: "energy", sign: "+", second: "entropy", note: "energy, plus entropy" },
};

const term = (h, key) => {
  const [symbol, quantity] = TERMS[key];
  return termButton(h, { key, symbol, quantity });
};

export function makeIdentity(h) {
  const terms = ["evidence", "elbo", "kl"].map((key) => [term(h, key), key]);
  const node = formulaRow(
    h,
    "log p(x) equals ELBO plus KL, in nats",
    [terms[0][0], "=", terms[1][0], "+", terms[2][0]],
    { small: false },
  );
  return { node, terms };
}

export function makeSplits(h, choose) {
  const terms = [];
  const rows = Object.fromEntries(
    Object.entries(SPLITS).map(([value, { first, sign: between, second }]) => {
      const [a, b] = [term(h, first), term(h, second)];
      const total = term(h, "elbo");
      terms.push([a, first], [b, second], [total, "elbo"]);
      return [value, formulaRow(h, SPLITS[value].text, [total, "=", a, between, b])];
    }),
  );
  const group = choice(h, {
    label: "Read the ELBO as",
    value: "gap",
    choose,
    options: Object.entries(SPLITS).map(([value, { text }]) => ({ value, text })),
  });
  const node = h(
    "div",
    { class: "lvm-splits" },
    h("div", { class: "lvm-splits-head" }, h("span", { class: "lvm-label" }, "Read the ELBO as"), group.node),
    Object.values(rows),
  );
  const choose_ = (which) => {
    for (const [value, row] of Object.entries(rows)) show(row, value === which);
  };
  return { node, terms, show: choose_ };
}
