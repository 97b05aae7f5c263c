"""How soon a report was decided on, answered and escalated, beside the steps that were kept before (0020)."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_BEFORE = (
    "case_id, month, submitter, recipient, jurisdiction, tier, mark, countries, labels, completeness, is_complete, "
    "links, items, removed_seconds, delivered_seconds, taken_up_seconds, is_answered"
)
_NOW = f"{_BEFORE}, decided_seconds, answered_seconds, escalated_seconds"

_ADDED = """
    alter table kept_measures
        add column decided_seconds double precision,
        add column answered_seconds double precision,
        add column escalated_seconds double precision
"""
_DROPPED = """
    alter table kept_measures
        drop column decided_seconds, drop column answered_seconds, drop column escalated_seconds
"""

# By the report, not by its recipient: who got a later revision alone has a later submission than the decision.
_SECONDS = """,
           extract(epoch from d.first_at - (
               select min(s.submitted_at) from referrals s where s.report_id = d.report_id and not s.withdrawal
           ))::double precision as decided_seconds,
           extract(epoch from r.answered_at - r.submitted_at)::double precision as answered_seconds,
           extract(epoch from r.escalated_at - r.submitted_at)::double precision as escalated_seconds"""
_INSTANTS = """,
               min(t.at) filter (where t.kind in ('TAKEN_UP', 'REFUSED', 'OUTCOME')) as answered_at,
               min(t.at) filter (where t.kind = 'ESCALATED') as escalated_at"""


def _measured(seconds: str, instants: str) -> str:
    """The view of 0020, with these columns more."""
    return f"""
    create view measured as
    select d.report_id as case_id, (date_trunc('month', d.first_at at time zone 'UTC'))::date as month, d.submitter,
           coalesce(r.recipient, '') as recipient, coalesce(r.jurisdiction, '') as jurisdiction, d.tier, d.mark,
           coalesce(i.countries, '{{}}') as countries,
           coalesce(string_to_array(nullif(d.labels, ''), ' '), '{{}}') as labels,
           d.completeness, d.missing = '' as is_complete,
           (select count(*)::integer from links l where l.report_id = d.report_id) as links,
           i.items, coalesce(i.removed_seconds, '{{}}') as removed_seconds,
           extract(epoch from r.delivered_at - r.submitted_at)::double precision as delivered_seconds,
           extract(epoch from r.taken_up_at - r.submitted_at)::double precision as taken_up_seconds,
           coalesce(r.is_answered, false) as is_answered{seconds}
    from (
        select distinct on (report_id) report_id, submitter, mark, tier, completeness, missing, labels,
               min(at) over (partition by report_id) as first_at
        from decisions order by report_id, revision desc, ruling desc
    ) d
    left join lateral (
        select r.recipient, min(r.jurisdiction) as jurisdiction, min(r.submitted_at) as submitted_at,
               min(r.taken_up_at) as taken_up_at, min(t.at) filter (where t.kind = 'DELIVERED') as delivered_at,
               bool_or(t.kind in ('TAKEN_UP', 'REFUSED', 'OUTCOME')) as is_answered{instants}
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
"""  # noqa: S608 -- put together from our own text


def _all(columns: str) -> str:
    return f"""
    create view measures as select {columns} from measured union all select {columns} from kept_measures
"""  # noqa: S608 -- as above


def _keep(columns: str) -> str:
    return f"""
    create or replace function keep_measures() returns trigger
    language plpgsql security definer set search_path = public, pg_temp as $$
    declare
        drawn uuid := gen_random_uuid();
    begin
        insert into kept_measures ({columns})
        select drawn, {columns.removeprefix("case_id, ")} from measured m where m.case_id = new.report_id;
        update decisions set labels = '' where report_id = new.report_id;
        return new;
    end $$
"""  # noqa: S608 -- as above


_MEASURED, _MEASURED_BEFORE = _measured(_SECONDS, _INSTANTS), _measured("", "")
_ALL, _ALL_BEFORE = _all(_NOW), _all(_BEFORE)
_KEEP, _KEEP_BEFORE = _keep(_NOW), _keep(_BEFORE)


def upgrade() -> None:
    """What was kept before has none of these times: nobody knows them any more."""
    op.execute("drop view measures")
    op.execute("drop view measured")
    op.execute(_ADDED)
    op.execute(_MEASURED)
    op.execute(_ALL)
    op.execute(_KEEP)


def downgrade() -> None:
    """Remove these times, also of what was erased; the rest of what was kept stays."""
    op.execute("drop view measures")
    op.execute("drop view measured")
    op.execute(_KEEP_BEFORE)
    op.execute(_DROPPED)
    op.execute(_MEASURED_BEFORE)
    op.execute(_ALL_BEFORE)
