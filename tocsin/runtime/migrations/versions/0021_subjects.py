"""What was asked for people whom reports are about: that a report is only kept, that its submitter corrects it."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_ERASE_PAST = """
    create or replace function erase_past(most integer) returns integer
    language sql security definer set search_path = public, pg_temp as $$
        select count(*)::integer from (
            select d.report_id from decisions d
            where d.retain_until <= now()
            and not exists (
                select 1 from decisions later where later.report_id = d.report_id
                and (later.revision, later.ruling) > (d.revision, d.ruling) and later.retain_until > now())
            and not exists (
                select 1 from legal_holds h where h.report_id = d.report_id and h.released_at is null
                and h.expires_at > now()){restricted}
            group by d.report_id order by min(d.retain_until) limit most
        ) past cross join lateral (select erase_report(past.report_id) as done) erased where erased.done
    $$
"""
_SPARED = """
            and not exists (
                select 1 from subject_requests s where s.report_id = d.report_id and s.kind = 'restrict'
                and s.ended_at is null)"""


def upgrade() -> None:
    """What is restricted is kept past its retention, for whoever asked needs it; an order to erase it still holds."""
    op.execute("""
        create table subject_requests (
            number bigint generated always as identity primary key,
            report_id uuid not null,
            kind text not null check (kind in ('restrict', 'correct')),
            field text not null default '',
            reason text not null,
            asked_by text not null,
            asked_at timestamptz not null default now(),
            ended_by text,
            ended_at timestamptz,
            ended_because text
        )
    """)
    op.execute("""
        create unique index subject_requests_in_force on subject_requests (report_id, kind, field)
        where ended_at is null
    """)
    op.execute("grant select on subject_requests to triage")
    op.execute(_ERASE_PAST.format(restricted=_SPARED))


def downgrade() -> None:
    """Remove it: what was restricted is routed again by whatever is said of it next."""
    op.execute(_ERASE_PAST.format(restricted=""))
    op.execute("drop table subject_requests")
