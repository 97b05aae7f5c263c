"""`tocsin policy`: a bundle is checked, its legal map shown, and a list of labels becomes a table of it."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from schemas.failures import Broken, Refused
from tests.builders.policy import a_folder
from tocsin.cli.policy import command
from tocsin.policy.bundle import load

UCS_CSV = "label_id,section,neutral\nc-01,categorisation,illegal_claimed prepubescent\nd-07,demographic,\n"


def run(*words: str) -> str:
    done = CliRunner().invoke(command, list(words))
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_a_bundle_is_checked(tmp_path: Path) -> None:
    assert "The bundle holds" in run("check", str(a_folder(tmp_path)))
    shutil.rmtree(tmp_path / "policy")
    with pytest.raises(Broken, match="line"):
        run("check", str(a_folder(tmp_path, ("priority.toml", '"escalated"', '"escalatd"'))))


def test_the_legal_map_is_shown_compared_and_written(tmp_path: Path) -> None:
    home = ("--home", str(tmp_path))
    assert "not legal advice" in run("legal-map", *home)
    assert "≠ drawings" in run("legal-map", "--compare", "NL,UK", *home)
    assert "no row for this day" in run("legal-map", "--compare", "NL", "--as-of", "2019-01-01", *home)
    out = tmp_path / "map.html"
    assert "72 jurisdictions" in run("legal-map", "--html", str(out), *home)
    assert out.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    "written", [UCS_CSV, "\ufeff" + UCS_CSV, json.dumps([{"label_id": "c-01", "neutral": "illegal_claimed"}])]
)
def test_a_list_of_labels_becomes_a_table_of_the_bundle(tmp_path: Path, written: str) -> None:
    folder, file = a_folder(tmp_path), tmp_path / "ucs.txt"
    file.write_text(written, "utf-8")
    told = run("ucs", str(file), "--scheme-version", "3.1", "--out", str(folder / "labels" / "ucs.toml"))
    assert "labels in" in told
    bundle = load(folder)
    assert "illegal_claimed" in bundle.neutral("ucs", "c-01", date(2026, 1, 1))
    assert "ucs-3.1" in bundle.labels.version


@pytest.mark.parametrize("written", ["", "section\nx\n", "label_id,neutral\na,illegal\n", "[1]", "{", "label_id\n\n"])
def test_what_is_no_list_of_labels_is_refused(tmp_path: Path, written: str) -> None:
    file = tmp_path / "ucs.txt"
    file.write_text(written, "utf-8")
    with pytest.raises(Refused):
        run("ucs", str(file), "--scheme-version", "3.1", "--out", str(tmp_path / "ucs.toml"))
