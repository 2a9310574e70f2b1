// Hands on the codes. One code is chosen and carries the handle; a click or tap on another chooses that. A mouse drags
// any.

import { X } from "../../engine/kmeans.js";
import { drag } from "../../kit/handles.js";
import { planeKeys } from "../../kit/planekeys.js";

const NEAR = { mouse: 13, touch: 24 }; // px: so near to a code means the code

/**
 * `codes()` says where the codes stand, `place(codes)` begins a new run from other places, `choice.index` is the chosen
 * code and `seen()` draws it.
 */
export function makeHands({ onCleanup }, { plane, kept, codes, place, choice, seen }) {
  const put = (all, index, to) => place(all.map((code, j) => (j === index ? to : code)));
  const held = () => Math.min(choice.index, codes().length - 1); // K may have fallen since the last draw
  const choose = (index) => {
    choice.index = index;
    seen();
  };
  const spot = (event) => {
    const box = plane.svg.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const nearest = ([px, py]) =>
    codes().reduce(
      (best, [x, y], index) => {
        const away = Math.hypot(plane.scales.x(x) - px, plane.scales.y(y) - py);
        return away < best.away ? { index, away } : best;
      },
      { index: -1, away: Infinity },
    );
  const reach = (event) => (event.pointerType === "mouse" ? NEAR.mouse : NEAR.touch);

  const take = (onHandle) => (event) => {
    const near = nearest(spot(event));
    const byMouse = event.pointerType === "mouse";
    if (byMouse && near.away <= NEAR.mouse) choose(near.index);
    else if (!onHandle) return false;
    kept.hold(true);
    return { codes: codes(), state: kept.state, index: held(), px: event.clientX, py: event.clientY };
  };
  const follow = (event, { codes: all, index, px, py }) => {
    const [dx, dy] = [
      plane.scales.x.inverse(event.clientX - px) - plane.scales.x.inverse(0),
      plane.scales.y.inverse(event.clientY - py) - plane.scales.y.inverse(0),
    ];
    put(all, index, [all[index][0] + dx, all[index][1] + dy]);
  };
  const revert = ({ state }) => kept.change({ codes: state.codes, steps: state.steps });
  for (const [element, onHandle] of [
    [plane.handle, true],
    [plane.svg, false],
  ]) {
    onCleanup(drag(element, { start: take(onHandle), move: follow, end: () => kept.hold(false), revert }));
  }
  const tap = (event) => {
    const near = nearest(spot(event));
    if (near.away <= reach(event)) choose(near.index);
  };
  plane.svg.addEventListener("click", tap);
  onCleanup(() => plane.svg.removeEventListener("click", tap));

  onCleanup(
    planeKeys(plane.handle, {
      label: "code",
      low: X[0],
      high: X[1],
      value: () => codes()[held()],
      home: [0, 0],
      change: (to) => put(codes(), held(), to),
    }),
  );
  const other = (event) => {
    const by = { PageDown: 1, PageUp: -1 }[event.key];
    const k = codes().length;
    const index = by ? (choice.index + by + k) % k : Number(event.key) - 1;
    if (event.ctrlKey || event.metaKey || event.altKey || !(index >= 0 && index < k)) return;
    event.preventDefault();
    choose(index);
  };
  plane.handle.addEventListener("keydown", other);
  onCleanup(() => plane.handle.removeEventListener("keydown", other));
}
