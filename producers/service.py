"""One member's publishing, wired: settings, policy, schemas, journal, intake and sender, built once a process."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from producers.building import Submitter
from producers.feeds.entries import Context, Entry, Rejection
from producers.identity import check_certificate
from producers.intake import Intake, Mode, Taken
from producers.journal import entries
from producers.journal.keeping import going, let_go
from producers.journal.store import open_journal
from producers.listening import Listener
from producers.sending import Sender
from producers.withdrawal import Plea, entry_of, withdrawal_of
from schemas.catalogue import message
from schemas.failures import Refused, Temporary
from schemas.records.identifiers import MemberId
from schemas.records.report import PersonalPart, ReportSubmitted, Withdrawal
from schemas.records.values import Mark
from tocsin.policy.bundle import Bundle
from tocsin.policy.members import Profile, day_of
from tocsin.policy.policies import policies
from tocsin.runtime.envelope import Envelope
from tocsin.runtime.keys.ending import own_seal_warnings, triage_seal_warnings
from tocsin.runtime.keys.publishing import directory_of
from tocsin.runtime.keys.sealing import Sealer, unsealable
from tocsin.runtime.keys.signer import Signer
from tocsin.runtime.metrics import failure_met
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings
from tocsin.runtime.tracing.spans import spans_of

_STAGE: Final = "journal"


class Publishing:
    """Everything a member does with its reports; opening it takes the journal's lease."""

    def __init__(self, settings: Settings, now_ms: Callable[[], int]) -> None:
        self.member = MemberId(settings.principal)
        self._kafka = settings.kafka
        self._now_ms = now_ms
        bundle = policies(settings.policy, settings.policy_trust).at(now_ms())
        profile = profile_of(bundle, self.member, now_ms())
        check_certificate(settings.kafka.certificate, self.member, now_ms())
        self._utc_offset_minutes = profile.utc_offset_minutes
        directory = SchemaDirectory(settings.registry)
        self._codec = RecordCodec(directory)
        submitter = Submitter(member=self.member, profile=profile, personal_schema_id=directory.id_of(PersonalPart))
        for record_type in (ReportSubmitted, Withdrawal):
            directory.id_of(record_type)  # now, while the registry is asked: later it may be away
        self._journal = open_journal(settings.state, self.member)
        self._signer = Signer.of(settings.trust, self.member, now_ms)
        self._directory = directory_of(settings.trust)
        self._seals = bundle.members[self.member].seals
        seal = sealing_of(settings, bundle, self.member)
        self._envelope = Envelope(
            member=self.member, codec=self._codec, signer=self._signer, seal=seal, spans=spans_of(settings)
        )
        self._intake = Intake(self._journal, submitter, self._envelope, now_ms)

    def context(self) -> Context:
        """What reading a file needs to know of this member."""
        return Context(now_ms=self._now_ms(), utc_offset_minutes=self._utc_offset_minutes)

    def warnings(self) -> tuple[str, ...]:
        """What the member should do soon, before publishing fails."""
        signing = self._signer.warnings() if self._signer else ()
        return (*signing, *self._sealing_warnings())

    def _sealing_warnings(self) -> tuple[str, ...]:
        """Of the key that it seals to, where it seals, and of its own one, where it has one."""
        if self._directory is None:
            return ()
        directory, now_ms = self._directory(), self._now_ms()
        triage = triage_seal_warnings(directory, now_ms) if self._seals else ()
        return (*triage, *own_seal_warnings(directory, self.member, now_ms))

    def take(
        self, found: Iterable[Entry], mode: Mode = Mode.PUBLISH, *, mark: Mark | None = None
    ) -> Iterator[Taken | Rejection]:
        """Write entries into the journal; nothing is sent yet."""
        return self._intake.take(found, mode, mark=mark)

    def withdraw(self, plea: Plea) -> Withdrawal:
        """Write a withdrawal into the journal; raises Refused where there is nothing to take back."""
        with self._journal.begin() as connection:
            known = entries.latest(connection, [plea.reference]).get(plea.reference)
            withdrawal = withdrawal_of(plea, known, self.member, self._now_ms())
            assert known is not None  # noqa: S101 -- else withdrawal_of had refused
            entries.intend(connection, [entry_of(withdrawal, known, self._envelope)])
        return withdrawal

    def waiting_count(self) -> int:
        """How many records the broker has not confirmed."""
        with self._journal.begin() as connection:
            return entries.waiting_count(connection)

    def send(self, wait_seconds: float, confirmed: Callable[[int], None] = lambda count: None) -> int:
        """Send all that waits, then let go of what is past its time; tells how many were sent.

        Raises Temporary where the broker is away: nothing is lost then.
        """
        sent = Sender(self._kafka, self._journal, self.member, self._now_ms).send(wait_seconds, confirmed)
        self._tidy()
        return sent

    def listen(self) -> int:
        """Learn what became of the reports, then let go of what is past; tells how many messages were new."""
        listener = Listener(self._kafka, self._journal, self.member, self._codec)
        try:
            told = listener.catch_up()
        finally:
            listener.close()
        let_go(self._journal, self._now_ms())
        return told

    def _tidy(self) -> None:
        """Before anything goes, whether it is held: a hold may wait unread. Where the broker is away, it stays."""
        with self._journal.begin() as connection:
            if not going(connection, self._now_ms()):
                return
        try:
            self.listen()
        except Temporary as failure:
            failure_met(_STAGE, failure)

    def purge(self, before_ms: int) -> int:
        """Empty the bodies of what was confirmed before then, and is not known to be held; tells how many.

        It asks no broker, because a person whose disk is full has to be able to.
        """
        with self._journal.begin() as connection:
            count = entries.purge(connection, before_ms, self._now_ms())
        self._journal.forget()
        return count

    def close(self) -> None:
        """Let the next process publish."""
        self._journal.close()


def profile_of(policy: Bundle, member: MemberId, now_ms: int) -> Profile:
    """What the member signed off; raises Refused for who does not submit, or has signed nothing."""
    known = policy.members.get(member)
    if known is None or not known.submits or not known.takes_part(day_of(now_ms)):
        raise Refused(message("member.not_submitter", member=member), code="member.not_submitter")
    profile = policy.profiles.get(member)
    if profile is None:
        raise Refused(message("profile.missing", member=member), code="profile.missing")
    return profile


def sealing_of(
    settings: Settings, policy: Bundle, member: MemberId
) -> Callable[[ReportSubmitted, int], ReportSubmitted] | None:
    """How the member's personal parts are sealed; None for one that has not agreed to."""
    if not policy.members[member].seals:
        return None
    sealer = Sealer.of(settings.trust)
    return (lambda report, at_ms: sealer.report(report, policy.digest, at_ms)) if sealer else unsealable
