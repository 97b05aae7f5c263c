"""How one member takes delivery, read from one TOML file beside the member's process settings."""

import re
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from consumers.agreement import Agreement
from consumers.escalation import EscalationStep, Role
from schemas.documents import toml_table
from schemas.failures import Broken

_DAY_MS = 86_400_000
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")


class StoreSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where deliveries are kept: SQLite in the state folder, or a PostgreSQL URL without password."""

    folder: Path = Path()
    """Where the SQLite file is; always the member's own state, whatever stands here."""
    url: str = ""
    """Of the member's PostgreSQL; empty means SQLite."""
    password_file: Path | None = None
    """0600, the password and nothing else."""
    ca: Path | None = None
    """Whose certificate the server must show; None for SQLite and for a Unix socket alone."""
    schema: str = ""
    """Schema of the PostgreSQL store; by default one a member."""


class DirectorySink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="directory"):
    """One file a referral in a folder, with a SHA-256 manifest."""

    name: str = "directory"
    """What deliveries, logs and metrics call it; no two the same."""
    format: str = "json"
    """Which form the referral takes: docs/guides/recipient.md lists them."""
    path: Path
    """The folder."""


class DatabaseSink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="database"):
    """One row a referral in a table of the member's own database."""

    name: str = "database"
    """What deliveries, logs and metrics call it; no two the same."""
    format: str = "json"
    """Which form the referral takes: docs/guides/recipient.md lists them."""
    url: str
    """An SQLAlchemy URL without a password."""
    password_file: Path | None = None
    """0600, the password and nothing else."""
    ca: Path | None = None
    """Whose certificate the server must show; None for SQLite and for a Unix socket alone."""
    table: str = "tocsin_referrals"
    """Made if it is not there."""


class HttpsSink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="https"):
    """A Standard Webhooks endpoint of the member."""

    name: str = "https"
    """What deliveries, logs and metrics call it; no two the same."""
    format: str = "json"
    """Which form the referral takes: docs/guides/recipient.md lists them."""
    url: str
    """Where referrals are posted to."""
    secret_file: Path
    """Holds `whsec_` and the base64 secret that both sides share."""
    check_url: str = ""
    """Asked with `/<key>` appended whether a referral arrived: 200 yes, 404 no."""
    honours_key: bool = False
    """True where the receiver promises that the same `webhook-id` twice has one effect."""
    ca: Path | None = None
    """Whose certificate the receiver must show; None means those that the machine trusts."""
    certificate: Path | None = None
    """What the member shows, where its receiver asks who comes."""
    key: Path | None = None
    """0600, of that certificate."""
    timeout_seconds: float = 10.0
    """How long one answer may take."""
    max_body_bytes: int = 1_048_576
    """What is larger is not sent: it is parked."""
    private_network: bool = False
    """True where the receiver is on the member's own network; this machine's link (169.254, fe80) is never allowed."""
    this_machine: bool = False
    """True where the receiver is on this machine: its host is then written `localhost`, `127.0.0.1` or `[::1]`."""


SinkSettings = DirectorySink | DatabaseSink | HttpsSink


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long and how often delivering is tried."""

    max_attempts: int = 20
    """How often one delivery is tried; then it is parked for a person."""
    first_retry_seconds: float = 2.0
    """How long the first wait is; each later one is twice as long."""
    longest_retry_seconds: float = 900.0
    """What no wait is longer than."""
    longest_pause_seconds: float = 60.0
    """Longest wait before a sink that was away is tried again."""
    give_up_days: int = 14
    """After so many days a delivery has expired."""
    claim_seconds: int = 300
    """How long one process may hold a delivery before another may ask what became of it."""
    burst: int = 16
    """Deliveries in one turn."""
    burst_seconds: float = 2.0
    """How long one turn may take at a slow sink, so that an urgent referral never waits behind it."""
    erase_after_days: int = 30
    """Days after closing until the referral itself is deleted here; counts and times stay."""

    def give_up_ms(self, from_ms: int) -> int:
        """When delivering ends for what begins to be delivered at an instant."""
        return from_ms + self.give_up_days * _DAY_MS


_STEPS = (
    EscalationStep(code=Role.DUTY_CONTACT),
    EscalationStep(code=Role.STAND_IN, after_minutes=30),
    EscalationStep(code=Role.FALLBACK, after_minutes=60),
)


class DeliverySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that the delivery file says; the default is a folder below the member's own state."""

    sinks: tuple[SinkSettings, ...] = ()
    """Where referrals go; without one, a folder `delivered` in the member's state."""
    duplicates: Agreement | None = None
    """Asks for more than the policy bundle's agreement gives: `deliver` always may, `bundle` instead of `count` may."""
    limits: Limits = Limits()
    """How long and how often."""
    escalation: tuple[EscalationStep, ...] = _STEPS
    """Whom to tell, one after the other: the duty contact, after 30 minutes the stand-in, 60 later the fall-back."""
    store: StoreSettings = StoreSettings()
    """Where the inbox is."""
    canaries: bool = False
    """Whether the exchange's canaries go on to the sinks; otherwise the courier stops them (ADR 0043)."""


def load(path: Path, state: Path) -> DeliverySettings:
    """Read the file; without one, a folder below `state` is the sink."""
    settings = _read(path) if path.exists() else DeliverySettings()
    _check_names(path, settings)
    changes: dict[str, Any] = {"store": msgspec.structs.replace(settings.store, folder=state)}
    if not settings.sinks:
        changes["sinks"] = (DirectorySink(path=state / "delivered"),)
    return msgspec.structs.replace(settings, **changes)


def _read(path: Path) -> DeliverySettings:
    try:
        return msgspec.convert(toml_table(path.read_bytes()), DeliverySettings, dec_hook=_path)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise Broken(
            f"Delivery file {path.name} cannot be used: {error}. docs/guides/recipient.md has an example.",
            code="delivery.settings",
        ) from error


def _path(kind: type, value: Any) -> Any:
    if kind is not Path:
        raise NotImplementedError
    return Path(value)


def _check_names(path: Path, settings: DeliverySettings) -> None:
    names = [sink.name for sink in settings.sinks]
    if len(set(names)) != len(names) or not all(_NAME.match(name) for name in names):
        raise Broken(
            f"Delivery file {path.name}: each sink needs its own name of lower-case letters, digits, - and _. "
            f"Found: {', '.join(names)}.",
            code="delivery.settings",
        )
