// Quick questions: a guess before the chapter, which stands beside the same question after it; there a choice is judged
// by the chapter's side file. One entry for a question: { answers: [first, now] }, or [now] where it is asked once.
import { element } from "./element.js";

const radios = (form) => [...form.querySelectorAll("input")];
const texts = (form) => [...form.querySelectorAll(".lvm-choice span")].map((words) => words.textContent);
const verdictOf = (form) => form.querySelector(".lvm-verdict");

/** Bring a page's questions to life, with its kept answers, its tables and their loading, what it offers and tells. */
export function quickQuestions({ kept, load, tables, chapter, offer, tell, watch }) {
  const forms = /** @type {HTMLFormElement[]} */ ([...document.querySelectorAll("form[data-quick]")]);

  function show(form, right, said, [href, words] = ["", ""]) {
    form.dataset.verdict = right === true ? "right" : right === false ? "wrong" : "open";
    const link = href ? [" See ", element("a", words, { href }), "."] : [];
    verdictOf(form).replaceChildren(said, ...link);
  }

  /** What is kept of a question: its answers, where they are an answer to what the form asks. */
  function entryOf(form) {
    const entry = kept.read().exercises[form.dataset.quick];
    const fits =
      entry?.stamp === form.dataset.stamp &&
      entry.answers.length === (form.dataset.first ? 2 : 1) &&
      entry.answers.every((text) => text === "" || texts(form).includes(text));
    return fits ? entry : null;
  }

  function put(form, answers, right, said) {
    const { quick: name, title, stamp } = form.dataset;
    const when = new Date().toISOString();
    offer(form, kept.put(name, { chapter, title, stamp, answers, right, said, when }));
    tell();
  }

  /** The guess from before the chapter, below the question after it. */
  function recall(form) {
    const [first] = (form.dataset.first && entryOf(form)?.answers) || [""];
    form.querySelector(".lvm-first")?.remove();
    if (first)
      verdictOf(form).before(element("p", `Before the chapter you chose: ${first}`, { className: "lvm-first" }));
  }

  function guess(form, choice) {
    const [first, now] = entryOf(form)?.answers ?? ["", ""];
    if (now && first)
      return show(form, null, `You have answered this after the chapter; your first guess stays: ${first}`);
    put(form, [choice, now], entryOf(form)?.right ?? null, entryOf(form)?.said ?? "");
    show(form, null, "Noted. After the chapter your guess stands beside the same question.");
    forms.filter((other) => other.id === `${form.dataset.quick}-after`).forEach(recall);
  }

  async function judge(form, at) {
    const name = form.dataset.quick;
    try {
      await load(form);
      if (!tables.get(name)?.choices?.[at]) throw new Error("its table is damaged");
    } catch (error) {
      return show(form, null, `Not judged: ${error.message}. Your choice stands as it was.`);
    }
    const [right, because, href, words] = tables.get(name).choices[at];
    const said = `${right ? "Right" : "Not right"}: ${because}`;
    show(form, right, said, [href, words]);
    const choice = texts(form)[at];
    put(form, form.dataset.first ? [entryOf(form)?.answers[0] ?? "", choice] : [choice], right, said);
  }

  function restore(form) {
    const entry = kept.read().exercises[form.dataset.quick];
    if (!entry) return;
    const status = verdictOf(form);
    status.removeAttribute("role"); // what stood here before is no news
    requestAnimationFrame(() => status.setAttribute("role", "status"));
    if (!entryOf(form)) {
      const given = entry.answers.filter(Boolean).join(", ").slice(0, 60);
      return show(
        form,
        null,
        `This question has changed since you answered it, so your answer (${given}) was dropped.`,
      );
    }
    const before = form.dataset.when === "before";
    const at = texts(form).indexOf(before ? entry.answers[0] : entry.answers.at(-1));
    if (at >= 0) {
      radios(form)[at].checked = true;
      if (before) show(form, null, "This was your guess.");
      else show(form, entry.right, entry.said);
    }
  }

  for (const form of forms) {
    form.querySelector("fieldset").disabled = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const at = radios(form).findIndex((radio) => radio.checked);
      if (at < 0) show(form, null, "Choose one of the answers first.");
      else if (form.dataset.when === "before") guess(form, texts(form)[at]);
      else judge(form, at);
    });
    form.addEventListener("change", () => {
      delete form.dataset.verdict;
      verdictOf(form).textContent = "";
    });
    restore(form);
    if (form.dataset.when === "after") recall(form);
    watch(form);
  }
  // Only now: a question stands in two forms, and both say that their answer was dropped.
  for (const form of forms)
    if (kept.read().exercises[form.dataset.quick] && !entryOf(form)) kept.drop(form.dataset.quick);
}
