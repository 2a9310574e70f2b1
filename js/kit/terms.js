// The two-way link between a formula and its picture. A term is a button with data-term; whatever it stands for in
// the picture carries data-of="term other". Touch either and the rest steps back; a term whose number moves is lit.

import { say } from "./dom.js";

const LIT = 700; // ms

export function linkTerms(root, view) {
  let pinned = null;
  const apply = (term) => {
    for (const mark of root.querySelectorAll("[data-of]")) {
      mark.classList.toggle("is-dim", !!term && !mark.dataset.of.split(" ").includes(term));
    }
    for (const button of root.querySelectorAll("[data-term]")) {
      button.classList.toggle("is-shown", button.dataset.term === term);
      button.setAttribute("aria-pressed", String(button.dataset.term === pinned));
    }
  };
  const termAt = (target) => {
    const node = target.closest?.("[data-term], [data-of]");
    return node ? node.dataset.term || node.dataset.of.split(" ")[0] : null;
  };
  const over = (event) => {
    if (event.pointerType !== "touch") apply(termAt(event.target) || pinned);
  };
  const away = () => apply(pinned);
  const focused = (event) => apply(event.target.closest?.("[data-term]")?.dataset.term || pinned);
  const click = (event) => {
    const term = event.target.closest?.("[data-term]")?.dataset.term;
    if (term) {
      pinned = pinned === term ? null : term;
      apply(pinned);
    }
  };
  const key = (event) => {
    if (event.key === "Escape" && pinned) {
      pinned = null;
      apply(null);
    }
  };
  const listeners = { pointerover: over, pointerleave: away, focusin: focused, focusout: away, click, keydown: key };
  for (const [type, listener] of Object.entries(listeners)) root.addEventListener(type, listener);

  const numbers = new Map(); // button -> where its number stands
  const until = new Map(); // lit button -> when it goes out; one timer serves them all
  let timer = 0;
  const light = (button) => {
    if (!until.has(button)) button.classList.add("is-lit");
    until.set(button, view.performance.now() + LIT);
    if (!timer) timer = view.setTimeout(dim, LIT);
  };
  function dim() {
    const now = view.performance.now();
    for (const [button, end] of until)
      if (end <= now) {
        until.delete(button);
        button.classList.remove("is-lit");
      }
    timer = until.size ? view.setTimeout(dim, Math.min(...until.values()) - now) : 0;
  }
  return {
    /** Write a term's number; light the term if it is new and the reader has moved something. */
    write(button, text, lit) {
      if (!numbers.has(button)) numbers.set(button, button.querySelector(".lvm-term-number"));
      const number = numbers.get(button);
      if (number.textContent === text) return;
      say(number, text);
      if (lit) light(button);
    },
    release() {
      view.clearTimeout(timer);
      for (const [type, listener] of Object.entries(listeners)) root.removeEventListener(type, listener);
    },
  };
}
