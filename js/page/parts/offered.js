/**
 * The place to go on from, or null. After the foot of a chapter the next one is offered; in an open chapter its own
 * place alone. places: what is kept, by page, the last one first; chapters: page, number and title in the book's order;
 * here: the chapter that is open, or null on the front page.
 */
export function offered(places, chapters, here) {
  const known = Object.entries(places).filter(([page]) => chapters.some((chapter) => chapter.page === page));
  const [from, place] = (here ? known.find(([page]) => page === here) : known[0]) ?? [];
  if (!from || (here && !place.id)) return null;
  const at = chapters.findIndex(({ page }) => page === from) + (place.id ? 0 : 1);
  return chapters[at] ? { ...chapters[at], id: place.id, words: place.words, from } : null;
}
