"""The legal map as of a day, side by side and as a page: what nobody has checked stays marked everywhere."""

import html
from datetime import date
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner

from schemas.failures import Refused
from schemas.records.identifiers import CountryCode
from tests.builders.policy import TODAY, a_legal_row, the_sample, with_law
from tocsin.cli.policing.legal_page import page
from tocsin.cli.policing.world import PLACES
from tocsin.cli.policy import command
from tocsin.policy.bundle import SAMPLE
from tocsin.policy.jurisdictions import COLUMNS, Criminalised
from tocsin.policy.legal_map import FACTS, HEADINGS, WARNING, differing, legal_map

COUNTRIES = [
    "AT",
    "BE",
    "BG",
    "CY",
    "CZ",
    "DE",
    "DK",
    "EE",
    "GR",
    "ES",
    "FI",
    "FR",
    "HR",
    "HU",
    "IE",
    "IT",
    "LT",
    "NL",
    "PL",
    "PT",
    "RO",
    "SE",
    "SI",
    "SK",
    "LV",
    "LU",
    "MT",
    "GB",
    "US",
    "CA",
    "AU",
    "NZ",
    "JP",
    "KR",
    "TW",
    "NO",
    "CH",
    "UA",
    "MD",
    "AR",
    "RS",
    "AL",
    "BA",
    "TR",
    "ZA",
    "BR",
    "KH",
    "NG",
    "BY",
    "ME",
    "MK",
    "XK",
    "GE",
    "AM",
    "AZ",
    "AD",
    "MC",
    "SM",
    "LI",
    "CN",
    "IN",
    "ID",
    "VN",
    "PK",
    "BD",
    "EG",
    "MA",
    "KE",
    "SA",
    "AE",
    "CL",
    "RU",
]
"""Every country of the domain facts, 6.2 and 6.3."""


class Reader(HTMLParser):
    """Counts what a page is made of, and notices what would need the network."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_every_country_of_the_facts_has_a_row_with_source_and_confidence() -> None:
    found = {entry.jurisdiction.country: entry for entry in legal_map(the_sample(), TODAY)}
    assert set(COUNTRIES) <= set(found)
    for country in COUNTRIES:
        law = found[CountryCode(country)].law
        assert law is not None
        assert law.source_ref.startswith("domain facts 6.")
        assert law.confidence in {"low", "medium", "high"}
        assert not law.verified


def test_what_is_not_known_is_a_value() -> None:
    (turkey, bosnia) = legal_map(the_sample(), TODAY, ["TR", "BA"])
    assert [cell.text() for cell in turkey.cells][COLUMNS.index("realistic_synthetic")] == "partly"
    assert [cell.text() for cell in bosnia.cells][COLUMNS.index("realistic_synthetic")] == "?"


def test_a_guess_carries_its_question_mark() -> None:
    (croatia,) = legal_map(the_sample(), TODAY, ["HR"])
    assert croatia.cells[COLUMNS.index("non_realistic")].text() == "no?"


@pytest.mark.parametrize(("alias", "country"), [("UK", "GB"), ("EL", "GR"), ("nl", "NL")])
def test_countries_go_by_their_code_and_by_the_names_of_others(alias: str, country: str) -> None:
    (entry,) = legal_map(the_sample(), TODAY, [alias])
    assert entry.jurisdiction.country == country


def test_a_country_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(Refused, match="AT"):
        legal_map(the_sample(), TODAY, ["QQ"])


def test_the_map_is_as_of_a_day() -> None:
    old = a_legal_row(valid_from=date(2020, 1, 1), valid_to=date(2024, 1, 1), non_realistic=Criminalised.NO)
    new = a_legal_row(valid_from=date(2024, 1, 1), non_realistic=Criminalised.YES)
    bundle, column = with_law("nl", old, new), COLUMNS.index("non_realistic")
    for day, value in ((date(2023, 12, 31), Criminalised.NO), (date(2024, 1, 1), Criminalised.YES)):
        assert legal_map(bundle, day, ["NL"])[0].cells[column].value is value
    assert legal_map(bundle, date(2019, 1, 1), ["NL"])[0].standing() == "no row for this day"


def test_what_differs_between_countries_is_named() -> None:
    entries = legal_map(the_sample(), TODAY, ["NL", "DE"])
    assert differing(entries) == ("non_realistic",)


def the_page() -> str:
    return page(legal_map(the_sample(), TODAY), TODAY, the_sample().digest)


def test_the_page_needs_nothing_else() -> None:
    reader = Reader()
    reader.feed(the_page())
    assert all(link.startswith("#") for link in reader.links)
    assert "url(" not in the_page()
    assert "@import" not in the_page()


def test_the_page_warns_on_screen_and_on_every_printed_page() -> None:
    text, warning = the_page(), html.escape(WARNING)
    sheets = text.split("class='sheet'")[1:]
    assert len(sheets) == 4
    assert all(warning in sheet for sheet in sheets)
    assert f"<thead><tr class='warned'><th colspan='17'>{warning}" in text, (
        "the head of a table is printed on each page"
    )
    assert f'@bottom-left {{ content: "{WARNING}"' in text


def test_the_page_has_every_country_on_each_map_and_in_the_table_with_its_standing() -> None:
    entries, reader = legal_map(the_sample(), TODAY), Reader()
    reader.feed(the_page())
    assert reader.tags.count("figure") == len(COLUMNS)
    assert reader.links == [f"#{entry.jurisdiction.code}" for _ in COLUMNS for entry in entries]
    assert the_page().count("<td>unverified, ") == len(entries)
    assert the_page().count(" unverified' style") == len(entries) * len(COLUMNS)
    assert {entry.jurisdiction.country for entry in entries} == set(PLACES)
    assert len(set(PLACES.values())) == len(PLACES), "no two on one tile"


def test_a_row_that_a_lawyer_checked_is_told_apart() -> None:
    bundle = with_law("nl", a_legal_row())
    text = page(legal_map(bundle, TODAY, ["NL"]), TODAY, "d")
    assert ("<td>verified, low" in text, "unverified' style" in text) == (True, False)


def test_what_nobody_has_checked_is_marked_in_the_terminal() -> None:
    for arguments in ([], ["--compare", "NL,UK"]):
        told = CliRunner().invoke(command, ["legal-map", "--policy", str(SAMPLE), *arguments]).output
        assert WARNING in told
        assert told.count("unverified") >= (2 if arguments else len(COUNTRIES))


def test_every_column_of_the_facts_is_shown_side_by_side() -> None:
    told = CliRunner().invoke(command, ["legal-map", "--policy", str(SAMPLE), "--compare", "NL,DE"]).output
    for name in (*HEADINGS.values(), *FACTS, "hotline", "source", "standing"):
        assert name in told


def test_the_page_escapes_what_the_bundle_says() -> None:
    bundle = with_law("nl", a_legal_row(note="<script>alert(1)</script>"))
    assert "<script>alert" not in page(legal_map(bundle, TODAY), TODAY, "d")
