"""The page "Status" names each run by its chapter's title and sets its whole seconds below each other."""

import sys

from bs4 import BeautifulSoup

from tools.keys import ROOT

sys.path.insert(0, str(ROOT / "_ext"))
import status


def test_each_run_stands_by_its_link_in_whole_seconds_and_all_together_below():
    link = '<a href="../elbo.html">The evidence lower bound</a>'
    shown = BeautifulSoup(status.times({link: {"seconds": 8.6}, "Other": {"seconds": 1200.2}}), "html.parser")
    rows = [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in shown.tbody.find_all("tr")]
    assert rows == [["The evidence lower bound", "9"], ["Other", "1,200"], ["All together", "1,209"]]
    assert shown.a["href"] == "../elbo.html"
    assert all("right" in cell["style"] for cell in shown.find_all("td"))
