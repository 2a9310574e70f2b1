// "What goes wrong": a mistake that public material makes, in the reader's hand. The invariant breaks where all see it,
// and the figure says whose mistake it is. The state's variable is `wrong`; its first choice is "none".

import { choice } from "./controls.js";
import { show } from "./dom.js";
import { sentence } from "./maths.js";

/** `mistakes`: [{ value, text, told }], what each is called and what it does. `update(value)` belongs into a draw. */
export function makeWrong({ h, root }, kept, mistakes) {
  const group = choice(h, {
    label: "What goes wrong",
    value: kept.state.wrong,
    options: [{ value: "none", text: "nothing" }, ...mistakes],
    choose: (wrong) => kept.change({ wrong }),
  });
  const told = h("p", { class: "lvm-wrong-told" });
  const node = h("details", { class: "lvm-check lvm-wrong" }, h("summary", {}, "What goes wrong"), group.node, told);
  return {
    node: show(node, kept.state.wrong !== undefined), // a page made before it was there sends no such variable
    update(value) {
      const on = value !== undefined && value !== "none";
      if (on && !node.open) node.open = true;
      root.classList.toggle("is-sabotaged", on);
      group.set(value);
      sentence(h, told, [["plain", mistakes.find((one) => one.value === value)?.told ?? ""]]);
    },
  };
}
