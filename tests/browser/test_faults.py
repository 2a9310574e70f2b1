"""What readers stumbled over once: links, places, printing, painting, high contrast. Nothing here is laid out early."""

import itertools
import json
import re

import pytest
from built_book import SEEN, SITE, bare, laid_out, pages, pages_with_figures

from tools.reading import WHOLE

FORMULAS = [page for page in pages() if 'class="katex' in (SITE / page).read_text(encoding="utf-8")]
HOSTS = {
    page: re.findall(r'data-lvm-live="([a-z]+)"', (SITE / page).read_text(encoding="utf-8"))
    for page in pages_with_figures()
    if "index.html" not in page
}
KINDS = {name: page for page, names in reversed(HOSTS.items()) for name in names}  # the first page of each


def alive(page, host):
    host.evaluate("(host) => host.scrollIntoView({block: 'center', behavior: 'instant'})")
    page.wait_for_function("(host) => host.dataset.lvmStatus === 'alive'", arg=host.element_handle())
    return host


def test_two_figures_of_a_kind_keep_their_numbers_in_whatever_order_they_come_to_life(visit):
    seen, page = visit(None), "book/elbo.html"
    twice = bare(page).replace("<main>", "<main>" + bare(page).partition("<main>")[2].partition("</main>")[0])
    url = (SITE / page).as_uri()
    seen.context.route(url, lambda route: route.fulfill(body=twice, content_type="text/html"))
    hosts = seen.open(url).locator('[data-lvm-live="elbo"]')
    assert hosts.count() == 2
    for at in reversed(range(2)):
        host = alive(seen.page, hosts.nth(at))
        assert host.locator(".lvm-figure").get_attribute("data-slot") == str(at + 1)


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_a_copied_link_lands_on_its_figure_alive_and_a_reload_does_not_move_the_reader(visit, scheme):
    shown = visit("book/elbo.html", scheme).page
    address = f"{shown.url}#elbo:x=0.5;b=1.1"
    shown.goto("about:blank")
    shown.goto(address)
    host = shown.locator('[data-lvm-live="elbo"]').first
    shown.wait_for_function("(host) => host.dataset.lvmStatus === 'alive'", arg=host.element_handle())
    shown.wait_for_function(
        "(host) => { const { top } = host.getBoundingClientRect(); return top > -5 && top < innerHeight / 2; }",
        arg=host.element_handle(),
    )
    numbers = json.loads(host.locator(".lvm-figure").get_attribute("data-numbers"))
    assert numbers["x"] == 0.5
    assert "link that you followed" in host.inner_text()
    shown.reload()
    assert shown.locator(".lvm-from-link").count() == 0


PLACE = """() => {
    const heads = [...document.querySelectorAll('main h2, main h3, main p')];
    const at = heads.findIndex((head) => head.getBoundingClientRect().top > 100);
    return [at, heads[at].getBoundingClientRect().top];
}"""


def stands(shown):
    """Wait until the figures near the window live, and nothing that they moved moves any more."""
    shown.wait_for_function(
        "() => [...document.querySelectorAll('[data-lvm-live]')].every((host) => { const { top, bottom } "
        "= host.getBoundingClientRect(); return bottom < -600 || top > innerHeight + 600 || host.dataset.lvmStatus; })"
    )
    shown.wait_for_timeout(300)


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_reload_keeps_the_readers_place(visit, size, share):
    shown = visit("book/vae.html", "http", viewport={"width": size[0], "height": size[1]}).page
    laid_out(shown)
    shown.evaluate(f"scrollTo({{top: {share} * document.documentElement.scrollHeight, behavior: 'instant'}})")
    stands(shown)
    before = shown.evaluate(PLACE)
    shown.reload()
    shown.wait_for_function(SEEN)
    stands(shown)
    after = shown.evaluate(PLACE)
    assert abs(after[0] - before[0]) <= 1 and (after[0] != before[0] or abs(after[1] - before[1]) < 60)


def test_the_scroll_bar_tells_the_truth_soon_after_loading(visit):
    shown = visit("book/vae.html").page
    laid_out(shown)
    height = shown.evaluate("document.documentElement.scrollHeight")
    shown.add_style_tag(content=WHOLE)
    assert abs(shown.evaluate("document.documentElement.scrollHeight") - height) < 50


