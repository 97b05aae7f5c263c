"""When a submitter has looked at a moved item again: what was moved before that no longer counts (ADR 0011)."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has, of items that are there already."""
    op.execute("alter table items add column looked_at timestamptz")


def downgrade() -> None:
    """Forget it."""
    op.execute("alter table items drop column looked_at")
