// The life of a figure's state: traits, address, one draw per frame, what is in hand, and what is done at rest.

import { button } from "./controls.js";
import { holdStill } from "./figure.js";
import { atMost, atRest, perFrame } from "./frame.js";
import { drag } from "./handles.js";
import { copy, merged, parse, replaceHash } from "./link.js";
import { bind } from "./model.js";

const AT_REST = 400; // ms

/**
 * Keep the state of one figure. `traits` maps state keys to trait names; `reachable(values, fallback)` brings values
 * inside the bounds; `encode(state)` and `decode(strings)` are its form in a link; `draw(state, touched)` paints;
 * `report(state)` gives the traits that are read back; at rest `adapt()` may ask for one more draw (returns true) and
 * `speak()` talks. Returns what a figure's controls need; `rest()` is for a figure whose numbers come late.
 */
export function keep(kit, { name, start, traits, reachable, encode, decode, draw, report, adapt, speak }) {
  const { root, view, h, model, onCleanup } = kit;
  const space = kit.slot === 1 ? name : `${name}${kit.slot}`;
  let state = reachable(start, start);
  let inHand = 0;
  let touched = false;

  const bound = bind(model, traits, {
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
    const own = Object.fromEntries(Object.entries(traits).map(([key, trait]) => [trait, state[key]]));
    bound.write({ ...own, ...report(state) });
  });
  const settle = atRest(view, AT_REST, () => {
    if (inHand > 0) return;
    if (adapt()) redraw();
    if (!touched) return;
    speak();
    if (kit.inPage) replaceHash(view, merged(view.location.hash, space, encode(state)));
  });
  function rest() {
    sync();
    settle();
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
      const hash = merged(view.location.hash, space, encode(state));
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
  for (const job of [redraw, sync, settle]) onCleanup(job.cancel);
  onCleanup(bound.release);
  readLink();
  if (kit.inPage) rest();
  else sync();

  return {
    get state() {
      return state;
    },
    change,
    hold,
    byHand,
    redraw,
    rest,
    reset: () => change(first),
    share: [h("span", { class: "lvm-spring" }), copied, share],
  };
}