@pytest.mark.parametrize("page", FORMULAS)
def test_all_fonts_of_a_page_come_without_scrolling(visit, page):
    """What is printed must have its symbols: every font that any formula of the page uses is there, and no other."""
    shown = visit(page).page
    wanted = shown.evaluate(
        """() => [...new Set([...document.querySelectorAll('.katex-html *')].filter((e) =>
            [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).map((e) =>
            getComputedStyle(e).fontFamily.split(',')[0].replace(/["']/g, '')))].filter((f) => f.startsWith('KaTeX'))"""
    )
    assert wanted
    shown.wait_for_function(
        """(wanted) => wanted.every((family) => [...document.fonts].some((face) =>
            face.family.replace(/["']/g, '') === family && face.status === 'loaded'))""",
        arg=wanted,
    )


def test_print_opens_folds_wraps_code_and_closes_again(visit):
    shown = visit("book/vae.html").page
    shut = "document.querySelectorAll('main details:not([open])').length"
    before = shown.evaluate(shut)
    assert before > 5
    shown.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert shown.evaluate(shut) == 0
    shown.emulate_media(media="print")
    wide = shown.evaluate(
        "[...document.querySelectorAll('main pre')].filter((e) => e.scrollWidth > e.clientWidth + 2).length"
    )
    assert wide == 0
    shown.emulate_media(media="screen")
    shown.evaluate("dispatchEvent(new Event('afterprint'))")
    assert shown.evaluate(shut) == before


@pytest.mark.parametrize("name", sorted(KINDS))
def test_dragging_over_a_drawing_selects_no_text(visit, name):
    shown = visit(KINDS[name]).page
    host = alive(shown, shown.locator(f'[data-lvm-live="{name}"]').first)
    for drawing in host.locator(":not(svg) > svg:visible").all():
        drawing.evaluate("(node) => node.scrollIntoView({block: 'center', behavior: 'instant'})")
        shown.wait_for_timeout(150)
        box = drawing.bounding_box()
        if min(box["width"], box["height"]) < 60 or box["y"] < 60:
            continue
        shown.mouse.move(box["x"] + 4, box["y"] + 4)
        shown.mouse.down()
        shown.mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] - 4, steps=4)
        shown.mouse.up()
        assert shown.evaluate("String(getSelection())") == ""


def test_a_mouse_paints_all_tokens_on_its_way(visit):
    shown = visit(KINDS["tokens"]).page
    host = alive(shown, shown.locator('[data-lvm-live="tokens"]').first)
    grid = host.locator(".lvm-token-grid").bounding_box()
    cell = grid["width"] / 7
    row = grid["y"] + 1.5 * cell  # the second row, from the second to the sixth column, in one jump of the mouse
    shown.mouse.move(grid["x"] + 1.5 * cell, row)
    shown.mouse.down()
    shown.mouse.move(grid["x"] + 5.5 * cell, row)
    shown.mouse.up()
    shown.wait_for_function(
        "(host) => JSON.parse(host.querySelector('.lvm-figure').dataset.numbers).painted >= 4",
        arg=host.element_handle(),
    )
    codes = host.locator(".lvm-token-text").all_inner_texts()
    assert len(set(codes[8:13])) == 1


def luminance(colour):
    parts = [float(v) / 255 for v in re.findall(r"[\d.]+", colour)[:3]]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_pressed_button_can_be_read_in_forced_colours(visit):
    shown = visit(KINDS["plane"], forced_colors="active").page
    host = alive(shown, shown.locator('[data-lvm-live="plane"]').first)
    pressed = host.locator('.lvm-button[aria-pressed="true"]').first
    ink, ground = pressed.evaluate("(e) => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]")
    light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def contrast(ink, ground):
    light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


