"""Every panel against a real Prometheus that scrapes a real run, and the ops page in a real browser."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from rich.console import Console
from rich.text import Text

from tests.builders.alerting import a_web_hook, impatient, routes
from tests.builders.happenings import AWAY, NOISY, RECIPIENT, SUBMITTER, Happenings, a_sink_that_is_away
from tests.builders.scrapes import faults_in
from tests.builders.waiting import a_free_port, until
from tocsin.stack.demo.crew import Crew
from tocsin.stack.settings_files import targets_of
from tocsin.stack.watching.asking import Period, Prometheus
from tocsin.stack.watching.member_panels import of_member
from tocsin.stack.watching.panel import Panel
from tocsin.stack.watching.panels import GROUPS

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(
        not (shutil.which("prometheus") and shutil.which("prometheus-alertmanager")),
        reason="make promtool installs both (Debian's packages prometheus and prometheus-alertmanager)",
    ),
]
COMMANDS = {
    "escalated": ("triage", "--lane", "escalated"),
    "normal": ("triage", "--lane", "normal"),
    "returns": ("returns",),
    "deliver": ("deliver", RECIPIENT),
    "away": ("deliver", AWAY),
    "lag": ("lag", "--serve"),
    "canary": ("canary", "--every-seconds", "5"),
}
_SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
KEPT_IN = os.environ.get("TOCSIN_SCREENSHOTS", "")
"""A folder for pictures of this run (make screenshots)."""
SCREENS = ((1280, 900), (360, 740))


@contextmanager
def started(*command: str) -> Iterator[None]:
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  # our own words
    try:
        yield
    finally:
        child.terminate()
        child.wait(timeout=20)


class Watched(NamedTuple):
    """A run, who scrapes it, and what the Alertmanager told of it."""

    crew: Crew
    prometheus: str
    served: frozenset[str]
    came: list[tuple[str, dict[str, Any]]]


RETURNS = quote('tocsin_build_info{process="returns.all"}')


@pytest.fixture(scope="module")
def watched(busy_stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A Prometheus with the rules of deploy/ scrapes seven processes, of which nobody but they themselves told it, and
    tells an Alertmanager with its routes."""
    folder = tmp_path_factory.mktemp("watched")
    ports = {name: a_free_port() for name in COMMANDS}
    port, alerting = a_free_port(), a_free_port()
    file = folder / "prometheus.yml"  # JSON is YAML
    file.write_text(json.dumps(scraping(targets_of(busy_stack.home), impatient(folder / "rules"), alerting)))
    storage, listen = f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"
    with (
        a_sink_that_is_away(busy_stack.home, folder),
        Crew(busy_stack.home, folder) as crew,
        a_web_hook() as (hook, came),
    ):
        for name, command in COMMANDS.items():
            crew.start(name, (*command, "--metrics-port", str(ports[name])))
        telling = f"--config.file={routes(folder / 'alertmanager.yml', hook)}"
        own = (
            f"--storage.path={folder}/told",
            f"--web.listen-address=127.0.0.1:{alerting}",
            "--cluster.listen-address=",
        )
        with (
            started("prometheus-alertmanager", telling, *own),
            started("prometheus", f"--config.file={file}", storage, listen),
        ):
            until(lambda: _answers(f"http://127.0.0.1:{port}"))
            served = frozenset(f"127.0.0.1:{one}" for one in ports.values())
            yield Watched(crew, f"http://127.0.0.1:{port}", served, came)


def scraped_by(prometheus: str) -> set[str]:
    """The addresses from which it has figures."""
    told = json.loads(_read(f"{prometheus}/api/v1/targets?state=active"))["data"]["activeTargets"]
    return {one["labels"]["instance"] for one in told if one["health"] == "up"}


def panels_of(member: str) -> list[Panel]:
    return [panel for group in of_member(member) for panel in group.panels]


def until_all_shown(empty: Callable[[], list[str]]) -> None:
    """Fails with the titles of those that have no data."""
    left = empty()
    deadline = time.monotonic() + 120
    while left:
        assert time.monotonic() < deadline, left
        left = empty()


def scraping(targets: Path, rules: str, alerting: int) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [rules],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alerting}"]}]}]},
        "scrape_configs": [
            {"job_name": "tocsin", "file_sd_configs": [{"files": [f"{targets}/*.json"], "refresh_interval": "1s"}]}
        ],
    }


EITHER = [
    *((panel,) for group in GROUPS for panel in group.panels),
    *zip(*(panels_of(name) for name in (SUBMITTER, RECIPIENT, AWAY, NOISY)), strict=True),
]
"""Each panel of the exchange, and each of a member's page for one at least of those who send, get, wait and fail."""


