"""A report with what recipients found out about its items since."""

from processors.amending import amended
from schemas.records.identifiers import ContentId, CountryCode
from schemas.records.ruling import Amendment
from tests.builders.reports import a_hosting, a_report, a_source_url, an_item

DE = CountryCode("DE")


def test_a_moved_item_lies_elsewhere_and_nothing_of_the_old_place_stays() -> None:
    report = a_report(items=(an_item(), an_item(content_id=ContentId("item-2"))))
    moved = amended(report, [Amendment(content_id=ContentId("item-1"), hosting_country=DE)])
    first, second = moved.items
    assert first.hosting is not None
    assert (first.hosting.country, first.hosting.ip_address, first.hosting.source) == ("DE", "", "recipient")
    assert second == report.items[1]
    assert moved.source_url == report.source_url, "the page is another thing than what it shows"


def test_an_item_that_lies_where_it_lay_keeps_its_address() -> None:
    report = a_report(items=(an_item(hosting=a_hosting(country=DE)),))
    assert amended(report, [Amendment(content_id=ContentId("item-1"), hosting_country=DE)]) == report


def test_the_last_assessment_takes_the_place_of_the_one_before() -> None:
    report = a_report()
    found = amended(report, [Amendment(content_id=ContentId("item-1"), classification="not_illegal")])
    assert [label.label for label in found.items[0].labels if label.scheme == "iccam"] == ["not_illegal"]


def test_a_report_without_items_moves_with_its_page() -> None:
    report = a_report(items=(), source_url=a_source_url())
    moved = amended(report, [Amendment(hosting_country=DE)])
    assert moved.source_url is not None
    assert moved.source_url.hosting is not None
    assert moved.source_url.hosting.country == "DE"


def test_without_amendments_a_report_is_what_it_was() -> None:
    report = a_report()
    assert amended(report, ()) is report
