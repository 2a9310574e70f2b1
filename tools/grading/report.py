"""The tables and the page of a graded class."""

from __future__ import annotations

import csv
import html
import io
from collections import Counter
from pathlib import Path

from tools.chapters import write_whole
from tools.tasks import Task

WORDS = {"right": "right", "wrong": "wrong", "none": "not answered", "raised": "raised", "training": "needs FULL=yes"}
SIGNS = {"right": "✓", "wrong": "✗", "none": "–", "raised": "!", "training": "…"}
MOST = 5  # sentences about an exercise that the class got wrong
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}
th,td{border:1px solid #ccc;padding:.25rem .55rem;text-align:left;vertical-align:top}
th{background:#f2f2f2}td.right{background:#e4f3e4}td.wrong{background:#fbe4e0}td.raised{background:#fdeccf}
td.none,td.training{background:#f4f4f4}td.number{text-align:right}
@media (prefers-color-scheme:dark){body{color:#e8e8e8;background:#161616}th{background:#2a2a2a}
td.right{background:#1d3a1d}td.wrong{background:#4a211b}td.raised{background:#473410}td.none,td.training{background:#222}}
"""


def weights(file: Path, asked: dict[str, list[Task]], graded: set[str]) -> dict[str, float]:
    """{check: points}. The file is made where there is none, and completed; raises ValueError for what is no number."""
    known = {}
    if file.exists():
        for row in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))):
            try:
                known[row["check"]] = float(row["points"])
            except (KeyError, TypeError, ValueError):
                raise ValueError(f"{file} has a line without a check or a number of points: {row}") from None
    rows = []
    for chapter, found in asked.items():
        for task in found:
            if chapter in graded or task.check in known:
                known.setdefault(task.check, 1.0)
                rows.append([task.check, chapter, task.number, task.title, f"{known[task.check]:g}"])
    write_whole(file, table(["check", "chapter", "exercise", "title", "points"], rows))
    return known


def table(head: list, rows: list[list]) -> str:
    """Rows as CSV. Text that a table program would take for a formula gets an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([[safe(part) for part in row] for row in rows])
    return out.getvalue()


def safe(value):
    """A value that no table program takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def write(
    out: Path,
    results: dict,
    asked: dict[str, list[Task]],
    points: dict[str, float],
    *,
    how: str,
    left: list[str],
    absent: dict[str, str],
) -> None:
    """Write grades.csv, answers.csv and index.html. absent: students with nothing to grade, and why."""
    graded = [name for name in asked if any(chapter == name for _, chapter in results)]
    columns = [(chapter, task) for chapter in graded for task in asked[chapter]]
    students = sorted({student for student, _ in results} | set(absent), key=str.casefold)
    verdicts = {
        (student, answer["check"]): answer for (student, _), result in results.items() for answer in result["answers"]
    }
    notes = {
        student: "; ".join(f"{c}: {r['note']}" for (s, c), r in results.items() if s == student and r["note"])
        for student in students
    } | absent
    totals = {
        student: sum(
            points[task.check]
            for _, task in columns
            if verdicts.get((student, task.check), {}).get("verdict") == "right"
        )
        for student in students
    }
    most = sum(points[task.check] for _, task in columns)
    grades = [
        [
            student,
            *(_points(verdicts.get((student, task.check)), points[task.check]) for _, task in columns),
            f"{totals[student]:g}",
            f"{most:g}",
            notes[student],
        ]
        for student in students
    ]
    head = ["student", *(f"{chapter} {task.number}" for chapter, task in columns), "points", "of", "note"]
    write_whole(out / "grades.csv", "\ufeff" + table(head, grades))
    lines = [
        [
            student,
            chapter,
            task.number,
            task.title,
            task.check,
            WORDS[answer["verdict"]],
            _points(answer, points[task.check]),
            answer["said"],
        ]
        for student in students
        for chapter, task in columns
        if (answer := verdicts.get((student, task.check)))
    ]
    head = ["student", "chapter", "exercise", "title", "check", "verdict", "points", "said"]
    write_whole(out / "answers.csv", "\ufeff" + table(head, lines))
    write_whole(out / "index.html", page(students, columns, verdicts, totals, most, notes, how, left))


def _points(answer: dict | None, worth: float) -> str:
    if answer is None:
        return ""
    return "" if answer["verdict"] == "training" else f"{worth if answer['verdict'] == 'right' else 0:g}"


def page(students, columns, verdicts, totals, most, notes, how, left) -> str:
    """The page: what the class got wrong, then every student."""
    e = html.escape
    parts = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">',
        f"<title>Grades</title><style>{STYLE}</style></head><body><h1>Grades of {len(students)} students</h1>",
        f"<p>Judged by the book's checks; {e(how)}.</p><h2>What the class got wrong</h2>",
        "<table><thead><tr><th>Exercise</th>" + "".join(f"<th>{e(word)}</th>" for word in WORDS.values()),
        "<th>What was said most often</th></tr></thead><tbody>",
    ]
    ranked = []
    for chapter, task in columns:
        given = [verdicts[student, task.check] for student in students if (student, task.check) in verdicts]
        count = Counter(answer["verdict"] for answer in given)
        said = Counter(answer["said"] for answer in given if answer["verdict"] in ("wrong", "raised"))
        ranked.append((-(count["wrong"] + count["raised"]), chapter, task, count, said))
    for _, chapter, task, count, said in sorted(ranked, key=lambda row: row[0]):
        sentences = "<br>".join(f"{n} × {e(text)}" for text, n in said.most_common(MOST))
        numbers = "".join(f'<td class="number">{count[name]}</td>' for name in WORDS)
        parts.append(f"<tr><td>{e(chapter)} {task.number}. {e(task.title)}</td>{numbers}<td>{sentences}</td></tr>")
    parts.append("</tbody></table><h2>Students</h2><p>")
    parts.append(", ".join(f"{SIGNS[name]} {e(word)}" for name, word in WORDS.items()))
    parts.append(". Below each table row a student's own answers unfold.</p><table><thead><tr><th>Student</th>")
    parts += [f'<th title="{e(task.title)}">{e(chapter)} {task.number}</th>' for chapter, task in columns]
    parts.append(f"<th>Points of {most:g}</th></tr></thead><tbody>")
    for student in students:
        cells, lines = [], []
        for chapter, task in columns:
            answer = verdicts.get((student, task.check))
            if answer is None:
                cells.append("<td></td>")
                continue
            name = answer["verdict"]
            cells.append(f'<td class="{name}" title="{e(answer["said"])}">{SIGNS[name]}</td>')
            lines.append(f"<li>{e(chapter)} {task.number}. {e(task.title)}: {WORDS[name]}. {e(answer['said'])}</li>")
        own = f"<details><summary>{e(student)}</summary><ol>{''.join(lines)}</ol>{e(notes[student])}</details>"
        parts.append(f'<tr><td>{own}</td>{"".join(cells)}<td class="number">{totals[student]:g}</td></tr>')
    parts.append("</tbody></table>")
    if left:
        parts.append("<h2>Not graded</h2><ul>" + "".join(f"<li>{e(line)}</li>" for line in left) + "</ul>")
    return "\n".join([*parts, "</body></html>", ""])
