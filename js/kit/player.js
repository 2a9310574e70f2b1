// A walk that a reader takes step by step or lets run: Back, Step, Play and Pause.

import { button } from "./controls.js";
import { disable, say } from "./dom.js";

/**
 * The three buttons of one walk, which `by(+1)` and `by(-1)` move; a step follows each `pace` ms while it plays, if it
 * is `ready()`. It stops where it has `ended()`; there Play begins anew, if `rewind()` says how. Who wishes for less
 * motion gets one step for each press. `stop()` ends it, `halting(act)` is an act that ends it first, `enable(atStart,
 * atEnd)` belongs into a draw.
 * @typedef {() => boolean} Asked
 * @param {{ view: any, h: any, onCleanup: (act: () => void) => void }} kit
 * @param {{ pace: number, by: (n: number) => void, ended: Asked, ready?: Asked, rewind?: () => void }} walk
 */
export function player({ view, h, onCleanup }, { pace, by, ended, ready = () => true, rewind }) {
  let playing = 0;
  const stop = () => {
    view.clearInterval(playing);
    playing = 0;
    say(play, "Play");
  };
  const halting =
    (act) =>
    (...given) => {
      stop();
      return act(...given);
    };
  const tick = () => {
    if (!ready()) return;
    if (!ended() || !rewind) by(1);
    if (ended()) stop();
  };
  const start = () => {
    const anew = rewind !== undefined && ended();
    if (anew) rewind?.();
    if (view.matchMedia("(prefers-reduced-motion: reduce)").matches) {
      by(1);
      return;
    }
    say(play, "Pause");
    playing = view.setInterval(tick, pace);
    if (!anew) tick(); // a walk that begins anew shows where it begins
  };
  const back = button(
    h,
    "Back",
    halting(() => by(-1)),
  );
  const step = button(
    h,
    "Step",
    halting(() => by(1)),
  );
  const play = button(h, "Play", () => (playing ? stop() : start()));
  onCleanup(stop);
  const enable = (atStart, atEnd) => {
    disable(back, atStart);
    disable(step, atEnd);
    disable(play, atEnd && !rewind && !playing);
  };
  return { back, step, play, stop, halting, enable };
}
