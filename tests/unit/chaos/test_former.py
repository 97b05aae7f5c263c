"""The code of before the two newest revisions of the tables: out of the history, or said to be out of reach."""

import subprocess
import sys
from pathlib import Path

import pytest

from schemas.failures import Broken
from tests.chaos.former import ROOT, Former, former, unpacked
from tocsin.runtime.migrating import MIGRATIONS

PROBE = """
from alembic.script import ScriptDirectory
import processors, tocsin.runtime.migrating as migrating
print(ScriptDirectory(str(migrating.MIGRATIONS)).get_current_head(), processors.__file__)
"""


@pytest.fixture
def before() -> Former:
    try:
        return former()
    except Broken as failure:
        pytest.skip(str(failure))


def test_it_runs_from_its_folder_and_knows_neither_of_the_newest_two_revisions_of_the_tables(
    before: Former, tmp_path: Path
) -> None:
    folder = unpacked(before.commit, tmp_path)
    words = [sys.executable, "-c", PROBE]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 -- ours
    head, place = done.stdout.split()
    *_, before_both, _, _ = sorted(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    assert head == before.tables <= before_both
    assert Path(place).is_relative_to(folder)


def test_a_clone_without_that_much_history_says_what_was_expected(before: Former, tmp_path: Path) -> None:
    words = ["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", str(tmp_path / "shallow")]
    subprocess.run(words, check=True, capture_output=True, timeout=120)  # noqa: S603 -- our own words
    with pytest.raises(Broken, match="history") as failure:
        former(tmp_path / "shallow")
    assert failure.value.code == "chaos.no_history"
