"""A home of before ADR 50, whose PostgreSQL was another build and spoke plain: it goes on, and is stopped first."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from schemas.failures import Broken
from tests import dumps
from tocsin.stack.certificates import Authority
from tocsin.stack.jars import Jars, cache_folder, locked, postgresql_archive
from tocsin.stack.ports import ports_of
from tocsin.stack.postgres import ROOT, Postgres, disguise
from tocsin.stack.progress import silent

pytestmark = pytest.mark.stack


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A home as the former release left it: made and started with the wheel's programs, in plain."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    server = Postgres(home, ports_of(home, ("postgresql",))["postgresql"], Authority(home / "certificates"))
    data = home / "postgresql"
    former(
        "initdb",
        *("--pgdata", str(data), "--username", "postgres", "--pwfile", str(server.password_file("postgres"))),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-instructions"),
    )
    settings = ("listen_addresses=127.0.0.1", f"port={server.port}", "unix_socket_directories=")
    words = [str(dumps.programs() / "postgres"), "-D", str(data), *(word for one in settings for word in ("-c", one))]
    server.daemon.start([*as_nobody(), *words], os.environ)
    wait_until_it_serves(server)
    yield server
    server.stop()


def former(program: str, *words: str) -> None:
    command = [*as_nobody(), str(dumps.programs() / program), *words]
    done = subprocess.run(command, check=False, capture_output=True, timeout=60)  # noqa: S603  # our own words
    assert done.returncode == 0, done.stderr


def as_nobody() -> tuple[str, ...]:
    return disguise(None) if os.geteuid() == ROOT else ()


def in_plain(postgres: Postgres, statement: str) -> None:
    """As the former release spoke to it."""
    password = postgres.password_file("postgres").read_text()
    with psycopg.connect(
        host="127.0.0.1", port=postgres.port, user="postgres", password=password, sslmode="disable", autocommit=True
    ) as connection:
        connection.execute(statement)


def wait_until_it_serves(postgres: Postgres) -> None:
    """Its port is open before it takes anybody in."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return in_plain(postgres, "select 1")
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "the former build does not start"
        time.sleep(0.1)


def test_a_former_build_that_runs_is_refused_with_what_to_do_and_its_data_goes_on_with_the_new_one(
    postgres: Postgres,
) -> None:
    programs = Jars(cache_folder()).unpacked(postgresql_archive(locked()), silent)
    with pytest.raises(Broken, match="tocsin down, then tocsin up") as caught:
        postgres.start(programs, silent)
    assert caught.value.code == "stack.plain_postgres"
    in_plain(postgres, "create table kept as select 'before' as what")
    postgres.stop()
    postgres.start(programs, silent)
    with postgres.connect() as connection:
        assert connection.execute("select what from kept").fetchall() == [("before",)]
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        in_plain(postgres, "select 1")
