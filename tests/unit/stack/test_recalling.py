"""A label is taken back by deciding its report again, or, where the record is gone, from whoever may have it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.records.identifiers import ContentId, MemberId, ReportId
from schemas.records.values import Coordinate, Mark
from tocsin.runtime.ledger.recalling import Labelled, Target
from tocsin.stack.recalling import Recall, by_records, lines

TOPIC, REPORT = "reports.a.submitted.v1", ReportId("0b7f6c1e-0000-5000-8000-000000000001")
LABEL = Labelled(report_id=REPORT, content_id=ContentId("i1"), members=(MemberId("b"),), last=1)
FIRST, LATER = MemberId("b"), MemberId("c")


def a_recall(offset: int, *labels: Labelled) -> Recall:
    target = Target(
        report_id=REPORT,
        revision=1,
        submitter=MemberId("a"),
        submitter_reference="r",
        mark=Mark.LIVE,
        source=Coordinate(topic=TOPIC, partition=0, offset=offset),
        holders=(FIRST, LATER),
        unlabelled=(FIRST,),
    )
    return Recall(target=target, labels=labels)


@pytest.mark.parametrize("starts", [{(TOPIC, 0): 5}, {}])
def test_where_the_record_is_gone_a_label_concerns_whoever_may_have_it_and_the_operator_reads_that(
    starts: dict[tuple[str, int], int],
) -> None:
    (found,) = by_records([a_recall(4, LABEL)], starts)
    assert (found.has_record, found.holders) == (False, (LATER,))
    (line,) = lines(found)
    assert line.endswith("which c may have: its record is gone, and each such copy goes back as a whole")


@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_whatever_the_offsets_a_record_that_is_there_is_enough(offset: int, earlier: int) -> None:
    (found,) = by_records([a_recall(offset, LABEL)], {(TOPIC, 0): min(offset, earlier)})
    assert (found.has_record, found.holders) == (True, (FIRST, LATER))


def test_a_whole_report_is_taken_back_from_everybody_without_its_record() -> None:
    (found,) = by_records([a_recall(4)], {(TOPIC, 0): 5})
    assert found.holders == (FIRST, LATER)
