// Time: one draw per animation frame however many events arrive, and what is done at rest.

/** A function that asks for one draw in the next frame. `.now()` draws at once, `.cancel()` forgets. */
export function perFrame(view, draw) {
  let pending = 0;
  const run = () => {
    pending = 0;
    draw();
  };
  const request = () => {
    if (!pending) pending = view.requestAnimationFrame(run);
  };
  request.cancel = () => {
    if (pending) view.cancelAnimationFrame(pending);
    pending = 0;
  };
  request.now = () => {
    request.cancel();
    draw();
  };
  return request;
}

/**
 * A function that calls `act` once nothing has called it for `ms`. A call only moves the time: it starts no timer anew.
 */
export function atRest(view, ms, act) {
  let timer = 0;
  let due = 0;
  const wake = () => {
    const left = due - view.performance.now();
    timer = left > 0 ? view.setTimeout(wake, left) : 0;
    if (!timer) act();
  };
  const request = () => {
    due = view.performance.now() + ms;
    if (!timer) timer = view.setTimeout(wake, ms);
  };
  request.cancel = () => {
    view.clearTimeout(timer);
    timer = 0;
  };
  return request;
}

/** A function that calls `act` at most once in `ms`, and always once more after the last call. */
export function atMost(view, ms, act) {
  let timer = 0;
  const request = () => {
    if (!timer)
      timer = view.setTimeout(() => {
        timer = 0;
        act();
      }, ms);
  };
  request.cancel = () => {
    view.clearTimeout(timer);
    timer = 0;
  };
  return request;
}
