// Answers as one file that people read and pages take back: Markdown, and behind it the same as JSON in a fence.
import { entriesOf, VERSION } from "./kept.js";

const LARGEST = 2_000_000; // letters of a file that are looked at
const BEGINS = "\n```json\n";
const ENDS = "\n```\n";

/** A text in one line that Markdown shows as it is: no heading, emphasis, markup or fence comes of it. */
const inline = (text) =>
  text
    .replace(/\s+/g, " ")
    .trim()
    .replace(/[\\`*_{}[\]<>#|~$]/g, "\\$&");

/** The file's text. book: its title. */
export function written(state, book) {
  const entries = Object.entries(state.exercises);
  const lines = [`# Answers to the exercises of “${inline(book)}”`, ""];
  const chapters = [...new Set(entries.map(([, entry]) => entry.chapter))];
  for (const chapter of chapters) {
    const own = entries.map(([, entry]) => entry).filter((entry) => entry.chapter === chapter);
    lines.push(
      `## ${inline(chapter)}`,
      "",
      `${own.filter((entry) => entry.right).length} right of ${own.length} answered.`,
      "",
    );
    for (const entry of own) {
      const given = entry.answers.map((text) => inline(text) || "(empty)").join(", ");
      lines.push(`- **${inline(entry.title)}**: ${given}`, `  ${inline(entry.said)} (${entry.when.slice(0, 10)})`);
    }
    lines.push("");
  }
  lines.push("What follows is the same for the book’s page “Your answers”, which takes this file back.");
  const data = JSON.stringify({ book: "lvm", version: VERSION, exercises: state.exercises }, null, 1);
  return `${lines.join("\n")}\n${BEGINS}${data.replaceAll("`", "\\u0060")}${ENDS}`;
}

/** What a file holds: { exercises, odd }, or { wrong: a sentence }. */
export function readBack(text) {
  if (text.length > LARGEST) return { wrong: "This file is too large to be a file of answers." };
  const same = text.replaceAll("\r\n", "\n");
  const from = same.lastIndexOf(BEGINS);
  const to = same.indexOf("\n```", from + BEGINS.length);
  if (from < 0 && !same.trim().startsWith("{")) {
    return { wrong: "This file holds no answers: it is not one that this page has written." };
  }
  let data;
  try {
    data = JSON.parse(from < 0 ? same : same.slice(from + BEGINS.length, to < 0 ? undefined : to));
  } catch {
    return { wrong: "This file is damaged: its last part, which holds the answers, cannot be read." };
  }
  if (data?.book !== "lvm" || typeof data.exercises !== "object" || data.exercises === null) {
    return { wrong: "This file holds no answers: it is not one that this page has written." };
  }
  if (data.version !== VERSION) {
    const other = `${String(data.version).slice(0, 20)}; this one reads ${VERSION}`;
    return { wrong: `This file was written by another version of the book (${other}).` };
  }
  return entriesOf(data.exercises);
}
