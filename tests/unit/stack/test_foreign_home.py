"""A home that is of another cluster is left alone, by `tocsin up` and by the demo."""

from pathlib import Path

import pytest

from tocsin.cli.main import main

FOREIGN = 'principal = "ops"\n[kafka]\nbootstrap = "kafka.example.test:9092"\n'


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Settings of a real exchange, as an operator would have them."""
    file = tmp_path / "config" / "ops.toml"
    file.parent.mkdir()
    file.write_text(FOREIGN)
    return file


@pytest.mark.parametrize("command", ["up", "demo"])
def test_nothing_is_started_or_changed_in_a_home_of_another_cluster(
    command: str, foreign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--home", str(foreign.parents[1])])
    assert (ended.value.code, "[stack.foreign_home]" in capsys.readouterr().err) == (4, True)
    assert foreign.read_text() == FOREIGN
    assert [path.name for path in (foreign.parents[1] / "config").iterdir()] == ["ops.toml"]
