// Things to drag, by pointer and by key. The element that is dragged carries the 44 px hit area and its own
// `touch-action`; everything else leaves the finger to the page.

/** The element of a handle: a box that feels, and a small mark in it. */
export const makeHandle = (h, kind, more = {}) =>
  h("div", { class: `lvm-handle lvm-handle-${kind}`, ...more }, h("i", {}));

/**
 * Drag with pointer capture. `start(event)` returns what the drag needs to remember (or false to decline),
 * `move(event, memory)` follows, `end(memory)` closes; Escape and pointercancel call `revert(memory)`.
 */
export function drag(element, { start, move, end = (_memory) => {}, revert = (_memory) => {} }) {
  let memory = null;
  let pointer = null;
  const view = element.ownerDocument.defaultView;
  const stop = () => {
    memory = null;
    if (pointer !== null && element.hasPointerCapture(pointer)) element.releasePointerCapture(pointer);
    pointer = null;
    element.classList.remove("is-dragged");
    view.removeEventListener("keydown", onEscape, true);
  };
  const cancel = () => {
    const held = memory;
    stop();
    if (held) {
      revert(held);
      end(held);
    }
  };
  function onEscape(event) {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      cancel();
    }
  }
  const down = (event) => {
    if (memory || (event.pointerType === "mouse" && event.button !== 0)) return;
    const held = start(event);
    if (held === false) return;
    memory = held || {};
    pointer = event.pointerId;
    try {
      element.setPointerCapture(pointer);
    } catch {
      /* the pointer has gone already */
    }
    element.classList.add("is-dragged");
    view.addEventListener("keydown", onEscape, true);
  };
  const moved = (event) => {
    if (memory && event.pointerId === pointer) move(event, memory);
  };
  const up = (event) => {
    if (!memory || event.pointerId !== pointer) return;
    const held = memory;
    stop();
    end(held);
  };
  const gone = (event) => {
    if (event.pointerId === pointer) cancel();
  };
  const listeners = { pointerdown: down, pointermove: moved, pointerup: up, pointercancel: gone };
  for (const [type, listener] of Object.entries(listeners)) element.addEventListener(type, listener);
  return () => {
    stop();
    for (const [type, listener] of Object.entries(listeners)) element.removeEventListener(type, listener);
  };
}

/** The value after a key, or null if it means nothing. Arrows step, Shift+arrows leap, Home = home, End = the top. */
export function keyed(event, value, { low, high, step = 0.1, leap = 0.5, home = 0 }) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const by = event.shiftKey ? leap : step;
  const to = {
    ArrowRight: value + by,
    ArrowUp: value + by,
    ArrowLeft: value - by,
    ArrowDown: value - by,
    PageUp: value + leap,
    PageDown: value - leap,
    Home: home,
    End: high,
  }[event.key];
  if (to === undefined) return null;
  return Math.min(Math.max(Number(to.toFixed(6)), low), high);
}

/** The keyboard twin of a drag: makes `element` a slider. `range()` gives { low, high, step, leap, home }. */
export function sliderKeys(element, { label, orientation = "horizontal", value, range, change }) {
  element.setAttribute("role", "slider");
  element.setAttribute("tabindex", "0");
  element.setAttribute("aria-label", label);
  element.setAttribute("aria-orientation", orientation);
  element.setAttribute("aria-valuemin", range().low);
  element.setAttribute("aria-valuemax", range().high);
  const key = (event) => {
    const to = keyed(event, value(), range());
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    change(to);
  };
  element.addEventListener("keydown", key);
  return () => element.removeEventListener("keydown", key);
}
