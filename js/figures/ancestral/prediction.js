// One question before the first drag. It is judged by what happened, not by what is known.

import { choice } from "../../kit/controls.js";
import { say } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { maths } from "../../kit/maths.js";

const inWords = (hills) => (hills === 1 ? "one hill" : `${hills} hills`);

export function makePrediction(h) {
  let answer = null;
  let from = null;
  let last = null;
  const reply = h("p", { class: "lvm-reply lvm-reply-short", role: "status" });
  const group = choice(h, {
    label: "Your prediction",
    className: "lvm-choice-inline",
    options: ["fewer", "more", "the same"].map((value) => ({ value, text: value })),
    choose: (value) => {
      [answer, from] = [value, last];
      say(reply, "Noted. Now raise the noise, all the way.");
    },
  });
  const close = h("button", { type: "button", class: "lvm-close", "aria-label": "Dismiss the question" });
  const node = h(
    "div",
    { class: "lvm-predict" },
    h(
      "div",
      { class: "lvm-predict-row" },
      h(
        "span",
        { class: "lvm-predict-text" },
        h("b", {}, "Predict first."),
        maths(h, " You raise the noise. How many hills will *p*(*x*) have?"),
      ),
      group.node,
    ),
    reply,
    close,
  );
  close.addEventListener("click", () => {
    node.hidden = true;
  });

  /** Compare the hills before and after the noise has risen. */
  function follow(n) {
    last = n;
    if (!answer || node.hidden) return;
    if (n.std_noise < from.std_noise) from = n; // less noise is a new start
    const changed = n.hills !== from.hills;
    if (!changed && n.std_noise < 0.999) return;
    const seen = !changed ? "the same" : n.hills < from.hills ? "fewer" : "more";
    const verdict = seen === answer ? "As you said, " : `You said ${answer}; it is `;
    say(
      reply,
      `${verdict}${seen}: ${inWords(from.hills)} at s = ${fixed(from.std_noise, 2)}, ${inWords(n.hills)} at s = ` +
        `${fixed(n.std_noise, 2)}. Noise blurs p(x); it cannot sharpen it.`,
    );
    answer = null;
  }
  return { node, follow };
}
