"""PostgreSQL is killed while a transaction of triage is open, again and again."""

import time

from tests.chaos.faults.fault import Facts, Fault, Scene, at_once

_DEATHS = 4
_OPEN = (
    "select count(*) from pg_stat_activity where usename in ('triage', 'returns') "
    "and xact_start is not null and backend_xid is not null"
)
"""Sessions that have written something and not committed it."""
_LOOKING_SECONDS = 10.0


def strike(scene: Scene) -> Facts:
    """Wait for an uncommitted write, kill the server at that very moment, and start it again."""
    caught = 0
    deaths = max(2, round(_DEATHS * scene.pace))
    for _ in range(deaths):
        caught += _kill_in_transaction(scene)
        scene.wait(scene.chance.uniform(0.5, 1.5))
        scene.stack.revive()
        scene.wait(scene.chance.uniform(2, 4))
    scene.expect(caught > 0, "at least one death fell into an open transaction")
    return {"deaths": deaths, "in_transaction": caught}


def _kill_in_transaction(scene: Scene) -> bool:
    deadline_seconds = time.monotonic() + _LOOKING_SECONDS
    with scene.stack.postgres.connect() as connection:
        is_open = False
        while not is_open and time.monotonic() < deadline_seconds:
            row = connection.execute(_OPEN).fetchone()
            is_open = bool(row and row[0])
        scene.stack.postgres.daemon.kill()
    scene.say(f"killed PostgreSQL {'with an uncommitted write' if is_open else 'in a quiet moment'}")
    return is_open


FAULT = Fault(name="database-dies", says="PostgreSQL SIGKILL in mid-transaction", setting=at_once(strike))
