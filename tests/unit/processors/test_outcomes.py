"""Triage writes one line for each report that it settled, with ids, coordinate and codes and nothing of the case."""

import json
import logging

import pytest

from processors.outcomes import tell_slice
from tests.builders.reports import a_report
from tests.unit.processors.test_triage_stages import a_piece, finished
from tocsin.runtime.logs import JsonLines


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
