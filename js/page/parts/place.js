// Where a card stands beside a link that may run over two lines: above it, else below it, never over it.
// No page in sight.

const GAP = 6; // pixels between the link and the card, and between the card and the window's edges
const LEAST = 48; // of height, where a window has no room for more

/**
 * The card's left and top edge and the height that it may have, in the window's coordinates.
 * lines: the link's boxes, line by line; card: its width and height; room: the window's width, and its top and bottom
 * edge, less what lies over them; at: where the pointer is, if any.
 */
export function place(lines, card, room, at = null) {
  const line = lines.find(({ top, bottom }) => at && at.y >= top && at.y <= bottom) ?? lines[0];
  const centre = at ? Math.min(Math.max(at.x, line.left), line.right) : (line.left + line.right) / 2;
  const left = Math.max(GAP, Math.min(centre - card.width / 2, room.width - card.width - GAP));
  const [first, last] = [Math.min(...lines.map(({ top }) => top)), Math.max(...lines.map(({ bottom }) => bottom))];
  const above = first - room.top - 2 * GAP;
  const below = room.bottom - last - 2 * GAP;
  const over = card.height <= above || (card.height > below && above > below);
  const most = Math.max(LEAST, over ? above : below);
  return { left, most, top: over ? first - GAP - Math.min(card.height, most) : last + GAP };
}