FILLED = """(host) => [...host.querySelectorAll('button')].filter((e) => e.checkVisibility()).map((e) => {
    const [own, canvas] = [getComputedStyle(e), document.createElement('i')];
    canvas.style.cssText = 'forced-color-adjust: none; background: Canvas';
    document.body.append(canvas);
    const behind = getComputedStyle(canvas).backgroundColor; // what the browser puts behind words that it adjusts
    canvas.remove();
    const words = [e, ...e.querySelectorAll('*')].filter((node) =>
        [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
    return words.map((node) => [e.textContent, getComputedStyle(node).color,
        own.forcedColorAdjust === 'none' ? own.backgroundColor : behind]);
}).flat()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["front", "prior"])
def test_a_filled_button_can_be_read_in_forced_colours(visit, name, scheme):
    shown = visit(KINDS[name], forced_colors="active", color_scheme=scheme).page
    host = alive(shown, shown.locator(f'[data-lvm-live="{name}"]').first)
    found = host.evaluate(FILLED)
    assert any(words in ("Draw a z", "Another sample") for words, _, _ in found)
    assert [one for one in found if contrast(*one[1:]) < 4.5] == []


def test_without_points_the_figure_of_em_claims_nothing(visit):
    shown = visit(KINDS["em"]).page
    host = alive(shown, shown.locator('[data-lvm-live="em"]').first)
    terms = host.locator(".lvm-term-number")
    assert "–" not in terms.all_inner_texts()
    host.locator('input[value="none"]').first.check()
    shown.wait_for_function(
        "(host) => JSON.parse(host.querySelector('.lvm-figure').dataset.numbers).n === 0", arg=host.element_handle()
    )
    text = host.text_content()
    assert "undefined" not in text and "ever fell" not in text and "M-step found" not in text
    assert "There are no points. Click into the plane" in text
    assert terms.all_inner_texts() == ["–"] * 3
    assert host.locator(".lvm-em-panel").first.locator(".lvm-stage .lvm-em-ellipse:visible").count() == 0
    host.locator('input[value="twins"]').check()
    shown.wait_for_function("(node) => node.textContent !== '–'", arg=terms.first.element_handle())
    assert "ever fell" in host.text_content() and "undefined" not in host.text_content()


def test_the_present_section_is_marked_when_heights_change_under_a_reader_who_stands(visit):
    shown = visit("book/elbo.html").page
    shown.wait_for_timeout(800)  # the first mark is made; sections far down have no true height yet
    shown.evaluate("scrollTo({top: 9000, behavior: 'instant'})")
    right = """() => {
        const link = document.querySelector('.sections [aria-current=location]');
        const above = [...document.querySelectorAll('.sections a')]
            .map((one) => document.getElementById(decodeURIComponent(one.hash.slice(1))))
            .filter((head) => head?.getBoundingClientRect().top < innerHeight / 3);
        return above.length > 3 && link?.hash === `#${above.at(-1).id}`;
    }"""
    shown.wait_for_timeout(700)
    assert shown.evaluate(right)
    shown.wait_for_timeout(4000)
    assert shown.evaluate(right)


LONG = """(host) => {
    const svg = host.querySelector('.lvm-field svg');
    const lines = svg.querySelector('.lvm-arrow-sample').getAttribute('d').split('M').slice(1);
    const lengths = lines.map((line) => line.split(/[ L]/).map(Number)).map(([a, b, c, d]) => Math.hypot(c - a, d - b));
    lengths.sort((a, b) => a - b);
    return [lengths[Math.floor(lengths.length / 2)], svg.clientHeight,
        host.querySelectorAll('.lvm-arrow-beyond:not([d=""])').length, host.querySelector('.lvm-arrows').innerText];
}"""


@pytest.mark.parametrize("state", ["s=1.5;n=50", "s=1.5;n=100;m=1", "s=0.6;n=50"])
def test_typical_arrows_of_a_gradient_are_long_enough_to_be_seen(visit, state):
    seen = visit(None)
    shown = seen.open((SITE / KINDS["gradient"]).as_uri() + f"#gradient:{state}")
    host = alive(shown, shown.locator('[data-lvm-live="gradient"]').first)
    shown.wait_for_function("(host) => host.querySelector('.lvm-arrow-sample[d]')", arg=host.element_handle())
    median, tall, beyond, words = host.evaluate(LONG)
    assert median > 0.07 * tall and "longer than its panel" in words
    first, second = (re.findall(r"−?\d+$", half, flags=re.M) for half in words.split("score function"))
    assert first and first == second  # both panels are on one scale
    assert (beyond > 0) == ("outside" in words)


BARS = """(host) => {
    const box = (node) => { const { left, right } = node.getBoundingClientRect(); return [left, right]; };
    const seen = (node) => node.checkVisibility() && node.getAttribute("display") !== "none";
    const bars = host.querySelector(".lvm-bar");
    return {
        ticks: [...bars.querySelectorAll(".lvm-ticks text")].map((node) => [node.textContent, ...box(node)]),
        parts: [...bars.querySelectorAll("rect")].map(box).filter(([a, b]) => b > a + 1),
        solid: [...bars.querySelectorAll(".lvm-svg > rect")].map(box),
        arrows: [...bars.querySelectorAll(".lvm-bar-off")].filter(seen).length,
        words: [...bars.querySelectorAll(".lvm-bar-text")].filter(seen).map((node) => node.textContent),
        axis: box(bars.querySelector(".lvm-axis")),
        svg: box(bars.querySelector(".lvm-svg")),
        places: [...bars.querySelectorAll(".lvm-bar-text")].filter(seen).map(box),
        crossed: [...bars.querySelectorAll(".lvm-fill-gap")].filter(seen).filter((word) =>
            [...bars.querySelectorAll(".lvm-bar-line")].filter(seen).some((line) => {
                const [a, b] = [word.getBoundingClientRect(), line.getBoundingClientRect()];
                return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
            })).length,
        row: [...bars.querySelectorAll(".lvm-fill-elbo, .lvm-fill-gap")].filter(seen).map(box),
    };
}"""


def bars(visit, name, state, width, ready):
    seen = visit(None, viewport={"width": width, "height": 844})
    shown = seen.open((SITE / KINDS[name]).as_uri() + f"#{name}:{state}")
    host = alive(shown, shown.locator(f'[data-lvm-live="{name}"]').first)
    shown.wait_for_function(f"(host) => host.querySelector('{ready}')", arg=host.element_handle())
    return host.evaluate(BARS)


@pytest.mark.parametrize("width", [320, 1280])
def test_the_bars_of_the_kl_begin_at_zero_on_one_axis_and_say_what_goes_beyond_it(visit, width):
    near, far = (bars(visit, "kl", state, width, ".lvm-bar-line[d]") for state in ("m=0.6;s=1", "m=-4;s=0.2"))
    assert near["ticks"] == far["ticks"] and near["arrows"] == 0 and far["arrows"] >= 2
    first, last = near["axis"]  # from -12 to 1 nats
    assert [right for _, right in near["solid"]] == pytest.approx([first + 12 / 13 * (last - first)] * 2, abs=1)
    assert [(left + right) / 2 for text, left, right in near["ticks"] if text == "0"] == [
        pytest.approx(near["solid"][0][1], abs=1)
    ]
    for found in (near, far):
        assert found["crossed"] == 0, "a word stands across an end mark"
        assert all(re.search(rf"{key} −\d+\.\d{{3}}", " ".join(found["words"])) for key in ("expected", "average"))
    assert min(left for left, _ in far["parts"]) == pytest.approx(far["axis"][0], abs=2)


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_bar_of_the_elbo_begins_at_zero_on_one_axis_and_says_what_goes_beyond_it(visit, width):
    states = ("x=0.5;m=-0.9;s=0.75", "x=0.5;m=-4;s=2", "x=-3;m=2;s=0.3", "x=0.5;m=3;s=1;w=s")
    near, far, off, wrong = (bars(visit, "elbo", state, width, ".lvm-bar-line[d]") for state in states)
    assert near["ticks"] == far["ticks"] == off["ticks"] == wrong["ticks"]
    assert [one["arrows"] for one in (near, far, off, wrong)] == [0, 1, 1, 2]
    first, last = near["axis"]  # from -12 to 1 nats
    zero = first + 12 / 13 * (last - first)
    assert [(left + right) / 2 for text, left, right in near["ticks"] if text == "0"] == [pytest.approx(zero, abs=1)]
    for one in (near, far, off):
        assert one["solid"][0][1] == pytest.approx(zero, abs=1)
        assert re.search(r"log p\(x\) = −\d+\.\d{3} nats", one["words"][-2]), one["words"]
        assert re.search(r"ELBO −\d+\.\d{3}$", one["words"][0]), one["words"]
    assert near["solid"] == far["solid"], "q moves the sum"
    assert off["solid"][0][0] == pytest.approx(first, abs=1) and wrong["solid"][0][1] == pytest.approx(last, abs=1)
    for one in (near, far, off, wrong):
        assert all(one["svg"][0] <= left and right <= one["svg"][1] for left, right in one["places"]), one
        written = sorted(one["row"])
        assert all(a[1] < b[0] for a, b in itertools.pairwise(written)), "words lie on each other"


def test_the_bar_of_what_is_missing_begins_at_log_p_on_one_axis(visit):
    found = [bars(visit, "posterior", state, 1280, ".lvm-bar-line[d]") for state in ("d=0;k=0", "d=5;k=30")]
    assert found[0]["ticks"] == found[1]["ticks"]
    zero = next((left + right) / 2 for text, left, right in found[0]["ticks"] if text == "0")
    for one in found:
        assert min(left for left, _ in one["parts"]) == pytest.approx(zero, abs=2) and one["arrows"] == 0
    lengths = [max(right for _, right in one["parts"]) - min(left for left, _ in one["parts"]) for one in found]
    assert lengths[1] > 2 * lengths[0]  # the gap of this 5 is larger than that of the 0, and looks so


NAMES = """(host) => {
    const box = (node) => { const { left, right, top, bottom } = node.getBoundingClientRect();
        return { left, right, top, bottom, words: node.textContent }; };
    const seen = (node) => node.getAttribute("display") !== "none";
    const plane = host.querySelector(".lvm-stage svg.lvm-clip");
    const all = (what) => [...host.querySelectorAll(what)].filter(seen).map(box);
    return { names: all(".lvm-mark-name"), plane: box(plane),
        others: all(".lvm-stage .lvm-ticks text, .lvm-trace-x, .lvm-trace-mean") };
}"""


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_held_z_and_the_newest_sample_have_names_that_cover_nothing(visit, width):
    for state in ("z=0.5;s=0.3;r=7;n=40", "z=-4;s=0.15;r=7;n=1", "z=4;s=1;r=3;n=100", "z=0;s=0.3;r=7;n=0"):
        seen = visit(None, viewport={"width": width, "height": 844})
        shown = seen.open((SITE / KINDS["ancestral"]).as_uri() + f"#ancestral:{state}")
        host = alive(shown, shown.locator('[data-lvm-live="ancestral"]').first)
        shown.wait_for_function("(host) => host.querySelector('.lvm-mark-name[x]')", arg=host.element_handle())
        found = host.evaluate(NAMES)
        names, plane = found["names"], found["plane"]
        assert [name["words"] for name in names] == (["your z"] if state.endswith("n=0") else ["newest", "your z"])
        for name in names:
            assert plane["left"] <= name["left"] and name["right"] <= plane["right"], (state, name)
            for other in [*found["others"], *(one for one in names if one is not name)]:
                across = min(name["right"], other["right"]) - max(name["left"], other["left"])
                along = min(name["bottom"], other["bottom"]) - max(name["top"], other["top"])
                assert across < 2 or along < 2, (state, name, other)


NET = "([host, net]) => JSON.parse(host.querySelector('.lvm-figure').dataset.numbers).net === net"
CODES = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let inked = 0;
    for (let i = 3; i < data.length; i += 4) inked += data[i] > 127;
    return { share: inked / (canvas.width * canvas.height), picture: canvas.toDataURL() };
}"""


