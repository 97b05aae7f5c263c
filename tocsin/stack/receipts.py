"""The chain of one report, from its submission to its recipients' answers: each link verified from the bytes."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, Row, text

from consumers.provenance import Finding, Provenance, examined
from processors.origins import Origin, origin_of
from schemas.failures import Broken, Refused, Unreadable
from schemas.records.answers import Return
from schemas.records.identifiers import KeyId, MemberId
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.triage import ReportTriaged
from schemas.records.values import Coordinate
from schemas.signing import signature_of
from schemas.topics import RULINGS, TRIAGED
from tocsin.runtime.audit.disclosed import Told, Wanted, disclosed
from tocsin.runtime.audit.statements import Decision, Disclosure, landed_at
from tocsin.runtime.database import database_of
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.publishing import directory_of
from tocsin.runtime.records import Found, Records
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings
from tocsin.runtime.transport.cluster import topic_ids_of
from tocsin.runtime.transport.slices import RawRecord

GONE: Final = "gone"
"""Retention took the bytes; what is left of them is in the ledger."""
OTHER: Final = "other_record"
"""What lies there is not what the ledger says."""
UNLOGGED: Final = "not_as_logged"
"""The log of disclosures and decisions commits to no such bytes at that place, whatever the ledger says."""
RECORDED: Final = "recorded"
"""The exchange's own word: the bytes that the ledger names and the log commits to; nobody else signs it."""
HOLDS: Final = frozenset({Origin.VERIFIED, Provenance.HIDDEN, Provenance.RECALL, GONE, RECORDED})


class Link(Struct, frozen=True, kw_only=True):
    """One step of the chain."""

    what: str
    """submitted, withdrawn, decided, referred, recalled, or the kind of a return."""
    member: MemberId
    """Whose word it is, or whom it went to."""
    revision: int
    proof: str
    at_ms: int
    """The broker's time where the bytes are still there, else the ledger's or 0."""
    key_id: KeyId = KeyId("")
    by_person: bool = False
    referral_id: str = ""
    altered: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    """Of a referral, what is found of each personal part: `sealed` where its recipient alone can verify it."""
    place: Coordinate = Coordinate()
    sha256: str = ""
    """Of the bytes, where they are there."""

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it."""
        return self.proof in HOLDS


class Step(Struct, frozen=True, kw_only=True):
    """One row of the ledger: what should lie where."""

    what: str
    member: MemberId
    revision: int
    place: Coordinate
    at_ms: int = 0
    referral_id: str = ""
    by_person: bool = False
    ruling: int = 0


class Reader(Struct, frozen=True, kw_only=True):
    """What links are verified with."""

    codec: RecordCodec
    directory: Directory
    report_id: str
    logged: frozenset[tuple[str, str]] = frozenset()
    """Where each decision and referral of the report landed, and the SHA-256 that the log commits to."""

    def link(self, step: Step, raw: RawRecord | None) -> Link:
        """Hold one row of the ledger against the bytes that it names."""
        if raw is None:
            return _link(step, GONE)
        try:
            record = self.codec.loads(raw.value, *_TYPES)
        except Unreadable:
            return _link(step, OTHER, raw)
        if not _is_of(record, step, self.report_id):
            return _link(step, OTHER, raw)
        return self._verified(step, raw, record)

    def _verified(self, step: Step, raw: RawRecord, record: Struct) -> Link:
        if isinstance(record, ReportTriaged):
            return _link(step, RECORDED if self._is_logged(step, raw) else UNLOGGED, raw)
        if isinstance(record, Referral):
            return self._referred(step, raw, examined(record, self.directory))
        signature = signature_of(raw.headers)
        origin = origin_of(raw, type(record), step.member, self.directory)
        return _link(step, origin, raw, key_id=signature.key_id if signature else KeyId(""))

    def _referred(self, step: Step, raw: RawRecord, found: Finding) -> Link:
        """A personal part that was meddled with is as bad as any field; most are sealed to others than who looks."""
        worst = next((each.provenance for each in found.suspicious), found.provenance)
        proof = worst if worst not in HOLDS or self._is_logged(step, raw) else UNLOGGED
        personal = tuple(each.provenance.value for each in found.personal)
        return _link(step, proof, raw, key_id=found.key_id, altered=found.all_altered, personal=personal)

    def _is_logged(self, step: Step, raw: RawRecord) -> bool:
        return (landed_at(step.place), sha256(raw.value or b"").hexdigest()) in self.logged


def chain(settings: Settings, asked: str) -> tuple[Link, ...]:
    """All links of a report, by its id or that of a referral; raises Refused where the ledger knows none."""
    report_id, steps, logged = _steps(settings, asked)
    current = directory_of(settings.trust)
    if current is None:
        raise Broken("The settings name no keys. Write them anew: tocsin up", code="keys.no_settings")
    codec = RecordCodec(SchemaDirectory(settings.registry))
    reader = Reader(codec=codec, directory=current(), report_id=report_id, logged=logged)
    found = _bytes(settings, steps)
    return tuple(reader.link(step, found.get(step.place)) for step in steps)


def report_of(connection: Connection, asked: str) -> str:
    """The report that an id is of, its own or a referral's; raises Refused where the ledger knows none."""
    row = connection.execute(_FIND, {"id": _uuid(asked)}).first()
    if row is None:
        raise Refused(
            f"Expected the id of a report or of a referral in the ledger, found none like '{asked}'. "
            "Look it up: tocsin explain REFERENCE",
            code="receipts.unknown",
        )
    return str(row.report_id)


