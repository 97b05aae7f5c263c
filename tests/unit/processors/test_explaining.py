"""A decision in words: everything for operators, and for a recipient nothing that is not in its own referral."""

from collections.abc import Iterator

from msgspec.structs import replace

from processors.evaluation.running import Runner
from processors.explaining import Decided, Node, explained, explained_for
from schemas.catalogue import catalogue, message
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.report import PersonalPart
from schemas.records.triage import Link
from tests.builders.policy import the_sample
from tests.builders.reports import NOON_MS
from tocsin.cli.evaluating.submissions import submission_of
from tocsin.runtime.registry import FixedDirectory, RecordCodec

REPORT = {
    "submitter": "plat-a",
    "submitter_reference": "case-1",
    "incident_types": ["sextortion"],
    "governance": {"legal_basis": "eu-2021-1232"},
    "detected_at": "2026-01-01T11:00:00Z",
    "items": [
        {
            "url": "https://files.example.test/1",
            "hosting": {"country": "NL"},
            "labels": [{"scheme": "industry", "label": "B1"}],
        }
    ],
    "nexus": [{"kind": "victim", "country": "FR"}],
    "memo": {"text": "Seen twice.", "language": "en"},
}


def decided() -> Decided:
    directory = FixedDirectory()
    runner = Runner(the_sample(), RecordCodec(directory), directory.id_of(PersonalPart))
    found = runner.decided(REPORT, submission_of, NOON_MS)
    assert isinstance(found, Decided)
    return found


def lines(node: Node) -> Iterator[str]:
    yield node.title
    for child in node.children:
        yield from lines(child)


def test_operators_see_evidence_rules_versions_and_who_was_considered() -> None:
    told = "\n".join(lines(explained(decided(), the_sample())))
    for part in (
        "NL by hosting: 0.90 of 0.30, counts",
        "FR by victim",
        "nl@2020-01-01: undetermined (unverified law)",
        "priority urgent",
        "gate.sextortion: Sextortion is reported.",
        "Tiers advise; a person decides.",
        "fr-police",
        "memo: ",
        the_sample().digest[:16],
        the_sample().priority.version,
    ):
        assert part in told


def test_a_recipient_sees_its_own_referral_and_no_other_member() -> None:
    told = "\n".join(lines(explained_for(decided(), MemberId("nl-police"))))
    assert "nl@2020-01-01" in told
    assert "withheld" in told
    for other in ("fr-police", "fr-hotline", "nl-hotline", "plat-a", "fr@"):
        assert other not in told


def test_a_submitter_sees_what_its_status_says_and_neither_recipient_nor_link() -> None:
    told = "\n".join(lines(explained_for(decided(), MemberId("plat-a"))))
    for part in ("case-1, revision 1: routed", "recipients: 4", "tier urgent", "of 100; missing: "):
        assert part in told
    for other in ("hotline", "police", "reported by", "by hosting"):
        assert other not in told


def test_who_may_know_of_links_is_told_that_a_file_is_not_the_one_that_it_looks_like() -> None:
    found = decided()
    link = Link(report_id=ReportId("r-2"), selector_kind="md5", weak=True, conflicting=True)
    made = tuple(replace(one, linked_reports=1, conflicting_reports=1) for one in found.referrals)
    differing = replace(found, triaged=replace(found.triaged, links=(link,)), referrals=made)
    sentence = message("link.conflicting", count=1)
    assert sentence in lines(explained(differing, the_sample()))
    assert sentence in lines(explained_for(differing, MemberId("nl-police")))
    assert sentence not in lines(explained_for(differing, MemberId("plat-a")))
    assert sentence not in lines(explained_for(found, MemberId("nl-police")))


def test_what_people_decided_since_is_for_operators_alone() -> None:
    since = replace(decided(), said=("2026-01-01 12:00: person, by A. Analyst. looked at it",))
    assert "A. Analyst" in "\n".join(lines(explained(since, the_sample())))
    for member in ("plat-a", "nl-police"):
        assert "A. Analyst" not in "\n".join(lines(explained_for(since, MemberId(member))))


def test_whoever_did_not_get_it_learns_that_and_nothing_else() -> None:
    (told,) = lines(explained_for(decided(), MemberId("gb-police")))
    assert "did not get this report" in told


def test_every_code_is_told_in_words() -> None:
    told = list(lines(explained(decided(), the_sample())))
    assert not [line for line in told if any(f" {code}." in line for code in catalogue())]


def test_a_decision_that_was_made_again_says_so_and_whose_copy_stands() -> None:
    found = decided()
    again = replace(found, triaged=replace(found.triaged, ruling=2, recipients=(), unchanged=(MemberId("nl-police"),)))
    told = list(lines(explained(again, the_sample())))
    assert "revision 1, ruling 2: routed" in told[0]
    assert {"recipients: 1", "nl-police: the copy that it has stands"} <= set(told)
