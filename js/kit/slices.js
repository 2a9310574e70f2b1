// Long work in slices: a generator runs until it has used its few milliseconds, then lets the page breathe.

const LATER = 100; // ms until a busy page is asked again

/** Is a figure of the document being dragged? Then its frames come first. */
export const inHand = (document) => document.querySelector(".lvm-figure .is-dragged") !== null;

/**
 * Run `work` (a generator) in slices of at most about `ms` milliseconds, then call `done` with what it returned.
 * A value that it yields goes to `progress`; an error of the work, or of `done`, to `failed`. While `busy()` holds, the
 * work waits. Returns a function that gives the work up.
 */
export function sliced(view, work, { done, progress = () => {}, failed = (error) => { throw error; }, busy = () => false, ms = 3 }) {
  let timer = 0;
  const slice = () => {
    if (busy()) { timer = view.setTimeout(slice, LATER); return; }
    const end = view.performance.now() + ms;
    let step;
    try {
      do step = work.next(); while (!step.done && view.performance.now() < end);
      if (step.done) { done(step.value); return; }
    } catch (error) {
      failed(error);
      return;
    }
    progress(step.value);
    timer = view.setTimeout(slice, 0); // not a frame: a hidden page goes on
  };
  timer = view.setTimeout(slice, 0);
  return () => view.clearTimeout(timer);
}
