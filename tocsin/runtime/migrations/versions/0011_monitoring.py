"""Whether an item's page is described well enough to be monitored (ADR 0011)."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of items that are there already nobody knows it: their next revision tells."""
    op.execute("alter table items add column is_described boolean not null default false")


def downgrade() -> None:
    """Remove it."""
    op.execute("alter table items drop column is_described")
