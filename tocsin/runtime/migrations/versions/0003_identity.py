"""What sightings are bound to, near hashes apart from everything else, and reports that a recipient disputes."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Near hashes are in a schema that only triage may use; `returns` takes claim numbers for disputes."""
    op.execute("alter table sightings add column bound bytea not null default ''")
    op.execute("""
        create table disputes (
            return_id text primary key,
            report_id uuid not null,
            member text not null,
            claim_number bigint not null,
            at timestamptz not null default now()
        )
    """)
    op.execute("create index disputes_by_report on disputes (report_id)")
    op.execute("create index withdrawals_by_report on report_revisions (report_id) where withdrawn")
    op.execute("create schema restricted")
    op.execute("""
        create table restricted.near_hashes (
            number bigint generated always as identity primary key,
            veiled bytea not null check (length(veiled) = 32),
            member text not null,
            report_id uuid not null,
            claim_number bigint not null,
            unique (veiled, member)
        )
    """)
    op.execute("grant usage on schema restricted to triage")
    op.execute("grant select, insert on restricted.near_hashes to triage")
    op.execute("grant select on disputes to triage, returns")
    op.execute("grant insert on disputes to returns")
    op.execute("grant usage on sequence claim_numbers to returns")


def downgrade() -> None:
    """Remove it."""
    op.execute("drop schema restricted cascade")
    op.execute("drop index withdrawals_by_report")
    op.execute("drop table disputes")
    op.execute("alter table sightings drop column bound")
