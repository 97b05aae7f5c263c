"""The audit log: leaves, what opens them, the tree over them, and the checkpoints that were signed."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLES = {
    # One row for each transaction that had something to say; leaves are lines. Its order is that of transactions
    # first, so that one that commits late cannot come to stand before what the tree has taken already (ADR 0033).
    "audit_entries": """
        entry bigint generated always as identity primary key,
        xid xid8 not null default pg_current_xact_id(),
        at timestamptz not null default now(),
        leaves bytea not null
    """,
    # Apart, because erasing a report deletes here, and never there.
    "audit_openings": """
        entry bigint primary key,
        at timestamptz not null default now(),
        stream integer,
        first_offset bigint,
        last_offset bigint,
        person text not null,
        nonces bytea not null,
        statements bytea not null
    """,
    "audit_tiles": """
        level smallint not null,
        number bigint not null,
        hashes bytea not null,
        primary key (level, number)
    """,
    "audit_checkpoints": """
        size bigint primary key,
        through_xid xid8 not null,
        through_entry bigint not null,
        note text not null,
        at timestamptz not null default now()
    """,
}

_OTHERS = (
    "alter table audit_entries alter column leaves set storage external",
    "create unique index audit_entries_order on audit_entries (xid, entry)",
    "create index audit_openings_by_place on audit_openings (stream, first_offset) where stream is not null",
    "create index audit_openings_by_time on audit_openings (at)",
    "create index audit_openings_by_person on audit_openings (person, at) where person <> ''",
    "grant insert, select (entry) on audit_entries to triage",
    "grant insert on audit_openings to triage, returns",
    "grant insert, select on audit_entries to returns",
    "grant select, insert, update on audit_tiles to returns",
    "grant select, insert on audit_checkpoints to returns",
)


def upgrade() -> None:
    """Triage only adds; `returns` puts in order and signs; nobody but the owner changes or deletes."""
    for name, columns in _TABLES.items():
        op.execute(f"create table {name} ({columns})")
    for statement in _OTHERS:
        op.execute(statement)


def downgrade() -> None:
    """Remove it."""
    for name in reversed(_TABLES):
        op.execute(f"drop table {name}")
