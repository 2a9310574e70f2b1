// N(mean, std^2) on a plane, in a reader's hands: one handle for its mean, one on either side for its spread.

import { put, set } from "./dom.js";
import { fixed } from "./format.js";
import { makeHandle, sliderKeys } from "./handles.js";

/** The three handles, which lie on the stage in this order. The left one is the right one's, for the left hand. */
export function gaussianHandles(h) {
  const narrower = makeHandle(h, "narrower", { "aria-hidden": "true" });
  return { narrower, wider: makeHandle(h, "wider"), mean: makeHandle(h, "mean") };
}

/**
 * Put them where the density stands: the mean at the height `top`, the spread at `side`, in pixels, on an axis `z` that
 * is `width` wide, over the line `base`; `spread` is the path between them. `words` are read aloud after the numbers.
 */
export function putGaussian(handles, spread, { mean, std }, { z, top, side, base, width, words = "" }) {
  const [a, b] = [z(mean - std), z(mean + std)];
  put(handles.mean, z(mean), top);
  put(handles.wider, Math.min(b, width - 6), side);
  put(handles.narrower, Math.max(a, 6), side);
  set(spread, { d: `M${a} ${side}H${b}M${z(mean)} ${top}V${base}` });
  set(handles.mean, { "aria-valuenow": mean.toFixed(3), "aria-valuetext": `${fixed(mean, 2)}${words}` });
  set(handles.wider, {
    "aria-valuenow": std.toFixed(3),
    "aria-valuetext": `standard deviation ${fixed(std, 2)}${words}`,
  });
}

/**
 * Give them life: drags, keys, and a click on `svg` that places the mean. `z()` is the axis; `of` is what they are
 * handles of, in words. Where mean and std are not simply the state's, `at(state)` says what they are and
 * `change(values)` what becomes of a new one; `place(values, py)` does what a click at that height asks for.
 */
export function holdGaussian(
  { onCleanup },
  kept,
  { handles, svg, z, of, at = same, change = same, place = kept.change },
) {
  const taken = (memory) => (memory.at ??= at(memory.state)); // where it stood when it was taken in hand
  const along = (event, memory) => z().inverse(event.clientX - memory.px) - z().inverse(0);
  kept.byHand(handles.mean, (e, m) => change({ mean: taken(m).mean + along(e, m) }));
  kept.byHand(handles.wider, (e, m) => change({ std: taken(m).std + along(e, m) }));
  kept.byHand(handles.narrower, (e, m) => change({ std: taken(m).std - along(e, m) }));
  const click = (event) => {
    const box = svg.getBoundingClientRect();
    place(change({ mean: z().inverse(event.clientX - box.left) }), event.clientY - box.top);
  };
  svg.addEventListener("click", click);
  onCleanup(() => svg.removeEventListener("click", click));
  for (const [element, key, label] of [
    [handles.mean, "mean", `mean of ${of}`],
    [handles.wider, "std", `spread of ${of}`],
  ])
    onCleanup(
      sliderKeys(element, {
        label,
        value: () => at(kept.state)[key],
        range: () => kept.range(key),
        change: (value) => kept.change(change({ [key]: value })),
      }),
    );
}

const same = (given) => given;

/** Its own neighbourhood, as fine as it is narrow: 65 places within four standard deviations. */
export const nearby = ({ mean, std }) => Array.from({ length: 65 }, (_, i) => mean + (std * (i - 32)) / 8);
