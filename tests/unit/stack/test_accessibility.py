"""The ops page in a real browser, criterion by criterion: docs/reference/accessibility.md names these tests."""

import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.builders.opspage import MEMBERS, serving_page
from tests.builders.paces import at_will
from tests.builders.plotting import the_library
from tocsin.stack.watching.page import STYLE
from tocsin.stack.watching.panel import Panel, Shape
from tocsin.stack.watching.panels import GROUPS

BROWSER = shutil.which("chromium")
NARROW: Final[ViewportSize] = {"width": 320, "height": 640}
WIDE: Final[ViewportSize] = {"width": 1280, "height": 900}
SPACED: Final = (
    "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; } "
    "p { margin-bottom: 2em !important; }"
)
"""As WCAG 1.4.12 asks for."""
TARGET_PIXELS: Final = 24
WCAG: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NAMED: Final = "e => e.ariaLabel || e.textContent.trim()"
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium is here: make browser installs it")


@pytest.fixture(scope="module", params=["uplot", "server alone"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of the page with charts that a script draws again, and of the page without."""
    library = the_library() if request.param == "uplot" else None
    with serving_page(at_will(), library) as found:
        yield f"{found}/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page(viewport=WIDE)
    opened.goto(address)
    yield opened
    opened.close()


def is_wider_than_its_window(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@needs_browser
@pytest.mark.parametrize("width", [320, 640, 1280])
def test_it_is_read_without_scrolling_sideways_at_320_pixels_and_at_twice_the_size(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 640})
    assert not is_wider_than_its_window(page)


@needs_browser
def test_nothing_is_cut_off_where_a_reader_spaces_the_text(page: Page) -> None:
    page.set_viewport_size(NARROW)
    page.evaluate(f"const own = new CSSStyleSheet(); own.replaceSync('{SPACED}'); document.adoptedStyleSheets = [own]")
    assert not is_wider_than_its_window(page)
    assert (
        page.evaluate("[...document.querySelectorAll('article')].filter(a => a.scrollWidth > a.clientWidth).length")
        == 0
    )


@needs_browser
def test_the_keyboard_reaches_each_link_and_the_button_in_their_order_and_one_sees_where_it_is(page: Page) -> None:
    reached = []
    for _ in range(100):
        page.keyboard.press("Tab")
        name = page.evaluate(f"({NAMED})(document.activeElement)")
        if page.evaluate("document.activeElement === document.body"):
            break
        reached.append(name)
        assert page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2, name
    expected = page.evaluate(f"[...document.querySelectorAll('a, button, [tabindex]')].map({NAMED})")
    assert reached == expected
    assert reached[0] == "To the promises"
    assert set(MEMBERS) <= set(reached)


@needs_browser
def test_one_key_leads_past_the_links(page: Page) -> None:
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('header') === null")


@needs_browser
def test_what_one_points_at_is_large_enough(page: Page) -> None:
    sizes = page.evaluate(
        "[...document.querySelectorAll('header a, header button')].map(e => e.getBoundingClientRect())"
        ".map(box => Math.min(box.width, box.height))"
    )
    assert min(sizes) >= TARGET_PIXELS


@needs_browser
def test_reading_again_is_stopped_and_begun_by_its_button(browser: Browser, address: str) -> None:
    opened = browser.new_page()
    opened.clock.install()
    opened.goto(address)
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    button = opened.get_by_role("button", name="Stop reading again")
    opened.clock.run_for(31_000)
    opened.wait_for_timeout(200)
    assert len(asked) == 1
    button.focus()
    opened.keyboard.press("Enter")
    opened.clock.run_for(65_000)
    opened.wait_for_timeout(200)
    assert len(asked) == 1
    assert opened.get_by_role("button", name="Read again every 30 seconds").is_visible()
    opened.close()


@needs_browser
def test_what_is_read_again_leaves_the_focus_and_the_status_where_they_are(browser: Browser, address: str) -> None:
    opened = browser.new_page()
    opened.clock.install()
    opened.goto(address)
    opened.get_by_role("link", name="Read again").focus()
    opened.evaluate("window.before = document.getElementById('as-of')")
    with opened.expect_response(address):
        opened.clock.run_for(31_000)
    assert opened.evaluate("document.activeElement.textContent") == "Read again"
    assert opened.evaluate("window.before === document.querySelector('[role=status]')")
    opened.close()


@needs_browser
def test_without_a_script_the_numbers_are_there_and_a_link_reads_again(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(address)
    assert opened.locator(".figure, td").count() > 20
    assert opened.locator("svg.chart").count() > 5
    assert all(chart.is_visible() for chart in opened.locator("svg.chart").all())
    assert opened.locator("canvas").count() == 0
    assert opened.get_by_role("link", name="Read again").is_visible()
    assert opened.get_by_role("button").count() == 0
    context.close()


def drawn(browser: Browser, address: str, **options: Any) -> Page:
    """The page with charts that a script draws; skipped for the one without."""
    opened = browser.new_page(viewport=WIDE, **options)
    opened.clock.install()
    opened.goto(address)
    if not opened.locator("svg[data-plot]").count():
        opened.close()
        pytest.skip("the server alone draws here")
    return opened


@needs_browser
def test_each_chart_is_drawn_again_and_its_picture_stays_for_whoever_hears_it(browser: Browser, address: str) -> None:
    opened = browser.new_page(viewport=WIDE)
    wrong: list[str] = []
    opened.on("console", lambda message: wrong.append(message.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(address)
    pictures = opened.locator("svg[data-plot]").count()
    assert opened.locator("[aria-hidden=true] canvas").count() == opened.locator("canvas").count() == pictures
    assert opened.get_by_role("img").count() == opened.locator("svg.chart").count() > 5
    assert wrong == [], "the policy of the page, or the script, stopped something"
    opened.close()


@needs_browser
def test_a_chart_says_to_the_keyboard_what_it_says_under_the_mouse(browser: Browser, address: str) -> None:
    opened = drawn(browser, address)
    chart = opened.get_by_role("slider").first
    panel = opened.locator("article", has=chart).first
    assert panel.locator("td").all_inner_texts() == ["200.0 %", "200.0 %"]
    chart.focus()
    opened.keyboard.press("Home")
    words = chart.get_attribute("aria-valuetext")
    assert words is not None
    assert words.startswith("2026-09-21 14:12 UTC, ")
    assert words.count(" 100.0 %") == len(MEMBERS)
    by_keyboard = panel.locator("td, .when").all_inner_texts()
    chart.blur()
    assert panel.locator("td").all_inner_texts() == ["200.0 %", "200.0 %"]
    box = panel.locator(".u-over").bounding_box()
    assert box is not None
    opened.mouse.move(box["x"] + 2, box["y"] + 5)
    opened.wait_for_timeout(100)
    assert (
        panel.locator("td, .when").all_inner_texts() == by_keyboard == ["At 2026-09-21 14:12 UTC", "100.0 %", "100.0 %"]
    )
    opened.close()


@needs_browser
def test_a_chart_that_has_the_focus_keeps_it_and_its_instant_when_the_page_is_read_again(
    browser: Browser, address: str
) -> None:
    opened = drawn(browser, address)
    opened.get_by_role("slider").nth(1).focus()
    opened.keyboard.press("ArrowLeft")
    opened.evaluate("window.before = document.activeElement")
    label, words = (opened.evaluate(f"document.activeElement.{name}") for name in ("ariaLabel", "ariaValueText"))
    count = opened.locator("canvas").count()
    with opened.expect_response(address):
        opened.clock.run_for(31_000)
    opened.wait_for_function("window.before !== document.activeElement")
    assert opened.evaluate("document.activeElement.ariaLabel") == label
    assert opened.evaluate("document.activeElement.ariaValueText") == words
    assert opened.locator("canvas").count() == count
    opened.close()


@needs_browser
def test_a_reader_with_colours_of_their_own_sees_the_pictures(browser: Browser, address: str) -> None:
    opened = drawn(browser, address)
    opened.emulate_media(forced_colors="active")
    opened.wait_for_function("document.querySelectorAll('canvas').length === 0")
    assert opened.locator("svg.chart").first.is_visible()
    opened.close()


@needs_browser
def test_headings_go_one_step_at_a_time_and_each_table_says_what_it_is_of(page: Page) -> None:
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(e => Number(e.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - before <= 1 for before, later in pairwise(levels))
    tables = "[...document.querySelectorAll('table')]"
    assert page.evaluate(f"{tables}.every(t => t.caption && t.querySelector('th[scope=row]'))")
    assert page.evaluate(f"{tables}.length") > 5


NAMED_ROLES: Final = frozenset({"link", "button", "image", "slider", "table", "rowheader", "region", "navigation"})


def heard(page: Page) -> list[tuple[str, str]]:
    """Role and name of what Chromium hands to a screen reader, in its order; a text has the role StaticText."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    known = {one["nodeId"]: one for one in nodes}

    def below(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
        if not node["ignored"] and (role := node["role"]["value"]) not in {"InlineTextBox", "ListMarker"}:
            yield role, node.get("name", {}).get("value", "").strip()
        for child in node.get("childIds", ()):
            yield from below(known[child])

    return list(below(nodes[0]))


def texts_of(part: list[tuple[str, str]], panel: Panel) -> list[str]:
    """What is read out of one panel, up to what it means."""
    texts = [name for role, name in part if role == "StaticText"]
    return texts[: texts.index(panel.says) + 1]


@needs_browser
def test_a_screen_reader_is_given_the_landmarks_and_the_headings_in_the_order_of_the_list_of_panels(page: Page) -> None:
    found = heard(page)
    landmarks = [one for one in found if one[0] in {"banner", "navigation", "main", "region"}]
    around = [("banner", ""), ("navigation", "Period"), ("navigation", "Members"), ("main", "")]
    assert landmarks == [*around, *(("region", group.title) for group in GROUPS)]
    titles = [title for group in GROUPS for title in (group.title, *(panel.title for panel in group.panels))]
    assert [name for role, name in found if role == "heading"] == ["Tocsin", *titles]
    assert [role for role, _ in found if role in {"status", "alert"}] == ["status"]


@needs_browser
def test_a_screen_reader_is_told_what_each_thing_is_and_no_two_charts_alike(page: Page) -> None:
    found = heard(page)
    assert [role for role, name in found if role in NAMED_ROLES and not name] == []
    for role in ("image", "slider", "table"):
        names = [name for one, name in found if one == role]
        assert len(names) == len(set(names))
    assert "Canvas" not in {role for role, _ in found}


@needs_browser
def test_a_screen_reader_hears_of_each_panel_what_it_is_of_its_figures_and_whether_they_are_as_promised(
    page: Page,
) -> None:
    found = heard(page)
    starts = [at for at, (role, _) in enumerate(found) if role == "article"]
    panels = [panel for group in GROUPS for panel in group.panels]
    assert len(starts) == len(panels)
    for panel, start, end in zip(panels, starts, [*starts[1:], len(found)], strict=True):
        title, *told, said = texts_of(found[start:end], panel)
        assert (title, said) == (panel.title, panel.says)
        if panel.line is not None or panel.floor is not None:
            assert told.pop() in {"as promised", "NOT AS PROMISED"}
        assert any(re.match(r"\d", text) for text in told), f"no figure is heard of {panel.title}"
        rows = [role for role, _ in found[start:end] if role in {"row", "rowheader", "cell"}]
        assert rows == ["row", "rowheader", "cell"] * (len(rows) // 3)
        assert bool(rows) is (panel.shape is not Shape.NUMBER)


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", "member/nl-hotline"])
def test_axe_finds_nothing_in_light_and_dark(browser: Browser, address: str, scheme: Any, path: str) -> None:
    opened = browser.new_page(color_scheme=scheme, viewport=NARROW)
    opened.goto(f"{address}{path}")
    options = {"runOnly": WCAG, "rules": {"target-size": {"enabled": True}}}
    assert [one["id"] for one in Axe().run(opened, options=options).response["violations"]] == []
    opened.close()


def colours() -> Iterator[dict[str, str]]:
    """Those of the style sheet, in light and then in dark."""
    light, dark = STYLE.read_text("utf-8").split("@media (prefers-color-scheme: dark)")[:2]
    found = re.compile(r"--([a-z0-9]+): (#[0-9a-f]{3,6});")
    for part in (light, dark.split("body {")[0]):
        yield dict(found.findall(part))


def contrast(one: str, other: str) -> float:
    """As WCAG defines it, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_text_and_lines_stand_out_from_the_paper_in_light_and_dark() -> None:
    for scheme in colours():
        text = {name: contrast(scheme[name], scheme["paper"]) for name in ("text", "quiet", "good", "bad")}
        lines = {name: contrast(scheme[name], scheme["paper"]) for name in ("edge", *(f"c{at}" for at in range(6)))}
        assert min(text.values()) >= 4.5, text
        assert min(lines.values()) >= 3, lines


PAGE = Path(__file__).parents[3] / "docs" / "reference" / "accessibility.md"
LEVELS = {
    "1.1": 1, "1.2": 5, "1.3": 5, "1.4": 13, "2.1": 4, "2.2": 2, "2.3": 1, "2.4": 11, "2.5": 8, "3.1": 2, "3.2": 6,
    "3.3": 8, "4.1": 3,
}  # fmt: skip
BEYOND = {
    "1.4.6",
    "1.4.7",
    "1.4.8",
    "1.4.9",
    "2.1.3",
    "2.4.8",
    "2.4.9",
    "2.4.10",
    "2.5.5",
    "2.5.6",
    "3.2.5",
    "3.3.5",
    "3.3.6",
    "4.1.1",
}
"""AAA, and 4.1.1, which WCAG 2.2 took out."""


def test_the_assessment_has_each_criterion_of_a_and_aa_once_and_names_tests_that_exist() -> None:
    text = PAGE.read_text("utf-8")
    said = re.findall(r"^\| (\d\.\d\.\d+) ", text, re.MULTILINE)
    numbers = {f"{part}.{number}" for part, last in LEVELS.items() for number in range(1, last + 1)}
    assert sorted(said) == sorted(numbers - BEYOND)
    assert len(said) == 55
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", text))
    sources = "".join(file.read_text("utf-8") for file in Path(__file__).parents[2].rglob("test_watching.py"))
    sources += Path(__file__).read_text("utf-8")
    assert {name for name in named if f"def {name}(" not in sources} == set()
    mine = set(re.findall(r"^def (test_[a-z0-9_]+)\(", Path(__file__).read_text("utf-8"), re.MULTILINE))
    assert mine - named == {"test_the_assessment_has_each_criterion_of_a_and_aa_once_and_names_tests_that_exist"}
