// Where a short label stands beside a mark: at the first of its places that covers least. Numbers in, numbers out.
// A box is [x, y, width, height].

const APART = 8; // pixels between a mark's middle and its label

/** The area that two boxes share. */
export function shared(a, b) {
  const [ax, ay, aw, ah] = a;
  const [bx, by, bw, bh] = b;
  const wide = Math.min(ax + aw, bx + bw) - Math.max(ax, bx);
  const tall = Math.min(ay + ah, by + bh) - Math.max(ay, by);
  return Math.max(wide, 0) * Math.max(tall, 0);
}

/** The box of a label of that size beside the point [x, y], inside `within`, where it covers least of `taken`. */
export function beside([x, y], [wide, tall], within, taken) {
  const [left, right, middle] = [x - APART - wide, x + APART, x - wide / 2];
  const [above, below] = [y - APART / 2 - tall, y + APART / 2];
  const [far, deep] = [y - APART - 2 * tall, y + APART + tall];
  const places = [
    [left, above],
    [left, below],
    [right, above],
    [right, below],
    [middle, far],
    [middle, deep],
    [left, far],
    [left, deep],
    [right, far],
    [right, deep],
  ];
  const [x0, y0, w, h] = within;
  let best = [x0, y0, wide, tall];
  let least = Infinity;
  for (const [px, py] of places) {
    const box = [Math.min(Math.max(px, x0), x0 + w - wide), Math.min(Math.max(py, y0), y0 + h - tall), wide, tall];
    const covered = taken.reduce((sum, other) => sum + shared(box, other), 0);
    if (covered < least) [best, least] = [box, covered];
  }
  return best;
}