def seen_by(links: Sequence[Link], member: MemberId) -> tuple[Link, ...]:
    """What of it is a member's own: to a recipient its referrals and answers, to the submitter no other's name."""
    submitters = {link.member for link in links if link.what in _SUBMISSIONS}
    if member in submitters:
        return tuple(link if link.member in submitters else _unnamed(link) for link in links)
    return tuple(link for link in links if link.member == member)


def _unnamed(link: Link) -> Link:
    return Link(
        what=link.what,
        member=MemberId("a recipient"),
        revision=link.revision,
        proof=link.proof,
        at_ms=link.at_ms,
        by_person=link.by_person,
    )


def _bytes(settings: Settings, steps: Sequence[Step]) -> Found:
    """What is still there; a topic that was made anew holds none of it."""
    topics = sorted({step.place.topic for step in steps})
    ids = topic_ids_of(settings.kafka, topics)
    places = [step.place for step in steps if step.place.topic_id in ("", ids.get(step.place.topic))]
    return Records(settings.kafka)(places)


def _steps(settings: Settings, asked: str) -> tuple[str, tuple[Step, ...], frozenset[tuple[str, str]]]:
    """The report's id, the rows of the ledger, and what the log says of them."""
    with closing(database_of(settings)) as database, database.transaction() as connection:
        report_id = report_of(connection, asked)
        steps = [step for query in _QUERIES for step in map(_step, connection.execute(text(query), {"id": report_id}))]
        told = disclosed(connection, Wanted(report=report_id))
    return report_id, tuple(steps), logged_in(told)


def logged_in(told: Iterable[Told]) -> frozenset[tuple[str, str]]:
    """Where decisions and referrals landed, each with its digest; a statement that its leaf does not open is none."""
    holding = (each.statement for each in told if each.holds)
    return frozenset((one.landed, one.sha256) for one in holding if isinstance(one, Disclosure | Decision))


def _uuid(asked: str) -> str | None:
    try:
        return str(UUID(asked))
    except ValueError:
        return None


def _step(row: Row[Any]) -> Step:
    return Step(
        what=row.what,
        member=MemberId(row.member),
        revision=row.revision,
        at_ms=int(row.at.timestamp() * 1000) if row.at else 0,
        referral_id=str(row.referral_id or ""),
        by_person=row.by_person,
        ruling=row.ruling,
        place=Coordinate(topic_id=row.topic_id, topic=row.topic, partition=row.partition, offset=row.log_offset),
    )


def _link(step: Step, proof: str, raw: RawRecord | None = None, **found: Any) -> Link:
    return Link(
        what=step.what,
        member=step.member,
        revision=step.revision,
        proof=str(proof),
        at_ms=raw.timestamp_ms if raw else step.at_ms,
        by_person=step.by_person,
        referral_id=step.referral_id,
        place=step.place,
        sha256=sha256(raw.value or b"").hexdigest() if raw else "",
        **found,
    )


def _is_of(record: Struct, step: Step, report_id: str) -> bool:
    """Whether a record is the one that the ledger means."""
    if getattr(record, "report_id", "") != report_id:
        return False
    if isinstance(record, Return):
        return (record.member, record.referral_id, record.kind.lower()) == (step.member, step.referral_id, step.what)
    if isinstance(record, Referral):
        return (record.recipient, record.referral_id) == (step.member, step.referral_id)
    said = (getattr(record, "submitter", ""), getattr(record, "revision", 0), getattr(record, "ruling", 0))
    return said == (step.member, step.revision, step.ruling)


_TYPES: Final[tuple[type[Struct], ...]] = (ReportSubmitted, Withdrawal, ReportTriaged, Referral, Return)
_SUBMISSIONS: Final = frozenset({"submitted", "withdrawn"})
_FIND: Final = text("""
    select report_id from report_revisions where report_id = cast(:id as uuid)
    union select report_id from referrals where referral_id = cast(:id as uuid) limit 1
""")
_QUERIES: Final = (
    f"""
    select case when r.withdrawn then 'withdrawn' else 'submitted' end as what, r.member, r.revision,
           null::timestamptz as at, null::uuid as referral_id, false as by_person, 0 as ruling,
           s.topic_id, s.topic, s.partition, r.log_offset
    from report_revisions r join streams s using (stream)
    where r.report_id = cast(:id as uuid) and r.log_offset >= 0 and s.topic <> '{RULINGS}' order by r.revision
    """,  # noqa: S608 -- a topic of ours
    f"""
    select 'decided' as what, submitter as member, revision, at, null::uuid as referral_id, false as by_person, ruling,
           '' as topic_id, '{TRIAGED}' as topic, out_partition as partition, out_offset as log_offset
    from decisions where report_id = cast(:id as uuid) order by revision, ruling
    """,  # noqa: S608 -- a topic of ours
    """
    select case when withdrawal then 'recalled' else 'referred' end as what, recipient as member, revision,
           referred_at as at, referral_id, false as by_person, ruling,
           '' as topic_id, out_topic as topic, out_partition as partition, out_offset as log_offset
    from referrals where report_id = cast(:id as uuid) order by revision, ruling, recipient
    """,
    """
    select lower(r.kind) as what, r.member, sent.revision, r.at, r.referral_id, r.by_person, 0 as ruling,
           s.topic_id, s.topic, s.partition, r.log_offset
    from returns r join streams s using (stream) join referrals sent using (referral_id)
    where sent.report_id = cast(:id as uuid) order by r.at, r.return_id
    """,
)
"""In the order in which things happen."""
