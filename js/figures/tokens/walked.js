// A grid of tokens whose places are walked by arrows, what differs from where it came from marked.

import { set } from "../../kit/dom.js";
import { makeCells } from "./cells.js";

/**
 * `move(place)` by arrows and Home, `press(place)` by a click; `keys` says what else a key does at a place.
 * `draw({ tokens, from, place }, told)` with more words on that place; `handle` stands there, `at(event)` is the place
 * under a pointer.
 */
export function makeWalked(kit, made, { move, press, label, keys = {} }) {
  const { grid, places } = made;
  const cells = makeCells(kit, made, {
    pressed: press,
    attributes: {
      role: "slider",
      tabindex: "0",
      "aria-valuemin": 1,
      "aria-valuemax": places,
      "aria-orientation": "horizontal",
      "aria-label": label,
    },
  });
  const { handle } = cells;
  let place = 0;
  const pressed = (event) => press(cells.at(event));
  const go = (to) => {
    place = to; // the next key may come before the next picture
    move(to);
  };
  const key = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [row, column] = [Math.floor(place / grid), place % grid];
    const act = {
      ArrowLeft: () => go(row * grid + Math.max(column - 1, 0)),
      ArrowRight: () => go(row * grid + Math.min(column + 1, grid - 1)),
      ArrowUp: () => go(Math.max(row - 1, 0) * grid + column),
      ArrowDown: () => go(Math.min(row + 1, grid - 1) * grid + column),
      Home: () => go(Math.floor(places / 2)),
      ...keys,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act(place);
  };
  handle.addEventListener("click", pressed);
  handle.addEventListener("keydown", key);
  kit.onCleanup(() => {
    handle.removeEventListener("click", pressed);
    handle.removeEventListener("keydown", key);
  });

  function draw({ tokens, from, place: at }, told = "") {
    place = at;
    cells.draw((i) => {
      const on = tokens[i] === from[i] ? "" : " is-painted";
      return { code: String(tokens[i]), fill: on ? 0.28 : 0, onBox: on, onText: on };
    });
    cells.stand(place);
    const where = `row ${Math.floor(place / grid) + 1}, column ${(place % grid) + 1}`;
    set(handle, { "aria-valuenow": place + 1, "aria-valuetext": `${where}, code ${tokens[place]}${told}` });
  }
  return { node: cells.node, draw, handle, svg: cells.svg, at: cells.at };
}
