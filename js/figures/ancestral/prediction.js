// One question before the first drag. It is judged by what happened, not by what is known.

import { say } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { makeQuestion } from "../../kit/question.js";

const inWords = (hills) => (hills === 1 ? "one hill" : `${hills} hills`);

export function makePrediction(h) {
  let answer = null;
  let from = null;
  let last = null;
  const { node, reply } = makeQuestion(h, {
    question: "You raise the noise. How many hills will *p*(*x*) have?",
    answers: ["fewer", "more", "the same"],
    short: true,
    choose: (value) => {
      [answer, from] = [value, last];
      say(reply, "Noted. Now raise the noise, all the way.");
    },
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
