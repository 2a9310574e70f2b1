// One question before the first drag. It is judged by what happened, not by what is known.

import { choice } from "../../kit/controls.js";
import { say } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { maths } from "../../kit/maths.js";

export function makePrediction(h) {
  const answers = ["rises", "falls", "stays"].map((value) => ({ value, text: value }));
  let answer = null;
  let from = null;
  let last = null;
  let judged = false;
  const reply = h("p", { class: "lvm-reply", role: "status" });
  const group = choice(h, {
    label: "Your prediction",
    className: "lvm-choice-inline",
    options: answers,
    choose: (value) => {
      [answer, from, judged] = [value, last, false];
      say(reply, "Noted. Now widen q and watch the line.");
    },
  });
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
        maths(h, " You widen *q*. What happens to log *p*(*x*)?"),
      ),
      group.node,
    ),
    reply,
  );
  const close = h("button", { type: "button", class: "lvm-close", "aria-label": "Dismiss the question" });
  close.addEventListener("click", () => {
    node.hidden = true;
  });
  node.append(close);

  /** Judge by what happened, not by what is known: compare log p(x) before and after a widening. */
  function follow(n) {
    last = n;
    if (!answer || !from || node.hidden) return;
    const others = ["x", "bend", "slope", "std_noise"].some((key) => n[key] !== from[key]);
    if (others && judged) answer = null; // the verdict stands until the next prediction
    if (others) {
      from = n;
      if (judged) return;
      say(reply, "That moved the model or the data. Widen q alone.");
      return;
    }
    if (n.std < from.std && !judged) from = n; // a narrower q is a new start
    if (n.std - from.std < 0.1) return;
    judged = true;
    const moved = n.evidence - from.evidence;
    const seen = Math.abs(moved) < 1e-9 ? "stays" : moved > 0 ? "rises" : "falls";
    const verdict = seen === answer ? "As you said: it " : `You said it ${answer}; it `;
    say(
      reply,
      `${verdict}${seen} (${fixed(from.evidence)} before, ${fixed(n.evidence)} now). ` +
        `What moved is the split: ELBO ${fixed(from.elbo)} → ${fixed(n.elbo)}, KL ${fixed(from.kl)} → ${fixed(n.kl)}.`,
    );
  }
  return { node, follow };
}
