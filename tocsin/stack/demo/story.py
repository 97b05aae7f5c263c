"""What happens in the demo: members publish, correct and take back; recipients answer. All of it synthetic."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from confluent_kafka import Producer
from msgspec import Struct
from sqlalchemy import text

from consumers.answers import Answer
from consumers.replies import drop
from producers import publication
from producers.feeds.jsonl.writing import write
from producers.generator.generating import Generated, Order, generate
from producers.generator.parameters import Parameters
from producers.intake import Mode
from producers.publication import Choices, Totals, Voice
from producers.service import Publishing
from producers.withdrawal import Plea
from schemas.framing import frame
from schemas.records.identifiers import MemberId
from schemas.topics import submitted_topic
from tocsin.runtime import settings
from tocsin.runtime.database import database_of
from tocsin.stack.demo.exchange import Exchange

PARAMETERS: Final = Parameters(urgent=0.01, bad=0.005, resent=0.03, live=True)
"""More urgent and more broken reports than in the world, so that both are seen in two thousand."""
_CHECKOUT: Final = Path(__file__).parents[3] / "examples"
EXAMPLES: Final = _CHECKOUT if _CHECKOUT.is_dir() else Path(sys.prefix) / "share" / "tocsin" / "examples"
"""In a checkout where people look for them; a wheel brings them to the shared data of its environment."""
EXAMPLE_SUBMITTERS: Final[Mapping[str, MemberId]] = {
    ".json": MemberId("plat-a"),
    ".csv": MemberId("ngo-b"),
    ".jsonl": MemberId("nl-hotline"),
}
CORRECTED: Final = 5
WITHDRAWN: Final = 5
ANSWERED: Final = 40
_UNREADABLE: Final = (b"", frame(987_654) + b"unknown", frame(1)[:3], b"no frame at all")
"""Records that no Tocsin made: they must end as dead letters, and stop nothing."""
_SEND_SECONDS: Final = 30.0
_SILENT: Final = Voice(say=lambda line: None, progress=lambda what, done, total: None, confirm=lambda count: True)


class Told(Struct, kw_only=True):
    """What the story did, for the summary."""

    published: int = 0
    refused_before: int = 0
    """By the members' own validation, before anything was sent."""
    repeated: int = 0
    corrected: int = 0
    withdrawn: int = 0
    answered: int = 0
    referrals_answered: int = 0
    unreadable: int = 0
    now: str = ""
    """What happens at the moment."""


