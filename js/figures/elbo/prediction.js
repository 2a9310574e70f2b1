// One question before the first drag. It is judged by what happened, not by what is known.

import { say } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { makeQuestion } from "../../kit/question.js";

export function makePrediction(h) {
  let answer = null;
  let from = null;
  let last = null;
  let judged = false;
  const { node, reply } = makeQuestion(h, {
    question: "You widen *q*. What happens to log *p*(*x*)?",
    answers: ["rises", "falls", "stays"],
    choose: (value) => {
      [answer, from, judged] = [value, last, false];
      say(reply, "Noted. Now widen q and watch the line.");
    },
  });

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
