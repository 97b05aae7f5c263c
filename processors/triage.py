"""Triage of one slice: every record becomes a dead letter or a decision with its referrals (ADR 0003)."""

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from processors.again import LookUp, informed, keeping, no_records, reopened, ruling_in, with_people
from processors.answering import Again, Answered, Answering
from processors.auditing import audited
from processors.carrying import carried, carrying
from processors.comparing import earlier, return_behind, spared
from processors.decision import Naming, Proposed, claim_of, conclude, propose
from processors.examined import Decided, Examined
from processors.holders import Holders
from processors.index.port import Claim, Index, Knowledge, Ruled, RulingClaim, Source
from processors.intake import Accepted, Door, Rejected, skipped_record
from processors.laps import UNTIMED, Laps
from processors.letters import Writer
from processors.outcomes import tell_slice
from processors.referring import Desk
from processors.revising import remembering
from processors.standing import under
from processors.steps.deduplicate.near import Veil
from processors.takingback import goes_back_whole, takes_back, withdrawal_of
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.ruling import Ruling
from schemas.records.values import Coordinate
from schemas.topics import RULINGS
from tocsin.policy.bundle import Bundle
from tocsin.policy.policies import MOST_LOADED, OnePolicy, Policies
from tocsin.runtime.audit.statements import Fact
from tocsin.runtime.database import Database
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.sealing import Opener
from tocsin.runtime.ledger.amendments import Findings, NoFindings
from tocsin.runtime.ledger.settlement import DeadLetterMade, DecisionMade, ReferralMade, RulingDone, Settlement
from tocsin.runtime.ledger.settling import Ledger
from tocsin.runtime.ledger.skips import Skips
from tocsin.runtime.ledger.standings import Standings, nothing_special
from tocsin.runtime.registry import RecordCodec
from tocsin.runtime.transport.runner import Stages
from tocsin.runtime.transport.slices import OutRecord, RawRecord, Slice, named

NAME = "triage"


class Claimed(Struct, frozen=True, kw_only=True):
    """A slice with what the index knows, by offset."""

    decided: Decided
    knowledge: Mapping[int, Knowledge]
    numbers: Mapping[int, int] = {}
    """Of rulings, by offset."""


class Finished(Struct, frozen=True, kw_only=True):
    """A slice ready to be produced and settled."""

    piece: Slice
    answers: tuple[Answered, ...]
    records: tuple[OutRecord, ...]
    laps: Laps = UNTIMED


class Tools(Struct, frozen=True, kw_only=True):
    """What every slice is decided with; made once per process."""

    desk: Desk
    veil: Veil
    codec: RecordCodec
    policies: Policies | None = None
    """Which bundle is in force when; without it the desk's own, always."""
    look_up: LookUp = no_records
    """Reads what is decided again."""
    carries: bool = False
    """Whether what becomes of a record carries its trace context."""
    standings: Standings = nothing_special
    """What holds at this moment, whatever the bundle says."""
    findings: Findings = NoFindings()
    """What recipients found out since a record came in; every ruling is carried out with the latest of it."""
    directory: Callable[[], Directory] | None = None
    """Reads the key directory, once a slice; None where nothing is verified."""
    opener: Opener | None = None
    """Opens personal parts that are sealed to triage."""