class Story:
    """Told in order; each chapter waits for what it needs and no longer."""

    def __init__(self, exchange: Exchange, count: int, seed: int, now_ms: Callable[[], int]) -> None:
        self._exchange = exchange
        self._count = count
        self._seed = seed
        self._now_ms = now_ms
        self._folder = exchange.home / "demo" / time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        self.told = Told()

    def publish(self) -> None:
        """The examples, then the generated reports of each member."""
        made = self._made()
        for path in sorted(EXAMPLES.glob("*.*")):
            if path.suffix in EXAMPLE_SUBMITTERS:
                self._publish(EXAMPLE_SUBMITTERS[path.suffix], path)
        for member, reports in made.items():
            self._publish(member, self._file(member, reports))
        self._send_unreadable()
        self._change(made)
        self.told.now = ""

    def answer(self) -> None:
        """Recipients take up some of what was delivered to them, and say what came of it."""
        self.told.now = "recipients answer"
        answers: dict[MemberId, list[Answer]] = {}
        for number, (recipient, referral_id, action) in enumerate(self._delivered()):
            answers.setdefault(recipient, []).extend(_answers(referral_id, action, number))
        for recipient, said in answers.items():
            drop(self._exchange.state(recipient) / "replies", said)
            self.told.answered += len(said)
            self.told.referrals_answered += len({answer.referral_id for answer in said})
        self.told.now = ""

    def _made(self) -> dict[MemberId, list[Generated]]:
        self._folder.mkdir(mode=0o700, parents=True)
        order = Order(
            count=self._count,
            members=self._exchange.submitters(),
            prefix=f"demo-{self._folder.name}",
            now_ms=self._now_ms(),
        )
        made: dict[MemberId, list[Generated]] = {}
        for report in generate(order, PARAMETERS, self._seed):
            made.setdefault(report.member, []).append(report)
        return made

    def _file(self, member: MemberId, reports: list[Generated]) -> Path:
        path = self._folder / f"{member}.jsonl"
        path.write_bytes(b"".join(write(report.content for report in reports)))
        path.with_suffix(".truth.jsonl").write_bytes(b"".join(write(report.truth for report in reports)))
        return path

    def _publish(self, member: MemberId, path: Path) -> None:
        self.told.now = f"{member} publishes {path.name}"
        with self._publishing(member) as publishing:
            kept = path if path.is_relative_to(self._folder) else self._copied(path)
            totals = publication.publish(Choices(files=(str(kept),), wait_seconds=_SEND_SECONDS), publishing, _SILENT)
        self._count_totals(totals)

    def _copied(self, path: Path) -> Path:
        """Rejects lie beside their file, and the examples are not to be written to."""
        copy = self._folder / path.name
        copy.write_bytes(path.read_bytes())
        return copy

    def _count_totals(self, totals: Totals) -> None:
        self.told.published += totals.taken
        self.told.refused_before += totals.refused
        self.told.repeated += totals.repeated

    def _change(self, made: Mapping[MemberId, list[Generated]]) -> None:
        """One member corrects some of its reports, and takes others back."""
        member = max(made, key=lambda name: len(made[name]))
        good = [report for report in made[member] if not report.truth["bad"]]
        distinct = list({report.content["submitter_reference"]: report for report in good}.values())
        self.told.now = f"{member} corrects and withdraws"
        changed = [report.content | {"confidence": 0.9} for report in distinct[:CORRECTED]]
        path = self._folder / f"{member}.corrections.jsonl"
        path.write_bytes(b"".join(write(changed)))
        with self._publishing(member) as publishing:
            choices = Choices(files=(str(path),), mode=Mode.CORRECT, wait_seconds=_SEND_SECONDS)
            self.told.corrected = publication.publish(choices, publishing, _SILENT).taken
            for report in distinct[CORRECTED : CORRECTED + WITHDRAWN]:
                reference = report.content["submitter_reference"]
                publishing.withdraw(Plea(reference=reference, reason_code="submitted_in_error"))
                self.told.withdrawn += 1
            publishing.send(_SEND_SECONDS)

    def _send_unreadable(self) -> None:
        """Past every check of ours, as somebody with a certificate and another program could."""
        member = EXAMPLE_SUBMITTERS[".json"]
        self.told.now = f"somebody sends noise as {member}"
        producer = Producer(self._exchange.stack.client(member))
        for value in _UNREADABLE:
            producer.produce(submitted_topic(member), value=value, key="noise")
        self.told.unreadable = len(_UNREADABLE) - producer.flush(_SEND_SECONDS)

    def _delivered(self) -> list[tuple[MemberId, str, str]]:
        """Recipient, referral, and the action that it may take: each report is one hotline's to end."""
        database = database_of(settings.load(self._exchange.stack.config("ops")))
        try:
            with database.transaction() as connection:
                rows = connection.execute(_DELIVERED, {"most": ANSWERED}).all()
        finally:
            database.close()
        return [(MemberId(row.recipient), str(row.referral_id), "removed" if row.decides else "") for row in rows]

    def _publishing(self, member: MemberId) -> "_Closing":
        return _Closing(Publishing(settings.load(self._exchange.stack.config(member)), self._now_ms))


class _Closing:
    """A member's publishing for the length of a block."""

    def __init__(self, publishing: Publishing) -> None:
        self._publishing = publishing

    def __enter__(self) -> Publishing:
        return self._publishing

    def __exit__(self, *_: object) -> None:
        self._publishing.close()


def _answers(referral_id: str, action: str, number: int) -> Iterator[Answer]:
    """Most are taken up; of some the outcome follows, some ask, some refuse."""
    if number % 10 == 9:  # noqa: PLR2004  # one in ten
        yield Answer(referral_id=referral_id, answer="refused", reason="legally_unable_to_access")
        return
    yield Answer(referral_id=referral_id, answer="taken_up", case_number=f"SIM-{number:04d}")
    if number % 3 == 0:
        yield Answer(referral_id=referral_id, answer="outcome", action=action, actionable="yes")
    if number % 10 == 4:  # noqa: PLR2004  # one in ten
        yield Answer(referral_id=referral_id, answer="question", question="missing_time", field="incident_at")


_DELIVERED: Final = text("""
    select recipient, referral_id,
           recipient = min(recipient) over (partition by report_id)
           and 1 = row_number() over (partition by report_id order by recipient, revision)
           and recipient like '%-hotline%'
           and exists (select from items where items.report_id = referrals.report_id
                       and assigned_country = upper(jurisdiction)) as decides
    from referrals where state = 'delivered' order by referred_at desc limit :most
""")
