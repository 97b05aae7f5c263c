"""Which report a dead letter was of, where its record could be read: whoever asks for the report is told of it too."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Empty for what is there already."""
    op.execute("alter table dead_letters add column report_id uuid")
    op.execute("create index dead_letters_by_report on dead_letters (report_id) where report_id is not null")


def downgrade() -> None:
    """Forget it."""
    op.execute("alter table dead_letters drop column report_id")
