"""`python -m benchmarks.database_tls`: what TLS to PostgreSQL costs a slice of triage (ADR 0050).

One server of the local stack's build lets both in while this runs; a connection with TLS and one in plain do the same
in turns. What is told are ratios of neighbours, so that a busy machine slows both.
"""

import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
import psycopg

from benchmarks.measuring import spread
from tocsin.stack.certificates import Authority
from tocsin.stack.jars import Jars, cache_folder, locked, postgresql_archive
from tocsin.stack.ports import ports_of
from tocsin.stack.postgres import SUPERUSER, Postgres
from tocsin.stack.progress import silent

_ROWS: Final = [("x" * 2_000,)] * 100
"""Of a slice, with about what a referral and its entry in the log take each."""
_BOTH: Final = "host all all 127.0.0.1/32 scram-sha-256\n"
_TURN: Final = 50
"""How often one does the same before it is the other's turn."""
_PLAIN: Final = "disable"
_TLS: Final = "verify-full"

Connection = psycopg.Connection[Any]


@click.command()
@click.option("--rounds", default=21, show_default=True)
def main(rounds: int) -> None:
    """Print one JSON object: milliseconds of each way, and the ratio of TLS to plain, of each act."""
    with tempfile.TemporaryDirectory() as folder:
        home, authority = Path(folder), Authority(Path(folder) / "certificates")
        server = Postgres(home, ports_of(home, ("postgresql",))["postgresql"], authority)
        server.start(Jars(cache_folder()).unpacked(postgresql_archive(locked()), silent), silent)
        try:
            click.echo(json.dumps(_measured(server, home, rounds), indent=1))
        finally:
            server.stop()


def _measured(server: Postgres, home: Path, rounds: int) -> dict[str, Any]:
    with server.connect() as connection:
        (home / "postgresql" / "pg_hba.conf").write_text(_BOTH)
        connection.execute("select pg_reload_conf()")
        connection.execute("create table settled (bytes text)")
    opening = partial(_opened, server, server.password_file(SUPERUSER).read_text(), home / "certificates" / "ca.pem")
    time.sleep(1)  # the server reads its rules when the signal comes
    with opening(_PLAIN) as plain, opening(_TLS) as encrypted:
        kept = {_PLAIN: plain, _TLS: encrypted}
        acts: dict[str, Callable[[str], object]] = {
            "round_trip": lambda way: kept[way].execute("select 1"),
            "slice_of_100": lambda way: _settle(kept[way]),
            "opening_a_connection": lambda way: opening(way).close(),
        }
        return {name: _compared(act, rounds) for name, act in acts.items()}


def _opened(server: Postgres, password: str, ca: Path, way: str) -> Connection:
    return psycopg.connect(
        host="127.0.0.1",
        port=server.port,
        user=SUPERUSER,
        password=password,
        sslmode=way,
        sslrootcert=str(ca),
        autocommit=True,
        options="-c statement_timeout=30s",
    )


def _settle(connection: Connection) -> None:
    """Written, read again and committed, as a slice is."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany("insert into settled values (%s)", _ROWS)
        cursor.execute("select bytes from settled order by ctid desc limit 100").fetchall()
        cursor.execute("truncate settled")


def _compared(act: Callable[[str], object], rounds: int) -> dict[str, Any]:
    """Who goes first changes each round, so that neither always finds the caches warm."""
    found: dict[str, list[float]] = {_PLAIN: [], _TLS: []}
    for number in range(rounds):
        for way in (_PLAIN, _TLS) if number % 2 else (_TLS, _PLAIN):
            found[way].append(_timed(act, way))
    ratios = [encrypted / plain for plain, encrypted in zip(found[_PLAIN], found[_TLS], strict=True)]
    return {
        "plain_milliseconds": spread(found[_PLAIN]),
        "tls_milliseconds": spread(found[_TLS]),
        "tls_to_plain": spread(ratios),
    }


def _timed(act: Callable[[str], object], way: str) -> float:
    """Milliseconds of one, over a turn of many."""
    started = time.perf_counter()
    for _ in range(_TURN):
        act(way)
    return 1000 * (time.perf_counter() - started) / _TURN


if __name__ == "__main__":
    main()
