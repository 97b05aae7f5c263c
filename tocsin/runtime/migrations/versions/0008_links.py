"""Which reports a decision was linked to, who was told so, and who was told that a linked report stands no more."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Several sightings of one member may stand for a selector: a report that is taken back leaves the others."""
    op.execute("""
        create table links (
            report_id uuid not null,
            other uuid not null,
            distance smallint,
            primary key (report_id, other)
        )
    """)
    op.execute("create index links_by_other on links (other)")
    op.execute("""
        create table link_notices (
            referral_id uuid not null,
            other uuid not null,
            state text not null,
            at timestamptz not null default now(),
            primary key (referral_id, other, state)
        )
    """)
    op.execute("alter table referrals add column links_told boolean not null default false")
    op.execute("alter table sightings drop constraint sightings_pkey")
    op.execute("alter table sightings add primary key (selector, member, report_id)")
    op.execute("alter table restricted.near_hashes drop constraint near_hashes_veiled_member_key")
    op.execute("alter table restricted.near_hashes add unique (veiled, member, report_id)")
    op.execute("grant select, insert on links to triage")
    op.execute("grant select on links to returns")
    op.execute("grant select, insert on link_notices to returns")


def downgrade() -> None:
    """Remove it; of several sightings of one member the first stays."""
    op.execute("drop table link_notices, links")
    op.execute("alter table referrals drop column links_told")
    op.execute(_ONLY_FIRST.format(table="sightings", selector="selector"))
    op.execute("alter table sightings drop constraint sightings_pkey")
    op.execute("alter table sightings add primary key (selector, member)")
    op.execute(_ONLY_FIRST.format(table="restricted.near_hashes", selector="veiled"))
    op.execute("alter table restricted.near_hashes drop constraint near_hashes_veiled_member_report_id_key")
    op.execute("alter table restricted.near_hashes add unique (veiled, member)")


_ONLY_FIRST = (
    "delete from {table} later using {table} first where first.{selector} = later.{selector} "
    "and first.member = later.member and first.claim_number < later.claim_number"
)