class TriageStages(Stages[Decided, Claimed, Finished]):
    """The slice protocol for reports; built once per process."""

    name = NAME

    def __init__(self, tools: Tools, index: Index, database: Database, skips: Skips) -> None:
        self._policies = tools.policies or OnePolicy(tools.desk.bundle)
        self._standings = tools.standings
        self._codec = tools.codec
        self._look_up = tools.look_up
        self._carries = tools.carries
        self._findings = tools.findings
        self._directory = tools.directory
        self._opener = tools.opener
        self._naming = Naming(keys=tools.desk.keys, veil=tools.veil)
        self._clerks = Clerks(tools.desk, Writer(codec=tools.codec))
        self._index = index
        self._ledger = Ledger(database)
        self._skips = skips

    def decide(self, piece: Slice) -> Decided:
        """Admit or refuse each record, and decide what needs no other report."""
        door = Door(
            member=member_of(piece.topic),
            bundle=self._policies.at(piece.records[0].timestamp_ms),
            codec=self._codec,
            skipped=self._skips.get((piece.topic_id, piece.partition), frozenset()),
            standing=self._standings(),
            directory=self._directory() if self._directory else None,
            opener=self._opener,
            laps=Laps(),
        )
        if piece.topic == RULINGS:
            return Decided(piece=piece, door=door, examined=tuple(self._reexamined(piece, door)))
        return Decided(piece=piece, door=door, examined=tuple(self._examine(piece, raw, door) for raw in piece.records))

    def early(self, decided: Decided) -> tuple[Decided, tuple[OutRecord, ...]]:
        """The referrals, with novelty unknown; everything else of the slice comes once it is claimed."""
        records = (
            record
            for entry in decided.examined
            if entry.proposed is not None and entry.ruling is None
            for clerk in (self._clerks.under(entry.bundle),)
            for record in self._sent_on(entry, clerk)
        )
        return replace(decided, sent_early=True), tuple(records)

    def _sent_on(self, entry: Examined, clerk: Answering) -> tuple[OutRecord, ...]:
        assert entry.proposed is not None  # noqa: S101 -- asked for nothing else
        referrals = clerk.referrals(conclude(entry.proposed, None, entry.bundle))
        records = clerk.written(referrals, entry.proposed.now_ms)
        return carrying(entry.raw, records) if self._carries else records

    def claim(self, decided: Decided) -> Claimed:
        """One transaction for the slice."""
        claims = tuple(_claims(decided))
        source = Source(decided.piece.topic_id, decided.piece.topic, decided.piece.partition)
        known = self._index.claim(source, claims)
        by_offset = {claim.log_offset: knowledge for claim, knowledge in zip(claims, known, strict=True)}
        if any(entry.accepted for entry in decided.examined):
            decided = replace(decided, examined=tuple(self._remembered(decided, by_offset)))
        ruled = self._ruled(source, decided)
        again = {offset: knowledge for offset, (_, knowledge) in ruled.items()}
        numbers = {offset: answer.number for offset, (answer, _) in ruled.items()}
        if ruled:
            decided = replace(decided, examined=tuple(_kept(decided, ruled)))
        return Claimed(decided=decided, knowledge=by_offset | again, numbers=numbers)

    def finish(self, claimed: Claimed) -> Finished:
        """Conclude and encode; nothing may refuse here."""
        piece = claimed.decided.piece
        answers = tuple(self._answers(claimed))
        answers = carried(piece.records, answers) if self._carries else answers
        return Finished(
            piece=piece,
            answers=answers,
            records=tuple(r for answer in answers for r in answer.records),
            laps=claimed.decided.door.laps,
        )

    def settle(self, finished: Finished, coordinates: tuple[Coordinate, ...]) -> None:
        """Write the ledger, then count."""
        self._ledger.settle(_settlement(finished, coordinates))
        tell_slice(NAME, finished.piece, finished.answers)
        finished.laps.publish()

    def _examine(self, piece: Slice, raw: RawRecord, door: Door) -> Examined:
        with named(piece, raw):
            bundle = self._policies.at(raw.timestamp_ms)
            at_door = door if door.bundle is bundle else replace(door, bundle=bundle)
            admitted = at_door.admit(raw)
            if isinstance(admitted, Rejected):
                return Examined(raw=raw, bundle=bundle, rejected=admitted)
            if isinstance(admitted.report, Withdrawal):
                return Examined(raw=raw, bundle=bundle, withdrawal=admitted.report)
            later = admitted if admitted.report.revision > 1 else None
            return Examined(raw=raw, bundle=bundle, proposed=self._propose(admitted, at_door, raw), accepted=later)

    def _reexamined(self, piece: Slice, door: Door) -> Iterator[Examined]:
        """Rulings, with the records that they are about: those are looked up at once."""
        read = [
            (raw, skipped_record() if raw.offset in door.skipped else ruling_in(raw, self._codec))
            for raw in piece.records
        ]
        rulings = [ruling for _, ruling in read if isinstance(ruling, Ruling)]
        records = self._look_up([ruling.source for ruling in rulings if not takes_back(ruling)])
        found = self._findings.latest([ruling.report_id for ruling in rulings])
        before = self._findings.before([behind for ruling in rulings if (behind := return_behind(ruling))])
        for raw, said in read:
            ruling = informed(said, found) if isinstance(said, Ruling) else said
            with named(piece, raw):
                at_door = replace(door, bundle=self._policies.at(raw.timestamp_ms))
                entry = self._reexamine(raw, ruling, records, at_door)
                if isinstance(ruling, Ruling) and return_behind(ruling):
                    other = self._reexamine(raw, earlier(ruling, before), records, at_door)
                    entry = replace(entry, before=other.proposed)
                yield entry

    def _reexamine(
        self, raw: RawRecord, ruling: Ruling | Rejected, records: Mapping[Coordinate, RawRecord], door: Door
    ) -> Examined:
        if isinstance(ruling, Ruling) and goes_back_whole(ruling, has_record=ruling.source in records):
            taken = withdrawal_of(ruling, raw.timestamp_ms)
            return Examined(raw=raw, bundle=door.bundle, withdrawal=taken, ruling=ruling)
        found = reopened(ruling, records.get(ruling.source), door) if isinstance(ruling, Ruling) else ruling
        if isinstance(found, Rejected):
            return Examined(raw=raw, bundle=door.bundle, rejected=found)
        proposed = with_people(self._propose(found.accepted, door, raw), found.ruling, door.standing_bundle)
        return Examined(raw=raw, bundle=door.bundle, proposed=proposed, ruling=found.ruling)

    def _remembered(self, decided: Decided, known: Mapping[int, Knowledge]) -> Iterator[Examined]:
        """A later revision forgets nothing that recipients found out; what was sent early was sent without it."""
        for entry in decided.examined:
            claimed = known.get(entry.raw.offset)
            found_out = claimed.found_out if claimed and not decided.sent_early else ()
            accepted = remembering(entry, found_out)
            door = replace(decided.door, bundle=entry.bundle) if accepted else decided.door
            yield replace(entry, proposed=self._propose(accepted, door, entry.raw)) if accepted else entry

    def _ruled(self, source: Source, decided: Decided) -> Mapping[int, tuple[Ruled, Knowledge]]:
        """What the index said when the record came in, and who has the report now."""
        entries = [(entry, entry.ruling) for entry in decided.examined if entry.ruling is not None]
        claims = tuple(RulingClaim(log_offset=entry.raw.offset, ruling=ruling) for entry, ruling in entries)
        found: dict[int, tuple[Ruled, Knowledge]] = {}
        for (entry, ruling), ruled in zip(entries, self._index.rule(source, claims), strict=True):
            if takes_back(ruling):
                continue  # it is claimed as a revision of its own
            if entry.proposed is None:
                found[entry.raw.offset] = (ruled, Knowledge(is_stale=ruled.is_stale, recipients=ruled.recipients))
                continue
            place = Source(ruling.source.topic_id, ruling.source.topic, ruling.source.partition)
            (known,) = self._index.claim(place, (claim_of(entry.proposed, ruling.source.offset),), source)
            is_stale = known.is_stale or ruled.is_stale
            known = replace(known, is_stale=is_stale, is_conflicting=False, recipients=ruled.recipients)
            found[entry.raw.offset] = (ruled, known)
        return found

    def _propose(self, accepted: Accepted, door: Door, raw: RawRecord) -> Proposed:
        proposed = propose(accepted, door.standing_bundle, self._naming, raw.timestamp_ms, door.laps)
        return under(proposed, door.standing)

    def _answers(self, claimed: Claimed) -> Iterator[Answered]:
        """In order: what the slice has just referred is not in the ledger yet, and a later record may recall it."""
        piece, holders = claimed.decided.piece, Holders()
        for entry in claimed.decided.examined:
            with named(piece, entry.raw):
                known = holders.added_to(claimed.knowledge.get(entry.raw.offset, Knowledge()), entry)
                if claimed.decided.sent_early and entry.proposed is not None:
                    known = replace(known, is_stale=False)  # it was sent: the ledger says so
                answer = self._answer(entry, claimed, known)
                holders.note(answer.referrals)
            yield answer

    def _answer(self, entry: Examined, claimed: Claimed, known: Knowledge) -> Answered:
        piece = claimed.decided.piece
        source, clerk = piece.coordinate(entry.raw), self._clerks.under(entry.bundle)
        if entry.rejected is not None and piece.topic == RULINGS:
            return clerk.unruled(entry.raw, source, entry.rejected)
        if entry.rejected is not None:
            return clerk.refused(entry.raw, source, entry.rejected, member_of(piece.topic))
        if entry.withdrawal is not None:
            if (number := claimed.numbers.get(entry.raw.offset)) and entry.ruling is not None:
                again = Again(ruling=entry.ruling, number=number, log_offset=entry.raw.offset)
                return clerk.unlabelled(entry.withdrawal, source, known, again)
            answer = clerk.withdrawn(entry.withdrawal, source, known, entry.raw.timestamp_ms)
            return replace(answer, ruling=entry.ruling)
        assert entry.proposed is not None  # noqa: S101 -- one of the three
        decision = conclude(entry.proposed, known, entry.bundle, claimed.decided.door.laps)
        if (ruling := entry.ruling) is not None:
            if entry.before is not None:
                ruling = spared(ruling, conclude(entry.before, known, entry.bundle), decision, clerk.desk)
            number = claimed.numbers.get(entry.raw.offset, 0)
            return clerk.ruled(decision, Again(ruling=ruling, number=number, log_offset=entry.raw.offset), known)
        return clerk.decided(decision, source, known)


