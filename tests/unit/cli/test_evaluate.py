"""`tocsin evaluate` on case files: what passes, what fails with which exit code, and what is no case."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from schemas.failures import Refused
from tocsin.cli.evaluate import command
from tocsin.policy.bundle import SAMPLE

PAGE = "https://files.example.test/1"


def a_report(reference: str = "r-1", **changes: Any) -> dict[str, Any]:
    item = {"url": PAGE, "hosting": {"country": "NL"}, "labels": [{"scheme": "industry", "label": "A1"}]}
    return {"submitter": "plat-a", "submitter_reference": reference, "items": [item]} | changes


def a_case(**changes: Any) -> dict[str, Any]:
    return {"name": "one", "as_of": "2026-11-20", "reports": [a_report()], "expect": {"novelty": "new"}} | changes


def evaluate(tmp_path: Path, *cases: dict[str, Any] | str, words: tuple[str, ...] = ()) -> Result:
    file = tmp_path / "family.jsonl"
    file.write_text("\n".join(case if isinstance(case, str) else json.dumps(case) for case in cases))
    return CliRunner().invoke(command, [str(file), *words])


def test_reports_of_a_case_see_each_other_and_those_of_others_do_not(tmp_path: Path) -> None:
    twice = [a_report(), a_report("r-2", submitter="ngo-b")]
    links = [{"report": "plat-a/r-1", "selector_kind": "url"}]
    done = evaluate(
        tmp_path,
        a_case(reports=twice, expect=[{"novelty": "new", "links": []}, {"novelty": "seen", "links": links}]),
        a_case(name="alone"),
    )
    assert (done.exit_code, "2 of 2 cases passed." in done.output) == (0, True)
    assert "seen before: precision 1.000, recall 1.000" in done.output


def test_a_case_that_fails_is_named_with_its_line_and_difference(tmp_path: Path) -> None:
    done = evaluate(tmp_path, a_case(expect={"tier": "low", "members": ["nl-police"]}))
    assert done.exit_code == 3
    assert "FAILED one" in done.output
    assert "family.jsonl:1" in done.output
    assert "report 1, tier: expected 'low'" in done.output


def test_a_refused_report_is_an_outcome(tmp_path: Path) -> None:
    bad = a_report(declared_country="XQ")
    future = a_report(detected_at="2027-01-01T00:00:00Z")
    expect = [{"outcome": "refused", "code": "country.unknown"}, {"outcome": "refused"}]
    assert evaluate(tmp_path, a_case(reports=[bad, future], expect=expect)).exit_code == 0


def test_a_withdrawal_is_a_report_too(tmp_path: Path) -> None:
    taken_back = {"submitter": "plat-a", "withdraw": "r-1"}
    expect = [{}, {"outcome": "withdrawn", "members": []}]
    assert evaluate(tmp_path, a_case(reports=[a_report(), taken_back], expect=expect)).exit_code == 0


def test_programs_get_one_object(tmp_path: Path) -> None:
    done = evaluate(tmp_path, a_case(), a_case(expect={"tier": "low"}), words=("--json",))
    told = json.loads(done.output)
    assert (told["passed"], told["failed"]) == (1, 1)
    assert told["families"]["family"]["failed"][0]["name"] == "one"


def test_a_case_may_bring_its_policy(tmp_path: Path) -> None:
    (tmp_path / "policy").symlink_to(SAMPLE)
    assert evaluate(tmp_path, a_case(policy="policy")).exit_code == 0


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("no json", "line"),
        (a_case(surprise=1), "surprise"),
        (a_case(expect={"teir": "low"}), "teir"),
        (a_case(expect={"verdicts": [{"jurisdicton": "nl"}]}), "verdicts.jurisdicton"),
        (a_case(expect={"links": {"none_of": [{"slector_kind": "url"}]}}), "links.slector_kind"),
        (a_case(expect={"withheld": {"nl-police": {"none_of": [{"pth": "memo"}]}}}), "withheld.pth"),
        (a_case(reports=[a_report(itemz=[])], expect={"outcome": "refused"}), "itemz"),
        (a_case(expect=[{}, {}]), "2 for 1"),
        (a_case(reports=[]), "1 to"),
        (a_case(as_of="yesterday"), "as_of"),
        (a_case(as_of="2026-11-20T10:00:00"), "offset"),
        (a_case(reports=[a_report(submitter="nobody")]), "nobody"),
        (a_case(reports=[{"withdraw": "x", "why": 1}]), "why"),
    ],
)
def test_what_is_no_case_is_refused_with_its_line(tmp_path: Path, case: dict[str, Any] | str, told: str) -> None:
    done = evaluate(tmp_path, case)
    assert isinstance(done.exception, Refused)
    assert "family.jsonl:1" in str(done.exception)
    assert told in str(done.exception) or told == "line"


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    assert isinstance(CliRunner().invoke(command, [str(tmp_path)]).exception, Refused)
