"""The page "Benchmarks" shows exactly what the scripts stored, and says of everything else that it is not measured."""

import json
import shutil
import sys

import pytest
from bs4 import BeautifulSoup

from tools import chapters
from tools.budgets import budget

sys.path.insert(0, str(chapters.ROOT))
from benchmarks import book, decode, growth, report
from benchmarks.row import Aim, Growth, Row

PAGE = "appendix/benchmarks"


def side(seconds, quality, also=()):
    return {
        "seconds": seconds,
        "fastest": seconds * 0.9,
        "slowest": seconds * 1.1,
        "quality": quality,
        "runs": 3,
        "also": dict(also),
    }


def comparison(ratio, fault=""):
    return {
        "date": "2031-05-06",
        "ours": {"1": side(0.04321, -5.1234567), "2": side(0.9, -5.1)},
        "theirs": {"1": side(0.54321, -5.7654321), "2": side(2.0, -5.7)},
        "ratio": ratio,
        "fault": fault,
    }


def measured():
    """Results of some rows: one target reached, one missed for each reason, two kinds of measurement, most left out."""
    fast, slow, worse = [row for row in report.every(Row) if row.aim is not None][:3]
    score = report.every(Aim)[0]
    values = {limit.what: limit.bound * (1.5 if limit.sense == "below" else 0.5) for limit in score.limits}
    rows = {
        fast.name: comparison(fast.aim / 2),
        slow.name: comparison(1.234),
        worse.name: comparison(0.01, "is worse by 7"),
        score.name: {"date": "2031-05-07", "ours": {"2": side(values["seconds"], values[score.quality], values)}},
        book.ROWS[0].name: {
            "date": "2031-05-06",
            "values": {book.COLD: 401.4, book.ALL: 365.4, book.LONGEST: 90.6, "elbo": 90.6},
        },
        growth.ROWS[0].name: {
            "date": "2031-05-06",
            "growth": {
                "N": {"sizes": [1, 2, 4], "seconds": [0.5, 1, 2]},
                "D": {"sizes": [1, 2, 4], "seconds": [0.5, 2, 8]},
            },
        },
    }
    return {
        "machine": {"processor": "Imagined 9000", "cores": 3, "system": "S", "python": "3.99"},
        "versions": {"numpy": "9.8.7"},
        "rows": rows,
    }, (fast, slow, worse, score)


def words(node):
    """A node's text, in single spaces and straight apostrophes."""
    return " ".join(node.get_text().replace("’", "'").split())


def called(row):
    """A row's name as its table has it, in single spaces."""
    return " ".join(report.named(row.name).split())


class Page:
    def __init__(self, book):
        self.html = book.page(PAGE)
        self.soup = BeautifulSoup(self.html, "html.parser").find("article")

    def table(self, heading):
        """The rows of the table under a heading."""
        start = next(node for node in self.soup.find_all("h2") if words(node).startswith(heading))
        table = start.find_next("table")
        assert table.find_previous("h2") is start, f"no table under {heading}"
        return [tuple(words(cell) for cell in row.find_all(["th", "td"])) for row in table.find("tbody").find_all("tr")]

    def pictures(self):
        return [image for image in self.soup.find_all("img") if "_figures/benchmarks-" in image["src"]]


@pytest.fixture
def bench_book(ran_book):
    small_book = ran_book()
    folder = small_book.folder
    small_book.take(PAGE)
    shutil.copy(chapters.ROOT / "package.json", folder)  # which names the Node.js that the audit wants
    shutil.copytree(
        chapters.ROOT / "benchmarks",
        folder / "benchmarks",
        ignore=shutil.ignore_patterns("__pycache__", "*.json", "pictures"),
    )
    return small_book


def store(book_, name, results):
    (book_.folder / "benchmarks" / name).write_text(json.dumps(results))


