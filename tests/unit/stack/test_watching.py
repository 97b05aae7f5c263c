"""The panels: what they ask for exists, Grafana's file is made from them, and the page says in words what it shows."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from schemas.failures import Temporary
from tocsin.runtime.families import FAMILIES, LABELS, LAGS, Kind
from tocsin.stack.watching.application import application
from tocsin.stack.watching.asking import MOST_SERIES, Period, Prometheus, Series
from tocsin.stack.watching.grafana import FILES, of_exchange
from tocsin.stack.watching.grafana import of_member as grafana_of_member
from tocsin.stack.watching.member_panels import MEMBERS, of_member
from tocsin.stack.watching.page import View, page
from tocsin.stack.watching.panel import Panel, Shape, Unit
from tocsin.stack.watching.panels import GROUPS
from tocsin.stack.watching.words import figure

PANELS = [panel for group in GROUPS for panel in group.panels]
OF_MEMBER = [panel for group in of_member("nl-hotline") for panel in group.panels]
ENDS = {
    Kind.COUNTER: ("_total",),
    Kind.GAUGE: ("",),
    Kind.INFO: ("_info",),
    Kind.HISTOGRAM: ("_bucket", "_count", "_sum"),
}
NAMES = {f"{family.name}{end}" for family in (*FAMILIES, *LAGS) for end in ENDS[family.kind]}
RULES = Path(__file__).parents[3] / "deploy" / "prometheus"
UNSEEN = {
    "tocsin_audit_checkpoint_timestamp_seconds": "old where nothing was written since; what is signed is shown",
    "tocsin_process_virtual_memory_bytes": "addressed is not used; what runs out is the memory in use, which is shown",
}
"""Metrics that no panel shows and no alert asks for, and why."""
PERIOD = Period(until_seconds=1_790_000_000.0, hours=1)
NUMBER = next(panel for panel in PANELS if panel.title == "Late recalls")
LINES = next(panel for panel in PANELS if panel.title == "Records by stage")


@pytest.mark.parametrize("panel", [*PANELS, *OF_MEMBER, MEMBERS], ids=lambda panel: panel.title)
def test_a_panel_asks_for_metrics_and_labels_that_exist_and_says_what_it_means(panel: Panel) -> None:
    assert set(re.findall(r"\b(?:tocsin|kafka)_[a-z_]+", panel.query)) <= NAMES
    known = LABELS.keys() | {"le", "instance"} | {label for family in LAGS for label in family.labels}
    assert set(re.findall(r"{{(\w+)}}", panel.legend)) <= known
    assert panel.says.endswith(".")
    assert panel.shape is Shape.NUMBER or panel.legend or "sum(" in panel.query, "lines have names"


def asked_for() -> set[str]:
    """Every metric that a panel shows or the expression of a rule reads."""
    rules = "\n".join(file.read_text("utf-8") for file in RULES.glob("*.yml"))
    queries = [panel.query for panel in (*PANELS, *OF_MEMBER)] + re.findall(r"^ *expr: (.+)$", rules, re.MULTILINE)
    return {name for query in queries for name in re.findall(r"\b(?:tocsin|kafka)_[a-z_]+", query)}


def test_every_metric_is_in_a_panel_or_an_alert_or_here_with_the_reason_why_not() -> None:
    asked = asked_for()
    ends = {family.name: {f"{family.name}{end}" for end in ENDS[family.kind]} for family in (*FAMILIES, *LAGS)}
    assert {name for name, seen in ends.items() if not seen & asked} == UNSEEN.keys()


def test_no_two_panels_have_one_title() -> None:
    assert len({panel.title for panel in PANELS}) == len(PANELS)
    assert len({panel.title for panel in (*OF_MEMBER, MEMBERS)}) == len(OF_MEMBER) + 1


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_dashboard_of_grafana_is_what_the_panels_make(file: Path) -> None:
    assert file.read_text("utf-8") == FILES[file](), "Make it anew: python -m tocsin.stack.watching.grafana"
    assert all("$window" not in one["targets"][0]["expr"] for one in drawn(FILES[file]()))


def drawn(board: str) -> list[dict[str, Any]]:
    return [one for one in json.loads(board)["panels"] if one["type"] != "row"]


def test_grafana_has_every_panel_of_the_exchange_and_of_whichever_member_is_chosen() -> None:
    assert [one["title"] for one in drawn(of_exchange())] == [panel.title for panel in PANELS]
    assert [one["title"] for one in drawn(grafana_of_member())] == [panel.title for panel in OF_MEMBER]
    assert all("$member" in one["targets"][0]["expr"] for one in drawn(grafana_of_member()))
    chosen = json.loads(grafana_of_member())["templating"]["list"][1]
    assert (chosen["name"], chosen["query"]) == ("member", f"query_result({MEMBERS.query})")


def answering(result: list[object], status: int = 200) -> Prometheus:
    return asked_by(lambda _: httpx.Response(status, json={"status": "success", "data": {"result": result}}))


def asked_by(handler: Callable[[httpx.Request], httpx.Response]) -> Prometheus:
    return Prometheus("http://prometheus.test", httpx.Client(transport=httpx.MockTransport(handler)))


def test_a_number_is_asked_for_now_and_lines_for_the_period() -> None:
    asked: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json={"data": {"result": []}})

    for panel in (NUMBER, LINES):
        assert asked_by(handler).shown(panel, PERIOD) == ()
    assert [url.path for url in asked] == ["/api/v1/query", "/api/v1/query_range"]
    assert asked[1].params["start"] == str(PERIOD.until_seconds - 3600)


def test_series_are_named_by_their_labels_the_largest_first_and_not_more_than_anybody_reads() -> None:
    result = [
        {"metric": {"stage": f"s{number}"}, "values": [[1, str(number)], [2, "NaN"], [3, "+Inf"]]}
        for number in range(MOST_SERIES + 5)
    ]
    shown = answering(list(result)).shown(LINES, PERIOD)
    assert len(shown) == MOST_SERIES
    assert shown[0] == Series(name=f"s{MOST_SERIES + 4}", points=((1.0, float(MOST_SERIES + 4)),))


@pytest.mark.parametrize("status", [400, 500])
def test_a_prometheus_that_does_not_understand_is_told_from_one_that_has_nothing(status: int) -> None:
    with pytest.raises(Temporary) as away:
        answering([], status).shown(NUMBER, PERIOD)
    assert away.value.code == "watching.away"


def test_the_page_says_in_words_what_is_broken_what_is_kept_and_what_has_no_answer() -> None:
    answers: dict[str, tuple[Series, ...] | None] = {panel.title: () for panel in PANELS}
    answers[NUMBER.title] = (Series(name="x", points=((0.0, 2.0),)),)
    answers["Urgent without a recipient"] = (Series(name="x", points=((0.0, 0.0),)),)
    answers["URGENT: delivered in time"] = (Series(name="x", points=((0.0, 0.5),)),)
    answers[LINES.title] = None
    told = page(answers, PERIOD)
    assert standing(told, NUMBER.title) == "NOT AS PROMISED"
    assert standing(told, "Urgent without a recipient") == "as promised"
    assert standing(told, "URGENT: delivered in time") == "NOT AS PROMISED"
    assert standing(told, LINES.title) == "no answer"
    assert standing(told, "Members that are paused") == "no data: is anything scraped?"
    assert standing(told, "Dead letters by member") == "nothing yet"
    assert "did not answer for 1 panels" in told


def standing(told: str, title: str) -> str:
    found = re.search(rf"<h3>{re.escape(title)}</h3>.*?class='standing'>([^<]*)<", told)
    assert found is not None
    return found[1]


def test_names_that_others_chose_cannot_become_part_of_the_page() -> None:
    answers = {panel.title: () for panel in PANELS} | {
        LINES.title: (Series(name="<script>x</script>", points=((0.0, 1.0), (9.0, 2.0))),)
    }
    assert "<script>x" not in page(answers, PERIOD)


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        (0.995, Unit.SHARE, "99.5 %"),
        (90.0, Unit.SECONDS, "1.5 min"),
        (0.02, Unit.SECONDS, "0.02 s"),
        (3 * 2**20, Unit.BYTES, "3 MiB"),
        (12.0, Unit.COUNT, "12"),
        (0.25, Unit.PER_SECOND, "0.25 a second"),
    ],
)
def test_a_figure_has_its_unit(value: float, unit: Unit, told: str) -> None:
    assert figure(value, unit) == told


async def got(path: str) -> httpx.Response:
    transport = httpx.ASGITransport(application(answering([]), lambda: PERIOD.until_seconds))
    async with httpx.AsyncClient(transport=transport, base_url="http://ops.test") as client:
        return await client.get(path)


def test_over_http_there_is_the_page_its_style_and_a_refusal_of_other_periods() -> None:
    statuses = {path: asyncio.run(got(path)).status_code for path in ("/?hours=24", "/again.js", "/live", "/?hours=7")}
    assert statuses == {"/?hours=24": 200, "/again.js": 200, "/live": 200, "/?hours=7": 400}
    assert "default-src 'none'" in asyncio.run(got("/")).headers["content-security-policy"]
    assert asyncio.run(got("/style.css")).headers["content-type"].startswith("text/css")


def test_a_promise_that_is_a_floor_is_broken_below_it() -> None:
    panel = replace(NUMBER, line=None, floor=0.9)
    answers = {one.title: () for one in PANELS} | {panel.title: (Series(name="x", points=((0.0, 0.5),)),)}
    assert standing(page(answers, PERIOD), panel.title) == "NOT AS PROMISED"


def test_a_member_has_a_page_of_its_own_and_what_is_no_name_has_none() -> None:
    told = asyncio.run(got("/member/nl-hotline?hours=6"))
    assert told.status_code == 200
    assert "<h1>Tocsin: nl-hotline</h1>" in told.text
    assert "href='../?hours=6'" in told.text
    for name in ("NL", 'x"}', "a" * 41):
        assert asyncio.run(got(f"/member/{name}")).status_code == 404
    with pytest.raises(ValueError, match="member's id"):
        of_member('x"} or up{a="')


def test_every_query_of_a_member_names_it_and_nobody_else() -> None:
    assert all("nl-hotline" in panel.query and "$" not in panel.query for panel in OF_MEMBER)


def test_the_first_page_leads_to_each_member() -> None:
    names = ("fr-hotline", "nl-hotline")
    told = page({panel.title: () for panel in PANELS}, PERIOD, View(members=names))
    assert re.findall(r"href='(member/[a-z-]+)\?hours=1'", told) == [f"member/{name}" for name in names]
