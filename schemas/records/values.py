"""Values that several records share: closed sets that Tocsin owns, instants, handling, hashes, sealed parts."""

from enum import StrEnum

from msgspec import Struct, field


class Mark(StrEnum):
    """Whether a record counts: tests and drills travel the same path and are left out of statistics."""

    UNKNOWN = "UNKNOWN"
    LIVE = "LIVE"
    TEST = "TEST"
    DRILL = "DRILL"


class TimePrecision(StrEnum):
    """How exact an instant is as its source stated it."""

    UNKNOWN = "UNKNOWN"
    SECOND = "SECOND"
    MINUTE = "MINUTE"
    HOUR = "HOUR"
    DAY = "DAY"
    MONTH = "MONTH"
    YEAR = "YEAR"


class Provenance(StrEnum):
    """Who vouches for a value: the reporter's own word, or the member's signed-off profile."""

    UNKNOWN = "UNKNOWN"
    EXPLICIT = "EXPLICIT"
    FROM_PROFILE = "FROM_PROFILE"


class NexusKind(StrEnum):
    """Why a country is concerned (Digital Services Act, Article 18: offence, suspect, victim)."""

    UNKNOWN = "UNKNOWN"
    OFFENCE = "OFFENCE"
    SUSPECT = "SUSPECT"
    VICTIM = "VICTIM"
    DECLARED = "DECLARED"
    HOSTING = "HOSTING"


class Verdict(StrEnum):
    """One jurisdiction's answer for one content item (ICCAM terms, and what is not settled)."""

    UNKNOWN = "UNKNOWN"
    BASELINE = "BASELINE"
    NATIONAL = "NATIONAL"
    NOT_ILLEGAL = "NOT_ILLEGAL"
    UNDETERMINED = "UNDETERMINED"


class Tier(StrEnum):
    """How soon a person should look; it advises, a person decides."""

    UNKNOWN = "UNKNOWN"
    URGENT = "URGENT"
    HIGH = "HIGH"
    NORMAL = "NORMAL"
    LOW = "LOW"


class Novelty(StrEnum):
    """What other reports say of the same content; an attribute, never an outcome."""

    UNKNOWN = "UNKNOWN"
    NEW = "NEW"
    SEEN = "SEEN"
    RESUBMISSION = "RESUBMISSION"
    REVISION = "REVISION"


class SyntheticOrigin(StrEnum):
    """How much of an item a machine made."""

    UNKNOWN = "UNKNOWN"
    NONE = "NONE"
    PARTIAL = "PARTIAL"
    FULL = "FULL"


class Realism(StrEnum):
    """How an item looks, whatever its origin."""

    UNKNOWN = "UNKNOWN"
    PHOTO = "PHOTO"
    REALISTIC = "REALISTIC"
    NON_REALISTIC = "NON_REALISTIC"


class Ternary(StrEnum):
    """A stated yes or no; UNKNOWN is never read as no."""

    UNKNOWN = "UNKNOWN"
    NO = "NO"
    YES = "YES"


class Instant(Struct, frozen=True, kw_only=True, gc=False):
    """A point in time: UTC milliseconds, and how its source wrote it."""

    epoch_ms: int = 0
    utc_offset_minutes: int | None = None
    precision: TimePrecision = TimePrecision.SECOND
    zone_assumed: bool = False
    """True where the source gave no offset and the member's profile supplied one."""


class Hash(Struct, frozen=True, kw_only=True, gc=False):
    """One digest of an item; `algorithm` is a code of vocabularies/hash_algorithm, `value` lower-case hex or text."""

    algorithm: str = ""
    value: str = ""
    quality: int | None = None
    """PDQ quality, 0 to 100."""


class Handling(Struct, frozen=True, kw_only=True, gc=False):
    """How far a record may travel: TLP 2.0, PAP, and a police handling code (H0 to H3)."""

    tlp: str = "AMBER"
    pap: str = "AMBER"
    handling_code: str = ""
    lea_hold: bool = False
    """True blocks notice and takedown until police release it."""


class SealedPart(Struct, frozen=True, kw_only=True, gc=False):
    """A record for one audience only, sealed to a key of that audience; key id `none` marks one that is not sealed."""

    audience: str = ""
    schema_id: int = 0
    key_id: str = "none"
    enc: bytes = b""
    ciphertext: bytes = b""
    policy: str = ""
    """Digest of the bundle under which a submitter sealed it."""
    proof: bytes = b""
    """What the fields inside are checked with, closed with them: a Commitment for triage, an OriginProof for others."""


class Text(Struct, frozen=True, kw_only=True, gc=False):
    """A short free text with its language (BCP 47), released to nobody by default."""

    text: str = ""
    language: str = "und"


class Coordinate(Struct, frozen=True, kw_only=True, order=True, gc=False):
    """Where one record lies; the topic id tells a re-created topic from the old one."""

    topic_id: str = ""
    topic: str = ""
    partition: int = 0
    offset: int = 0


class PolicyVersion(Struct, frozen=True, kw_only=True, gc=False):
    """Which rules and data decided: bundle digest (SHA-256 hex) and the version of each part."""

    bundle: str = ""
    parts: dict[str, str] = field(default_factory=dict)
