"""Where each content item stands by ICCAM's rules: as triage found it, and what recipients did since."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Triage writes items, `returns` what is done to them; a refused act stays with its code (ADR 0011)."""
    op.execute("""
        create table items (
            report_id uuid not null,
            content_id text not null,
            revision integer not null,
            hosting_country text not null,
            assigned_country text not null,
            classification text not null,
            primary key (report_id, content_id)
        )
    """)
    op.execute("""
        create table item_acts (
            number bigint generated always as identity,
            return_id text not null,
            position smallint not null,
            report_id uuid not null,
            content_id text not null,
            member text not null,
            kind text not null,
            value text not null,
            refused text not null,
            at timestamptz not null,
            primary key (return_id, position)
        )
    """)
    op.execute("create index item_acts_by_report on item_acts (report_id, number)")
    op.execute("grant select, insert, update on items to triage")
    op.execute("grant select on item_acts to triage")
    op.execute("grant select, update on items to returns")
    op.execute("grant select, insert on item_acts to returns")


def downgrade() -> None:
    """Remove both."""
    op.execute("drop table item_acts")
    op.execute("drop table items")