def _kept(decided: Decided, ruled: Mapping[int, tuple[Ruled, Knowledge]]) -> Iterator[Examined]:
    for entry in decided.examined:
        chosen = ruled[entry.raw.offset][0].chosen if entry.raw.offset in ruled else ()
        yield keeping(entry, chosen, replace(decided.door, bundle=entry.bundle).standing_bundle) if chosen else entry


class Clerks:
    """One answers under each bundle; made when the first record of its time comes."""

    def __init__(self, desk: Desk, writer: Writer) -> None:
        self._desk = desk
        self._writer = writer
        self._known: dict[str, Answering] = {}

    def under(self, bundle: Bundle) -> Answering:
        """The one of that bundle."""
        if bundle.digest not in self._known:
            if len(self._known) >= MOST_LOADED:
                self._known.clear()
            self._known[bundle.digest] = Answering(desk=replace(self._desk, bundle=bundle), writer=self._writer)
        return self._known[bundle.digest]


def member_of(topic: str) -> MemberId:
    """Whose topic it is: `reports.<member>.submitted.v1`."""
    return MemberId(topic.split(".")[1])


def _claims(decided: Decided) -> Iterator[Claim]:
    for entry in decided.examined:
        if entry.withdrawal is not None and (entry.ruling is None or takes_back(entry.ruling)):
            yield _withdrawal_claim(entry.withdrawal, entry.raw.offset)
        elif entry.proposed is not None and entry.ruling is None:
            yield claim_of(entry.proposed, entry.raw.offset)


