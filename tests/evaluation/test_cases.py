"""Every case of ours passes, and there are enough; `make evaluate` measures on the generator's truth as well."""

from pathlib import Path

from click.testing import CliRunner

from tests.evaluation.__main__ import FAMILIES, write
from tocsin.cli.evaluate import command


def test_every_case_passes(tmp_path: Path) -> None:
    count = write(tmp_path)
    done = CliRunner().invoke(command, [str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert f"{count} of {count} cases passed." in done.output
    assert count >= 400


def test_case_names_are_told_apart_within_their_family() -> None:
    for name, (_, family) in FAMILIES.items():
        names = [case["name"] for case in family()]
        assert len(names) == len(set(names)), name
