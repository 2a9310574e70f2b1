// A question before the first drag. It is judged by what happened, not by what is known.

import { choice } from "./controls.js";
import { maths } from "./maths.js";

/**
 * The question, its answers and a line for the reply, with a button that dismisses it: { node, reply }. `choose` hears
 * the answer; a `short` reply keeps less room.
 */
export function makeQuestion(h, { question, answers, choose, short = false }) {
  const reply = h("p", { class: `lvm-reply${short ? " lvm-reply-short" : ""}`, role: "status" });
  const group = choice(h, {
    label: "Your prediction",
    className: "lvm-choice-inline",
    options: answers.map((value) => ({ value, text: value })),
    choose,
  });
  const close = h("button", { type: "button", class: "lvm-close", "aria-label": "Dismiss the question" });
  const asked = h("span", { class: "lvm-predict-text" }, h("b", {}, "Predict first."), maths(h, ` ${question}`));
  const node = h(
    "div",
    { class: "lvm-predict" },
    h("div", { class: "lvm-predict-row" }, asked, group.node),
    reply,
    close,
  );
  close.addEventListener("click", () => {
    node.hidden = true;
  });
  return { node, reply };
}
