"""Whoever looks at a case says why: without a purpose nothing is shown, and what is no look asks for none."""

from pathlib import Path

import pytest

from tests.builders.commands import ran

REPORT = "00000000-0000-5000-8000-000000000001"
LOOKS = (
    ("subscribe", "nl-hotline"),
    ("explain", REPORT),
    ("dlq", "show", "reports.nl-hotline.submitted.v1/0/7"),
    ("queue", "list"),
    ("queue", "take", "7", "--by", "A. Analyst"),
    ("disclosures", "--report", REPORT),
    ("receipts", REPORT),
    ("subject", "https://example.test/page"),
    ("dossier", REPORT),
    ("audit", "prove", REPORT),
    ("audit", "export", "--statements", "--out", "said"),
    ("policy", "shadow", "--policy", "new", "--from", "2026-11-01T00:00:00Z"),
)
NO_LOOKS = (("dossier", "folder", "--check"), ("subject", "--again"), ("audit", "export", "--out", "log"))


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
@pytest.mark.parametrize("said", [None, "", "  "])
def test_a_look_without_a_purpose_is_wrong_usage_and_is_taught_what_to_say(
    words: tuple[str, ...], said: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TOCSIN_PURPOSE")
    purpose = () if said is None else ("--purpose", said)
    done = ran((*words, *purpose, "--home", str(tmp_path)))
    assert (done.returncode, done.stdout) == (2, "")
    assert "Say --purpose, or TOCSIN_PURPOSE: why you look, such as --purpose 'case 4711'." in done.stderr


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_one_with_a_purpose_goes_on_to_the_home_that_it_needs(words: tuple[str, ...], tmp_path: Path) -> None:
    done = ran((*words, "--purpose", "case 7", "--home", str(tmp_path)))
    assert done.returncode == 4, done
    assert "ops.toml" in done.stderr or "nl-hotline.toml" in done.stderr


def test_the_purpose_may_be_said_once_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOCSIN_PURPOSE", "my shift")
    assert ran(("queue", "list", "--home", str(tmp_path))).returncode == 4


@pytest.mark.parametrize("words", NO_LOOKS, ids=" ".join)
def test_what_shows_nothing_of_a_case_asks_for_no_purpose(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TOCSIN_PURPOSE")
    assert "--purpose" not in ran((*words, "--home", str(tmp_path))).stderr


@pytest.mark.parametrize("words", [("--although-recalled",), ("--reason", "a court asks")])
def test_a_dossier_of_what_was_taken_back_needs_a_reason_and_a_reason_needs_that(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    done = ran(("dossier", REPORT, *words, "--home", str(tmp_path)))
    assert (done.returncode, "Say --reason with --although-recalled" in done.stderr) == (2, True)
