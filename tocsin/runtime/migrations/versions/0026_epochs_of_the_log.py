"""When the audit log began anew after a restore, and how much of it the backup had."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The first epoch needs no row (ADR 0066)."""
    op.execute("""
        create table audit_epochs (
            number integer primary key check (number > 0),
            from_size bigint not null check (from_size >= 0),
            at timestamptz not null default now()
        )
    """)
    op.execute("grant select on audit_epochs to returns")


def downgrade() -> None:
    """Forget them: checkpoints that were signed keep theirs."""
    op.execute("drop table audit_epochs")