def _withdrawal_claim(withdrawal: Withdrawal, log_offset: int) -> Claim:
    return Claim(
        log_offset=log_offset,
        member=withdrawal.submitter,
        report_id=withdrawal.report_id,
        revision=withdrawal.revision,
        withdrawn=True,
        digest=b"withdrawn",
    )


def _settlement(finished: Finished, coordinates: tuple[Coordinate, ...]) -> Settlement:
    referrals: list[ReferralMade] = []
    letters: list[DeadLetterMade] = []
    decisions: list[DecisionMade] = []
    facts: list[Fact] = []
    landed = iter(coordinates)
    settled = list(zip(finished.piece.records, finished.answers, strict=True))
    for raw, answer in settled:
        places = [next(landed) for _ in answer.records]
        if answer.record is not None:
            pairs = zip(answer.referrals, places, strict=False)
            referrals += (_made(raw.offset, answer.record, made, place) for made, place in pairs)
        if answer.decision is not None:
            decisions.append(replace(answer.decision, landed=places[len(answer.referrals)]))
        if answer.dead_letter is not None:
            letters.append(replace(answer.dead_letter, landed=places[0]))
        facts += audited(raw, answer, places)
    return Settlement(
        topic_id=finished.piece.topic_id,
        topic=finished.piece.topic,
        partition=finished.piece.partition,
        first_offset=finished.piece.first,
        outcomes=tuple(answer.outcome for answer in finished.answers),
        referrals=tuple(referrals),
        dead_letters=tuple(letters),
        unrouted=tuple(answer.unrouted for answer in finished.answers if answer.unrouted is not None),
        decisions=tuple(decisions),
        items=tuple(item for answer in finished.answers for item in answer.items),
        rulings=tuple(_done(raw.offset, answer) for raw, answer in settled if answer.ruling is not None),
        facts=tuple(facts),
    )


def _done(log_offset: int, answer: Answered) -> RulingDone:
    assert answer.ruling is not None  # noqa: S101 -- called for nothing else
    ruling = answer.ruling
    return RulingDone(
        log_offset=log_offset,
        report_id=ruling.report_id,
        revision=ruling.revision,
        occasion=ruling.occasion,
        source=ruling.source,
        outcome=answer.outcome,
    )


def _made(
    log_offset: int, record: ReportSubmitted | Withdrawal, referral: Referral, landed: Coordinate
) -> ReferralMade:
    return ReferralMade(
        referral_id=referral.referral_id,
        report_id=referral.report_id,
        revision=referral.revision,
        submitter=record.submitter,
        submitter_reference=record.submitter_reference,
        recipient=referral.recipient,
        jurisdiction=referral.jurisdiction,
        tier=referral.priority.tier,
        mark=referral.mark,
        withdrawal=referral.withdrawn,
        log_offset=log_offset,
        submitted_ms=referral.submitted_at.epoch_ms,
        ruling=referral.ruling,
        links_told=referral.linked_reports > 0,
        landed=landed,
    )
