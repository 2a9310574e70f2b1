// The tables of state that Python sends, for tests of a figure's state without Python: reach.json holds each figure's
// in its first state, and tests/library/test_figures.py sees to it that they are Python's.
import { readFileSync } from "node:fs";
import { stateOf } from "../kit/state.js";

export const REACH = JSON.parse(readFileSync(new URL("reach.json", import.meta.url), "utf8"));

/** What a figure's state can do, and { name: [low, high] } of its numbers. */
export const figureState = (name, options) => stateOf(REACH[name], options);
export const boundsOf = (name) =>
  Object.fromEntries(
    Object.entries(REACH[name].state).flatMap(([key, { low, high }]) =>
      low === undefined ? [] : [[key, [low, high]]],
    ),
  );
