"""A day for each decision from before there was one (0016): a year after it, as without a table (ADR 0028)."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_YEAR_LATER = "at + interval '365 days'"
_IS_ERASED = """
    exists (select from report_revisions e where e.report_id = decisions.report_id and e.revision = 2147483647)
"""


def upgrade() -> None:
    """What erasure left keeps no day: nothing is there that could go."""
    op.execute(f"""
        update decisions set retain_until = {_YEAR_LATER} where retain_until is null and not {_IS_ERASED}
    """)  # noqa: S608 -- put together from our own text


def downgrade() -> None:
    """Take the day away again; triage's own days are of another instant, the record's."""
    op.execute(f"update decisions set retain_until = null where retain_until = {_YEAR_LATER}")  # noqa: S608 -- as above
