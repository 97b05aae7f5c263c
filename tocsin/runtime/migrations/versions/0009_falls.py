"""Retractions and disputes in the order in which they came, so that only the recent ones are looked through."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """`returns` asks every few seconds what has fallen since."""
    op.execute("create index withdrawals_by_claim on report_revisions (claim_number) where withdrawn")
    op.execute("create index disputes_by_claim on disputes (claim_number)")


def downgrade() -> None:
    """Remove both."""
    op.execute("drop index disputes_by_claim, withdrawals_by_claim")
