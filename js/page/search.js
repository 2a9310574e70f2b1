// The page "Search": loads the side file with the book's words when the field is first used, and lists what is found
// while a reader types. It needs no storage, no address bar and no form to be sent, so it works in a sandboxed frame.
import { find, prepare, row, sentence } from "../engine/search.js";
import { element } from "./parts/element.js";

const AT_ONCE = 20; // rows
const PAUSE = 180; // ms without a key before a search
const AGAIN = "Reload the page to try again.";
const base = document.documentElement.dataset.content_root ?? "./";
const form = /** @type {HTMLFormElement} */ (document.querySelector("form.search"));
const field = /** @type {HTMLInputElement} */ (document.querySelector("#search-field"));
const status = /** @type {HTMLElement} */ (document.querySelector("#search-status"));
const place = /** @type {HTMLElement} */ (document.querySelector("#search-results"));

let book = null;
let loading = null;
const load = () => {
  loading ??= new Promise((resolve, reject) => {
    const tag = document.createElement("script");
    tag.src = new URL(`${base}_search/book.js`, document.baseURI).href;
    tag.onload = () => {
      const listed = /** @type {any} */ (window).lvmSearchBook;
      if (!Array.isArray(listed)) return void reject(new Error("damaged"));
      book ??= prepare(listed);
      resolve(book);
    };
    tag.onerror = () => reject(new Error("missing"));
    document.head.append(tag);
  });
  loading.catch(() => {
    loading = null; // another try may find it
  });
  return loading;
};

/** Pieces of a text in an element, those that were asked for marked. */
const marked = (into, pieces) => {
  for (const [words, asked] of pieces) into.append(asked ? element("mark", words) : words);
  return into;
};

function shown(result) {
  const { page, heading, around, address, snippet, equations, code } = row(result);
  const item = element("li", "");
  const title = address ? element("a", "", { href: base + address }) : element("span", "");
  title.className = "lvm-found-title";
  item.append(marked(title, heading.length ? heading : [[page, false]]));
  const where = [page, ...around].join(" › ");
  if (where !== title.textContent) item.append(element("p", where, { className: "lvm-found-page" }));
  if (snippet.length) item.append(marked(element("p", ""), snippet));
  if (equations.length) item.append(named(equations.length > 1 ? "Equations " : "Equation ", equations));
  if (code.length) item.append(named("In its code: ", code));
  return item;
}

function named(what, names) {
  const line = element("p", what, { className: "lvm-found-names" });
  names.forEach((name, n) => line.append(n ? ", " : "", element("code", name)));
  return line;
}

function list(results) {
  const rows = element("ol", "", { className: "lvm-found" });
  const more = element("button", "", { type: "button" });
  const grow = () => {
    const before = rows.children.length;
    rows.append(...results.slice(before, before + AT_ONCE).map(shown));
    const left = results.length - rows.children.length;
    more.hidden = !left;
    more.textContent = `Show ${Math.min(left, AT_ONCE)} more of ${left}`;
    return rows.children[before];
  };
  more.addEventListener("click", () => grow()?.querySelector("a")?.focus());
  grow();
  place.replaceChildren(rows, more);
}

let last = null; // the question that is answered
async function look() {
  const question = field.value;
  if (question === last) return;
  last = question;
  try {
    const address = question.trim() ? `?q=${encodeURIComponent(question.slice(0, 300))}` : location.pathname;
    history.replaceState(null, "", address);
  } catch {
    /* a file, or a frame without an address of its own */
  }
  if (!question.trim()) {
    place.replaceChildren();
    status.textContent = sentence(question, { terms: [], all: true, instead: [], results: [] });
    return;
  }
  try {
    if (!book) status.textContent = "Reading the book …";
    await load();
    if (question !== last) return; // a later question is on its way
    const found = find(book, question);
    list(found.results);
    status.textContent = sentence(question, found);
  } catch (error) {
    last = null;
    place.replaceChildren();
    status.textContent = `The list of the book’s words is ${error.message}: nothing can be looked for. ${AGAIN}`;
  }
}

let waiting = 0;
const now = (event) => {
  event?.preventDefault();
  clearTimeout(waiting);
  look();
};
field.addEventListener("focus", () => load().catch(() => {}), { once: true });
field.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = window.setTimeout(look, PAUSE);
});
form.addEventListener("submit", now);
form.querySelector("button")?.addEventListener("click", now); // a sandboxed frame sends no form, and tells none
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.isComposing) now(event);
});

// The arrows go from the field through the results and back.
form.parentElement?.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.isComposing) return;
  const stops = [field, ...place.querySelectorAll("a.lvm-found-title")];
  const at = stops.indexOf(/** @type {any} */ (document.activeElement));
  const next = /** @type {HTMLElement | undefined} */ (stops[at + step]);
  if (at < 0 || !next) return;
  event.preventDefault();
  next.focus();
});

field.value = new URLSearchParams(location.search).get("q") ?? "";
if (field.value) look();
