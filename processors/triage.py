"""Triage of one slice: every record becomes a dead letter or a decision with its referrals (ADR 0003)."""

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from processors.again import LookUp, informed, keeping, no_records, reopened, ruling_in, with_people
from processors.answering import Again, Answered, Answering
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
from processors.settled import settlement_of
from processors.standing import as_claimed, under
from processors.steps.deduplicate.near import Veil
from processors.takingback import goes_back_whole, takes_back, withdrawal_of
from schemas.records.identifiers import MemberId
from schemas.records.report import Withdrawal
from schemas.records.ruling import Ruling
from schemas.records.values import Coordinate
from schemas.topics import RULINGS
from tocsin.policy.bundle import Bundle
from tocsin.policy.policies import MOST_LOADED, OnePolicy, Policies
from tocsin.runtime.database import Database
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.sealing import Opener
from tocsin.runtime.ledger.amendments import Findings, FoundOut, NoFindings
from tocsin.runtime.ledger.settling import Ledger
from tocsin.runtime.ledger.skips import Skips
from tocsin.runtime.ledger.standings import Standing, Standings, nothing_special
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
        if piece.topic == RULINGS:
            return self._decide_again(piece)
        door = self._door(piece, self._standings())
        return Decided(piece=piece, door=door, examined=tuple(self._examine(piece, raw, door) for raw in piece.records))

    def _door(self, piece: Slice, standing: Standing) -> Door:
        return Door(
            member=member_of(piece.topic),
            bundle=self._policies.at(piece.records[0].timestamp_ms),
            codec=self._codec,
            skipped=self._skipped(piece),
            standing=standing,
            directory=self._directory() if self._directory else None,
            opener=self._opener,
            laps=Laps(),
        )

    def _skipped(self, piece: Slice) -> frozenset[int]:
        return self._skips.get((piece.topic_id, piece.partition), frozenset())

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
        piece = decided.piece
        source = Source(piece.topic_id, piece.topic, piece.partition)
        if piece.topic == RULINGS:
            return self._claim_again(source, decided)
        claims = tuple(_claims(decided))
        known = self._index.claim(source, claims)
        by_offset = {claim.log_offset: knowledge for claim, knowledge in zip(claims, known, strict=True)}
        if any(entry.accepted for entry in decided.examined):
            decided = replace(decided, examined=tuple(self._remembered(decided, by_offset)))
        return Claimed(decided=decided, knowledge=by_offset)

    def _claim_again(self, source: Source, decided: Decided) -> Claimed:
        """What the index said when the records came in, and who has the reports now."""
        claims = tuple(_ruling_claims(decided))
        ruled = dict(zip((claim.log_offset for claim in claims), self._index.rule(source, claims), strict=True))
        known = {claim.log_offset: _known(claim, ruled[claim.log_offset]) for claim in claims}
        for claim in claims:
            if claim.taken:  # a revision of its own, which has no number as a ruling
                del ruled[claim.log_offset]
        if ruled:
            decided = replace(decided, examined=tuple(_kept(decided, ruled)))
        numbers = {offset: one.number for offset, one in ruled.items()}
        return Claimed(decided=decided, knowledge=known, numbers=numbers)

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
        self._ledger.settle(settlement_of(finished.piece, finished.answers, coordinates))
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

    def _decide_again(self, piece: Slice) -> Decided:
        """Rulings, with the records that they are about, and with what was found out: each looked up at once."""
        skipped = self._skipped(piece)
        read = [
            (raw, skipped_record() if raw.offset in skipped else ruling_in(raw, self._codec)) for raw in piece.records
        ]
        rulings = [ruling for _, ruling in read if isinstance(ruling, Ruling)]
        behind = [answer for ruling in rulings if (answer := return_behind(ruling))]
        found = self._findings.of([ruling.report_id for ruling in rulings], behind)
        door = self._door(piece, self._standings() if found.standing is None else found.standing)
        records = self._look_up([ruling.source for ruling in rulings if not takes_back(ruling)])
        examined = (self._reexamined(piece, (raw, ruling), found, (records, door)) for raw, ruling in read)
        return Decided(piece=piece, door=door, examined=tuple(examined))

    def _reexamined(
        self,
        piece: Slice,
        read: tuple[RawRecord, Ruling | Rejected],
        found: FoundOut,
        at: tuple[Mapping[Coordinate, RawRecord], Door],
    ) -> Examined:
        (raw, said), (records, door) = read, at
        ruling = informed(said, found.latest) if isinstance(said, Ruling) else said
        with named(piece, raw):
            at_door = replace(door, bundle=self._policies.at(raw.timestamp_ms))
            entry = self._reexamine(raw, ruling, records, at_door)
            if isinstance(ruling, Ruling) and return_behind(ruling):
                other = self._reexamine(raw, earlier(ruling, found.before), records, at_door)
                entry = replace(entry, before=other.proposed)
            return entry

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
            claimed = None if decided.sent_early else known.get(entry.raw.offset)
            if claimed is None or entry.accepted is None:
                yield entry
                continue
            standing = as_claimed(decided.door.standing, entry.accepted.report.report_id, claimed)
            accepted = remembering(entry, claimed.found_out)
            if accepted is None and standing is decided.door.standing:
                yield entry
                continue
            door = replace(decided.door, bundle=entry.bundle, standing=standing)
            yield replace(entry, proposed=self._propose(accepted or entry.accepted, door, entry.raw))

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


def _ruling_claims(decided: Decided) -> Iterator[RulingClaim]:
    for entry in decided.examined:
        if (ruling := entry.ruling) is None:
            continue
        offset = entry.raw.offset
        taken = entry.withdrawal if takes_back(ruling) else None
        yield RulingClaim(
            log_offset=offset,
            ruling=ruling,
            taken=_withdrawal_claim(taken, offset) if taken else None,
            again=claim_of(entry.proposed, ruling.source.offset) if entry.proposed else None,
        )


def _known(claim: RulingClaim, ruled: Ruled) -> Knowledge:
    """As the record's own claim was answered, but for what holds now."""
    if claim.taken and ruled.known:
        return ruled.known
    known = ruled.known or Knowledge()
    is_stale = known.is_stale or ruled.is_stale
    return replace(known, is_stale=is_stale, is_conflicting=False, recipients=ruled.recipients)


def _kept(decided: Decided, ruled: Mapping[int, Ruled]) -> Iterator[Examined]:
    for entry in decided.examined:
        chosen = ruled[entry.raw.offset].chosen if entry.raw.offset in ruled else ()
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
        if entry.withdrawal is not None:
            yield _withdrawal_claim(entry.withdrawal, entry.raw.offset)
        elif entry.proposed is not None:
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
