"""The way back: every member's returns close referrals in PostgreSQL, and tell the submitter what policy allows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from processors.answered import addressees_in, answered_in, answered_of
from processors.closing import closings
from processors.counting import Journey, count_journeys, count_letters, journeys
from processors.holding import hold_refusal, hold_ruling, holds_among
from processors.intake import Rejected, skipped_record
from processors.items import judged
from processors.labelling import Named, addressed, answer_of, refusal_of_label, unaddressed
from processors.letters import Writer, dead_letter, letter_made
from processors.looking import facts, looked
from processors.origins import origin_of, origin_refusal
from processors.outcomes import tell_answers
from processors.steps.release.answers import release_answer
from processors.telling import TOLD, Known, Read, refusal_of, status_of
from processors.unsettled import ruling_of, ruling_on
from schemas.failures import Temporary, Unreadable
from schemas.item_state import ItemState
from schemas.records.answers import LabelAdded, ReferralsRead, Return, ReturnKind
from schemas.records.identifiers import MemberId, ReferralId
from schemas.records.ruling import RulingCause
from schemas.records.values import Coordinate
from tocsin.policy.authority import actor_of
from tocsin.policy.members import day_of
from tocsin.policy.policies import Policies
from tocsin.runtime.database import Database, Exchange
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.ledger.addressing import is_id
from tocsin.runtime.ledger.amendments import Amendments, causes_in, changed_by, latest_in, latest_of
from tocsin.runtime.ledger.holds import keeping_asked
from tocsin.runtime.ledger.items import ActDone, ItemKey, acts_noted, decided_in, items_locked, states_in
from tocsin.runtime.ledger.settlement import DeadLetterMade, Settlement
from tocsin.runtime.ledger.settling import Ledger
from tocsin.runtime.ledger.skips import Skips
from tocsin.runtime.pipeline import Query, Rows
from tocsin.runtime.registry import RecordCodec
from tocsin.runtime.transport.runner import Stages
from tocsin.runtime.transport.slices import OutRecord, RawRecord, Slice, named

NAME: Final = "returns"

EARLY_MS: Final = 60_000
"""How long a return may wait for its referral: longer than a triage worker takes to come back."""

UNREACHABLE_MS: Final = -1

Found = TypeVar("Found")


class ReturnTools(Struct, frozen=True, kw_only=True):
    """What every slice of returns is read with."""

    codec: RecordCodec
    policies: Policies
    """What is told to whom, and which members have agreed to sign."""
    directory: Callable[[], Directory] | None = None
    """Reads the key directory, once a slice; None where nothing is verified."""


class Decided(Struct, frozen=True, kw_only=True):
    """A slice before its referrals are looked up."""

    piece: Slice
    read: tuple[Read, ...]


class Claimed(Struct, frozen=True, kw_only=True):
    """A slice with the referrals that it answers, by id."""

    decided: Decided
    known: Mapping[str, Known]
    refused: Mapping[str, str] = {}
    """By return id, the rule of its item that it broke."""
    causes: Mapping[str, RulingCause] = {}
    """By return id, why its report is decided again."""
    amendments: Amendments = {}


class Finished(Struct, frozen=True, kw_only=True):
    """A slice ready to be produced and settled."""

    piece: Slice
    read: tuple[Read, ...]
    records: tuple[OutRecord, ...]
    letters: tuple[tuple[int, DeadLetterMade], ...]
    """Position among the records, and what the ledger will know."""
    journeys: tuple[Journey, ...] = ()
    """What to time once it is settled."""


class Asked(Struct, frozen=True, kw_only=True):
    """What a slice of returns wants to know of the ledger, before anything is held against it."""

    ids: tuple[ReferralId, ...]
    named: frozenset[Named]
    """Reports that labels name, each with its member."""
    outcomes: tuple[Return, ...]
    writes: bool
    """Whether something is decided here, and written before its ruling leaves: acts on items, and holds."""

    @classmethod
    def of(cls, read: Sequence[Read]) -> "Asked":
        """Of these."""
        answers = [answer for entry in read if (answer := entry.accepted()) is not None]
        outcomes = tuple(answer for answer in answers if answer.outcomes)
        return cls(
            ids=tuple(sorted({answer.referral_id for answer in answers if answer.referral_id})),
            named=frozenset(unaddressed(read)),
            outcomes=outcomes,
            writes=bool(outcomes) or any(answer.kind is ReturnKind.HOLD for answer in answers),
        )

    def referrals(self) -> Query:
        """Those that are answered."""
        return answered_of(self.ids, self.named)

    def queries(self) -> tuple[Query, ...]:
        """Those, and the items that are decided on."""
        reports = (one.report_id for one in self.outcomes if is_id(one.report_id))
        return self.referrals(), *items_locked(reports, self._returns())

    def changes(self) -> tuple[Query, Query]:
        """What came of it."""
        reports = (one.report_id for one in self.outcomes if is_id(one.report_id))
        return changed_by(self._returns()), latest_of(reports)

    def _returns(self) -> list[str]:
        return [one.return_id for one in self.outcomes]


class Outcomes(Struct, frozen=True, kw_only=True):
    """What was decided on items."""

    done: tuple[ActDone, ...]
    refused: Mapping[str, str]
    """By return id, the rule that it broke."""
    weighed: frozenset[str]
    """The returns that were held against items at all."""


class ReturnStages(Stages[Decided, Claimed, Finished]):
    """The slice protocol for returns; applying one twice changes nothing."""

    name = NAME

    def __init__(self, tools: ReturnTools, database: Database, skips: Skips, now_ms: Callable[[], int]) -> None:
        codec = self._codec = tools.codec
        self._rules = tools.policies
        self._directory = tools.directory
        self._skips = skips
        self._writer = Writer(codec=codec)
        self._database = database
        self._ledger = Ledger(database)
        self._now_ms = now_ms
        self._reachable_since_ms = now_ms()
        """Since when the ledger has answered: triage needs some time to settle what waited for it."""

    def decide(self, piece: Slice) -> Decided:
        """Decode, and refuse what names another member than the topic's."""
        member = member_of(piece.topic)
        skipped = self._skips.get((piece.topic_id, piece.partition), frozenset())
        directory = self._directory() if self._directory else None
        read = (self._read(piece, raw, skipped) for raw in piece.records)
        return Decided(piece=piece, read=tuple(self._proven(entry, member, directory) for entry in read))

    def claim(self, decided: Decided) -> Claimed:
        """Look the referrals up, and decide what is done to items: once, so that a replay is answered the same."""
        asked = Asked.of(decided.read)
        if not asked.writes:
            return self._looked_up(decided, self._answered(lambda: self._database.together((asked.referrals(),)))[0])
        with self._exchange(asked) as exchange:
            referrals, items, accepted, before = exchange.answers
            claimed = self._looked_up(decided, referrals)
            held = [self._weighed(entry, claimed.known) for entry in claimed.decided.read]
            judged = self._judged(held, states_in(items, accepted), decided_in(before))
            written = (*map(keeping_asked, holds_among(entry.accepted() for entry in held)), *acts_noted(judged.done))
            read = exchange.end((*written, *asked.changes()), (answered_of(asked.ids, asked.named),))
        changed, found, known = read[len(written) :]
        # a revision that triage claims meanwhile is either seen here, or sees what was just noted
        causes = {one: cause for one, cause in causes_in(changed).items() if one in judged.weighed}
        return replace(
            claimed,
            known=answered_in(known) if causes else claimed.known,
            refused=judged.refused,
            causes=causes,
            amendments=latest_in(found),
        )

    def finish(self, claimed: Claimed) -> Finished:
        """Hold each return against its referral, and write statuses and dead letters."""
        piece = claimed.decided.piece
        read = tuple(_ruled(self._weighed(entry, claimed.known), claimed.refused) for entry in claimed.decided.read)
        records: list[OutRecord] = []
        letters: list[tuple[int, DeadLetterMade]] = []
        for entry in read:
            if entry.rejected is not None:
                letters.append((len(records), _letter(entry, member_of(piece.topic))))
                records.append(dead_letter(entry.raw, piece.coordinate(entry.raw), entry.rejected))
                if entry.answer is not None:
                    records.append(self._writer.status(refusal_of(entry.answer, entry.rejected)))
            elif entry.answer is not None:
                records += self._follows(entry.raw, entry.answer, claimed)
        timed = journeys(read, claimed.known)
        return Finished(piece=piece, read=read, records=tuple(records), letters=tuple(letters), journeys=timed)

    def _follows(self, raw: RawRecord, answer: Return, claimed: Claimed) -> Iterator[OutRecord]:
        """What the submitter is told, and what triage has to decide again."""
        known = claimed.known[answer.referral_id]
        if answer.kind in TOLD:
            rules, on = self._rules.at(raw.timestamp_ms), day_of(raw.timestamp_ms)
            yield self._writer.status(release_answer(status_of(answer, known), known.recipient, rules, on))
        ruling = ruling_of(replace(answer, revision=known.revision), known.submitter, known.report, known.holders)
        if ruling is not None:
            yield self._writer.ruling(ruling, answer.at.epoch_ms)
        if answer.kind is ReturnKind.HOLD:
            yield self._writer.ruling(hold_ruling(answer, known, self._rules.at(raw.timestamp_ms)), answer.at.epoch_ms)
        if cause := claimed.causes.get(answer.return_id):
            changed = ruling_on(answer, known, cause, claimed.amendments.get(answer.report_id, ()))
            yield self._writer.ruling(changed, answer.at.epoch_ms)

    def settle(self, finished: Finished, coordinates: tuple[Coordinate, ...]) -> None:
        """Record the returns and close referrals, with the ledger, in one transaction."""
        self._ledger.settle(_settlement(finished, coordinates), partial(closings, finished.read))
        tell_answers(NAME, finished.piece, finished.read)
        count_letters(NAME, finished.piece.topic, [letter.code for _, letter in finished.letters])
        count_journeys(finished.journeys)

    def _weighed(self, entry: Read, known: Mapping[str, Known]) -> Read:
        """What can be said of it before its items are asked."""
        held = _held(entry, known)
        answer = held.accepted()
        code = hold_refusal(answer, self._rules.at(entry.raw.timestamp_ms)) if answer is not None else ""
        return replace(held, rejected=_rejected(code, "until")) if code else held

    def _looked_up(self, decided: Decided, referrals: Rows) -> Claimed:
        """With what is answered; a label names a report, and what it answers is the referral that its member has."""
        known = answered_in(referrals)
        decided = replace(decided, read=addressed(decided.read, addressees_in(referrals)))
        if _is_early(decided, known, self._now_ms(), self._reachable_since_ms):
            raise Temporary("A referral was answered before triage had settled it.", code="return.early")
        return Claimed(decided=decided, known=known)

    @contextmanager
    def _exchange(self, asked: "Asked") -> Iterator[Exchange]:
        with ExitStack() as stack:
            yield self._answered(lambda: stack.enter_context(self._database.exchange(asked.queries())))

    def _answered(self, question: Callable[[], Found]) -> Found:
        """What the ledger says, and since when it has said anything."""
        try:
            found = question()
        except Temporary:
            self._reachable_since_ms = UNREACHABLE_MS
            raise
        if self._reachable_since_ms == UNREACHABLE_MS:
            self._reachable_since_ms = self._now_ms()
        return found

    def _judged(
        self, held: Sequence[Read], states: Mapping[ItemKey, ItemState], before: Mapping[str, str]
    ) -> "Outcomes":
        """The outcomes among these, each held against the items as those before it left them."""
        refused, done = dict(before), list[ActDone]()
        found = [(entry.raw, answer) for entry in held if (answer := entry.accepted()) is not None and answer.outcomes]
        for raw, answer in found:
            if answer.return_id not in refused:
                rules, on = self._rules.at(raw.timestamp_ms), day_of(raw.timestamp_ms)
                made = judged(answer, states, partial(actor_of, answer.member, bundle=rules, on=on))
                done += made.done
                states, refused[answer.return_id] = made.states, made.refused
        broken = {return_id: code for return_id, code in refused.items() if code}
        weighed = frozenset(answer.return_id for _, answer in found)
        return Outcomes(done=tuple(done), refused=broken, weighed=weighed)

    def _read(self, piece: Slice, raw: RawRecord, skipped: frozenset[int]) -> Read:
        if raw.offset in skipped:
            return Read(raw=raw, rejected=skipped_record())
        try:
            with named(piece, raw):
                said = self._codec.loads(raw.readable(), Return, LabelAdded, ReferralsRead)
        except Unreadable as failure:
            return Read(raw=raw, rejected=Rejected(code=failure.code, field="", message=str(failure)))
        if isinstance(said, ReferralsRead):
            return looked(raw, said)
        return _answered(raw, said) if isinstance(said, Return) else _labelled(raw, said)

    def _proven(self, entry: Read, member: MemberId, directory: Directory | None) -> Read:
        """An answer counts where it names the topic's member, and that member signed it as it agreed to.

        A key that has ended still closes a referral: an outcome that is lost would be worse than one not proven.
        """
        said = entry.answer or entry.looked
        if said is None:
            return entry
        if said.member != member:
            return Read(raw=entry.raw, rejected=_rejected("return.wrong_member", "member"))
        origin = origin_of(entry.raw, entry.said, member, directory)
        code = origin_refusal(origin, signs=self._signs(member, entry.raw.timestamp_ms))
        return replace(entry, rejected=_rejected(code, "")) if code else entry

    def _signs(self, member: MemberId, at_ms: int) -> bool:
        known = self._rules.at(at_ms).members.get(member)
        return known is not None and known.signs


