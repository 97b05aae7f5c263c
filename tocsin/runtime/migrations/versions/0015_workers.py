"""Which workers run, with which digest keys, rules and topics: each says so every few seconds."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each worker has one row; an instant long past stands in one that ended as it was told to."""
    op.execute("""
        create table workers (
            instance text primary key,
            keys text[] not null,
            topics text[] not null,
            policy text not null,
            started_at timestamptz not null default now(),
            seen_at timestamptz not null default now()
        )
    """)
    op.execute("grant select, insert, update on workers to triage, returns")


def downgrade() -> None:
    """Remove it."""
    op.execute("drop table workers")