def test_the_plane_shows_the_codes_of_one_net_at_every_density_of_pixels(visit):
    """Another net's codes take the place of those before, and a dense screen has the same picture, only finer."""
    share = {}
    for density in (1, 2, 3):
        shown = visit("book/what_a_vae_optimises.html", device_scale_factor=density).page
        host = alive(shown, shown.locator('[data-lvm-live="plane"]').first)
        codes = host.locator(".lvm-cloud")
        found = {}
        for beta in ("4", "0.25", "1", "4", "1"):
            host.get_by_text(f"β = {beta}", exact=True).click()
            shown.wait_for_function(NET, arg=[host.element_handle(), f"β = {beta}"])
            drawn = codes.evaluate(CODES)
            assert found.setdefault(beta, drawn["picture"]) == drawn["picture"], (density, beta)
            share.setdefault(beta, []).append(drawn["share"])
        assert len(set(found.values())) == 3, "each net has its own codes"
    for beta, shares in share.items():
        assert max(shares) < 1.35 * min(shares), (beta, shares)


def test_the_plane_says_which_image_it_shows(visit):
    shown = visit(KINDS["front"]).page
    host = alive(shown, shown.locator('[data-lvm-live="front"]').first)
    says = "([host, words]) => host.querySelector('[aria-live]').textContent.startsWith(words)"
    host.get_by_role("button", name="test image: 8").click()
    shown.wait_for_function(says, arg=[host.element_handle(), "Image 8. z is "])
    pixels = host.locator(".lvm-pixels")
    pixels.focus()
    pixels.press("Space")
    shown.wait_for_function(says, arg=[host.element_handle(), "Your drawing. z is "])
    host.get_by_role("button", name="Clear").click()
    shown.wait_for_function(says, arg=[host.element_handle(), "An empty page. z is "])


def test_a_finger_is_told_how_to_paint_tokens(visit):
    shown = visit(KINDS["tokens"], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).page
    host = alive(shown, shown.locator('[data-lvm-live="tokens"]').first)
    painted = "(host) => JSON.parse(host.querySelector('.lvm-figure').dataset.numbers).painted"
    hint = host.get_by_text("its tokens: tap to paint, or drag from the marked one; elsewhere a swipe scrolls")
    assert hint.is_visible()
    grid = host.locator(".lvm-token-grid")
    grid.evaluate("(node) => node.scrollIntoView({block: 'center', behavior: 'instant'})")
    box = grid.bounding_box()
    before = host.evaluate(painted)
    shown.touchscreen.tap(box["x"] + 0.64 * box["width"], box["y"] + 0.64 * box["height"])
    shown.wait_for_function(f"(host) => ({painted})(host) > {before}", arg=host.element_handle())
