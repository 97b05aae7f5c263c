"""One line for each report that triage settled, and for each answer, with ids, place and codes, nothing of the case."""

import json
import logging
from typing import Any

import pytest

from processors.intake import skipped_record
from processors.looking import looked
from processors.outcomes import tell_answers, tell_slice
from processors.returns import _rejected
from processors.telling import Read
from schemas.records.answers import ReturnKind
from schemas.records.values import Text
from tests.builders import counted
from tests.builders.answers import an_outcome_return
from tests.builders.reports import a_report
from tests.builders.told import outcomes
from tests.unit.processors.test_looking import said
from tests.unit.processors.test_triage_stages import a_piece, finished
from tocsin.runtime.logs import JsonLines
from tocsin.runtime.transport.slices import RawRecord, Slice


def test_a_slice_is_told_as_one_line_a_report(caplog: pytest.LogCaptureFixture) -> None:
    report = a_report()
    piece = a_piece(report, b"no record", first=7)
    (found,) = finished(piece)
    with caplog.at_level(logging.INFO, logger="processors.outcomes"):
        tell_slice("triage", piece, found.answers)
    lines = [json.loads(line) for record in caplog.records for line in JsonLines().format(record).splitlines()]
    assert [(line["stage"], line["outcome"], line["offset"], line["topic"]) for line in lines] == [
        ("triage", "routed", 7, piece.topic),
        ("triage", "refused", 8, piece.topic),
    ]
    routed, refused = lines
    assert (routed["report_id"], routed["revision"]) == (report.report_id, report.revision)
    assert routed["referrals"] == len(found.answers[0].referrals) > 0
    assert found.answers[1].dead_letter is not None
    assert (refused["code"], "report_id" in refused) == (found.answers[1].dead_letter.code, False)


def test_a_line_shows_nothing_of_the_case(caplog: pytest.LogCaptureFixture) -> None:
    report = a_report()
    piece = a_piece(report)
    (found,) = finished(piece)
    with caplog.at_level(logging.INFO, logger="processors.outcomes"):
        tell_slice("triage", piece, found.answers)
    told = "".join(JsonLines().format(record) for record in caplog.records)
    assert report.source_url is not None
    assert report.source_url.url not in told
    assert not [item for item in report.items if item.hashes and str(item.hashes[0]) in told]


PLANTED = "planted-and-told-to-nobody"
RETURNS = "returns.nl-hotline.v1"


def a_raw(offset: int) -> RawRecord:
    return RawRecord(offset=offset, timestamp_ms=0, key=None, value=b"v", headers=())


def told_answers(caplog: pytest.LogCaptureFixture, *read: Read) -> list[dict[str, Any]]:
    piece = Slice(topic_id="i", topic=RETURNS, partition=3, records=tuple(entry.raw for entry in read))
    with caplog.at_level(logging.INFO, logger="processors.outcomes"):
        tell_answers("returns", piece, read)
    return outcomes(caplog.records, "processors.outcomes")


def test_a_slice_of_answers_is_told_as_one_line_each_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    answer = an_outcome_return("nl-hotline", kind=ReturnKind.TAKEN_UP)
    before = [counted.left("returns", outcome) for outcome in ("applied", "refused", "skipped")]
    lines = told_answers(
        caplog,
        Read(raw=a_raw(5), answer=answer),
        Read(raw=a_raw(6), answer=answer, rejected=_rejected("return.unknown_referral", "referral_id")),
        Read(raw=a_raw(7), rejected=skipped_record()),
        looked(a_raw(8), said()),
    )
    place = {"stage": "returns", "topic": RETURNS, "partition": 3}
    ids = {"report_id": answer.report_id, "revision": answer.revision}
    assert lines == [
        place | {"outcome": "applied", "offset": 5, "said": "taken_up"} | ids,
        place | {"outcome": "refused", "offset": 6, "code": "return.unknown_referral"},
        place | {"outcome": "skipped", "offset": 7, "code": skipped_record().code},
        place | {"outcome": "applied", "offset": 8, "said": "looked"},
    ]
    after = [counted.left("returns", outcome) for outcome in ("applied", "refused", "skipped")]
    assert [new - old for old, new in zip(before, after, strict=True)] == [2, 1, 1]


def test_what_an_answer_holds_is_in_no_line_and_of_a_refused_one_not_even_its_ids(
    caplog: pytest.LogCaptureFixture,
) -> None:
    full = {"case_number": PLANTED, "memo": Text(text=PLANTED), "reason_code": PLANTED, "sink": PLANTED}
    strange = an_outcome_return("nl-hotline", report_id=PLANTED, referral_id=PLANTED, return_id=PLANTED)
    lines = told_answers(
        caplog,
        Read(raw=a_raw(0), answer=an_outcome_return("nl-hotline", **full)),
        Read(raw=a_raw(1), answer=strange, rejected=_rejected("return.unknown_referral", "referral_id")),
        looked(a_raw(2), said(person=PLANTED, purpose=PLANTED)),
    )
    assert len(lines) == 3
    assert PLANTED not in str(lines)


def test_a_slice_of_answers_is_one_record_of_logging(caplog: pytest.LogCaptureFixture) -> None:
    read = [Read(raw=a_raw(offset), answer=an_outcome_return("nl-hotline")) for offset in range(40)]
    assert len(told_answers(caplog, *read)) == 40
    assert len(caplog.records) == 1
