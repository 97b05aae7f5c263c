"""A disk that is full under PostgreSQL, in short: the server alone, on a small tmpfs, beneath index and ledger."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest
from msgspec import Struct
from sqlalchemy import text

from processors.index.memory import MemoryIndex
from processors.index.port import Claim, Index, Knowledge, Selected
from processors.index.postgres import PostgresIndex
from schemas.failures import Temporary
from schemas.records.identifiers import ReportId
from tests.builders.claims import A, B, a_claim, a_selector, a_source
from tests.chaos.faults.disk import full, requires, small
from tests.chaos.faults.fault import Impossible
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.settlement import Settlement
from tocsin.runtime.ledger.settling import Ledger, positions
from tocsin.runtime.migrating import migrate
from tocsin.runtime.settings import DatabaseSettings, KafkaSettings, RegistrySettings, Settings
from tocsin.stack.certificates import Authority
from tocsin.stack.jars import Jars, cache_folder, locked, postgresql_archive
from tocsin.stack.ports import ports_of
from tocsin.stack.postgres import Postgres
from tocsin.stack.progress import silent

pytestmark = [pytest.mark.chaos, pytest.mark.stack]
_MB: Final = 192
_SLICES, _RECORDS = 20, 50
SOURCE: Final = a_source()
PLACE: Final = (SOURCE.topic, SOURCE.partition)


class Served(Struct, frozen=True, kw_only=True):
    """A PostgreSQL with the exchange's tables, alone in its home, and the disk that it has."""

    postgres: Postgres
    programs: Path
    home: Path

    @property
    def disk(self) -> Path:
        return self.home / "postgresql"

    def settings(self, role: str) -> Settings:
        database = DatabaseSettings(
            url=self.postgres.url(role),
            password_file=self.postgres.password_file(role),
            ca=self.home / "certificates" / "ca.pem",
        )
        return Settings(
            principal=role,
            state=self.home,
            policy=self.home,
            kafka=KafkaSettings(bootstrap="localhost:1"),
            registry=RegistrySettings(url="http://localhost:1", cache=self.home),
            database=database,
        )

    def revive(self) -> None:
        """What its manager does: starts what does not run."""
        self.postgres.start(self.programs, silent)


class Worker(Struct, frozen=True, kw_only=True):
    """Claims and settles slices as a worker of triage does, in their order, and keeps what the index said."""

    database: Database
    index: PostgresIndex
    ledger: Ledger
    said: dict[int, tuple[Knowledge, ...]]

    def take(self, number: int) -> None:
        """One slice; nothing is kept where it was not settled."""
        known = self.index.claim(SOURCE, claims_of(number))
        self.ledger.settle(
            Settlement(
                topic_id=SOURCE.topic_id,
                topic=SOURCE.topic,
                partition=SOURCE.partition,
                first_offset=number * _RECORDS,
                outcomes=(Outcome.ROUTED,) * _RECORDS,
            )
        )
        self.said[number] = known

    def take_on(self) -> None:
        """All that have not been settled."""
        for number in range(len(self.said), _SLICES):
            self.take(number)

    def next_offset(self) -> int:
        """From where a worker that starts now goes on."""
        return positions(self.database, {SOURCE.topic: SOURCE.topic_id}, {PLACE: 0})[PLACE]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Made on the machine's disk, then moved to a small one."""
    try:
        requires()
    except Impossible as impossible:
        pytest.skip(f"no small disk can be mounted here: {impossible}")
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    postgres = Postgres(home, ports_of(home, ("postgresql",))["postgresql"], Authority(home / "certificates"))
    found = Served(
        postgres=postgres, programs=Jars(cache_folder()).unpacked(postgresql_archive(locked()), silent), home=home
    )
    found.revive()
    postgres.stop()
    with small(found.disk, _MB):
        try:
            found.revive()
            migrate(found.settings("ops"))
            yield found
        finally:
            postgres.stop()


def test_what_the_database_had_no_room_for_is_claimed_and_settled_once_when_it_has_room(served: Served) -> None:
    with closing(database_of(served.settings("triage"))) as database:
        worker = Worker(database=database, index=PostgresIndex(database), ledger=Ledger(database), said={})
        worker.take(0)
        with full(served.disk), pytest.raises(Temporary) as refused:
            worker.take_on()
        assert refused.value.code == "database.away"
        served.revive()
        assert worker.next_offset() == len(worker.said) * _RECORDS
        worker.take_on()
        assert worker.next_offset() == _SLICES * _RECORDS
        assert worker.said == what_an_index_without_a_disk_says()
        with database.transaction() as connection:
            own = text("select count(*) from sightings where selector <> :same")
            assert connection.execute(own, {"same": a_selector()}).scalar_one() == _SLICES * _RECORDS


def what_an_index_without_a_disk_says() -> dict[int, tuple[Knowledge, ...]]:
    index: Index = MemoryIndex()
    return {number: tuple(index.claim(SOURCE, claims_of(number))) for number in range(_SLICES)}


def claims_of(number: int) -> tuple[Claim, ...]:
    """Two members in turn, each with a content of its own and one that all have."""
    return tuple(
        a_claim(
            offset,
            member=(A, B)[offset % 2],
            report_id=ReportId(str(UUID(int=offset + 1))),
            selectors=(Selected(a_selector()), Selected(a_selector(f"own-{offset}"))),
        )
        for offset in range(number * _RECORDS, (number + 1) * _RECORDS)
    )
