"""What the local stack is set up for: the members of a policy bundle, our schemas, and the tables."""

from pathlib import Path

from msgspec.structs import replace

from schemas.catalogue import message
from schemas.failures import Refused
from tocsin.policy.bundle import SAMPLE, Bundle, load
from tocsin.policy.policies import policies, topics_of
from tocsin.policy.store.folder import Store
from tocsin.policy.store.trust import FIRST_TRUST
from tocsin.runtime import settings
from tocsin.runtime.migrating import migrate
from tocsin.runtime.registry import subjects
from tocsin.stack.local import Charter
from tocsin.stack.membership import barred_now
from tocsin.stack.settings_files import require_own


def charter_of(bundle: Bundle, policy: Path) -> Charter:
    """The charter of a bundle that processes find in that folder."""
    return Charter(
        members=bundle.topics(),
        policy=policy,
        subjects=subjects(),
        migrate=lambda file: migrate(settings.load(file)),
        barred=lambda file: barred_now(settings.load(file)),
    )


def kept_charter(home: Path, policy: Path | None, now_ms: int) -> Charter:
    """The charter of a home that keeps its bundles; its first one is `policy`, or the sample.

    Raises Refused where another bundle than those of its store is given: rules change by `tocsin policy promote`.
    """
    require_own(home / "config")
    folder, trust = home / "policy", home / "config" / "policy-trust.toml"
    if not trust.exists():
        first = Store(folder).add(policy or SAMPLE)
        trust.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        trust.write_text(FIRST_TRUST.format(digest=first.digest), "utf-8")
    rules = policies(folder, trust)
    if policy and rules.of(given := load(policy).digest) is None:
        facts = {"force": rules.at(now_ms).digest[:16], "found": given[:16]}
        raise Refused(message("promotion.promote_instead", **facts), code="promotion.promote_instead")
    return replace(charter_of(rules.at(now_ms), folder), members=topics_of(rules.from_now_on(now_ms)), trust=trust)


def sample_charter() -> Charter:
    """The simulated members that come with Tocsin."""
    return charter_of(load(SAMPLE), SAMPLE)