def member_of(topic: str) -> MemberId:
    """Whose topic it is: `returns.<member>.v1`."""
    return MemberId(topic.split(".")[1])


def _is_early(decided: Decided, known: Mapping[str, Known], now_ms: int, reachable_since_ms: int) -> bool:
    """Whether a young return answers a referral that the ledger does not have yet.

    Triage produces before it settles, and a quick recipient answers in between; a triage that dies there settles
    when it is back; one that sent without the ledger settles when the ledger is back.
    """
    return any(
        (answer := entry.accepted()) is not None
        and answer.referral_id not in known
        and now_ms - max(entry.raw.timestamp_ms, reachable_since_ms) < EARLY_MS
        for entry in decided.read
    )


def _held(entry: Read, known: Mapping[str, Known]) -> Read:
    """A return to a referral that this member never got is refused, as is one to no referral at all."""
    if entry.answer is None or entry.rejected is not None:
        return entry
    referral = known.get(entry.answer.referral_id)
    if referral is None:
        return replace(entry, rejected=_rejected("return.unknown_referral", "referral_id"))
    if referral.recipient != entry.answer.member:
        return replace(entry, rejected=_rejected("return.foreign_referral", "referral_id"))
    if referral.report_id != entry.answer.report_id:
        return replace(entry, rejected=_rejected("return.other_report", "report_id"))
    return entry