def test_every_panel_has_data_from_a_real_run_and_the_page_keeps_to_wcag(
    busy_stack: Any, watched: Watched, tmp_path: Path
) -> None:
    prometheus = watched.prometheus
    until(lambda: scraped_by(prometheus) >= watched.served, what="Prometheus does not find what is served")
    happenings = Happenings(busy_stack)

    def empty() -> list[str]:
        """A counter that a scrape sees for the first time has not risen yet: there is always one more of each."""
        happenings.again()
        period = Period(until_seconds=time.time(), hours=1)
        with closing(Prometheus(prometheus)) as asked:
            return [either[0].title for either in EITHER if not any(asked.shown(panel, period) for panel in either)]

    until_all_shown(empty)
    port = a_free_port()
    command = (sys.executable, "-m", "tocsin", "ops", "--prometheus", prometheus, "--port", str(port))
    with started(*command):
        address = f"http://127.0.0.1:{port}/"
        until(lambda: _answers(f"{address}live"))
        told, of_member = _read(address), _read(f"{address}member/nl-hotline")
        assert "as promised" in told
        assert not re.search("no answer|no data", told + of_member), (
            "whether promises hold is the whole stack's doing, not this test's"
        )
        assert "href='member/nl-hotline?hours=1'" in told
        shown = shown_by_top(prometheus)
        assert "as promised" in shown
        assert not re.search("no answer|no data", shown)
        assert violations(address, tmp_path / "ops") == []
        assert violations(f"{address}member/nl-hotline", tmp_path / "member") == []
    assert (tmp_path / "ops-light.png").stat().st_size > 10_000
    keep(tmp_path, shown)


def test_no_process_of_a_real_run_serves_what_is_not_in_the_table_and_promtool_has_nothing_to_say(
    watched: Watched,
) -> None:
    """After that run, with every stage busy: labels, their values, and how many series there are."""
    scraped = {address: _read(f"http://{address}/metrics") for address in watched.served}
    assert {address: found for address, text in scraped.items() if (found := faults_in(text))} == {}
    assert {address: said for address, text in scraped.items() if (said := promtool_says(text))} == {}


def promtool_says(scraped: str) -> str:
    words = [str(shutil.which("promtool")), "check", "metrics"]
    done = subprocess.run(words, input=scraped, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603  # our own words
    return done.stdout + done.stderr


def test_an_alert_that_fires_in_a_real_run_reaches_whom_its_route_names(watched: Watched) -> None:
    """The returns worker ends: nobody counts recalls (who is on call is woken), nobody reads the ledger (a ticket)."""
    woken, ticket = "TocsinRecallsNotWatched", "TocsinLedgerNotRead"

    def firing() -> set[str]:
        told = json.loads(_read(f"{watched.prometheus}/api/v1/alerts"))["data"]["alerts"]
        return {one["labels"]["alertname"] for one in told}

    def reached(since: datetime) -> set[tuple[str, str]]:
        new = [(to, one) for to, one in watched.came if datetime.fromisoformat(one["startsAt"]) >= since]
        return {(to, one["labels"]["alertname"]) for to, one in new if one["status"] == "firing"}

    until(
        lambda: '"value"' in _read(f"{watched.prometheus}/api/v1/query?query={RETURNS}"), what="no returns worker came"
    )
    until(lambda: not firing() & {woken, ticket}, what="it fires while there is a returns worker")
    ended = datetime.now(UTC)
    watched.crew.leave("returns", grace_seconds=20)
    until(lambda: {("on-call", woken), ("tickets", ticket)} <= reached(ended), what="an alert has not arrived")
    assert not {("tickets", woken), ("on-call", ticket)} & reached(ended)


def _read(address: str) -> str:
    with urlopen(address, timeout=10) as answer:  # noqa: S310  # our own loopback address
        return str(answer.read().decode())


def _answers(address: str) -> bool:
    try:
        return bool(_read(address))
    except OSError:
        return False


def shown_by_top(prometheus: str) -> str:
    command = [sys.executable, "-m", "tocsin", "top", "--once", "--prometheus", prometheus]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout  # noqa: S603  # our own words


def keep(folder: Path, shown: str) -> None:
    """What the documents show, where `make screenshots` asks for it."""
    if not KEPT_IN:
        return
    kept = Path(KEPT_IN)
    for name in ("ops-light.png", "ops-dark.png", "member-light.png"):
        shutil.copy(folder / name, kept / name)
    drawn = Console(record=True, width=110, file=io.StringIO())
    drawn.print(Text(shown.rstrip()))
    drawn.save_svg(str(kept / "top.svg"), title="tocsin top", unique_id="top")


def violations(address: str, screenshot: Path) -> list[str]:
    """What axe finds, in light and dark, wide and narrow; nothing is asked where there is no browser."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("the panels hold; the page was not looked at, as there is no chromium; make browser installs it")
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415  # where there is a browser
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # as above

    found = []
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for scheme in _SCHEMES:
            for width, height in SCREENS:
                page = opened.new_page(color_scheme=scheme, viewport={"width": width, "height": height})
                page.goto(address)
                pictures = page.locator("svg[data-plot]").count()
                found += [] if page.locator("canvas").count() == pictures > 0 else ["charts that uPlot did not draw"]
                found += [one["id"] for one in Axe().run(page).response["violations"]]
                wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                found += ["wider than the screen"] if wide > 0 else []
                if width == SCREENS[0][0]:
                    page.screenshot(path=screenshot.with_name(f"{screenshot.name}-{scheme}.png"))
        found += without_script(opened, address)
        opened.close()
    return found


def without_script(browser: Any, address: str) -> list[str]:
    """What is missing where no script runs."""
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(address)
    missing = [what for what in ("svg.chart", ".figure", "td") if not page.locator(what).first.is_visible()]
    return missing + ["a canvas"] * page.locator("canvas").count()
