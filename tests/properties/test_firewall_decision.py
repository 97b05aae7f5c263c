"""What the firewall lets through, it lets through unchanged a second time."""

from hypothesis import given

from processors.steps.firewall.rules import Passed, Stopped, decide
from schemas.catalogue import catalogue
from schemas.records.report import ReportSubmitted
from tests.builders.any_record import any_record


@given(any_record(ReportSubmitted))
def test_what_has_passed_passes_again_and_what_is_stopped_has_a_known_code(report: ReportSubmitted) -> None:
    found = decide(report)
    if isinstance(found, Stopped):
        assert found.code in catalogue()
        assert found.findings
    else:
        assert decide(found.record) == Passed(record=found.record)
