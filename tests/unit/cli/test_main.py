"""The command line is assembled from files, and ends with the documented exit codes."""

from pathlib import Path

import pytest

from tocsin.cli import main as entry


def test_every_command_file_is_on_the_help_page_and_the_reverse() -> None:
    folder = Path(entry.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "main"}
    listed = {name for section in entry.SECTIONS.values() for name in section}
    assert files == listed


def test_the_help_page_names_every_section(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        entry.main(["--help"])
    assert ended.value.code == 0
    page = capsys.readouterr().out
    assert all(title in page for title in entry.SECTIONS)


def test_an_unknown_command_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as ended:
        entry.main(["no-such-command"])
    assert ended.value.code == 2
