"""What is measured of each report, as one view; and what stays of that, without ids, once a report is erased."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_COLUMNS = (
    "case_id, month, submitter, recipient, jurisdiction, tier, mark, countries, labels, completeness, is_complete, "
    "links, items, removed_seconds, delivered_seconds, taken_up_seconds, is_answered"
)

_KEPT = """
    create table kept_measures (
        number bigint generated always as identity primary key,
        case_id uuid not null,
        month date not null,
        submitter text not null,
        recipient text not null,
        jurisdiction text not null,
        tier text not null,
        mark text not null,
        countries text[] not null,
        labels text[] not null,
        completeness smallint not null,
        is_complete boolean not null,
        links integer not null,
        items integer not null,
        removed_seconds double precision[] not null,
        delivered_seconds double precision,
        taken_up_seconds double precision,
        is_answered boolean not null
    )
"""
# The case's id is drawn anew when its report is erased: rows of one case belong together, and lead to nothing else.

# Report by report, by indexes: the planner cannot guess how few reports a month has, and would join all with all.
_MEASURED = """
    create view measured as
    select d.report_id as case_id, (date_trunc('month', d.first_at at time zone 'UTC'))::date as month, d.submitter,
           coalesce(r.recipient, '') as recipient, coalesce(r.jurisdiction, '') as jurisdiction, d.tier, d.mark,
           coalesce(i.countries, '{}') as countries,
           coalesce(string_to_array(nullif(d.labels, ''), ' '), '{}') as labels,
           d.completeness, d.missing = '' as is_complete,
           (select count(*)::integer from links l where l.report_id = d.report_id) as links,
           i.items, coalesce(i.removed_seconds, '{}') as removed_seconds,
           extract(epoch from r.delivered_at - r.submitted_at)::double precision as delivered_seconds,
           extract(epoch from r.taken_up_at - r.submitted_at)::double precision as taken_up_seconds,
           coalesce(r.is_answered, false) as is_answered
    from (
        select distinct on (report_id) report_id, submitter, mark, tier, completeness, missing, labels,
               min(at) over (partition by report_id) as first_at
        from decisions order by report_id, revision desc, ruling desc
    ) d
    left join lateral (
        select r.recipient, min(r.jurisdiction) as jurisdiction, min(r.submitted_at) as submitted_at,
               min(r.taken_up_at) as taken_up_at, min(t.at) filter (where t.kind = 'DELIVERED') as delivered_at,
               bool_or(t.kind in ('TAKEN_UP', 'REFUSED', 'OUTCOME')) as is_answered
        from referrals r left join returns t using (referral_id)
        where r.report_id = d.report_id and not r.withdrawal group by r.recipient
    ) r on true
    cross join lateral (
        select array_agg(distinct i.hosting_country) filter (where i.hosting_country <> '') as countries,
               count(*)::integer as items,
               array_agg(greatest(0, extract(epoch from done.at - d.first_at))::double precision)
                   filter (where done.at is not null) as removed_seconds
        from items i
        left join lateral (
            select min(a.at) as at from item_acts a
            where a.report_id = i.report_id and a.content_id = i.content_id and a.kind = 'act' and a.refused = ''
              and a.value in ('removed', 'unavailable')
        ) done on true
        where i.report_id = d.report_id and i.content_id <> ''
    ) i
    where not exists (select from report_revisions e where e.report_id = d.report_id and e.revision = 2147483647)
"""

_ALL = f"""
    create view measures as
    select {_COLUMNS} from measured union all select {_COLUMNS} from kept_measures
"""  # noqa: S608 -- put together from our own text

_KEEP = f"""
    create function keep_measures() returns trigger
    language plpgsql security definer set search_path = public, pg_temp as $$
    begin
        insert into kept_measures ({_COLUMNS})
        select drawn.case_id, {_COLUMNS.removeprefix("case_id, ")}
        from measured m cross join (select gen_random_uuid() as case_id) drawn where m.case_id = new.report_id;
        update decisions set labels = '' where report_id = new.report_id;
        return new;
    end $$
"""  # noqa: S608 -- as above


def upgrade() -> None:
    """A report that is erased leaves its measures behind in the same transaction, before anything of it goes."""
    op.execute("alter table decisions add column labels text not null default ''")
    op.execute(_KEPT)
    op.execute("create index kept_measures_by_month on kept_measures (month)")
    op.execute(_MEASURED)
    op.execute(_ALL)
    op.execute(_KEEP)
    op.execute("revoke execute on function keep_measures() from public")
    op.execute("""
        create trigger kept_measures before insert on report_revisions for each row
        when (new.revision = 2147483647) execute function keep_measures()
    """)


def downgrade() -> None:
    """Remove it, and what was kept."""
    op.execute("drop trigger kept_measures on report_revisions")
    op.execute("drop function keep_measures()")
    op.execute("drop view measures")
    op.execute("drop view measured")
    op.execute("drop table kept_measures")
    op.execute("alter table decisions drop column labels")
