"""The running exchange of the demo: the stack, every worker, a delivery process a member, and the receiver."""

from pathlib import Path
from typing import Final

from consumers.settings import StoreSettings
from consumers.states import State
from consumers.store.deliveries import counts
from consumers.store.engine import open_to_read
from schemas.records.identifiers import MemberId
from tocsin.policy.bundle import SAMPLE, Bundle, load
from tocsin.runtime import settings
from tocsin.stack.charter import sample_charter
from tocsin.stack.demo.crew import Crew, Launch
from tocsin.stack.local import LocalStack
from tocsin.stack.ports import ports_of
from tocsin.stack.progress import Progress
from tocsin.stack.settings_files import targets_of

RECEIVED_BY_WEBHOOK: Final = MemberId("fr-police")
RECEIVED_IN_A_TABLE: Final = MemberId("us-police")
WORKERS: Final[dict[str, tuple[str, ...]]] = {
    "triage escalated": ("triage", "--lane", "escalated"),
    "triage normal": ("triage", "--lane", "normal"),
    "returns": ("returns",),
}


class Exchange:
    """Starts in the order in which things are needed; ending it is the crew's and the stack's work."""

    def __init__(self, home: Path, launch: Launch, *, stays: bool = False) -> None:
        self.stays = stays
        self.stack = LocalStack(home, brief=not stays)
        self.home = self.stack.home
        self.crew = Crew(self.home, self.home / "logs" / "demo", launch=launch)
        self.policy: Bundle = load(SAMPLE)

    def up(self, progress: Progress) -> None:
        """Start the stack, which refuses the home of another cluster."""
        self.stack.up(sample_charter(), progress)

    def start(self, progress: Progress) -> None:
        """Start every process of the exchange."""
        self._write_deliveries()
        self.crew.start("receiver", self._receiver())
        deliveries = {f"deliver {member}": ("deliver", member) for member in self.receivers()}
        for name, arguments in (WORKERS | deliveries).items():
            self.crew.start(name, (*arguments, *self._served(name)))
        progress("processes", "ready")

    def receivers(self) -> tuple[MemberId, ...]:
        """Every member that takes delivery."""
        return tuple(sorted(member.id for member in self.policy.members.values() if member.receives))

    def submitters(self) -> tuple[MemberId, ...]:
        """Every member that publishes what was reported to it."""
        members = self.policy.members.values()
        return tuple(sorted(member.id for member in members if member.submits and not member.canary))

    def state(self, member: MemberId) -> Path:
        """A member's own folder."""
        return settings.load(self.stack.config(member)).state

    def places(self) -> dict[str, str]:
        """Where each kind of sink keeps its referrals."""
        return {
            "folders": str(self.home / "state" / "<member>" / "delivered"),
            f"webhook of {RECEIVED_BY_WEBHOOK}": str(self.home / "receiver" / "referrals"),
            f"table of {RECEIVED_IN_A_TABLE}": str(self._table()),
        }

    def bundled(self) -> int:
        """Referrals that wait for the end of a period, as their recipients signed."""
        return sum(self._bundled_at(member) for member in self.receivers())

    def _bundled_at(self, member: MemberId) -> int:
        store = open_to_read(StoreSettings(folder=self.state(member)), member)
        if store is None:
            return 0
        try:
            with store.begin() as connection:
                return counts(connection).get(State.BUNDLED, 0)
        finally:
            store.close()

    def _served(self, name: str) -> tuple[str, ...]:
        """What stays up can be scraped; each address is told in the home's run/metrics."""
        place = f"metrics of {name}"
        return ("--metrics-port", str(ports_of(self.home, (place,))[place])) if self.stays else ()

    def _receiver(self) -> tuple[str, ...]:
        told = ("--metrics-targets", str(targets_of(self.home))) if self.stays else ()
        return ("receiver", "--port", str(self._port()), "--secret-file", str(self._secret()), *told)

    def _port(self) -> int:
        return ports_of(self.home, ("receiver",))["receiver"]

    def _secret(self) -> Path:
        return self.home / "secrets" / "receiver"

    def _table(self) -> Path:
        return self.home / "state" / RECEIVED_IN_A_TABLE / "case-management.sqlite"

    def _write_deliveries(self) -> None:
        """One member takes a webhook and one a table; the others have the default, a folder."""
        address = f"http://127.0.0.1:{self._port()}/referrals"
        texts = {
            RECEIVED_BY_WEBHOOK: (
                '[[sinks]]\nkind = "https"\n'
                f'url = "{address}"\ncheck_url = "{address}"\nthis_machine = true\nhonours_key = true\n'
                f'secret_file = "{self._secret()}"\n'
            ),
            RECEIVED_IN_A_TABLE: f'[[sinks]]\nkind = "database"\nurl = "sqlite:///{self._table()}"\n',
        }
        for member, text in texts.items():
            (self.home / "config" / f"{member}.delivery.toml").write_text(text)
