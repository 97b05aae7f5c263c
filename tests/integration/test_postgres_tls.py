"""A PostgreSQL that speaks TLS is believed under its own authority and name alone, whatever the URL says.

The local stack has a build of its own (ADR 0050): this takes Debian's, where it is installed.
"""

from pathlib import Path

import pytest

from tests.attack.postgres_tls import TRUE, answers

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@pytest.mark.skipif(not PROGRAMS, reason="needs a PostgreSQL built with TLS: apt-get install postgresql")
def test_our_client_speaks_tls_to_the_server_it_knows_and_refuses_every_other() -> None:
    found = answers(PROGRAMS[-1].parent)
    assert found.pop(TRUE).startswith(("TLSv1.3 ", "TLSv1.2 "))
    assert set(found.values()) == {"refused"}, found
