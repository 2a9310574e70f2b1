// Judge answers that come on standard input, [[table, answers], ...] as JSON, and print what is said of each:
// tests/library/test_judge_twin.py compares that with Python.
import { readFileSync } from "node:fs";
import { judge } from "../engine/judge.js";

const rows = JSON.parse(readFileSync(0, "utf8"));
const { tables, answers } = rows;
process.stdout.write(JSON.stringify(answers.map(([name, given]) => judge(tables[name], given))));
