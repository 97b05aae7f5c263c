"""Finds recalls, and the open ones among them, without reading every referral."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Recalls are few among referrals, and `returns` counts the open ones every few seconds."""
    op.execute("create index referrals_recalling on referrals (state, referred_at) where withdrawal")


def downgrade() -> None:
    """Remove it."""
    op.execute("drop index referrals_recalling")
