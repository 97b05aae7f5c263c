"""PostgreSQL is restored from an older backup, and the exchange decides again what the backup does not know."""

import shutil

from tests.chaos.faults.fault import Facts, Fault, Scene, at_once

_LATER_SECONDS = 8.0


def strike(scene: Scene) -> Facts:
    """Copy the stopped server's folder, go on for a while, lose the server, and put the copy in its place."""
    data, backup = scene.home / "postgresql", scene.home / "postgresql-backup"
    scene.stack.postgres.stop()
    shutil.copytree(data, backup)
    scene.stack.revive()
    at_backup = scene.delivered()
    scene.wait(_LATER_SECONDS)
    scene.stack.postgres.daemon.kill()
    since = scene.delivered() - at_backup
    scene.wait(1)
    shutil.rmtree(data)
    backup.rename(data)
    scene.stack.revive()
    scene.say(f"restored a backup that is older by {since} deliveries")
    scene.expect(since > 0, "something was delivered that the backup does not know")
    return {"delivered_since_backup": since}


FAULT = Fault(
    name="older-backup",
    says="PostgreSQL restored from an older backup",
    setting=at_once(strike),
    publishing_seconds=35.0,
)
