"""`python -m tests.attack.postgres_tls FOLDER`: our clients and a PostgreSQL that speaks TLS, whose programs are there.

The local stack shows it for the build that it brings (ADR 0050). This takes any other, as a deployment may have: `make
test` does it where Debian's package is, tests/integration/test_postgres_tls.py.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from schemas.failures import Failure
from tocsin.runtime.database import Database
from tocsin.runtime.settings import DatabaseSettings
from tocsin.stack.certificates import Authority
from tocsin.stack.ports import window

_ASKS = text("select version, cipher from pg_stat_ssl where pid = pg_backend_pid()")
_PORT = window(32_768)[0] - 7
_START_SECONDS = 20
_USER = "postgres"
TRUE = "its authority, its name"
_REFUSALS = ("server certificate for", "certificate verify failed", "provider signature failure")
"""Another name, another authority, and another one of the same name (both are authorities of local stacks)."""


def main() -> int:
    """1 where a server is believed that may not be, or one is not that may."""
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "initdb").exists():  # the program and its word
        click.echo(f"{__doc__}\nFound no initdb there. On Debian: /usr/lib/postgresql/15/bin", err=True)
        return 4
    seen = answers(Path(sys.argv[1]))
    for what, said in seen.items():
        click.echo(f"{what}: {said}")
    first, *others = seen.values()
    return 0 if first.startswith("TLSv1.") and all(said == "refused" for said in others) else 1


def answers(programs: Path) -> dict[str, str]:
    """What our own client gets from one server: version and cipher, `refused`, or what else went wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, foreign = Authority(folder / "ours"), Authority(folder / "foreign")
        with _server(programs, folder, ours):
            return {
                TRUE: _said("localhost", ours.certificate),
                "another authority": _said("localhost", foreign.certificate),
                "its authority, another name": _said("localhost.localdomain", ours.certificate),
            }


@contextmanager
def _server(programs: Path, folder: Path, authority: Authority) -> Iterator[None]:
    """As root the server is another user: it gets what it needs, and the keys stay ours."""
    home = folder / "server"
    home.mkdir(mode=0o700)
    pair = authority.pair("postgresql")
    for source, target in ((pair.certificate, "server.pem"), (pair.key, "server.key")):
        (home / target).write_bytes(source.read_bytes())
        (home / target).chmod(0o600)
    other = _USER if os.getuid() == 0 else None
    if other:
        folder.chmod(0o711)
        subprocess.run(["chown", "-R", _USER, str(home)], check=True)  # noqa: S603, S607  # our own words
    data = home / "data"
    create = [str(programs / "initdb"), "-D", str(data), "-U", _USER, "--auth=trust"]
    subprocess.run(create, check=True, stdout=subprocess.DEVNULL, cwd="/", user=other)  # noqa: S603  # the caller's own
    options = {"ssl": "on", "ssl_cert_file": home / "server.pem", "ssl_key_file": home / "server.key"}
    words = [f"--{key}={value}" for key, value in options.items()]
    command = [str(programs / "postgres"), "-D", str(data), "-p", str(_PORT), "-k", str(home), *words]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd="/", user=other)  # noqa: S603  # as above
    try:
        _listens(programs)
        yield
    finally:
        server.terminate()
        server.wait(20)


def _listens(programs: Path) -> None:
    """A port that is open is not enough: a server that is still starting up turns everybody away."""
    asked = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(_PORT)]
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and subprocess.run(asked, check=False).returncode:  # noqa: S603  # the caller's own
        time.sleep(0.05)


def _said(host: str, ca: Path) -> str:
    url = f"postgresql+psycopg://{_USER}@{host}:{_PORT}/postgres?hostaddr=127.0.0.1"
    database = Database(DatabaseSettings(url=url, ca=ca))
    try:
        with database.engine.connect() as connection:
            return " ".join(connection.execute(_ASKS).one())
    except (Failure, SQLAlchemyError) as error:
        return "refused" if any(word in str(error) for word in _REFUSALS) else str(error)
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main())
