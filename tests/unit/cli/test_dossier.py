"""A dossier holds as it was made, names what was changed, and tells a recipient's court nothing of others."""

import base64
from hashlib import sha256
from html import escape
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from processors.explaining import explained_referral
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from schemas.records.values import Coordinate
from tests.builders.audit import KEY, PRIVATE, a_note
from tests.builders.referrals import a_referral
from tests.builders.reports import NOON_MS
from tocsin.cli.auditing.dossier_files import MANIFEST, NOTE, PAGE, PROOF, SIGNER, faults, files_of, written
from tocsin.cli.auditing.dossier_page import LIMITS
from tocsin.runtime.audit.proving import Proof
from tocsin.runtime.audit.statements import Disclosure, Fact, encoded, leaf_of
from tocsin.runtime.keys.notes import NoteKey, sign_note
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.stack.dossier import UNNAMED, Dossier, KeptBack, Received, concerning
from tocsin.stack.receipts import Link

CODEC = RecordCodec(FixedDirectory())
KEYS = (KEY, NoteKey(name=SIGNER, public=KEY.public))
PLACE = Coordinate(topic="referrals.nl.nl-hotline.v1", partition=0, offset=7)


def a_link(what: str, member: str, **changes: object) -> Link:
    return Link(what=what, member=MemberId(member), revision=1, proof="verified", at_ms=NOON_MS, **changes)  # type: ignore[arg-type]  # fields of the test


def a_dossier(referral: Referral | None = None) -> Dossier:
    """Of a referral whose disclosure is the only leaf of the log."""
    referral = referral or a_referral()
    value = CODEC.dumps(referral)
    given = Disclosure(
        report=referral.report_id, revision=1, referral=referral.referral_id, recipient=referral.recipient,
        jurisdiction=referral.jurisdiction, mark="LIVE", landed="t/0/7", sha256=sha256(value).hexdigest(),
    )  # fmt: skip
    line, nonce = encoded(given), bytes(16)
    leaf = leaf_of(Fact(statement=given, at_ms=NOON_MS), line, nonce)
    return Dossier(
        referral_id=referral.referral_id, report_id=referral.report_id, revision=1, ruling=0,
        recipient=referral.recipient, mark=referral.mark, made_at_ms=NOON_MS, made_by="A. Analyst", purpose="case <7>",
        made_with="1.2.3",
        received=Received(
            place=PLACE, appended_at_ms=NOON_MS, schema="Referral", schema_id=3,
            sha256=sha256(value).hexdigest(), content=base64.b64encode(value).decode(),
        ),
        fits_the_log=True, policy=referral.policy, ruleset="r-1", decision=explained_referral(referral),
        kept_back=(KeptBack(path="memo", rule="release.default", says="Nobody is given it."),),
        chain=(a_link("delivered", "nl-hotline", referral_id=referral.referral_id),),
        proof=Proof(
            statement=line.decode(), nonce=nonce.hex(), leaf=leaf.decode(), number=0, path=(),
            checkpoint=a_note([leaf]),
        ),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "dossier"
    written(files_of(a_dossier(), KEYS, lambda text, name: sign_note(text, name, PRIVATE)), made)
    return made


def test_it_holds_as_it_was_made_and_nobody_else_can_read_it(folder: Path) -> None:
    assert list(faults(folder, KEYS)) == []
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", [MANIFEST, PAGE, PROOF])
def test_a_file_that_was_changed_is_noticed(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content.replace(b"nl-hotline", b"nl-hotlinE", 1))
    assert (folder / name).read_bytes() != content
    assert any("a file was changed" in fault for fault in faults(folder, KEYS))


def test_a_note_of_somebody_else_is_no_proof(folder: Path) -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(bytes(32))
    text = (folder / NOTE).read_text().rpartition("\n\n")[0] + "\n"
    (folder / NOTE).write_text(sign_note(text, SIGNER, stranger))
    (fault,) = faults(folder, KEYS)
    assert "not signed by a key that is trusted here" in fault


def test_whoever_signs_other_bytes_is_contradicted_by_the_log(tmp_path: Path) -> None:
    other = a_dossier(a_referral(purpose="another"))
    forged = replace(a_dossier(), received=other.received)
    written(files_of(forged, KEYS, lambda text, name: sign_note(text, name, PRIVATE)), tmp_path / "forged")
    assert list(faults(tmp_path / "forged", KEYS)) == ["The log commits to another record than this one."]


def test_the_page_says_all_in_words_and_takes_nothing_for_markup(folder: Path) -> None:
    page, dossier = (folder / PAGE).read_text("utf-8"), a_dossier()
    assert "Purpose: case &lt;7&gt;." in page
    assert "<7>" not in page
    for said in (
        dossier.received.sha256, "2026-", "+00:00", "memo", "Nobody is given it.", "delivered by nl-hotline",
        "Leaf 0", str(KEY), "--check", *LIMITS, "Policy bundle", "Ruleset of the priority", "r-1", "Schema", "id 3",
        "by A. Analyst with tocsin 1.2.3", dossier.decision.title, *(each.title for each in dossier.decision.children),
        dossier.received.content[:64], f"{len(base64.b64decode(dossier.received.content))}, SHA-256",
    ):  # fmt: skip
        assert escape(said) in page, said
    assert "src=" not in page
    assert "href=" not in page


def test_the_manifest_reads_back_as_what_was_gathered(folder: Path) -> None:
    assert msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Dossier) == a_dossier()


def test_what_a_recipient_may_not_know_is_not_in_it() -> None:
    referral = a_referral(submitter=MemberId(""), report_id="r")
    links = [
        a_link("submitted", "plat-a", place=PLACE), a_link("decided", "plat-a"),
        a_link("referred", "nl-hotline", referral_id=referral.referral_id), a_link("referred", "nl-police"),
        a_link("delivered", "nl-police"), a_link("recalled", "nl-hotline"),
    ]  # fmt: skip
    shown = list(concerning(links, referral))
    assert [link.what for link in shown] == ["submitted", "decided", "referred", "recalled"]
    assert {link.member for link in shown} == {UNNAMED, "nl-hotline"}
    assert shown[0].place == Coordinate(), "its topic carries the submitter's name"
