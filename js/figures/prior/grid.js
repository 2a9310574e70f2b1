// The grid of tokens, their paper tinted by what each cost, and the bars of the next conditional.

import { plainImages } from "../../engine/tokens.js";
import { disable, say, set, show } from "../../kit/dom.js";
import { fixed } from "../../kit/format.js";
import { makeCells } from "../tokens/cells.js";
import { stamp } from "../tokens/paper.js";

const BARS = 6;
const STRONGEST = 0.85; // of a paper's tint: ink on it has a contrast of 4.5 : 1 in both themes

/** How strong the paper of a token is tinted that cost so many nats: fully at the uniform prior's log K, and above. */
export const tintOf = (cost, size) => (STRONGEST * Math.min(cost / Math.log(size), 1)).toFixed(3);

/** The key of the tints: some costs in nats, the last of them what the uniform prior asks of every token. */
export function makeKey({ h }, { size }) {
  const most = Math.log(size);
  const costs = [0, 1, 2, 3].filter((cost) => cost < most - 0.5);
  const entry = (cost, words) =>
    h(
      "span",
      { class: "lvm-key" },
      h("i", { class: "lvm-swatch lvm-swatch-cost" }, h("i", { style: `opacity:${tintOf(cost, size)}` })),
      h("span", {}, words),
    );
  return h(
    "div",
    { class: "lvm-keys lvm-cost-keys" },
    h("span", { class: "lvm-key" }, "cost of a token:"),
    costs.map((cost) => entry(cost, String(cost))),
    entry(most, `${fixed(most, 1)} nats and more`),
  );
}

/** The grid: `go(place)` when a cell is pressed, so many tokens are then drawn; `handle` stands at the next place. */
export function makeGrid(kit, made, { go }) {
  // where no token is drawn yet, the next place shows what the prior would most like to have there
  const { places, size } = made;
  const cells = makeCells(kit, made, { pressed: go });

  function draw(n) {
    const wish = n.step < places ? largest(n.conditionals[n.step], 1)[0] : -1;
    cells.draw((i) => {
      const drawn = i < n.step;
      return {
        code: drawn ? String(n.all[i]) : "",
        fill: 0,
        tint: drawn ? tintOf(-n.logs[i], size) : 0,
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
        `the seed ${whole ? "took" : "will take"}${whole ? "" : ". Press one to set it yourself."}`,
    );
  }
  return { node, draw };
}
