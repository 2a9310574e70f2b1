// What every figure is: a root element, a clean-up list, and a visible sentence when something fails.

import { makers } from "./dom.js";
import { followTheme } from "./theme.js";

/**
 * The anywidget form of a figure. `build(kit)` draws into kit.root and registers what must be undone with
 * kit.onCleanup; kit = { name, model, root, document, view, h, s, slot, inPage, onCleanup, arrived, lost }.
 * A `slow` figure, whose first picture takes a while, counts as alive only once it called kit.arrived();
 * kit.lost(error) says that the picture never comes. After the arrival both do nothing.
 */
export function figure(name, label, build, { slow = false } = {}) {
  return {
    render({ model, el }) {
      const document = el.ownerDocument;
      const view = document.defaultView;
      const { h, s } = makers(document);
      const root = h("div", { class: "lvm-figure", "data-figure": name, role: "group", "aria-label": label });
      const undo = [];
      const cleanup = () => {
        while (undo.length) undo.pop()();
        root.remove();
      };
      const slot = placeInPage(el, name) || firstFreeSlot(document, name);
      root.dataset.slot = slot;
      el.append(root);
      let waiting = true;
      let arrived = () => {};
      const first = new Promise((resolve) => {
        arrived = () => {
          waiting = false;
          resolve(cleanup);
        };
      });
      const fail = (error) => {
        while (undo.length) undo.pop()();
        root.dataset.failed = "true";
        root.replaceChildren(
          h(
            "p",
            { class: "lvm-failure", role: "alert" },
            `This live figure could not be drawn (${error?.message ? error.message : error}). ` +
              "The text and the static figures of this page do not depend on it.",
          ),
        );
        view.console.error(error);
        arrived();
      };
      try {
        undo.push(followTheme(root));
        root.addEventListener("selectstart", notOnDrawings);
        build({
          name,
          model,
          root,
          document,
          view,
          h,
          s,
          slot,
          inPage: !model.widget_manager, // a kernel's front end owns the address bar; a page's reader does
          onCleanup: (act) => undo.push(act),
          arrived,
          lost: (error) => {
            if (waiting) fail(error);
          },
        });
      } catch (error) {
        fail(error);
      }
      return slow ? first : cleanup;
    },
  };
}

/** A drag over a drawing selects no text, of the figure or of the page; its sentences and fields can be selected. */
function notOnDrawings(event) {
  const at = event.target.nodeType === 1 ? event.target : event.target.parentElement;
  if (!at?.closest("p, input, textarea")) event.preventDefault();
}

/**
 * 1 for the first figure of that name on the page, 2 for the next: the address keeps them apart. In a built page all
 * places are known before any figure lives, so the order in which figures come to life does not matter; 0 elsewhere.
 */
function placeInPage(element, name) {
  const host = element.closest?.("[data-lvm-live]");
  if (!host) return 0;
  const all = Array.from(element.ownerDocument.querySelectorAll("[data-lvm-live]"));
  return all.filter((other) => other.getAttribute("data-lvm-live") === name).indexOf(host) + 1;
}

/** The same where figures come one by one, as in a notebook: the first number that none has. */
function firstFreeSlot(document, name) {
  const drawn = document.querySelectorAll(`.lvm-figure[data-figure="${name}"]`);
  const taken = new Set(Array.from(drawn, (root) => root.dataset.slot));
  let slot = 1;
  while (taken.has(String(slot))) slot++;
  return slot;
}

/** What sticks to the window's edge, while it is not held. */
const STICKS = ".lvm-panel, .lvm-hand";

/**
 * Something is taken in hand (`on`) or all is let go: in between the figure keeps its height, so that a number that
 * changes moves nothing outside, and the browser lays out the figure alone (rule .is-held of figure.css). Nothing in
 * it may stick to the window meanwhile, which would lay out the page: what does stays where it is.
 */
export function holdStill(root, on) {
  if (root.classList.contains("is-held") === on) return;
  const sticking = Array.from(root.querySelectorAll(STICKS));
  const tops = sticking.map((node) => node.getBoundingClientRect().top);
  root.style.height = on ? `${root.getBoundingClientRect().height}px` : "";
  root.classList.toggle("is-held", on);
  for (const node of sticking) {
    node.style.position = on ? "relative" : "";
    node.style.inset = on ? "0 auto auto" : "";
  }
  const moved = on ? sticking.map((node, i) => tops[i] - node.getBoundingClientRect().top) : [];
  for (const [i, shift] of moved.entries()) sticking[i].style.top = `${shift}px`;
}

/** Follow the container's width: calls `act(width)` at once and whenever it changes. */
export function followWidth(element, view, act) {
  let last = -1;
  const measure = () => {
    const width = Math.floor(element.clientWidth);
    if (width > 0 && width !== last) {
      last = width;
      act(width);
    }
  };
  const watch = new view.ResizeObserver(measure);
  watch.observe(element);
  measure();
  return () => watch.disconnect();
}
