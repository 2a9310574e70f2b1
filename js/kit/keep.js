// The life of a figure's state: traits, address, one draw per frame, what is in hand, and what is done at rest.

import { button, slider } from "./controls.js";
import { set } from "./dom.js";
import { holdStill } from "./figure.js";
import { atMost, atRest, perFrame } from "./frame.js";
import { drag, keyed } from "./handles.js";
import { copy, merged, parse, replaceHash } from "./link.js";
import { bind, stateOf } from "./state.js";

const AT_REST = 400; // ms

/**
 * Keep the state of one figure, whose variables and bounds are Python's (`reach`). `codecs` and `settle`: see stateOf;
 * `draw(state, touched)` paints; `numbers(state)` gives what the figure states, of which Python reads some back, or
 * null while that is not known; `written(state)` is the state as link and traits hold it; at rest `adapt()` may ask for
 * one more draw (returns true) and `speak()` talks. Returns what a figure's controls need; `rest()` is for numbers that
 * come late.
 */
export function keep(kit, { codecs, settle, draw, numbers, written = (state) => state, adapt = () => false, speak }) {
  const { root, view, h, model, onCleanup, name } = kit;
  const space = kit.slot === 1 ? name : `${name}${kit.slot}`;
  const {
    names,
    start,
    reachable,
    encode,
    decode,
    range,
    values: sizes,
    readBack,
  } = stateOf(model.get("reach"), {
    codecs,
    settle,
  });
  let state = start;
  let inHand = 0;
  let touched = false;
  let draws = 0;

  const bound = bind(model, names, {
    busy: () => inHand > 0,
    changed: (values) => {
      state = reachable(values, state);
      redraw();
      rest();
    },
  });
  state = reachable(bound.read(), state);
  const first = { ...state };

  const redraw = perFrame(view, () => draw(state, touched));
  const sync = atMost(view, 100, () => {
    const own = written(state);
    const found = numbers(state);
    bound.write({
      ...Object.fromEntries(names.map((key) => [key, own[key]])),
      ...(found && Object.fromEntries(readBack.map((key) => [key, found[key]]))),
    });
  });
  const atLast = atRest(view, AT_REST, () => {
    if (inHand > 0) return;
    if (adapt()) redraw();
    if (!touched) return;
    speak();
    if (kit.inPage) replaceHash(view, merged(view.location.hash, space, encode(written(state))));
  });
  function rest() {
    sync();
    atLast();
  }

  function change(values) {
    touched = true;
    state = reachable({ ...state, ...values }, state);
    redraw();
    rest();
  }

  /** Something is taken in hand or let go: while it is, the axes stand still and the traits are not read. */
  function hold(on) {
    inHand += on ? 1 : -1;
    holdStill(root, inHand > 0);
    if (!on) rest();
  }

  /** Drag an element: `to(event, { state, px, py })` gives the values that follow the pointer. */
  const byHand = (element, to) =>
    onCleanup(
      drag(element, {
        start(event) {
          hold(true);
          return { state: { ...state }, px: event.clientX, py: event.clientY };
        },
        move: (event, memory) => change(to(event, memory)),
        end: () => hold(false),
        revert: (memory) => {
          state = { ...memory.state };
          redraw();
        },
      }),
    );

  const copied = h("span", { class: "lvm-copied", role: "status" });
  const share =
    kit.inPage &&
    button(h, "Copy link", async () => {
      const hash = merged(view.location.hash, space, encode(written(state)));
      replaceHash(view, hash);
      const url = view.location.href.split("#")[0] + hash;
      const ok = await copy(view, url);
      const field = h("input", { class: "lvm-url", readonly: "", value: url, "aria-label": "Link to this state" });
      copied.replaceChildren(ok ? "Link copied" : field);
      if (!ok) field.select();
      view.setTimeout(() => {
        if (ok) copied.textContent = "";
      }, 2500);
    });

  const readLink = () => {
    const given = kit.inPage && parse(view.location.hash, space);
    if (given) state = reachable(decode(given), state);
    return !!given;
  };
  const hashed = () => {
    if (readLink()) {
      redraw();
      rest();
    }
  };
  if (kit.inPage) view.addEventListener("hashchange", hashed);
  onCleanup(() => view.removeEventListener("hashchange", hashed));
  for (const job of [redraw, sync, atLast]) onCleanup(job.cancel);
  onCleanup(bound.release);
  readLink();
  if (kit.inPage) rest();
  else sync();

  /** A slider of one number of the state: `change(value)` and `value()` where it is not simply that number. */
  const sliderOf = (
    key,
    { label, step, change: to = (value) => change({ [key]: value }), value = () => state[key] },
  ) => {
    const { whole, ...keys } = range(key);
    const list = sizes(key);
    const place = () => (list ? list.indexOf(value()) : value());
    const made = slider(h, {
      label,
      low: keys.low,
      high: keys.high,
      step: step ?? (whole ? 1 : 0.01),
      hold,
      key: (event) => keyed(event, place(), keys),
      input: (at) => to(list ? list[Math.round(at)] : whole ? Math.round(at) : at),
    });
    return { ...made, update: (shown, ...words) => made.update(list ? list.indexOf(shown) : shown, ...words) };
  };

  return {
    get state() {
      return state;
    },
    change,
    hold,
    byHand,
    redraw,
    rest,
    range,
    slider: sliderOf,
    reset: () => change(first),
    /** What the figure states now, for tests and for Python: every number under Python's name. */
    tell: (stated) => set(root, { "data-numbers": JSON.stringify(stated), "data-draws": ++draws }),
    share: share && h("span", { class: "lvm-share" }, share, copied),
  };
}
