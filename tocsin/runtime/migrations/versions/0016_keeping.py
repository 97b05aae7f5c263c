"""Until when a report is kept, legal holds, and the only two ways in which what is kept goes (ADR 0028)."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ERASE_REPORT = """
    create function erase_report(wanted uuid) returns boolean
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
        delete from sightings where report_id = wanted;
        delete from near_hashes where report_id = wanted;
        delete from links where report_id = wanted or other = wanted;
        delete from link_notices where other = wanted
            or referral_id in (select referral_id from referrals where report_id = wanted);
        delete from items where report_id = wanted;
        delete from item_acts where report_id = wanted;
        delete from disputes where report_id = wanted;
        delete from unrouted where report_id = wanted;
        delete from lea_holds where report_id = wanted;
        update queue set submitter_reference = '', reasons = '{}', reason = null,
            closed_at = coalesce(closed_at, now()) where report_id = wanted;
        update rulings set reason = '' where report_id = wanted;
        update decisions set submitter_reference = '', missing = '', retain_until = null where report_id = wanted;
        update referrals set submitter_reference = '' where report_id = wanted;
        return true;
    end $$
"""
# What stays has no content: ids, members, tiers, marks, states, coordinates, times. The last revision of all is
# erased itself, so that nothing later of this report, and no ruling on it, is ever routed again; it has no place.

_ERASE_PAST = """
    create function erase_past(most integer) returns integer
    language sql security definer set search_path = public, pg_temp as $$
        select count(*)::integer from (
            select d.report_id from decisions d
            where d.retain_until <= now()
            and not exists (
                select 1 from decisions later where later.report_id = d.report_id
                and (later.revision, later.ruling) > (d.revision, d.ruling) and later.retain_until > now())
            and not exists (
                select 1 from legal_holds h where h.report_id = d.report_id and h.released_at is null
                and h.expires_at > now())
            group by d.report_id order by min(d.retain_until) limit most
        ) past cross join lateral (select erase_report(past.report_id) as done) erased where erased.done
    $$
"""


def upgrade() -> None:
    """The worker may let go of what is past, and of nothing else; whoever owns the tables erases what is asked for."""
    op.execute("alter table decisions add column retain_until timestamptz")
    op.execute("create index decisions_past on decisions (retain_until) where retain_until is not null")
    op.execute("""
        create table legal_holds (
            number bigint generated always as identity primary key,
            report_id uuid not null,
            owner text not null,
            reason text not null,
            set_by text not null,
            set_at timestamptz not null default now(),
            expires_at timestamptz not null,
            released_by text,
            released_at timestamptz,
            released_because text
        )
    """)
    op.execute("create index legal_holds_by_report on legal_holds (report_id)")
    op.execute("alter table returns add column code text not null default ''")
    op.execute(_ERASE_REPORT)
    op.execute(_ERASE_PAST)
    op.execute("revoke execute on function erase_report(uuid), erase_past(integer) from public")
    op.execute("grant execute on function erase_past(integer) to returns")


def downgrade() -> None:
    """Remove it."""
    op.execute("drop function erase_past(integer)")
    op.execute("drop function erase_report(uuid)")
    op.execute("drop table legal_holds")
    op.execute("alter table returns drop column code")
    op.execute("alter table decisions drop column retain_until")
