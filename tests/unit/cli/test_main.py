"""The command line is assembled from files, and ends with the documented exit codes."""

from pathlib import Path

import click
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


def _choices() -> list[tuple[str, click.Parameter]]:
    context = click.Context(entry.tocsin)
    commands = [entry.tocsin.get_command(context, name) for name in entry.tocsin.list_commands(context)]
    inner = [one for group in commands if isinstance(group, click.Group) for one in group.commands.values()]
    found = [(str(command.name), part) for command in (*commands, *inner) if command for part in command.params]
    return [(name, part) for name, part in found if isinstance(part.type, click.Choice)]


def test_every_word_that_help_offers_can_be_said() -> None:
    for command, part in _choices():
        assert isinstance(part.type, click.Choice)
        for word in part.type.choices:
            assert part.type.convert(str(word), part, None) == str(word), f"{command} {part.name} {word}"


def test_a_file_that_cannot_be_used_is_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "plat-a.toml").mkdir()
    with pytest.raises(SystemExit) as ended:
        entry.main(["purge", "--as", "plat-a", "--home", str(tmp_path)])
    shown = capsys.readouterr().err
    assert (ended.value.code, "plat-a.toml cannot be used" in shown, "Traceback" in shown) == (4, True, False)


def test_a_part_that_is_missing_only_while_a_command_works_is_named_with_its_extra(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    def acl() -> None:
        raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")

    monkeypatch.setattr(entry.Commands, "get_command", lambda *_: acl)
    with pytest.raises(SystemExit) as ended:
        entry.main(["acl"])
    assert ended.value.code == 4
    assert "psycopg" in (told := capsys.readouterr().err)
    assert "pip install 'tocsin[triage]'" in told


def test_what_a_command_makes_is_for_its_owner_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    @click.command()
    def stats() -> None:
        (tmp_path / "page.html").write_text("counts")

    monkeypatch.setattr(entry.Commands, "get_command", lambda *_: stats)
    (before := tmp_path / "before").touch()
    with pytest.raises(SystemExit):
        entry.main(["stats"])
    (after := tmp_path / "after").touch()
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o600
    assert after.stat().st_mode == before.stat().st_mode, "whoever calls it keeps its own"
