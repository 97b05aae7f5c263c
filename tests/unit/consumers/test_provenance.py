"""What a recipient finds out by itself: the submitter's word field by field, and who has meddled with it."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from consumers.provenance import Provenance, examined
from processors.steps.release.proofs import proven
from schemas.commitments import Commitments
from schemas.records.identifiers import ContentId, CountryCode, KeyId, MemberId
from schemas.records.proof import OriginProof
from schemas.records.referral import Referral
from schemas.records.report import ContentItem, Escalation, ReportSubmitted
from schemas.records.values import Handling, Mark
from tests.builders.proofs import DIRECTORY, KEY, PUBLIC, SUBMITTER, a_committed_report
from tests.builders.referrals import a_referral
from tests.builders.reports import NOON_MS, a_hosting, a_source_url, an_instant, an_item
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.directory import Directory, RevocationReason
from tocsin.runtime.keys.files import Use

ENDED = changing.admitted(
    Directory(), SUBMITTER, Use.SIGN, PUBLIC, NOON_MS - (changing.VALID_DAYS + 1) * changing.DAY_MS
)
STOLEN = changing.revoked(DIRECTORY, KEY.key_id, RevocationReason.COMPROMISED, NOON_MS + 1)
REPLACED = changing.revoked(DIRECTORY, KEY.key_id, RevocationReason.SUPERSEDED, NOON_MS + 1)
ANOTHERS = changing.admitted(Directory(), MemberId("ngo-b"), Use.SIGN, PUBLIC, NOON_MS - 1)


def released(report: ReportSubmitted | None = None, **changes: Any) -> Referral:
    """What triage sends of a report to somebody who sees all of it but what `changes` withhold."""
    report = report or a_committed_report()
    shared = {name: getattr(report, name) for name in ("source_url", "items", "detected_at", "handling", "mark")}
    governance = {name: getattr(report.governance, name) for name in ("legal_basis", "purpose", "controller")}
    full = a_referral(submitter=report.submitter, **shared, **governance)
    return proven(replace(full, **changes), Commitments(submitted=report))


def test_what_the_submitter_signed_is_verified_by_its_key_alone() -> None:
    found = examined(released(), DIRECTORY)
    assert (found.provenance, found.submitter, found.key_id) == (Provenance.VERIFIED, SUBMITTER, KEY.key_id)
    assert {"source_url.url", "items[0].url", "items[0].hashes", "mark", "legal_basis"} <= set(found.signed)


@pytest.mark.parametrize("withheld", [{"items": ()}, {"source_url": None}, {"controller": "", "detected_at": None}])
def test_what_is_withheld_takes_nothing_from_the_rest(withheld: dict[str, Any]) -> None:
    found = examined(released(**withheld), DIRECTORY)
    assert found.provenance is Provenance.VERIFIED
    assert not [path for path in found.signed if path.partition(".")[0].partition("[")[0] in withheld]


def test_nothing_of_what_is_withheld_can_be_opened() -> None:
    whole, narrow = released(), released(items=())
    assert whole.origin_proof is not None
    assert narrow.origin_proof is not None
    assert narrow.origin_proof.digests == whole.origin_proof.digests
    fewer = len(examined(whole, DIRECTORY).signed) - len(examined(narrow, DIRECTORY).signed)
    assert len(whole.origin_proof.salts) - len(narrow.origin_proof.salts) == 16 * fewer


CHANGES: dict[str, Callable[[Referral], dict[str, Any]]] = {
    "source_url.url": lambda it: {"source_url": a_source_url(url="https://forum.example.test/thread/18")},
    "items[0].url": lambda it: {"items": (replace(it.items[0], url="https://files.example.test/17/2"),)},
    "items[0].hosting": lambda it: {"items": (replace(it.items[0], hosting=a_hosting(country=CountryCode("DE"))),)},
    "items[0].hashes": lambda it: {"items": (replace(it.items[0], hashes=()),)},
    "items[1].content_id": lambda it: {"items": (*it.items, an_item(content_id=ContentId("planted")))},
    "items[1]": lambda it: {"items": (*it.items, ContentItem())},
    "escalation": lambda it: {"escalation": Escalation()},
    "declared_country": lambda it: {"declared_country": CountryCode("FR")},
    "detected_at": lambda it: {"detected_at": an_instant(NOON_MS - 1)},
    "mark": lambda it: {"mark": Mark.TEST},
    "handling": lambda it: {"handling": Handling(tlp="CLEAR")},
    "retain_until": lambda it: {"retain_until": None},
}


@pytest.mark.parametrize("path", CHANGES)
def test_whoever_changes_or_adds_a_field_on_the_way_is_found_by_its_name(path: str) -> None:
    sent = released()
    found = examined(replace(sent, **CHANGES[path](sent)), DIRECTORY)
    assert found.provenance is Provenance.ALTERED
    assert path in found.altered or (path == "items[0].hashes" and found.unclaimed == 1)


def test_a_field_that_was_opened_and_taken_away_is_missed() -> None:
    found = examined(replace(released(), items=()), DIRECTORY)
    assert (found.provenance, found.altered) == (Provenance.ALTERED, ())
    assert found.unclaimed == 10


def test_the_proof_of_another_report_or_revision_proves_nothing() -> None:
    other = released(a_committed_report(submitter_reference="case-2"))
    assert examined(replace(released(), origin_proof=other.origin_proof), DIRECTORY).provenance is Provenance.WRONG
    assert examined(replace(released(), revision=2), DIRECTORY).provenance is Provenance.WRONG


def test_digests_that_somebody_else_made_are_not_believed() -> None:
    sent = released()
    assert sent.origin_proof is not None
    forged = replace(sent.origin_proof, digests=b"\x00" * len(sent.origin_proof.digests))
    assert examined(replace(sent, origin_proof=forged), DIRECTORY).provenance is Provenance.WRONG


@pytest.mark.parametrize(
    ("directory", "provenance"),
    [
        (Directory(), Provenance.UNKNOWN_KEY),
        (ANOTHERS, Provenance.UNKNOWN_KEY),
        (ENDED, Provenance.EXPIRED),
        (STOLEN, Provenance.REVOKED),
        (REPLACED, Provenance.VERIFIED),
    ],
)
def test_a_key_is_worth_what_the_directory_says_of_its_time(directory: Directory, provenance: Provenance) -> None:
    assert examined(released(), directory).provenance is provenance


def test_a_hidden_submitter_is_not_named_by_a_signature() -> None:
    sent = released(submitter=MemberId(""))
    assert sent.origin_proof is None
    assert examined(sent, DIRECTORY).provenance is Provenance.HIDDEN


def test_a_proof_that_was_taken_away_or_was_never_there_is_said() -> None:
    assert examined(replace(released(), origin_proof=None), DIRECTORY).provenance is Provenance.UNSIGNED
    assert examined(a_referral(withdrawn=True), DIRECTORY).provenance is Provenance.RECALL


def test_a_proof_of_broken_parts_alters_nothing_but_what_is_found() -> None:
    sent = replace(released(), origin_proof=OriginProof(key_id=KEY.key_id, signature=b"short", digests=b"\x01"))
    assert examined(sent, DIRECTORY).provenance is Provenance.WRONG
    sent = replace(sent, origin_proof=OriginProof(key_id=KeyId("")))
    assert examined(sent, DIRECTORY).provenance is Provenance.UNKNOWN_KEY