def test_the_page_shows_what_is_stored_and_what_is_not(bench_book):
    bench_book.build()
    page = Page(bench_book)
    targets = page.table("Targets")
    assert targets and all(row[2:] == ("not measured", "not measured") for row in targets)
    assert len(targets) == len(report.targets({}).rows) and page.pictures() == []
    assert f"Of {len(targets)} targets 0 are reached, {len(targets)} are not measured." in page.soup.get_text()
    assert all(row[3] == "not measured" for row in page.table("Growth"))
    assert "Not measured" in page.soup.get_text()

    results, (fast, slow, worse, score) = measured()
    store(bench_book, "results.json", results)
    built = bench_book.build()
    assert "running" not in built.stdout
    page = Page(bench_book)
    text = " ".join(page.soup.get_text().split())
    assert "from 2031-05-06 to 2031-05-07 on Imagined 9000, 3 cores, S, Python 3.99, with numpy 9.8.7" in text

    verdicts = {row[0]: row[1:] for row in page.table("Targets")}
    assert verdicts[called(fast)][1:] == (f"{fast.aim / 2:#.3g} of its time", "reached")
    assert verdicts[called(slow)][1:] == ("1.23 of its time", f"missed: slower than {slow.peer}")
    assert verdicts[called(worse)][1:] == ("0.0100 of its time", f"missed: {worse.quality} is worse by 7")
    assert verdicts[called(score)][2].count(" is not ") == len(score.limits)
    assert verdicts[f"{book.ROWS[0].name}: {book.ALL}"] == ("below 360 s", "365 s", "missed: not below 360 s")
    assert verdicts[f"{book.ROWS[0].name}: {book.LONGEST}"] == ("below 100 s", "90.6 s", "reached")
    reached = [row for row in page.table("Targets") if row[3] == "reached"]
    assert len(reached) == 2 and f"Of {len(targets)} targets 2 are reached, 4 are missed" in text

    beside = [row for row in page.table("Beside other libraries") if row[0] == called(slow)]
    assert beside == [
        (called(slow), slow.peer, "1", "43.2 ms (38.9 to 47.5)", "543 ms (489 to 598)", "−5.12", "−0.64"),
        (called(slow), slow.peer, "2", "900 ms (810 to 990)", "2.00 s (1.80 to 2.20)", "−5.1", "−0.6"),
    ]
    assert page.table("Building the book") == [
        (book.COLD, "401"),
        (book.ALL, "365"),
        (book.LONGEST, "90.6"),
        ("elbo", "90.6"),
    ]
    grown = {row[:2]: row[3:] for row in page.table("Growth")}
    name = growth.ROWS[0].name
    assert grown[name, "N"] == ("1.00", "1", "as expected")
    assert grown[name, "D"] == ("2.00", "1", "grows faster than expected")
    assert grown[name, "K"][0] == grown[name, "K"][2] == "not measured"
    assert len(grown) == sum(len(row.knobs) for row in report.every(Growth))
    assert {row[1] for row in page.table("The page's own engine")} == {"not measured"}
    assert len(page.table("The page's own engine")) == len(decode.ROWS[0].limits)

    pictures = page.pictures()
    assert len(pictures) == 6  # three, a twin each
    assert all(len(image["alt"].split()) > 10 for image in pictures)
    assert f"{report.named(slow.name)}, 1.23 (target" in pictures[0]["alt"]
    for image in pictures:
        assert (bench_book.folder / "_build" / "html" / "book" / "appendix" / image["src"]).resolve().is_file()
    narrow = [source["srcset"] for source in page.soup.select(".lvm-frame source")]
    assert [name.rsplit("/", 1)[1] for name in narrow] == [
        f"benchmarks-{name}-narrow-{theme}.png"
        for name in ("ratios", "chapters", "exponents")  # the last one of one model here, so of one panel
        for theme in ("light", "dark")
    ]
    twins = [
        (bench_book.folder / "_build" / "side" / f"benchmarks-ratios-{theme}.png").read_bytes()
        for theme in ("light", "dark")
    ]
    assert twins[0] != twins[1]

    results["rows"][slow.name]["ratio"] = slow.aim / 3
    store(bench_book, "results.json", results)
    bench_book.build()
    assert {row[0]: row[3] for row in Page(bench_book).table("Targets")}[called(slow)] == "reached"


def test_pages_of_the_book_are_shown_as_they_were_audited(bench_book):
    def page(performance, load, frame, seo=100):
        return {
            "date": "2031-01-02",
            "runs": 3,
            "scores": {"performance": performance, "accessibility": 100, "best-practices": 100, "seo": seo},
            "first load": load,
            "requests": 9,
            "blocking": ["a.css"],
            "CLS": 0.012345,
            "figures": {"f-1": 33.25, "f-2": 44.5},
            "frames": {"f-1": 2 * frame, "f-2": 1.0},
            "pace": 2 * budget("page", "pace"),  # measured on a day at half the pace
        }

    store(
        bench_book,
        "audit.json",
        {
            "machine": {"processor": "Imagined 9000", "cores": 3, "system": "S", "python": "3.99"},
            "pages": {
                "book/elbo.html": page(97, 123.4, 3.5) | {"alive": 1.25},
                "book/vae.html": page(80, 700.0, 9.25, seo=98)
                | {
                    "frames": {"f-1": 9.25, "f-2": 1.0},
                    "pace": budget("page", "pace") / 2,
                },  # a fast one counts as it is
            },
        },
    )
    bench_book.build()
    shown = Page(bench_book)
    assert shown.table("The pages") == [
        ("target", "< 600", "≤ 1,000", "≥ 95", "100", "≤ 2", "< 0.1", "< 2", "< 8", ""),
        ("elbo", "123", "44.5", "97", "100", "1", "0.012", "1.25", "3.50", "reached"),
        (
            "vae",
            "700",
            "44.5",
            "80",
            "98",
            "1",
            "0.012",
            "–",
            "9.25",
            "missed: performance, seo, first load, frame, p95",
        ),
    ]
    assert "Measured on 2031-01-02 on Imagined 9000" in shown.soup.get_text()


def test_a_marker_that_names_nothing_fails_the_strict_build(bench_book):
    path = bench_book.folder / "book" / f"{PAGE}.md"
    path.write_text(path.read_text() + "\n<!-- bench: nonsense -->\n")
    failed = bench_book.build(check=False)
    assert failed.returncode != 0 and "nonsense" in failed.stdout + failed.stderr


def test_a_number_near_its_limit_has_the_digits_that_tell_them_apart():
    limit = report.Limit("nats", "below", 108)
    shown = [report.apart(value, limit) for value in (107.591, 107.98, 108.01, 93.2)]
    assert shown == ["107.6", "107.98", "108.01", "93.2"]
