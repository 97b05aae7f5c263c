"""The policy bundle that each decision was made by."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Its digest; empty for what was decided before this was kept."""
    op.execute("alter table decisions add column policy text not null default ''")


def downgrade() -> None:
    """Forget it."""
    op.execute("alter table decisions drop column policy")
