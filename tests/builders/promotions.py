"""Policy stores for tests: signers with their keys, a trust file, bundles that were promoted."""

from pathlib import Path

from msgspec import Struct

from tests.builders.policy import a_folder
from tocsin.policy.bundle import SAMPLE
from tocsin.policy.policies import StoredPolicies
from tocsin.policy.store.folder import Store
from tocsin.policy.store.promoting import Pen, Promoting
from tocsin.policy.store.promotions import Promotion
from tocsin.policy.store.trust import Trust, new_key, read_trust

SIGNERS = ("anna", "ben")


class Chancery(Struct, frozen=True, kw_only=True):
    """One store with two people who may sign."""

    folder: Path

    @property
    def store(self) -> Store:
        return Store(self.folder / "policy")

    @property
    def trust_file(self) -> Path:
        return self.folder / "policy-trust.toml"

    def trust(self) -> Trust:
        return read_trust(self.trust_file)

    def pen(self, signer: str) -> Pen:
        return Pen(signer=signer, key=self.folder / f"{signer}.pem")

    def at(self, now_ms: int) -> Promoting:
        return Promoting(store=self.store, trust=self.trust(), now_ms=now_ms)

    def promoted(self, bundle: Path, takes_effect_ms: int, now_ms: int = 0) -> Promotion:
        """Both have signed."""
        proposal = self.at(now_ms).propose(bundle, takes_effect_ms, self.pen("anna"))
        return self.at(now_ms).sign(proposal.digest, self.pen("ben"))

    def policies(self) -> StoredPolicies:
        return StoredPolicies(self.store, self.trust())


def trust_text(first: str, keys: dict[str, str], least_lead_seconds: int = 60) -> str:
    people = "".join(f'\n[signer.{name}]\npublic_key = "{key}"\n' for name, key in keys.items())
    return f'first = "{first}"\nleast_lead_seconds = {least_lead_seconds}\n{people}'


def a_chancery(folder: Path) -> Chancery:
    """Its first bundle is the sample."""
    made = Chancery(folder=folder)
    first = made.store.add(SAMPLE)
    keys = {name: new_key(folder / f"{name}.pem") for name in SIGNERS}
    made.trust_file.write_text(trust_text(first.digest, keys), "utf-8")
    return made


def another_bundle(parent: Path, name: str = "de-hotline-c") -> Path:
    """The sample with one member that does not take part."""
    parent.mkdir(parents=True, exist_ok=True)
    return a_folder(parent, ("members.toml", f"[{name}]", f'[{name}]\nstanding = "suspended"'))
