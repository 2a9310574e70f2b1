// What a reader answered, and where he read: in this page's memory, and in this browser where the reader said so.
// One key of localStorage, which pages from file:// have too, and every access guarded: a browser may refuse.
//
//   { version: 1, keep: true, exercises: { elbo_gap: { chapter, title, stamp, answers, right, said, when } },
//     places: { "book/elbo": { id, words, when } } }
//
// keep: true (keep), false (asked, and declined), null (not asked yet). No page in sight but its storage.

export const VERSION = 1;
export const KEY = "lvm-answers";
export const DAMAGED = `${KEY}-damaged`; // what could not be read is put aside, not lost
const LONGEST = 20_000; // letters of one answer that are kept
const PAGES = 40; // of which a place is kept

const nothing = () => ({ version: VERSION, keep: null, exercises: {} });
const isText = (value) => typeof value === "string";

/** An entry in its own fields alone, or null where something else came. */
export function entryOf(value) {
  if (typeof value !== "object" || value === null) return null;
  const { chapter, title, stamp, answers, right, said, when } = value;
  const fine =
    [chapter, title, stamp, said, when].every((text) => isText(text) && text.length <= LONGEST) &&
    Array.isArray(answers) &&
    answers.length > 0 &&
    answers.length <= 20 &&
    answers.every((text) => isText(text) && text.length <= LONGEST) &&
    [true, false, null].includes(right) &&
    !Number.isNaN(Date.parse(when));
  return fine ? { chapter, title, stamp, answers, right, said, when } : null;
}

/** The entries of an object that are any, and the names of those that are none. */
export function entriesOf(value) {
  const exercises = {};
  const odd = [];
  for (const [name, each] of Object.entries(value)) {
    const entry = /^[a-z]\w{0,60}$/.test(name) ? entryOf(each) : null;
    if (entry) exercises[name] = entry;
    else odd.push(name);
  }
  return { exercises, odd };
}

/** The places of an object that are any, by their page, the last ones first: the section's name and its words. */
export function placesOf(value) {
  const found = Object.entries(typeof value === "object" && value !== null ? value : {}).filter(
    ([page, place]) =>
      /^book\/\w{1,60}$/.test(page) &&
      [place?.id, place?.words, place?.when].every((text) => isText(text) && text.length <= 200) &&
      !Number.isNaN(Date.parse(place.when)),
  );
  const late = found.sort(([, one], [, other]) => Date.parse(other.when) - Date.parse(one.when)).slice(0, PAGES);
  return Object.fromEntries(late.map(([page, { id, words, when }]) => [page, { id, words, when }]));
}

/** What is stored of places: nothing where there are none. */
const withPlaces = (state, places) => {
  const { places: _, ...others } = state;
  return Object.keys(places).length ? { ...others, places } : others;
};

/** The kept answers of one browser: `storage` is its localStorage, or a function that gives it or throws. */
export function keeper(storage) {
  let memory = nothing();
  let refused = false;

  const guarded = (act) => {
    try {
      return act(typeof storage === "function" ? storage() : storage);
    } catch {
      refused = true;
      return null;
    }
  };

  /** What this browser holds now, which another window may have changed; this page's memory where it holds nothing. */
  const read = () => {
    const text = guarded((store) => store.getItem(KEY));
    if (text === null) return memory;
    try {
      const found = JSON.parse(text);
      if (found.version !== VERSION) throw new Error("another version");
      const { exercises } = entriesOf(found.exercises);
      // What is not kept lives as long as the page.
      if (found.keep !== true) return { ...memory, keep: found.keep === false ? false : null };
      return withPlaces({ version: VERSION, keep: true, exercises }, placesOf(found.places));
    } catch {
      guarded((store) => {
        store.setItem(DAMAGED, text);
        store.removeItem(KEY);
      });
      return memory;
    }
  };

  const write = (state) => {
    memory = state;
    const kept = state.keep === null ? null : state.keep ? state : { ...nothing(), keep: false };
    return kept === null || guarded((store) => store.setItem(KEY, JSON.stringify(kept)) ?? true) === true;
  };

  return {
    read,
    /** Whether the browser has refused to keep anything. */
    refused: () => refused || guarded((store) => store.getItem(KEY) ?? true) === null,
    put: (name, entry) => {
      const state = read();
      return write({ ...state, exercises: { ...state.exercises, [name]: entry } });
    },
    drop: (name) => {
      const { [name]: gone, ...others } = read().exercises;
      if (gone) write({ ...read(), exercises: others });
    },
    /** Where the reader was, page by page, the last one first. */
    places: () => read().places ?? {},
    /** Keep a place in a page, or forget it; nothing where the reader has not said that anything may be kept. */
    place: (page, place) => {
      const state = read();
      const { [page]: _, ...others } = state.places ?? {};
      if (state.keep === true) write(withPlaces(state, placesOf(place ? { ...others, [page]: place } : others)));
    },
    keep: (yes) => write({ ...read(), keep: yes, exercises: { ...read().exercises, ...memory.exercises } }),
    /** Take answers in; where both have one to the same exercise, the later stays. Gives the names that came in. */
    merge: (entries) => {
      const state = read();
      const newer = Object.entries(entries).filter(([name, entry]) => {
        const own = state.exercises[name];
        return !own || Date.parse(own.when) < Date.parse(entry.when);
      });
      const done = write({ ...state, keep: true, exercises: { ...state.exercises, ...Object.fromEntries(newer) } });
      return { names: newer.map(([name]) => name), done };
    },
    erase: () => {
      memory = nothing();
      guarded((store) => {
        store.removeItem(KEY);
        store.removeItem(DAMAGED);
      });
    },
    damaged: () => guarded((store) => store.getItem(DAMAGED)),
  };
}
