"""Settings of one process, read from one TOML file: where its broker, database, registry and policy are."""

from pathlib import Path
from typing import Any

import msgspec

from schemas.catalogue import message
from schemas.documents import toml_table
from tocsin.runtime.failures import Broken
from tocsin.runtime.loopback import is_loopback
from tocsin.runtime.privacy import require_private

_WARNINGS = 4
"""librdkafka speaks of its own housekeeping above this syslog level."""


class ClientFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The three PEM files that a connection to the broker needs, all of them."""

    ca: Path
    certificate: Path
    key: Path


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A broker list and the PEM files that prove who connects; without all three nothing is said to a broker."""

    bootstrap: str
    """`host:port`, or several with commas between."""
    ca: Path | None = None
    """Who signed the brokers' certificates."""
    certificate: Path | None = None
    """What this process shows; its common name is the principal that access rules name."""
    key: Path | None = None
    """0600, as every private key: one that others can read is refused."""
    plaintext: bool = False
    """True speaks in plain and proves nothing: for a test broker on this machine, and refused for any other."""

    def files(self) -> ClientFiles | None:
        """What to connect with, None for a test broker; raises Broken rather than speak in plain unasked."""
        if self.plaintext and all(is_loopback(_host(one)) for one in self.bootstrap.split(",")):
            return None
        if self.plaintext or not (self.ca and self.certificate and self.key):
            raise Broken(message("kafka.plaintext"), code="kafka.plaintext")
        require_private(self.key)  # librdkafka opens it later, and does not look
        return ClientFiles(ca=self.ca, certificate=self.certificate, key=self.key)

    def client(self) -> dict[str, Any]:
        """Properties that every confluent-kafka client of this process starts from."""
        properties: dict[str, Any] = {"bootstrap.servers": self.bootstrap, "log_level": _WARNINGS}
        if files := self.files():
            properties |= {
                "security.protocol": "ssl",
                "ssl.ca.location": str(files.ca),
                "ssl.certificate.location": str(files.certificate),
                "ssl.key.location": str(files.key),
            }
        return properties


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An SQLAlchemy URL without password, and the 0600 file that holds the password (none for SQLite)."""

    url: str
    """Without a password: `postgresql+psycopg://role@host/database`."""
    password_file: Path | None = None
    """0600, the password of the role and nothing else."""
    ca: Path | None = None
    """Whose certificate PostgreSQL must show; None for SQLite and for a Unix socket alone."""


class RegistrySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The schema registry's Confluent-compatible URL, and the folder where known schema ids are kept."""

    url: str
    """https; http is spoken on loopback alone."""
    ca: Path | None = None
    """Whose certificate the registry must show; None means those that the machine trusts."""
    cache: Path
    """Which id each schema has; written once, and read at a start without the registry."""


class TrustSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a process finds its private keys, the directory of public ones, and what it verifies that with."""

    keys: Path
    """Folder of this principal's private keys, 0700."""
    directory: Path
    """The signed note of everybody's public keys."""
    keeper: str
    """The keeper's verifying key, as `tocsin keys keeper` prints it: given once, out of band."""
    triage_keys: Path | None = None
    """Folder of triage's private keys, for who decides again what triage decided (shadow, reroute, queue, explain).

    Whoever has it can read every personal part that is submitted; without it, such reports are left undecided there.
    """


class MetricsTls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PEM files of the metrics port: what it shows, and whose clients it answers."""

    certificate: Path
    """What a scraper is shown."""
    key: Path
    """0600, as every private key."""
    ca: Path
    """Who signed the scraper's certificate: without one no answer is given."""


class IncidentContacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the exchange tells of what may be a picture on a topic, beside its member; each reached at any hour."""

    data_protection_officer: str = ""
    """The exchange's own."""
    police_unit: str = ""
    """Which the law of the exchange's country names for it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that one process is told; `principal` is the certificate's common name."""

    principal: str
    """Who this process is; the same as in its certificate."""
    state: Path
    """Folder of this process's own files (journal, inbox), 0700."""
    policy: Path
    """Folder of the policy: a store of bundles, or one plain bundle."""
    policy_trust: Path | None = None
    """Whom a store is believed by: its first bundle, and who may sign a later one."""
    kafka: KafkaSettings
    """How it reaches the brokers."""
    registry: RegistrySettings
    """Where schemas are."""
    database: DatabaseSettings | None = None
    """For triage, returns and ops; a member has none here."""
    trust: TrustSettings | None = None
    """None means that nothing is signed or sealed: only a test's settings lack it."""
    metrics_host: str = "127.0.0.1"
    """Where `/metrics`, `/live` and `/ready` listen."""
    metrics_port: int = 0
    """0 means no metrics endpoint."""
    metrics_tls: MetricsTls | None = None
    """None serves in plain: on loopback, and elsewhere only with `metrics_plaintext`."""
    metrics_plaintext: bool = False
    """True serves in plain at `metrics_host` elsewhere too, for a network whose own rules say who gets there."""
    metrics_targets: Path | None = None
    """Folder in which a process writes the address that it serves, for `file_sd_configs` of a Prometheus beside it."""
    traces: bool = False
    """True passes trace contexts on and makes spans (extra `traces`); off, nothing is read and nothing is made."""
    incident_contacts: IncidentContacts = IncidentContacts()
    """In ops.toml alone: `tocsin dlq show` names them for a letter that was masked."""
    local_stack: bool = False
    """True only in files that `tocsin up` wrote: `generate` and `demo` refuse any other cluster."""


def _host(address: str) -> str:
    return address.strip().rpartition(":")[0].strip("[]")


def load(path: Path) -> Settings:
    """Read one settings file; raises Broken with the path and the reason."""
    try:
        return msgspec.convert(toml_table(path.read_bytes()), Settings, dec_hook=_path_from)
    except FileNotFoundError as error:
        raise Broken(
            f"Each member and process of a home has a settings file, and {path.name} is missing in {path.parent}. "
            "Check name and --home, or start the stack: tocsin up",
            code="settings.missing",
        ) from error
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise Broken(
            f"Settings file {path.name} cannot be used: {error}. Correct it, or run: tocsin up",
            code="settings.unusable",
        ) from error


def _path_from(wanted: type[Any], value: object) -> Path:
    if wanted is Path and isinstance(value, str):
        return Path(value)
    raise msgspec.ValidationError(f"expected the path of a file or folder, found {type(value).__name__}")
