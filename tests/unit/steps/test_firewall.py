"""The firewall's decision: a record goes on, cleaned where it must be, or is refused with every hit named."""

from base64 import b64encode

from msgspec import structs

from processors.steps.firewall.rules import Passed, Stopped, decide
from schemas.catalogue import catalogue
from tests.builders.reports import a_report, an_item

PAYLOAD = b64encode(bytes(range(256)) * 4).decode()


def test_a_clean_record_goes_on_as_it_is() -> None:
    report = a_report()
    assert decide(report) == Passed(record=report)


def test_a_hit_in_an_optional_field_empties_the_field_and_is_told() -> None:
    found = decide(a_report(items=(an_item(series=PAYLOAD),)))
    assert isinstance(found, Passed)
    assert found.record.items[0].series == ""
    assert [finding.path for finding in found.findings] == ["items[0].series"]


def test_a_hit_in_a_required_field_stops_the_record_and_never_shows_the_value() -> None:
    found = decide(structs.replace(a_report(), submitter_reference=PAYLOAD))
    assert isinstance(found, Stopped)
    assert found.field == "submitter_reference"
    assert found.code in catalogue()
    assert PAYLOAD[:20] not in found.message
    assert PAYLOAD[:20] not in repr(found)
