"""A member that seals writes nothing personal down in the open, and nothing at all where it cannot seal."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from producers.feeds.entries import Drafted, Rejection
from producers.intake import Intake, Taken
from producers.journal import entries
from producers.journal.store import Journal, open_journal
from producers.service import sealing_of
from schemas.commitments import commitment_in
from schemas.records.identifiers import MemberId
from schemas.records.report import ReportSubmitted
from schemas.sealing import personal_part
from tests.builders.drafts import a_submitter, an_entry, an_envelope
from tests.builders.policy import with_member
from tests.builders.reports import NOON_MS, a_personal_part, an_account
from tests.builders.sealing import Exchange
from tocsin.runtime.keys.changing import DAY_MS, VALID_DAYS
from tocsin.runtime.keys.signer import Signer
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.settings import KafkaSettings, RegistrySettings, Settings, TrustSettings

MEMBER = MemberId("plat-a")
CODEC = RecordCodec(FixedDirectory())
MARKER = "marker-7f3a"
PERSONAL = a_personal_part(accounts=(an_account(value=MARKER),))
SEALS = with_member(MEMBER, seals=True)


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path / "keys", MEMBER)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = open_journal(tmp_path / "state", MEMBER)
    yield opened
    opened.close()


def some_settings(folder: Path, trust: TrustSettings | None) -> Settings:
    return Settings(
        principal=MEMBER,
        state=folder,
        policy=folder,
        kafka=KafkaSettings(bootstrap="localhost:1", plaintext=True),
        registry=RegistrySettings(url="http://localhost:1", cache=folder),
        trust=trust,
    )


def take(
    journal: Journal, exchange: Exchange, *found: Drafted, now_ms: int = NOON_MS, signs: bool = False
) -> list[Taken | Rejection]:
    keeper = exchange.keys.keeper
    trust = TrustSettings(keys=exchange.keys.folder(MEMBER), directory=keeper.file, keeper=str(keeper.key))
    signer = Signer(trust, MEMBER, lambda: now_ms) if signs else None
    seal = sealing_of(some_settings(keeper.folder, trust), SEALS, MEMBER)
    envelope = replace(an_envelope(), seal=seal, signer=signer)
    return list(Intake(journal, a_submitter(), envelope, lambda: now_ms).take(found))


def waiting(journal: Journal) -> list[entries.Waiting]:
    with journal.begin() as connection:
        return entries.waiting(connection, 0, 100)


def on_disk(journal_folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in journal_folder.rglob("*") if file.is_file())


def test_the_journal_holds_it_sealed_and_triage_opens_what_is_sent(
    journal: Journal, exchange: Exchange, tmp_path: Path
) -> None:
    (answer,) = take(journal, exchange, an_entry(personal=PERSONAL))
    (stored,) = waiting(journal)
    assert isinstance(answer, Taken)
    report = CODEC.loads(stored.value, ReportSubmitted)
    assert (report.sealed[0].audience, report.sealed[0].policy) == ("triage", SEALS.digest)
    assert personal_part(exchange.opener().report(report, NOON_MS).sealed[0]) == PERSONAL
    written = on_disk(tmp_path / "state")
    assert stored.value in written
    assert MARKER.encode() not in written


def test_the_secret_that_persons_are_proven_with_is_another_and_lies_in_the_journal_sealed_with_them(
    journal: Journal, exchange: Exchange, tmp_path: Path
) -> None:
    take(journal, exchange, an_entry(personal=PERSONAL), signs=True)
    (stored,) = waiting(journal)
    report = CODEC.loads(stored.value, ReportSubmitted)
    inside = commitment_in(exchange.opener().report(report, NOON_MS).sealed[0])
    assert inside is not None
    assert report.commitment is not None
    assert inside.seed != report.commitment.seed
    written = on_disk(tmp_path / "state")
    assert report.commitment.seed in written
    assert inside.seed not in written
    assert commitment_in(report.sealed[0]) is None


def test_without_a_key_to_seal_to_the_report_comes_back_unwritten_and_the_others_go_on(
    journal: Journal, exchange: Exchange, tmp_path: Path
) -> None:
    late_ms = NOON_MS + (VALID_DAYS + 1) * DAY_MS
    personal = an_entry(submitter_reference="personal", personal=PERSONAL)
    other = an_entry(line=2, submitter_reference="other")
    back, taken = take(journal, exchange, personal, other, now_ms=late_ms)
    assert isinstance(back, Rejection)
    assert (back.problems[0].code, back.problems[0].field) == ("sealed.no_triage_key", "personal")
    assert isinstance(taken, Taken)
    assert len(waiting(journal)) == 1
    assert MARKER.encode() not in on_disk(tmp_path / "state")


def test_who_agreed_to_seal_and_has_no_directory_sends_what_names_nobody(journal: Journal, tmp_path: Path) -> None:
    seal = sealing_of(some_settings(tmp_path, None), SEALS, MEMBER)
    intake = Intake(journal, a_submitter(), replace(an_envelope(), seal=seal), lambda: NOON_MS)
    personal = an_entry(submitter_reference="personal", personal=PERSONAL)
    back, taken = intake.take([personal, an_entry(line=2, submitter_reference="other")])
    assert isinstance(back, Rejection)
    assert back.problems[0].code == "sealed.no_directory"
    assert isinstance(taken, Taken)


def test_who_has_not_agreed_to_seal_sends_as_before(tmp_path: Path) -> None:
    assert sealing_of(some_settings(tmp_path, None), with_member(MEMBER, seals=False), MEMBER) is None
