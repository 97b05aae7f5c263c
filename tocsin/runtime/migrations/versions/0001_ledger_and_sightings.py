"""Streams, ledger blocks, report revisions, sightings, referrals, returns and dead letters."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = {
    # A partition of one topic id: a topic that was created again is another stream.
    "streams": """
        stream integer generated always as identity primary key,
        topic_id text not null,
        topic text not null,
        partition integer not null,
        first_offset bigint not null,
        next_offset bigint not null,
        unique (topic_id, topic, partition)
    """,
    # One outcome byte per offset, in the order of offsets.
    "ledger_blocks": """
        stream integer not null references streams,
        first_offset bigint not null,
        outcomes bytea not null,
        settled_at timestamptz not null default now(),
        primary key (stream, first_offset)
    """,
    "log_starts": """
        stream integer not null references streams,
        log_start bigint not null,
        seen_at timestamptz not null default now(),
        primary key (stream, log_start)
    """,
    "report_revisions": """
        report_id uuid not null,
        revision integer not null,
        member text not null,
        withdrawn boolean not null,
        digest bytea not null,
        stream integer not null,
        log_offset bigint not null,
        claim_number bigint not null,
        primary key (report_id, revision)
    """,
    "sightings": """
        selector bytea not null,
        member text not null,
        report_id uuid not null,
        stream integer not null,
        log_offset bigint not null,
        claim_number bigint not null,
        primary key (selector, member)
    """,
    "referrals": """
        referral_id uuid primary key,
        report_id uuid not null,
        revision integer not null,
        submitter text not null,
        submitter_reference text not null,
        recipient text not null,
        jurisdiction text not null,
        tier text not null,
        mark text not null,
        withdrawal boolean not null,
        stream integer not null,
        log_offset bigint not null,
        out_topic text not null,
        out_partition integer not null,
        out_offset bigint not null,
        submitted_at timestamptz not null,
        referred_at timestamptz not null default now(),
        state text not null default 'waiting',
        state_at timestamptz not null default now(),
        taken_up_at timestamptz
    """,
    # What nobody got, or a person has to settle: the queue, and the check that nothing urgent lies there unseen.
    "unrouted": """
        stream integer not null,
        log_offset bigint not null,
        report_id uuid not null,
        revision integer not null,
        submitter text not null,
        submitter_reference text not null,
        mark text not null,
        outcome smallint not null,
        tier text not null,
        reasons text[] not null,
        recipients integer not null,
        at timestamptz not null default now(),
        primary key (stream, log_offset)
    """,
    "returns": """
        return_id text primary key,
        referral_id uuid not null,
        member text not null,
        kind text not null,
        at timestamptz not null,
        by_person boolean not null,
        stream integer not null,
        log_offset bigint not null
    """,
    "dead_letters": """
        stream integer not null references streams,
        log_offset bigint not null,
        member text not null,
        code text not null,
        field text not null,
        out_topic text not null,
        out_partition integer not null,
        out_offset bigint not null,
        at timestamptz not null default now(),
        state text not null default 'open',
        decided_by text,
        reason text,
        primary key (stream, log_offset)
    """,
}

_INDEXES = (
    "create index referrals_by_report on referrals (report_id)",
    "create index referrals_by_recipient_state on referrals (recipient, state)",
    "create index returns_by_referral on returns (referral_id)",
)

_GRANTS = (
    "grant select on all tables in schema public to triage, returns",
    "grant insert, update on streams, ledger_blocks, log_starts, dead_letters, report_revisions, sightings, "
    "referrals, unrouted to triage",
    "grant insert, update on streams, ledger_blocks, log_starts, dead_letters, returns to returns",
    "grant update (state, state_at, taken_up_at) on referrals to returns",
    "grant usage on sequence claim_numbers to triage",
)


def upgrade() -> None:
    """Create everything; the processes get what they need and no more."""
    # Slices take numbers in blocks, so that the records of one slice are ordered among themselves.
    op.execute("create sequence claim_numbers increment by 1000")
    for name, columns in _TABLES.items():
        op.execute(f"create table {name} ({columns})")
    for statement in (*_INDEXES, *_GRANTS):
        op.execute(statement)


def downgrade() -> None:
    """Remove everything."""
    for name in reversed(_TABLES):
        op.execute(f"drop table {name}")
    op.execute("drop sequence claim_numbers")
