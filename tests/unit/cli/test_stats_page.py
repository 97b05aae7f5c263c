"""The page of `tocsin stats --html`, which is published, in a real browser: nothing that axe finds, wide and narrow."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tests.unit.cli.test_stats import OBJECTIVES, TODAY, a_group, figures
from tests.unit.stack.test_accessibility import NARROW, WCAG, WIDE
from tocsin.cli.measuring.objectives import progress, read_objectives
from tocsin.cli.measuring.page import page

BROWSER = shutil.which("chromium")

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium is here: make browser installs it")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    (folder / "objectives.toml").write_text(OBJECTIVES, "utf-8")
    (objective,) = read_objectives(folder / "objectives.toml")
    before, now = figures(a_group("URGENT", median=100.0)), figures(a_group("URGENT", median=80.0), a_group("LOW", 7))
    made = page(now, before, [(objective, [progress(one, before, now, TODAY) for one in objective.results])])
    (folder / "improved.html").write_text(made, "utf-8")
    return folder / "improved.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [NARROW, WIDE], ids=["narrow", "wide"])
def test_axe_finds_nothing_on_the_page_to_publish_and_it_is_read_without_scrolling_sideways(
    browser: Browser, published: Path, scheme: Literal["light", "dark"], screen: ViewportSize
) -> None:
    opened = browser.new_page(color_scheme=scheme, viewport=screen)
    opened.goto(published.as_uri())
    assert [one["id"] for one in Axe().run(opened, options={"runOnly": WCAG}).response["violations"]] == []
    assert opened.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    opened.close()
