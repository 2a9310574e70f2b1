// The fields of a page's exercises, and its quick questions: judged here, by the tables of the chapter's side file,
// exercises in the words of Python's checks. A side file is a classic script, loaded when a form comes near (fetch is
// refused on file://).
import { judge } from "../engine/judge.js";
import { element } from "./parts/element.js";
import { keeper } from "./parts/kept.js";
import { quickQuestions } from "./parts/quick.js";

const kept = keeper(() => window.localStorage);
const forms = [...document.querySelectorAll("form[data-exercise]")];
const chapter = document.body.className.replace(/^page-/, "");
const tables = new Map();
let asked = false; // whether this page has asked to keep answers

/** @type {any} */ (window).lvmExercises = (_, encoded) => {
  try {
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    for (const [name, table] of Object.entries(JSON.parse(new TextDecoder().decode(bytes)))) tables.set(name, table);
  } catch {
    /* the form says that its table is missing */
  }
};

const loading = new Map();
const load = (form) => {
  const url = new URL(form.dataset.tables ?? "", document.baseURI).href;
  if (!loading.has(url)) {
    const script = new Promise((resolve, reject) => {
      const tag = document.createElement("script");
      tag.src = url;
      tag.onload = resolve;
      tag.onerror = () => reject(new Error(`${url.split("/").pop()} could not be loaded`));
      document.head.append(tag);
    });
    script.catch(() => loading.delete(url)); // another try may find it
    loading.set(url, script);
  }
  return loading.get(url);
};

const fields = (form) => [...form.querySelectorAll("input")];
const verdictOf = (form) => form.querySelector(".lvm-verdict");

function show(form, right, said, parts) {
  form.dataset.verdict = right === true ? "right" : right === false ? "wrong" : "open";
  verdictOf(form).textContent = said;
  fields(form).forEach((input, at) => {
    if (parts?.[at] === false) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  });
}

function clear(form) {
  if (form.dataset.verdict) show(form, undefined, "");
  delete form.dataset.verdict;
}

async function check(form) {
  const { exercise: name, title, stamp } = form.dataset;
  const answers = fields(form).map((input) => input.value);
  try {
    await load(form);
    if (!tables.has(name)) throw new Error("its table is damaged");
  } catch (error) {
    return show(form, null, `Not judged: ${error.message}. Your answer stands as it was.`);
  }
  const { right, said, parts } = judge(tables.get(name), answers);
  show(form, right, said, parts);
  if (right === null && answers.every((text) => !text.trim())) {
    kept.drop(name);
    return tell();
  }
  const when = new Date().toISOString();
  offer(form, kept.put(name, { chapter, title, stamp, answers, right, said, when }));
  tell();
}

/** After an answer was stored, or not: ask whether it may be kept, or say that it cannot. */
function offer(form, stored) {
  if (!stored || kept.refused())
    note(form, "This browser keeps nothing for this page, so your answers last until you leave it.");
  else if (kept.read().keep === null) ask(form);
}

/** A sentence below the verdict, once on a page. */
function note(form, words) {
  if (asked) return;
  asked = true;
  form.append(element("p", words, { className: "lvm-note" }));
}

/** Ask, once, whether answers may be kept. */
function ask(form) {
  if (asked) return;
  asked = true;
  const box = element("div", "", { className: "lvm-ask" });
  const words = element(
    "p",
    "Keep your answers, and where you read, in this browser, for when you come back? They never leave this device.",
  );
  const answer = (label, yes, reply) => {
    const button = element("button", label, { type: "button" });
    button.addEventListener("click", () => {
      const done = kept.keep(yes);
      const said = done ? reply : "This browser refuses to keep them: they last until you leave this page.";
      box.replaceChildren(element("p", said, { tabIndex: -1 }));
      box.querySelector("p")?.focus();
      tell();
    });
    return button;
  };
  box.append(
    words,
    answer("Keep", true, "Kept. The page “Your answers” lists them, saves them to a file, and erases them."),
    answer("Do not keep", false, "Not kept: they last until you leave this page."),
  );
  form.append(box);
}

/** Tell the contents list how many are right (assets/book.js). */
const tell = () => document.dispatchEvent(new CustomEvent("lvm-answers", { detail: kept.read().exercises }));

document.addEventListener("lvm-keep", (event) => {
  kept.keep(/** @type {CustomEvent} */ (event).detail);
  document.querySelector(".lvm-ask")?.remove();
  tell();
});

/** Put back what was answered before; what was asked otherwise then is dropped, with a word. */
function restore(form, entry) {
  if (!entry) return;
  const status = verdictOf(form);
  status.removeAttribute("role"); // what stood here before is no news
  if (entry.stamp === form.dataset.stamp && entry.answers.length === fields(form).length) {
    fields(form).forEach((input, at) => {
      input.value = entry.answers[at];
    });
    show(form, entry.right, entry.said);
  } else {
    const given = entry.answers.join(", ").slice(0, 60);
    show(form, null, `This exercise has changed since you answered it, so your answer (${given}) was dropped.`);
    kept.drop(form.dataset.exercise);
  }
  requestAnimationFrame(() => status.setAttribute("role", "status"));
}

const near =
  "IntersectionObserver" in window &&
  new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        load(/** @type {HTMLElement} */ (target)).catch(() => {});
      }
    },
    { rootMargin: "500px 0px" },
  );

const watch = (form) => {
  if (near) near.observe(form);
};
const before = kept.read().exercises;
for (const form of forms) {
  form.querySelector("fieldset").disabled = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    check(form);
  });
  form.addEventListener("input", () => clear(form));
  restore(form, before[form.dataset.exercise]);
  watch(form);
}
quickQuestions({ kept, load, tables, chapter, offer, tell, watch });
tell();