def _ruled(entry: Read, refused: Mapping[str, str]) -> Read:
    """An outcome that breaks a rule of its item is refused as a whole."""
    answer = entry.accepted()
    code = refused.get(answer.return_id, "") if answer is not None else ""
    return replace(entry, rejected=_rejected(code, "outcomes")) if code else entry


def _answered(raw: RawRecord, said: Return) -> Read:
    """A referral whose id can be none is none of ours, and PostgreSQL is not asked for it."""
    rejected = None if is_id(said.referral_id) else _rejected("return.unknown_referral", "referral_id")
    return Read(raw=raw, answer=said, rejected=rejected)


def _labelled(raw: RawRecord, said: Struct) -> Read:
    assert isinstance(said, LabelAdded)  # noqa: S101 -- loads gives one of the types it was asked for
    code = refusal_of_label(said)
    rejected = _rejected(code, "label") if code else None
    return Read(raw=raw, answer=answer_of(said), said=LabelAdded, rejected=rejected)


def _rejected(code: str, field: str) -> Rejected:
    return Rejected(code=code, field=field, message=code)


def _letter(entry: Read, member: MemberId) -> DeadLetterMade:
    assert entry.rejected is not None  # noqa: S101 -- called for nothing else
    return letter_made(entry.raw, entry.rejected, member)


def _settlement(finished: Finished, coordinates: tuple[Coordinate, ...]) -> Settlement:
    piece = finished.piece
    return Settlement(
        topic_id=piece.topic_id,
        topic=piece.topic,
        partition=piece.partition,
        first_offset=piece.first,
        outcomes=tuple(entry.outcome() for entry in finished.read),
        facts=tuple(facts(finished.read)),
        dead_letters=tuple(replace(letter, landed=coordinates[n]) for n, letter in finished.letters),
    )
