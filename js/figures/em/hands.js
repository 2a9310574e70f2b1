// Hands on the plane of points: click or tap places or selects, a drag moves, and a ring does the same by keys.

import { MOST, placed, X } from "../../engine/em.js";
import { drag } from "../../kit/handles.js";

const NEAR = { mouse: 10, touch: 16 }; // px: a click so near to a point means the point
const UNDER = 0.15; // the ring is on a point if it is so near
const REACH = 0.3; // Delete takes the nearest point within it

/** Moves of the ring and of points. `ring` is { x, y, index, holding }; index -1: on no point. */
export function makeHands({ onCleanup }, kept, plane, ring) {
  const points = () => kept.state.points;
  const nearest = (distance) =>
    points().reduce(
      (best, point, index) => {
        const away = distance(point);
        return away < best.away ? { index, away } : best;
      },
      { index: -1, away: Infinity },
    );

  function select(index) {
    const [x, y] = points()[index];
    Object.assign(ring, { x, y, index, holding: false });
  }

  /** The points with number `index` moved; the ring goes with it. */
  function carry(index, to) {
    const point = placed(to);
    Object.assign(ring, { x: point[0], y: point[1], index });
    kept.change({ points: points().map((old, i) => (i === index ? point : old)) });
  }

  function add(to) {
    if (points().length >= MOST) return;
    const point = placed(to);
    Object.assign(ring, { x: point[0], y: point[1], index: points().length, holding: false });
    kept.change({ points: [...points(), point] });
  }

  function remove() {
    const near = nearest(([x, y]) => Math.hypot(x - ring.x, y - ring.y));
    const index = ring.index >= 0 ? ring.index : near.away <= REACH ? near.index : -1;
    if (index < 0) return;
    Object.assign(ring, { index: -1, holding: false });
    kept.change({ points: points().filter((_, i) => i !== index) });
  }

  // ---- pointer
  const spot = (event) => {
    const box = plane.svg.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const inPlane = ([px, py]) => [plane.scales.x.inverse(px), plane.scales.y.inverse(py)];
  const nearPixel = ([px, py]) => nearest(([x, y]) => Math.hypot(plane.scales.x(x) - px, plane.scales.y(y) - py));
  let dragged = false;

  function take(onRing) {
    return (event) => {
      dragged = false;
      const at = spot(event);
      const near = nearPixel(at);
      const byMouse = event.pointerType === "mouse";
      const own = Math.hypot(plane.scales.x(ring.x) - at[0], plane.scales.y(ring.y) - at[1]);
      const wanted =
        byMouse && near.away <= NEAR.mouse ? near.index : onRing && (!byMouse || own <= 14) ? ring.index : null;
      if (wanted === null || (!onRing && !byMouse)) return false;
      if (wanted >= 0) select(wanted);
      kept.hold(true);
      return { points: points(), from: at, x: ring.x, y: ring.y };
    };
  }
  const follow = (event, memory) => {
    const at = spot(event);
    if (!dragged && Math.hypot(at[0] - memory.from[0], at[1] - memory.from[1]) < 3) return;
    dragged = true;
    const [x0, y0] = inPlane(memory.from);
    const [x, y] = inPlane(at);
    const to = [memory.x + x - x0, memory.y + y - y0];
    if (ring.index >= 0) carry(ring.index, to);
    else moveRing(to);
  };
  const revert = (memory) => {
    ring.index = -1;
    kept.change({ points: memory.points });
  };
  for (const [element, onRing] of [
    [plane.cursor, true],
    [plane.svg, false],
  ]) {
    onCleanup(drag(element, { start: take(onRing), move: follow, end: () => kept.hold(false), revert }));
    const tap = (event) => {
      if (dragged) {
        dragged = false;
        return;
      }
      const at = spot(event);
      const near = nearPixel(at);
      if (near.away <= (event.pointerType === "mouse" ? NEAR.mouse : NEAR.touch)) {
        select(near.index);
        kept.change({});
      } else add(inPlane(at));
    };
    element.addEventListener("click", tap);
    onCleanup(() => element.removeEventListener("click", tap));
  }

  // ---- keys
  function moveRing(to) {
    const [x, y] = placed(to);
    const near = nearest(([px, py]) => Math.hypot(px - x, py - y));
    Object.assign(ring, { x, y, index: near.away <= UNDER ? near.index : -1 });
    kept.change({});
  }
  function enter() {
    if (ring.holding) ring.holding = false;
    else if (ring.index >= 0) {
      select(ring.index);
      ring.holding = true;
    } else {
      add([ring.x, ring.y]);
      return;
    }
    kept.change({});
  }
  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = event.shiftKey ? 0.5 : 0.1;
    const step = { ArrowRight: [by, 0], ArrowLeft: [-by, 0], ArrowUp: [0, by], ArrowDown: [0, -by] }[event.key];
    const to = step ? [ring.x + step[0], ring.y + step[1]] : event.key === "Home" ? [0, 0] : null;
    if (to && ring.holding) carry(ring.index, to);
    else if (to) moveRing(to);
    else if (event.key === "Enter" || event.key === " ") enter();
    else if (event.key === "Delete" || event.key === "Backspace") remove();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  for (const [name, value] of Object.entries({
    role: "slider",
    tabindex: 0,
    "aria-label": "Cursor on the plane: arrows move it, Enter places or picks up a point, Delete removes",
    "aria-orientation": "horizontal",
    "aria-valuemin": X[0],
    "aria-valuemax": X[1],
  }))
    plane.cursor.setAttribute(name, value);
  plane.cursor.addEventListener("keydown", press);
  onCleanup(() => plane.cursor.removeEventListener("keydown", press));
  return { remove, select };
}
