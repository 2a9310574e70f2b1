// The two-way link between a formula and its picture. A term is a button with data-term; whatever it stands for in
// the picture carries data-of="term other". Touch either and the rest steps back; a term whose number moves is lit.

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
  const over = (event) => { if (event.pointerType !== "touch") apply(termAt(event.target) || pinned); };
  const away = () => apply(pinned);
  const focused = (event) => apply(event.target.closest?.("[data-term]")?.dataset.term || pinned);
  const click = (event) => {
    const term = event.target.closest?.("[data-term]")?.dataset.term;
    if (term) { pinned = pinned === term ? null : term; apply(pinned); }
  };
  const key = (event) => { if (event.key === "Escape" && pinned) { pinned = null; apply(null); } };
  const listeners = { pointerover: over, pointerleave: away, focusin: focused, focusout: away, click, keydown: key };
  for (const [type, listener] of Object.entries(listeners)) root.addEventListener(type, listener);

  const timers = new Map();
  const light = (button) => {
    button.classList.add("is-lit");
    view.clearTimeout(timers.get(button));
    timers.set(button, view.setTimeout(() => button.classList.remove("is-lit"), 700));
  };
  return {
    /** Write a term's number; light the term if it is new and the reader has moved something. */
    write(button, text, lit) {
      const number = button.querySelector(".lvm-term-number");
      if (number.textContent === text) return;
      number.textContent = text;
      if (lit) light(button);
    },
    release() {
      for (const timer of timers.values()) view.clearTimeout(timer);
      for (const [type, listener] of Object.entries(listeners)) root.removeEventListener(type, listener);
    },
  };
}
