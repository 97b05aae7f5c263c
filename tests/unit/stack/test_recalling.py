"""A label is taken back by deciding its report again: what cannot be decided again is named before anything is done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.failures import Refused
from schemas.records.identifiers import ContentId, MemberId, ReportId
from schemas.records.values import Coordinate, Mark
from tocsin.runtime.ledger.recalling import Labelled, Target
from tocsin.stack.recalling import Recall, require_records

TOPIC, REPORT = "reports.a.submitted.v1", ReportId("0b7f6c1e-0000-5000-8000-000000000001")
LABEL = Labelled(report_id=REPORT, content_id=ContentId("i1"), members=(MemberId("b"),), last=1)


def a_recall(offset: int, *labels: Labelled) -> Recall:
    target = Target(
        report_id=REPORT,
        revision=1,
        submitter=MemberId("a"),
        submitter_reference="r",
        mark=Mark.LIVE,
        source=Coordinate(topic=TOPIC, partition=0, offset=offset),
        holders=(MemberId("b"),),
    )
    return Recall(target=target, labels=labels)


def test_a_label_on_a_report_whose_record_has_left_its_topic_is_refused_with_the_reports_id() -> None:
    with pytest.raises(Refused, match=REPORT) as caught:
        require_records([a_recall(4, LABEL)], {(TOPIC, 0): 5})
    assert caught.value.code == "recall.record_gone"


def test_a_topic_that_is_not_there_has_no_record() -> None:
    with pytest.raises(Refused):
        require_records([a_recall(4, LABEL)], {})


@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_whatever_the_offsets_a_record_that_is_there_is_enough(offset: int, earlier: int) -> None:
    require_records([a_recall(offset, LABEL)], {(TOPIC, 0): min(offset, earlier)})


def test_a_whole_report_is_taken_back_without_its_record() -> None:
    require_records([a_recall(4)], {(TOPIC, 0): 5})
