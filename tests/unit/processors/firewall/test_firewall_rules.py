"""The firewall step's decision."""

import base64

from processors.steps.firewall.rules import Passed, Stopped, decide
from tests.builders.reports import a_report

PAYLOAD = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(range(200))).decode()


def test_an_ordinary_report_goes_on_unchanged() -> None:
    assert decide(a_report()) == Passed(record=a_report())


def test_a_report_with_an_emptied_field_goes_on() -> None:
    decision = decide(a_report(platform=PAYLOAD))
    assert isinstance(decision, Passed)
    assert decision.record.platform == ""
    assert [finding.path for finding in decision.findings] == ["platform"]


def test_a_hit_in_a_required_field_stops_the_report_with_code_field_and_sentence() -> None:
    decision = decide(a_report(submitter_reference=PAYLOAD))
    assert isinstance(decision, Stopped)
    assert (decision.code, decision.field) == ("firewall.base64", "submitter_reference")
    assert "metadata only" in decision.message
    assert PAYLOAD[:20] not in repr(decision)
