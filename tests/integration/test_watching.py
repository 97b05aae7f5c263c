"""Every panel against a real Prometheus that scrapes a real run, and the ops page in a real browser."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.request import urlopen

import pytest

from tests.builders.drafts import a_draft
from tests.builders.waiting import a_free_port, until
from tocsin.publisher import Publisher
from tocsin.stack.demo.crew import Crew
from tocsin.stack.watching.asking import Period, Prometheus
from tocsin.stack.watching.panels import GROUPS

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(
        not shutil.which("prometheus"), reason="make promtool installs it (Debian's package prometheus)"
    ),
]
COMMANDS = {
    "escalated": ("triage", "--lane", "escalated"),
    "normal": ("triage", "--lane", "normal"),
    "returns": ("returns",),
    "deliver": ("deliver", "nl-hotline"),
}
_SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
SCREENS = ((1280, 900), (360, 740))


@contextmanager
def started(*command: str) -> Iterator[None]:
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  # our own words
    try:
        yield
    finally:
        child.terminate()
        child.wait(timeout=20)


@pytest.fixture
def prometheus(busy_stack: Any, tmp_path: Path) -> Iterator[str]:
    """Scrapes four processes that have handled a live report."""
    ports = {name: a_free_port() for name in COMMANDS}
    targets = [f"127.0.0.1:{port}" for port in ports.values()]
    scraping = {"job_name": "tocsin", "static_configs": [{"targets": targets}]}
    file = tmp_path / "prometheus.yml"  # JSON is YAML
    file.write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": [scraping]}))
    port = a_free_port()
    with Crew(busy_stack.home, tmp_path) as crew:
        for name, command in COMMANDS.items():
            crew.start(name, (*command, "--metrics-port", str(ports[name])))
        storage, listen = f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address=127.0.0.1:{port}"
        with started("prometheus", f"--config.file={file}", storage, listen):
            yield f"http://127.0.0.1:{port}"


def test_every_panel_has_data_from_a_real_run_and_the_page_keeps_to_wcag(
    busy_stack: Any, prometheus: str, tmp_path: Path
) -> None:
    needed = [panel for group in GROUPS for panel in group.panels if not panel.may_be_empty]
    delivered = next(
        panel for group in GROUPS for panel in group.panels if panel.title == "From submission to delivered"
    )

    def empty() -> list[str]:
        """A counter that a scrape sees for the first time has not risen yet: there is always one more report."""
        with Publisher(busy_stack.config("fr-hotline")) as publisher:
            publisher.publish(a_draft(submitter_reference=f"watched-{time.time_ns()}"))
        period = Period(until_seconds=time.time(), hours=1)
        with closing(Prometheus(prometheus)) as asked:
            return [panel.title for panel in (*needed, delivered) if not asked.shown(panel, period)]

    until(lambda: _answers(prometheus))
    until(lambda: not empty(), what="a panel has no data")
    page, port = tmp_path / "page.png", a_free_port()
    command = (sys.executable, "-m", "tocsin", "ops", "--prometheus", prometheus, "--port", str(port))
    with started(*command):
        address = f"http://127.0.0.1:{port}/"
        until(lambda: _answers(f"{address}live"))
        told = _read(address)
        assert "as promised" in told
        assert not re.search("no answer|no data", told), (
            "whether promises hold is the whole stack's doing, not this test's"
        )
        assert violations(address, page) == []
    assert page.stat().st_size > 10_000


def _read(address: str) -> str:
    with urlopen(address, timeout=10) as answer:  # noqa: S310  # our own loopback address
        return str(answer.read().decode())


def _answers(address: str) -> bool:
    try:
        return bool(_read(address))
    except OSError:
        return False


def violations(address: str, screenshot: Path) -> list[str]:
    """What axe finds, in light and dark, wide and narrow; nothing is asked where there is no browser."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("the panels hold; the page was not looked at, as there is no chromium")
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415  # where there is a browser
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # as above

    found = []
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for scheme in _SCHEMES:
            for width, height in SCREENS:
                page = opened.new_page(color_scheme=scheme, viewport={"width": width, "height": height})
                page.goto(address)
                found += [one["id"] for one in Axe().run(page).response["violations"]]
                wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                found += ["wider than the screen"] if wide > 0 else []
                page.screenshot(path=screenshot, full_page=True)
        opened.close()
    return found
