"""Files of refused rows go by their age, and nothing else in a submitter's folder does."""

import os
from pathlib import Path

from producers.files import delete_rejects, rejects_path

NOW = 1_800_000_000.0


def a_file(path: Path, age_seconds: float) -> Path:
    path.write_text("a row")
    os.utime(path, (NOW - age_seconds, NOW - age_seconds))
    return path


def test_old_files_of_refused_rows_of_each_format_are_deleted_and_no_other(tmp_path: Path) -> None:
    for name in ("csv", "jsonl", "xarf"):
        a_file(rejects_path(str(tmp_path / "cases.csv"), name), 100)
    kept = {
        a_file(tmp_path / "cases.csv", 100),
        a_file(tmp_path / "notes.rejected.txt", 100),
        a_file(rejects_path(str(tmp_path / "new.csv"), "csv"), 10),
    }
    (tmp_path / "linked.rejected.csv").symlink_to(a_file(tmp_path / "elsewhere.csv", 100))
    assert delete_rejects(tmp_path, NOW - 50) == 3
    left = {path for path in tmp_path.iterdir() if path.is_file() and not path.is_symlink()}
    assert left == {*kept, tmp_path / "elsewhere.csv"}
    assert (tmp_path / "linked.rejected.csv").is_symlink()
