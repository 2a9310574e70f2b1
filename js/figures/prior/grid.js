// The grid of tokens, shaded by what each cost, and the bars of the next conditional.

import { plainImages } from "../../engine/tokens.js";
import { disable, say, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { makeCells } from "../tokens/cells.js";
import { stamp } from "../tokens/paper.js";

const BARS = 6;
// of a cell's shade: at one half the code on it has a contrast of 4.5 : 1 in both themes
const [LIGHTEST, DARKEST] = [0.04, 0.5];

/** The grid: `go(place)` when a cell is pressed, so many tokens are then drawn; `handle` stands at the next place. */
export function makeGrid(kit, made, { go }) {
  // where no token is drawn yet, the next place shows what the prior would most like to have there
  const { places, size } = made;
  const cells = makeCells(kit, made, { pressed: go });

  function draw(n) {
    const wish = n.step < places ? largest(n.conditionals[n.step], 1)[0] : -1;
    cells.draw((i) => {
      const drawn = i < n.step;
      const share = drawn ? Math.min(-n.logs[i] / Math.log(size), 1) : 0;
      return {
        code: drawn ? String(n.all[i]) : "",
        fill: drawn ? (LIGHTEST + (DARKEST - LIGHTEST) * share).toFixed(3) : 0,
        ghost: i === n.step ? wish : "",
        onBox: `${drawn ? "" : " is-open"}${i < n.locked ? " is-locked" : ""}`,
      };
    });
    show(cells.here, n.step < places);
    cells.stand(Math.min(n.step, places - 1));
    set(cells.handle, { "aria-valuenow": n.step, "aria-valuetext": `${n.step} of ${places} tokens` });
  }
  return { node: cells.node, draw, handle: cells.handle, at: cells.at };
}

/** The places of the `count` largest values, the largest first, the first of equals first. */
function largest(values, count) {
  const least = Float64Array.from(values).sort().at(-Math.min(count, values.length)); // sorts numbers, calls nothing
  return Array.from(values.keys())
    .filter((k) => values[k] >= least)
    .sort((a, b) => values[b] - values[a])
    .slice(0, count);
}

/**
 * The most probable codes of the next token, the one that the seed takes among them; `take(code)` when one is pressed:
 * the reader sets it.
 */
export function makeBars({ h, onCleanup }, made, { take }) {
  const { size, places } = made;
  const { patches } = plainImages(made);
  const title = h("div", { class: "lvm-caption" });
  const rows = Array.from({ length: BARS }, () => {
    const [code, bar, number] = [
      h("span", { class: "lvm-next-code" }),
      h("i", {}),
      h("span", { class: "lvm-next-number" }),
    ];
    const patch = h("canvas", { class: "lvm-ink", width: 4, height: 4, "aria-hidden": "true" });
    const track = h("span", { class: "lvm-next-track" }, bar);
    const node = h(
      "button",
      { type: "button", class: "lvm-next" },
      code,
      h("span", { class: "lvm-paper" }, patch),
      track,
      number,
    );
    const press = () => take(Number(node.dataset.code));
    node.addEventListener("click", press);
    onCleanup(() => node.removeEventListener("click", press));
    return {
      node,
      patch,
      code,
      bar,
      number,
    };
  });
  const note = h("div", { class: "lvm-small" });
  const node = h(
    "div",
    { class: "lvm-token-side lvm-token-next" },
    title,
    h(
      "div",
      {},
      rows.map((row) => row.node),
      note,
    ),
  );

  function draw(n) {
    const whole = n.step >= places;
    const place = whole ? places - 1 : n.step;
    const conditional = n.conditionals[place];
    const taken = n.all[place];
    const shown = largest(conditional, BARS);
    if (!shown.includes(taken)) shown[BARS - 1] = taken;
    say(title, whole ? `the last token, place ${places}` : `the next token, place ${n.step + 1}`);
    rows.forEach(({ node: row, patch, code, bar, number }, i) => {
      const k = shown[i];
      show(row, k !== undefined);
      if (k === undefined) return;
      const p = Math.exp(conditional[k]);
      say(code, String(k));
      disable(row, whole);
      if (row.dataset.code !== String(k)) {
        row.dataset.code = String(k);
        stamp(patch, patches[k]);
      }
      say(number, fixed(p, 3));
      bar.style.width = `${(100 * p).toFixed(2)}%`;
      row.classList.toggle("is-taken", k === taken);
    });
    const rest = 1 - shown.reduce((sum, k) => sum + Math.exp(conditional[k]), 0);
    say(
      note,
      `the other ${size - Math.min(BARS, size)} codes share ${fixed(Math.max(rest, 0), 3)}; the mark ▸ shows what ` +
        `the seed ${whole ? "took" : "will take"}${whole ? "" : ". Press one to set it yourself"}`,
    );
  }
  return { node, draw };
}
