"""uPlot is served as the lock names it or not at all, and told the same as the server has drawn."""

import asyncio
import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from schemas.failures import Broken
from tests.builders.plotting import the_bytes, the_library
from tocsin.stack.watching.application import application
from tocsin.stack.watching.asking import Period, Prometheus, Series
from tocsin.stack.watching.page import View, page
from tocsin.stack.watching.panel import Unit
from tocsin.stack.watching.panels import GROUPS
from tocsin.stack.watching.plotted import told
from tocsin.stack.watching.uplot import LICENCE, SCRIPT, STYLE, Library, library_in, main, the_archive

# The resolver leaves the socket of an answer that it does not like to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
PERIOD = Period(until_seconds=1_790_000_000.0, hours=1)
PANELS = [panel for group in GROUPS for panel in group.panels]
LINES = next(panel for panel in PANELS if panel.title == "Records by stage")
PROMISED = replace(LINES, line=90.0, unit=Unit.SECONDS)
HOSTILE = "</svg>'\"<script>x</script>&amp;"


def lines(*names: str) -> dict[str, tuple[Series, ...]]:
    series = tuple(Series(name=name, points=((0.0, 1.0), (9.0, 2.0))) for name in names)
    return {panel.title: () for panel in PANELS} | {LINES.title: series}


def plots_of(document: str) -> list[Any]:
    return [json.loads(html.unescape(found)) for found in re.findall(r"data-plot='([^']*)'", document)]


def got(path: str, library: Library | None) -> httpx.Response:
    async def asked() -> httpx.Response:
        empty = httpx.MockTransport(lambda _: httpx.Response(200, json={"data": {"result": []}}))
        prometheus = Prometheus("http://prometheus.test", httpx.Client(transport=empty))
        served = httpx.ASGITransport(application(prometheus, lambda: PERIOD.until_seconds, library))
        async with httpx.AsyncClient(transport=served, base_url="http://ops.test") as client:
            return await client.get(path)

    return asyncio.run(asked())


def test_the_lock_names_one_archive_and_it_has_what_is_served_and_its_licence() -> None:
    library = the_library()
    assert the_archive().coordinate == "org.webjars.npm:uplot:1.6.30"
    assert b"uPlot (v1.6.30)" in library.files[SCRIPT].content[:200]
    assert b".uplot" in library.files[STYLE].content
    assert b"Permission is hereby granted" in library.files[LICENCE].content


def test_an_archive_with_one_other_byte_is_refused() -> None:
    with pytest.raises(Broken) as broken:
        library_in(the_bytes()[:-1] + b"x")
    assert broken.value.code == "download.digest"


@pytest.mark.parametrize(("name", "kind"), [(SCRIPT, "text/javascript"), (STYLE, "text/css"), (LICENCE, "text/plain")])
def test_each_file_is_served_as_what_it_is_and_kept_by_browsers(name: str, kind: str) -> None:
    library = the_library()
    answer = got(f"/{library.path}{name}", library)
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, kind)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert the_archive().sha256.startswith(library.path.split("/")[1]), "another archive would have another address"


@pytest.mark.parametrize("path", ["/", "/member/nl-hotline"])
def test_each_page_names_the_files_where_they_are_and_no_script_stands_in_it(path: str) -> None:
    library = the_library()
    answer = got(path, library)
    addresses = re.findall(r'(?:href|src)="([^"#]+\.(?:css|js))"', answer.text)
    assert [name.rpartition("/")[2] for name in addresses] == [STYLE, "style.css", "again.js", SCRIPT, "charts.js"]
    assert {got(str(answer.url.join(name).path), library).status_code for name in addresses} == {200}
    assert re.findall(r"<script[^>]*>(.)", answer.text) == ["<"] * 3, "the policy allows none"


def test_without_the_library_nothing_of_it_is_named_or_served() -> None:
    answer = got("/", None)
    assert "uplot" not in answer.text.lower()
    assert "charts.js" not in answer.text
    assert "data-plot" not in page(lines("a"), PERIOD)
    assert got(f"/{the_library().path}{SCRIPT}", None).status_code == 404


def test_picture_and_table_are_the_same_with_and_without_it() -> None:
    bare, drawn = page(lines("a", "b"), PERIOD), page(lines("a", "b"), PERIOD, View(uplot="uplot/x/"))
    main_of = re.compile(r"<main.*</main>", re.DOTALL)
    assert main_of.findall(re.sub(r" data-plot='[^']*'", "", drawn)) == main_of.findall(bare)


def test_names_that_others_chose_stay_values_for_the_script_too() -> None:
    drawn = page(lines(HOSTILE), PERIOD, View(uplot="uplot/x/"))
    assert "<script>x" not in drawn
    (plot,) = plots_of(drawn)
    assert plot["lines"][0]["name"] == HOSTILE


def test_the_script_is_told_colours_dashes_words_gaps_and_where_the_promise_lies() -> None:
    early = Series(name="a", points=((0.0, 60.0), (30.0, 90.0)))
    late = Series(name="b", points=((30.0, 1.0), (60.0, 7200.0)))
    plot = json.loads(told(PROMISED, (early, late)))
    assert plot["at"] == [0.0, 30.0, 60.0]
    assert [one["values"] for one in plot["lines"]] == [[60.0, 90.0, None], [None, 1.0, 7200.0]]
    assert [one["said"] for one in plot["lines"]] == [["1 min", "1.5 min", ""], ["", "1 s", "2 h"]]
    assert [(one["colour"], one["dash"]) for one in plot["lines"]] == [("--c0", []), ("--c1", [6, 3])]
    assert (plot["promised"], plot["promise"]) == (90.0, "promised: 1.5 min")
    assert json.loads(told(LINES, (early,)))["promised"] is None


def first_words(*options: str, home: Path) -> tuple[str, str]:
    """What the command says on stderr before it serves, and the page that it then serves."""
    words = [sys.executable, "-m", "tocsin", "ops", "--port", "0", "--prometheus", "http://127.0.0.1:9", *options]
    kept = os.environ | {"XDG_CACHE_HOME": str(home)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=kept) as child:  # noqa: S603 -- ours
        assert child.stdout is not None
        address = child.stdout.readline().split()[2]
        served = httpx.get(address, trust_env=False, timeout=30).text
        child.terminate()
        _, said = child.communicate(timeout=20)
    return said, served


def test_whoever_forbids_the_download_gets_the_page_and_nothing_is_fetched(tmp_path: Path) -> None:
    said, served = first_words("--no-download", home=tmp_path)
    assert said == ""
    assert "<main" in served
    assert "uplot" not in served
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_such_archive_is_named_and_the_page_is_served_without(tmp_path: Path) -> None:
    (wrong := tmp_path / "uplot.jar").write_bytes(b"another")
    said, served = first_words("--uplot", str(wrong), home=tmp_path)
    assert "uplot.lock names: nothing of it is served" in said
    assert "The server alone draws the charts." in said
    assert said.count("\n") == 1
    assert "uplot" not in served


def test_an_archive_that_was_carried_over_is_served_without_any_download(tmp_path: Path) -> None:
    the_bytes()
    main([str(tmp_path / "in" / "uplot.jar")])
    said, served = first_words("--uplot", str(tmp_path / "in" / "uplot.jar"), home=tmp_path / "cache")
    assert said == ""
    assert f"{the_library().path}{SCRIPT}" in served
    assert not (tmp_path / "cache").exists()
