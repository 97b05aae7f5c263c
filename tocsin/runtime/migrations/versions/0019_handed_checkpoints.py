"""Which checkpoints of the audit log members were given, each after the one before."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One chain: no two continue the same one (ADR 0035)."""
    op.execute("""
        create table audit_handed (
            size bigint primary key references audit_checkpoints (size),
            old bigint not null unique,
            at timestamptz not null default now()
        )
    """)
    op.execute("grant select, insert on audit_handed to returns")


def downgrade() -> None:
    """Forget it."""
    op.execute("drop table audit_handed")
