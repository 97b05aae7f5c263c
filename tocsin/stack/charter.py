"""What the local stack is set up for: the members of a policy bundle, our schemas, and the tables."""

from pathlib import Path

from tocsin.policy.bundle import SAMPLE, load
from tocsin.runtime import settings
from tocsin.runtime.database import migrate
from tocsin.runtime.registry import subjects
from tocsin.stack.local import Charter


def charter_of(policy: Path) -> Charter:
    """The charter of a bundle; raises Broken where the bundle cannot be used."""
    return Charter(
        members=load(policy).topics(),
        policy=policy,
        subjects=subjects(),
        migrate=lambda file: migrate(settings.load(file)),
    )


def sample_charter() -> Charter:
    """The simulated members that come with Tocsin."""
    return charter_of(SAMPLE)
