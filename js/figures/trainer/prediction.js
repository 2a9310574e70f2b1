// "Predict first": before a run with a large beta the reader says what the rate will do; the run answers.

import { button } from "../../kit/controls.js";
import { show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";

const FROM = 4; // a beta that asks
const AFTER = 200; // steps until the answer
const WAYS = ["rise", "stay within a tenth", "fall"];

export function makePrediction(h, go) {
  const text = h("p", {});
  const buttons = WAYS.map((way, i) => button(h, `It will ${way}`, () => answer(i)));
  const row = h("div", { class: "lvm-buttons" }, buttons);
  const node = h(
    "div",
    { class: "lvm-predict", role: "group", "aria-label": "Predict first", hidden: true },
    text,
    row,
  );
  let asked = null; // { beta, rate, step, said }

  function answer(said) {
    asked.said = said;
    show(row, false);
    text.textContent = `You say: it will ${WAYS[said]}. ${AFTER} steps will tell.`;
    go();
  }

  return {
    node,
    /** Whether the run must wait for a prediction: then the question stands there. */
    asks(beta, rate, step) {
      if (beta < FROM || asked?.beta === beta) return false;
      asked = { beta, rate, step, said: null };
      text.textContent =
        `Predict first. The rate is ${fixed(rate, 2)} nats now. What will it do in ${AFTER} steps ` +
        `with β = ${fixed(beta, 1)}?`;
      show(row, true);
      show(node, true);
      buttons[0].focus();
      return true;
    },
    /** The rate after a step, at that beta. */
    follow(beta, rate, step) {
      if (!asked || asked.said === null || asked.told || step < asked.step + AFTER || beta !== asked.beta) return;
      asked.told = true;
      const way = rate > 1.1 * asked.rate ? 0 : rate < 0.9 * asked.rate ? 2 : 1;
      const did = ["rose", "stayed within a tenth", "fell"][way];
      text.textContent =
        `${way === asked.said ? "Right" : "Not so"}: from ${fixed(asked.rate, 2)} to ${fixed(rate, 2)} nats, ` +
        `it ${did}. ` +
        `With β = ${fixed(beta, 1)} each nat of rate costs the loss ${fixed(beta, 1)}, and is kept only where it ` +
        "saves more than that of distortion.";
    },
    reset() {
      asked = null;
      show(node, false);
    },
  };
}
