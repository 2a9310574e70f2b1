"""A page is about as tall when it opens as it is when all of it was laid out: the scroll bar does not lie."""

import pytest
from built_book import SITE, read_pages

from tools import heights

LONG = [page for page in read_pages() if 'style="--phone:' in (SITE / page).read_text(encoding="utf-8")]


def test_chapters_claim_heights():
    assert sum(page.startswith("book/") and page.count("/") == 1 for page in LONG) >= 10


@pytest.mark.parametrize("page", LONG)
def test_a_page_claims_about_the_height_that_it_has(browser, page):
    """`python -m tools.heights --write` measures anew."""
    sections, claims = heights.measured(browser, SITE / page)
    assert all(len(both) == len(heights.WINDOWS) for both in sections.values())
    for window, claimed in claims.items():
        assert abs(claimed - 1) < heights.OFF, (window, claimed)
