// Long work in slices: a generator runs until it has used its few milliseconds, then lets the page breathe.

const FRAME = 1000 / 60; // ms
const LATER = 100; // ms until a busy page is asked again

/**
 * Milliseconds that a figure's work leaves to the page after each slice. None, as a rule. While a reader holds
 * something of the figure itself and waits for this work (`needed`), a frame; while he holds anything else, the work
 * stands still.
 */
export function patience(root, needed) {
  const [held] = root.ownerDocument.getElementsByClassName("is-held");
  return !held ? 0 : held === root && needed ? FRAME : LATER;
}

/**
 * Run `work` (a generator) in slices of at most about `ms` milliseconds, then call `done` with what it returned.
 * A value that it yields goes to `progress`; an error of the work, or of `done`, to `failed`. `rest()` says how many
 * milliseconds it leaves to the page after a slice; from 100 on it does nothing until it is less. Before the first
 * slice it leaves twice as many: while a hand moves on, work that the next move gives up is not begun. Returns a
 * function that gives the work up.
 */
export function sliced(
  view,
  work,
  {
    done,
    progress = (_value) => {},
    failed = (error) => {
      throw error;
    },
    rest = () => 0,
    ms = 3,
  },
) {
  let timer = 0;
  const slice = () => {
    const pause = rest();
    if (pause >= LATER) {
      timer = view.setTimeout(slice, LATER);
      return;
    }
    const end = view.performance.now() + (pause ? 0 : ms); // a single piece while the page is in hand
    let step;
    try {
      do step = work.next();
      while (!step.done && view.performance.now() < end);
      if (step.done) {
        done(step.value);
        return;
      }
    } catch (error) {
      failed(error);
      return;
    }
    progress(step.value);
    timer = view.setTimeout(slice, pause); // not a frame's callback: a hidden page goes on
  };
  timer = view.setTimeout(slice, 2 * rest());
  return () => view.clearTimeout(timer);
}
