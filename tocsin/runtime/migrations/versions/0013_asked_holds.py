"""Holds that police units ask for in their own returns: each return counts once."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The returns worker puts them down and ends them."""
    op.execute("alter table lea_holds add column return_id text unique")
    op.execute("grant insert, update (released_by, released_at) on lea_holds to returns")


def downgrade() -> None:
    """Remove it."""
    op.execute("revoke insert, update (released_by, released_at) on lea_holds from returns")
    op.execute("alter table lea_holds drop column return_id")
