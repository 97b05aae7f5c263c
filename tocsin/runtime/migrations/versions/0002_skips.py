"""Records that a named person set aside, and the open dead letters that a member's limit is held against."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Written by `ops`, read by the workers."""
    op.execute("""
        create table skips (
            stream integer not null references streams,
            first_offset bigint not null,
            last_offset bigint not null check (last_offset >= first_offset),
            decided_by text not null,
            reason text not null,
            at timestamptz not null default now(),
            primary key (stream, first_offset)
        )
    """)
    op.execute("grant select on skips to triage, returns")
    op.execute(
        "alter table dead_letters add column value_bytes bigint not null default 0, "
        "add column value_sha256 text not null default '', add column masked boolean not null default false"
    )
    op.execute("create index dead_letters_open on dead_letters (at) where state = 'open'")


def downgrade() -> None:
    """Remove it."""
    op.execute("drop index dead_letters_open")
    op.execute("alter table dead_letters drop column value_bytes, drop column value_sha256, drop column masked")
    op.execute("drop table skips")
