// One layout for all figures. Where there is room: the picture at the left; at the right the first controls, what the
// state teaches, the other controls and the check; the formula below. Where there is none: one under the other, the
// first controls in a strip that stays at the window's lower edge as long as the picture is seen (figure.css).

import { say, set, show } from "./dom.js";
import { counted, fixed } from "./format.js";
import { sentence } from "./maths.js";

/**
 * Fill a figure's root. Above the picture: `title`, a prediction (`asks`), and what is chosen first (`given`). The
 * `picture`; the first controls (`hand`); `insight` (see makeInsight); the other controls (`rest`); `check` (see
 * makeCheck); what stands below (`under`); the live region. A `broad` picture needs more room before the controls stand
 * beside it; under the last column of a `flow` they stand. What stands below comes up into the picture's
 * column; of a figure 780 to 900 pixels wide only beside a `long` column of controls.
 */
export function layOut(
  { root, h },
  {
    title,
    asks = [],
    given = [],
    picture,
    hand,
    insight,
    rest = [],
    check,
    under = [],
    live,
    broad = false,
    flow = false,
    long = false,
  },
) {
  root.classList.toggle("is-broad", broad || flow);
  root.classList.toggle("is-flow", flow);
  root.classList.toggle("is-long", long);
  root.append(
    ...[
      h("div", { class: "lvm-title" }, [title].flat(2)),
      asks,
      given,
      h(
        "div",
        { class: "lvm-body" },
        h("div", { class: "lvm-picture-side" }, picture),
        h(
          "div",
          { class: "lvm-panel" },
          h("div", { class: "lvm-controls lvm-hand" }, hand),
          h("div", { class: "lvm-rest" }, insight.node, rest, check.node),
        ),
        h("div", { class: "lvm-under" }, under),
      ),
      live,
    ].flat(),
  );
}

/**
 * The line that says what the present state teaches: in bold, with a word on it after it. Its numbers are written as
 * "{kl:2}", "{evidence-best:2}", "{std/other:1}": names of numbers that the figure states, and how many digits. They
 * are kept as `data-facts`, so that a test finds each of them again in Python.
 */
export function makeInsight(h) {
  const node = h("p", { class: "lvm-insight" });
  return {
    node,
    tell(n, bold, plain = "") {
      /** @type {string[]} */
      const facts = [];
      const filled = (text) =>
        text.replace(/\{([^{}]+):(\d)\}/g, (_, of, digits) => {
          const value = made(n, of);
          const words = fixed(value, Number(digits));
          facts.push(`${of}:${digits}=${words}`);
          return digits === "0" ? counted(value) : words;
        });
      sentence(h, node, [
        ["strong", filled(bold)],
        ["plain", plain && ` ${filled(plain)}`],
      ]);
      set(node, { "data-facts": facts.join(" ") });
    },
  };
}

/** A number that the figure states, or what two of them make: "a", "a+b", "a-b", "a*b", "a/b"; "100" is itself. */
function made(n, of) {
  const one = (name) => (name in n ? n[name] : Number(name));
  const [, a, sign, b] = of.match(/^(\w+)(?:([-+*/])(\w+))?$/);
  if (!sign) return one(a);
  return { "+": one(a) + one(b), "-": one(a) - one(b), "*": one(a) * one(b), "/": one(a) / one(b) }[sign];
}

/**
 * A mark that opens to the sentence of what always holds: `told` is that sentence's paragraph, `holds(yes)` sets the
 * mark, `claim` names the invariant.
 */
export function makeCheck(h, claim) {
  const mark = h("span", { class: "lvm-check-mark", "aria-hidden": "true" });
  const words = h("span", { class: "lvm-unseen" });
  const told = h("p", { class: "lvm-invariant" });
  const node = h("details", { class: "lvm-check" }, h("summary", {}, mark, h("span", {}, claim), words), told);
  return {
    node,
    told,
    holds(yes) {
      node.classList.toggle("is-broken", !yes);
      told.classList.toggle("is-broken", !yes);
      say(mark, yes ? "✓" : "✗");
      say(words, yes ? ": holds" : ": does not hold");
    },
  };
}

/**
 * The same where there may be nothing to see: `waits(words)` says that it cannot be seen yet, in place of the claim and
 * of its mark; `open(words)`, that there is nothing of which it could hold.
 */
export function makeLateCheck(h, claim) {
  const check = makeCheck(h, claim);
  const [mark, named, words] = check.node.firstChild.children;
  const why = h("span", { hidden: true });
  named.after(why);
  let said = null; // what it waits with: a drag says the same in every frame
  const waiting = (yes) => {
    check.node.classList.toggle("is-waiting", yes);
    show(named, !yes);
    show(why, yes);
  };
  return {
    ...check,
    holds(yes) {
      said = null;
      waiting(false);
      check.holds(yes);
    },
    open(text) {
      this.holds(true);
      say(mark, "–");
      say(words, ": nothing to check");
      sentence(h, check.told, [["plain", text]]);
    },
    waits(text) {
      if (said === text) return;
      said = text;
      check.holds(true);
      waiting(true);
      say(mark, "…");
      say(why, text);
      say(words, "");
    },
  };
}
