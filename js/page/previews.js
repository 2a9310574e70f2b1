// Cards that show what a link leads to: a formula, a reference, a term, an exercise. A page's side file
// (_previews/<page>.js, a classic script, since fetch is refused on file://) is loaded when one of its links is first
// pointed at, focused or tapped. A card goes with the pointer or the focus, or by Escape; it may be pointed at itself.
import { element } from "./parts/element.js";
import { place } from "./parts/place.js";

const [SHOW, HIDE] = [250, 300]; // milliseconds that a pointer rests on a link first, and has to come back
const base = new URL(document.documentElement.dataset.content_root ?? "./", document.baseURI).href;
const header = document.querySelector(".top");
const cards = new Map(); // a page's name -> what its links show
const loading = new Map();
const card = element("div", "", { className: "lvm-preview", id: "lvm-preview", hidden: true });
card.setAttribute("role", "tooltip");

let shown = null; // the link whose card is open, or on its way
let timer = 0;
let finger = false; // whether the last press was a finger's

/** @type {any} */ (window).lvmPreviews = (page, found) => cards.set(page, found);

/** What a link leads to, as [page, name]; null where a card shows nothing of it. */
function target(link) {
  const [page, name] = link.href.slice(base.length).split(".html#");
  const known = /^(equation|exercise|term)-|^\w+-0$/.test(name) || (/\/references$/.test(page) && /^id\d+$/.test(name));
  return link.href.startsWith(base) && known && /^[\w/]+$/.test(page) ? [page, name] : null;
}

/** The link with a card that an event is about. */
function linkOf({ target: node }) {
  const link = node instanceof Element ? node.closest("main article a[href*='#']:not(.headerlink)") : null;
  return link && target(link) ? /** @type {HTMLAnchorElement} */ (link) : null;
}

const load = (page) => {
  if (!loading.has(page)) {
    const script = new Promise((resolve, reject) => {
      const src = `${base}_previews/${page.split("/").pop()}.js`;
      document.head.append(element("script", "", { src, onload: resolve, onerror: reject }));
    });
    script.catch(() => loading.delete(page)); // another try may find it
    loading.set(page, script);
  }
  return loading.get(page);
};

/** Open a link's card; false where there is none to open. */
async function show(link, at = null) {
  hide();
  shown = link;
  const [page, name] = target(link);
  await load(page).catch(() => {});
  const found = cards.get(page) ?? {};
  const entry = Object.hasOwn(found, name) ? found[name] : null;
  const [heading, where, text] = (typeof entry === "string" ? found[entry] : entry) ?? [];
  if (shown !== link) return true; // it was left before
  if (!heading) {
    shown = null;
    return false;
  }
  // Markup of the book's own pages, cleaned when it was built (_ext/previews.py).
  card.innerHTML = `<p class="lvm-preview-title">${heading}${where ? `<small>${where}</small>` : ""}</p>${text}`;
  if (finger) card.append(element("p", "Tap the link again to go there.", { className: "lvm-note" }));
  card.removeAttribute("style");
  card.hidden = false;
  link.removeAttribute("title"); // the browser's own card would lie over this one
  link.setAttribute("aria-describedby", card.id);
  const lines = [...link.getClientRects()];
  const room = { width: root.clientWidth, top: header?.getBoundingClientRect().bottom ?? 0, bottom: innerHeight };
  const { left, top, most } = place(lines, card.getBoundingClientRect(), room, at);
  Object.assign(card.style, { left: `${left + scrollX}px`, top: `${top + scrollY}px`, maxHeight: `${most}px` });
  return true;
}

function hide() {
  clearTimeout(timer);
  shown?.removeAttribute("aria-describedby");
  shown = null;
  card.hidden = true;
}

const after = (wait, act) => {
  clearTimeout(timer);
  timer = window.setTimeout(act, wait);
};

const root = document.documentElement;
document.body.append(card);
document.addEventListener("pointerdown", ({ pointerType, target: node }) => {
  finger = pointerType === "touch";
  if (shown && node instanceof Node && !card.contains(node) && !shown.contains(node)) hide();
});
document.addEventListener("pointerover", (event) => {
  if (event.pointerType === "touch") return;
  const link = linkOf(event);
  const own = link === shown || (event.target instanceof Node && card.contains(event.target));
  if (link && link !== shown) after(SHOW, () => show(link, { x: event.clientX, y: event.clientY }));
  else if (shown && own) clearTimeout(timer);
  else if (shown && document.activeElement !== shown) after(HIDE, hide);
  else clearTimeout(timer);
});
document.addEventListener("focusin", (event) => {
  const link = linkOf(event);
  if (link?.matches(":focus-visible") && !finger) show(link);
});
document.addEventListener("focusout", (event) => {
  if (shown === event.target && !card.matches(":hover")) hide();
});
document.addEventListener("keydown", ({ key }) => {
  finger = false;
  if (key === "Escape") hide();
});
document.addEventListener("click", async (event) => {
  const link = linkOf(event);
  if (!link) return;
  if (!finger || shown === link || event.ctrlKey || event.metaKey) return void hide();
  event.preventDefault();
  if (!(await show(link))) location.href = link.href; // no card: the tap follows, as without a script
});
addEventListener("resize", hide);
