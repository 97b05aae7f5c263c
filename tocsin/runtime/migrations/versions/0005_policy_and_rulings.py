"""The policy bundle that each decision was made by, and decisions that were made again."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A digest, empty for what was decided before it was kept; 0 for what was decided as it came in."""
    op.execute("alter table decisions add column policy text not null default ''")
    op.execute("alter table decisions add column ruling integer not null default 0")
    op.execute("alter table decisions drop constraint decisions_pkey")
    op.execute("alter table decisions add primary key (report_id, revision, ruling)")
    op.execute("alter table referrals add column ruling integer not null default 0")
    op.execute("""
        create table rulings (
            ruling_id text primary key,
            report_id uuid not null,
            revision integer not null,
            number integer not null,
            stream integer not null references streams,
            log_offset bigint not null,
            claim_number bigint not null,
            cause text not null,
            occasion text not null,
            decided_by text not null,
            reason text not null,
            chosen text[] not null,
            closed boolean not null,
            at timestamptz not null default now(),
            unique (report_id, revision, number)
        )
    """)
    op.execute("create index rulings_by_occasion on rulings (occasion)")
    op.execute("grant select on rulings to triage, returns")
    op.execute("grant insert on rulings to triage")


def downgrade() -> None:
    """Remove it."""
    op.execute("drop table rulings")
    op.execute("alter table referrals drop column ruling")
    op.execute("delete from decisions where ruling > 0")
    op.execute("alter table decisions drop constraint decisions_pkey")
    op.execute("alter table decisions add primary key (report_id, revision)")
    op.execute("alter table decisions drop column ruling")
    op.execute("alter table decisions drop column policy")
