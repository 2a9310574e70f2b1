// The page "Your answers": what this browser keeps, as a list; a file of it, and back; all of it erased after asking.
import { element } from "./parts/element.js";
import { readBack, written } from "./parts/file.js";
import { keeper } from "./parts/kept.js";

const kept = keeper(() => window.localStorage);
const place = /** @type {HTMLElement} */ (document.querySelector("[data-your-answers]"));
const base = document.documentElement.dataset.content_root ?? "./";
let chapters = []; // of the whole book, from the side file

const button = (label, act) => {
  const made = element("button", label, { type: "button" });
  made.addEventListener("click", act);
  return made;
};
const status = element("p", "", { className: "lvm-verdict" });
status.setAttribute("role", "status");
const list = element("div", "");
const say = (words) => {
  status.textContent = words;
};
const count = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

function draw() {
  const { exercises, keep } = kept.read();
  const parts = [];
  for (const { chapter, page, title, exercises: asked, quick = [] } of chapters) {
    const questions = quick.map((question, at) => ({ ...question, title: `Quick question ${at + 1}`, id: "after" }));
    const answeredOf = questions.filter(({ name }) => exercises[name]);
    const rows = [...asked, ...answeredOf].map(({ name, title: words, stamp, id = "0" }) => {
      const entry = exercises[name];
      const row = element("li", "");
      const link = element("a", words, { href: `${base}${page}#${name}-${id}` });
      row.append(link);
      if (entry && entry.stamp === stamp) {
        const given = id === "0" ? entry.answers.map((text) => text || "(empty)") : entry.answers.filter(Boolean);
        row.append(element("span", given.join(", "), { className: "lvm-given" }));
        row.append(element("span", entry.said, { className: "lvm-said" }));
      } else if (entry) {
        row.append(element("span", "This exercise has changed since you answered it.", { className: "lvm-said" }));
      }
      return row;
    });
    const rightOf = (list) =>
      list.filter(({ name, stamp }) => exercises[name]?.right && exercises[name].stamp === stamp).length;
    const more = answeredOf.length ? ` Quick questions: ${rightOf(quick)} of ${quick.length} right.` : "";
    const heading = element("h2", title, { id: `answers-${chapter}` });
    const items = element("ul", "", { className: "lvm-answered" });
    items.append(...rows);
    parts.push(heading, element("p", `${rightOf(asked)} of ${asked.length} right.${more}`), items);
  }
  const answered = Object.keys(exercises).length;
  const places = Object.keys(kept.places()).length;
  const refused = kept.refused();
  const about = refused
    ? "This browser keeps nothing for this page: its settings forbid it."
    : keep === false
      ? "You chose that nothing is kept."
      : answered
        ? `This browser keeps ${count(answered, "answer")}${places ? ", and where you read" : ""}.`
        : `No answers are kept in this browser yet${places ? ", but where you read" : ""}.`;
  const acts = element("p", "", { className: "lvm-acts" });
  if (!refused && keep === false) acts.append(button("Keep answers from now on", () => change(true)));
  if (answered) acts.append(button("Save to a file", save));
  acts.append(opener());
  if (answered || places) acts.append(button("Erase all", sure));
  const damaged = kept.damaged();
  if (damaged) acts.append(button("Save what could not be read", () => download("answers-damaged.txt", damaged)));
  list.replaceChildren(element("p", about), acts, ...parts);
  document.dispatchEvent(new CustomEvent("lvm-answers", { detail: exercises }));
}

function change(yes) {
  kept.keep(yes);
  draw();
  say(yes ? "From now on answers are kept in this browser." : "");
}

function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/markdown" }));
  const link = element("a", "", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function save() {
  download("answers.md", written(kept.read(), place.dataset.yourAnswers ?? ""));
  say("Saved as answers.md: a list to read, and behind it the same for this page.");
}

/** A button that opens a file, as an input of its own would, in the words of this page. */
function opener() {
  const label = element("label", "Bring back from a file", { className: "lvm-opener" });
  const input = element("input", "", {
    type: "file",
    accept: ".md,.json,text/markdown,application/json",
    className: "lvm-opener-input",
  });
  input.addEventListener("change", async () => {
    const file = input.files?.[0];
    if (file) bring(await file.text().catch(() => ""));
    input.value = "";
  });
  label.prepend(input);
  return label;
}

function bring(text) {
  const found = readBack(text);
  if (found.wrong) return say(`${found.wrong} Nothing was changed.`);
  const listed = chapters.flatMap(({ exercises, quick = [] }) => [...exercises, ...quick]);
  const stamps = new Map(listed.map(({ name, stamp }) => [name, stamp]));
  const known = Object.entries(found.exercises).filter(([name, entry]) => stamps.get(name) === entry.stamp);
  const left = Object.keys(found.exercises).length - known.length;
  const { names, done } = kept.merge(Object.fromEntries(known));
  draw();
  const words = [`Brought back: ${count(names.length, "answer")}.`];
  if (known.length > names.length)
    words.push(`${count(known.length - names.length, "answer")} stood here already, as late or later.`);
  if (left) words.push(`${count(left, "answer")} to exercises that have changed since, or are gone, left out.`);
  if (found.odd.length)
    words.push(`${count(found.odd.length, "entry").replace("entrys", "entries")} could not be read.`);
  if (!done) words.push("This browser refuses to keep them: they last until you leave this page.");
  say(words.join(" "));
}

/** Erase only after a second press. */
function sure() {
  const box = element("p", "Erase all answers, and where you read, from this browser? This cannot be undone. ", {
    className: "lvm-acts",
  });
  const no = button("Keep them", draw);
  box.append(
    button("Erase", () => {
      kept.erase();
      draw();
      say("Erased.");
    }),
    no,
  );
  list.querySelector(".lvm-acts")?.replaceWith(box);
  no.focus();
}

const start = () => {
  chapters = /** @type {any} */ (window).lvmExerciseList ?? [];
  place.replaceChildren(status, list);
  draw();
};
document.head.append(element("script", "", { src: `${base}_exercises/all.js`, onload: start, onerror: start }));
