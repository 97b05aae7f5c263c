"""The policy that a home decides by, verified whole: files alone, so no service has to answer."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from schemas.catalogue import message
from schemas.failures import Broken, Failure
from tocsin.policy.bundle import load
from tocsin.policy.members import day_of
from tocsin.policy.policies import policies
from tocsin.policy.store.folder import Store, is_store
from tocsin.policy.store.promotions import gone_from
from tocsin.policy.store.trust import read_trust
from tocsin.runtime.keys.publishing import directory_of
from tocsin.runtime.settings import TrustSettings
from tocsin.stack.doctor import findings
from tocsin.stack.doctor.findings import Finding, Level


def of_rules(folder: Path, trust: Path | None, now_ms: int) -> Iterator[Finding]:
    """Every promotion and every promoted bundle, also those that no process has loaded for long (ADR 0016)."""
    try:
        return _of_store(folder, trust, now_ms) if is_store(folder) else findings.of_folder(load(folder).digest)
    except Failure as failure:
        return findings.of_policy_trouble(str(failure))


def of_keys(trust: TrustSettings | None, now_ms: int) -> Iterator[Finding]:
    """Whose keys end; a home without a directory has none, and one that cannot be trusted is told."""
    current = directory_of(trust)
    if current is None:
        return
    try:
        directory = current()
    except Failure as failure:
        yield Finding(part="keys", level=Level.FAIL, says=str(failure))
        return
    yield from findings.of_keys(directory, now_ms)


def of_people(trust: Path | None, *, local_stack: bool) -> Iterator[Finding]:
    """Who may sign; a trust file that cannot be read is told with the policy."""
    try:
        names = tuple(read_trust(trust).signer) if trust else ()
    except Failure:
        return
    yield from findings.of_people(names, local_stack=local_stack)


def of_submitters(folder: Path, trust: Path | None, now_ms: int) -> Iterator[Finding]:
    """What whoever takes part today has agreed to; rules that cannot be read are told with the policy."""
    try:
        members = policies(folder, trust).at(now_ms).members.values()
    except Failure:
        return
    submitters = [one for one in members if one.submits and one.takes_part(day_of(now_ms))]
    yield from findings.of_signing(submitters)
    yield from findings.of_sealing(submitters)


def of_memory(folder: Path, trust: Path | None, seen: Mapping[str, bytes]) -> Iterator[Finding]:
    """Whether everything that a worker has seen is still there; a store that does not hold says so itself."""
    if not is_store(folder) or trust is None:
        return
    try:
        believed = read_trust(trust)
        gone = gone_from(Store(folder).chain(believed), seen, believed)
    except Failure:
        return
    if gone:
        yield from findings.of_policy_trouble(message("promotion.gone", name=gone[-1]))


def _of_store(folder: Path, trust: Path | None, now_ms: int) -> Iterator[Finding]:
    if trust is None:
        raise Broken(message("promotion.no_trust"), code="promotion.no_trust")
    store = Store(folder)
    chain = store.chain(read_trust(trust))
    for digest in {one.digest for one in chain}:
        store.bundle(digest)
    return findings.of_policy(chain, store.proposals(), now_ms)
