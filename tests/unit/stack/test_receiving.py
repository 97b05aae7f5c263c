"""What a recipient has: whole files alone, whatever a killed process left half-written beside them."""

import json
from pathlib import Path

from tocsin.stack.receiving import Recipient, whole_files

REFERRAL = {"referral_id": "one", "recipient": "nl-hotline", "report_id": "report-1"}


def test_a_file_that_is_still_being_written_is_not_there_yet(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps({"type": "referral", "referral": REFERRAL}))
    (tmp_path / ".writing-two.json").write_text('{"type": "refer')
    assert [file.name for file in whole_files(tmp_path)] == ["one.json"]
    found = list(Recipient("nl-hotline", tmp_path / "inbox.sqlite", (tmp_path,)).at_sinks())
    assert [each.referral_id for each in found] == ["one"]


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert not list(whole_files(tmp_path / "never"))
