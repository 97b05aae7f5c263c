"""The tables of the delivery store, the same on SQLite and PostgreSQL; every instant is UTC milliseconds."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
)

from tocsin.runtime.holding import holds_table

VERSION = 1
NEVER_MS = 2**62
"""Stands where there is no deadline or no retention: it sorts behind every instant."""
GONE_MS = NEVER_MS + 1
"""Stands for the retention of what was let go of, here and in the sinks."""
METADATA = MetaData()

STORE = Table(
    "store",
    METADATA,
    Column("member", String, primary_key=True),
    Column("version", Integer, nullable=False),
)

POSITIONS = Table(
    "positions",
    METADATA,
    Column("topic", String, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("topic_id", String, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
)

GAPS = Table(
    "gaps",
    METADATA,
    Column("topic", String, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("first_offset", BigInteger, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
    Column("accepted_ms", BigInteger, nullable=False),
)
"""Records that retention deleted before the inbox read them, and why a person let the inbox go on."""

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("key", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("report_id", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("mark", String, nullable=False),
    Column("tier", String, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("deadline_ms", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("state_since_ms", BigInteger, nullable=False),
    Column("reason_code", String, nullable=False, server_default=""),
    Column("due_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("retain_ms", BigInteger, nullable=False),
    Column("claimed_until_ms", BigInteger, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("recalled", Boolean, nullable=False, server_default=false()),
    Column("bundle_key", String),
    Column("escalate_ms", BigInteger),
    Column("escalation_step", Integer, nullable=False, server_default="0"),
    Column("case_number", String, nullable=False, server_default=""),
    Column("value", LargeBinary),
    Column("topic", String, nullable=False, server_default=""),
    Column("topic_id", String, nullable=False, server_default=""),
    Column("partition", Integer, nullable=False, server_default="0"),
    Column("offset", BigInteger, nullable=False, server_default="0"),
    Index("deliveries_by_due", "state", "due_ms", "rank", "deadline_ms"),
    Index("deliveries_by_report", "report_id"),
    Index("deliveries_by_bundle", "bundle_key"),
    Index("deliveries_by_escalation", "escalate_ms"),
)
"""One row a referral, a bundle and a notice; `value` is the record as it came, NULL once erased."""

CONTENT_KEYS = Table(
    "content_keys",
    METADATA,
    Column("kind", String, primary_key=True),
    Column("content_key", String, primary_key=True),
    Column("delivery_key", String, primary_key=True),
)
"""Which keyed digests each referral carries; they say what this member has once that referral is delivered."""

TRACES = Table(
    "traces",
    METADATA,
    Column("delivery_key", String, primary_key=True),
    Column("traceparent", String, nullable=False),
)
"""Where traces are on: the context that a referral came with, until it is delivered."""

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("attempt_id", Integer, primary_key=True, autoincrement=True),
    Column("delivery_key", String, nullable=False),
    Column("sink", String, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("finished_ms", BigInteger),
    Column("result", String, nullable=False, server_default=""),
    Column("code", String, nullable=False, server_default=""),
    Index("attempts_by_delivery", "delivery_key", "sink"),
)
"""One row a sink and try, written before the try; an empty result means that the process died in between."""

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("return_id", String, nullable=False),
    Column("referral_id", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("confirmed_ms", BigInteger),
    UniqueConstraint("return_id"),
    Index("outbox_by_confirmation", "confirmed_ms", "sequence"),
)
"""Returns that are owed to the exchange; confirmed by the broker's own delivery report."""

ERASURES = Table(
    "erasures",
    METADATA,
    Column("report_id", String, primary_key=True),
    Column("referral_id", String, nullable=False),
    Column("ordered_ms", BigInteger, nullable=False),
    Column("done_ms", BigInteger),
)
"""Reports that the exchange ordered to be erased; whatever comes of them later is erased as well."""

HOLDS = holds_table(METADATA)
"""Which reports are held until when: no age and no order takes them, here or in a sink, meanwhile."""

DEAD_LETTERS = Table(
    "dead_letters",
    METADATA,
    Column("topic", String, primary_key=True),
    Column("topic_id", String, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("offset", BigInteger, primary_key=True),
    Column("code", String, nullable=False),
    Column("length", Integer, nullable=False),
    Column("sha256", String, nullable=False),
    Column("value", LargeBinary),
    Column("kept_ms", BigInteger, nullable=False),
    Column("mended_ms", BigInteger),
)
"""Records that could not be read, kept until they can be."""
