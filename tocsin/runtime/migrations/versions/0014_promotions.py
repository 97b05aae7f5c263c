"""The promotions that workers have seen: one that is taken from the store while all are down is missed (ADR 0016)."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Workers add and read; nobody but the owner changes or deletes."""
    op.execute("""
        create table promotions (
            name text primary key,
            promotion text not null,
            seen_at timestamptz not null default now()
        )
    """)
    op.execute("grant select, insert on promotions to triage, returns")


def downgrade() -> None:
    """Remove it."""
    op.execute("drop table promotions")
