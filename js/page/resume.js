// Where the reader was: kept section by section, where the reader said that this browser may keep something, and
// offered on the front page and at the top of a chapter. Nothing moves by itself.
import { element } from "./parts/element.js";
import { keeper } from "./parts/kept.js";
import { offered } from "./parts/offered.js";

const RESTS = 2000; // milliseconds in a section that make it a place

const kept = keeper(() => window.localStorage);
const base = new URL(document.documentElement.dataset.content_root ?? "./", document.baseURI).href;
const nameOf = (address) => address.slice(base.length).split(".html")[0];
const here = nameOf(location.href);
const article = document.querySelector("main article");

/** A link's words without its number, its minutes and what is said of exercises. */
function wordsOf(link) {
  const copy = /** @type {Element} */ (link.cloneNode(true));
  for (const part of copy.querySelectorAll(".lvm-number, small, .katex-mathml")) part.remove();
  return (copy.textContent ?? "").trim().replace(/\s+/g, " ");
}

/** The chapters in the order of the contents: page, number and title. */
const chapters = [...document.querySelectorAll(".chapters .lvm-number")].map((number) => {
  const link = /** @type {HTMLAnchorElement} */ (number.parentElement);
  return { page: nameOf(link.href), number: number.textContent ?? "", title: wordsOf(link) };
});
const isChapter = chapters.some(({ page }) => page === here);

/** The section that is marked as present (assets/book.js); one without a name at the page's foot; null above all. */
function present() {
  const foot = document.querySelector(".turn");
  if (foot && foot.getBoundingClientRect().top < innerHeight && scrollY > 0) return { id: "", words: "" };
  const link = /** @type {HTMLAnchorElement | null} */ (document.querySelector(".sections [aria-current]"));
  return link && { id: decodeURIComponent(link.hash.slice(1)), words: wordsOf(link).slice(0, 200) };
}

const remember = () => {
  const place = present();
  if (place) kept.place(here, { ...place, when: new Date().toISOString() });
};

/** A line that offers to go on, and can be sent away. */
function offer() {
  const place = offered(kept.places(), chapters, isChapter ? here : null);
  const heading = article?.querySelector("h1");
  const [visited] = performance.getEntriesByType("navigation");
  const fresh = !location.hash && /** @type {any} */ (visited)?.type === "navigate"; // else the place is kept anyway
  if (!place || !heading || (isChapter && !fresh)) return;
  const { page, id, number, title, words } = place;
  const line = element("p", isChapter ? "You were further on: " : "Continue: ", { className: "lvm-continue" });
  const said = isChapter ? words : `${number} ${title}${words ? `, ${words}` : ""}`;
  const link = element("a", said, { href: `${base}${page}.html${id ? `#${encodeURIComponent(id)}` : ""}` });
  const away = element("button", "Dismiss", { type: "button" });
  away.addEventListener("click", () => {
    kept.place(place.from, null);
    line.remove();
    /** @type {HTMLElement} */ (document.querySelector("main"))?.focus({ preventScroll: true });
  });
  line.append(link, away);
  heading.after(line);
}

/** At a chapter's foot, where nothing was asked yet: whether places may be kept. */
function ask() {
  const foot = document.querySelector("footer.after");
  if (!foot || kept.refused() || kept.read().keep !== null) return;
  const box = element(
    "p",
    "Remember in this browser where you read, and what you answer? It never leaves this device. ",
    {
      className: "lvm-acts lvm-remember",
    },
  );
  const choice = (label, yes) => {
    const button = element("button", label, { type: "button" });
    button.addEventListener("click", () => {
      const done = kept.keep(yes);
      const reply = yes ? "Remembered. The page “Your answers” erases it." : "Nothing is kept.";
      box.replaceChildren(done ? reply : "This browser refuses to keep anything.");
      box.tabIndex = -1;
      box.focus(); // the button that had it is gone
      document.dispatchEvent(new CustomEvent("lvm-keep", { detail: yes })); // to what the page's fields hold
      remember();
    });
    return button;
  };
  box.append(choice("Remember", true), choice("Do not remember", false));
  foot.prepend(box);
  document.addEventListener(
    "lvm-answers",
    () => kept.read().keep !== null && box.querySelector("button") && box.remove(),
  );
}

offer();
if (isChapter) {
  ask();
  let timer = 0;
  addEventListener(
    "scroll",
    () => {
      clearTimeout(timer);
      timer = window.setTimeout(remember, RESTS);
    },
    { passive: true },
  );
}
