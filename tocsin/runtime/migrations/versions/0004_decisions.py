"""Where the decision on each revision lies, how complete it was, and what was missing."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Written by triage with the ledger; read by `explain` and `quality`."""
    op.execute("""
        create table decisions (
            report_id uuid not null,
            revision integer not null,
            submitter text not null,
            submitter_reference text not null,
            mark text not null,
            tier text not null,
            completeness smallint not null,
            missing text not null,
            out_partition integer not null,
            out_offset bigint not null,
            at timestamptz not null default now(),
            primary key (report_id, revision)
        )
    """)
    op.execute("create index decisions_by_submitter on decisions (submitter, at)")
    op.execute("grant select, insert on decisions to triage")


def downgrade() -> None:
    """Remove it."""
    op.execute("drop table decisions")
