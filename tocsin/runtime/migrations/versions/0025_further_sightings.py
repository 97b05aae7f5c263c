"""Reports that carry a selector beyond those that the index keeps of a member: found by it all the same (ADR 0064)."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_ERASE_REPORT = """
    create or replace function erase_report(wanted uuid) returns boolean
    language plpgsql security definer set search_path = public, restricted, pg_temp as $$
    begin
        if exists (select 1 from legal_holds where report_id = wanted and released_at is null
                   and expires_at > now()) then
            return false;
        end if;
        insert into report_revisions
            (report_id, revision, member, withdrawn, digest, stream, log_offset, claim_number)
        select report_id, 2147483647, member, false, '', stream, -1, nextval('claim_numbers')
        from report_revisions where report_id = wanted order by revision desc limit 1
        on conflict do nothing;
        update report_revisions set digest = '' where report_id = wanted;
        delete from sightings where report_id = wanted;{further}
        delete from near_hashes where report_id = wanted;
        delete from links where report_id = wanted or other = wanted;
        delete from link_notices where other = wanted
            or referral_id in (select referral_id from referrals where report_id = wanted);
        delete from items where report_id = wanted;
        delete from item_acts where report_id = wanted;
        delete from disputes where report_id = wanted;
        delete from unrouted where report_id = wanted;
        delete from lea_holds where report_id = wanted;
        update queue set submitter_reference = '', reasons = '{{}}', reason = null,
            closed_at = coalesce(closed_at, now()) where report_id = wanted;
        update rulings set reason = '' where report_id = wanted;
        update decisions set submitter_reference = '', missing = '', retain_until = null where report_id = wanted;
        update referrals set submitter_reference = '' where report_id = wanted;
        return true;
    end $$
"""
_FURTHER = """
        delete from further_sightings where report_id = wanted;"""


def upgrade() -> None:
    """Triage adds and reads nothing; what was passed over before is known nowhere, so that the table starts empty."""
    op.execute("""
        create table further_sightings (
            selector bytea not null,
            report_id uuid not null,
            primary key (selector, report_id)
        )
    """)
    op.execute("create index further_sightings_by_report on further_sightings (report_id)")
    op.execute("grant insert on further_sightings to triage")
    op.execute(_ERASE_REPORT.format(further=_FURTHER))


def downgrade() -> None:
    """Remove it: these reports are found by their selectors no more."""
    op.execute(_ERASE_REPORT.format(further=""))
    op.execute("drop table further_sightings")
