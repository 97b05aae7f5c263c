"""What waits for a person, who is suspended whatever the bundle says, and holds that police put on notices to hosts."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = {
    # One row for each thing that rules could not settle; `cause` is 'triage', or the return that says so.
    "queue": """
        number bigint generated always as identity primary key,
        stream integer not null,
        log_offset bigint not null,
        cause text not null,
        report_id uuid not null,
        revision integer not null,
        referral_id uuid,
        recipient text not null default '',
        submitter text not null,
        submitter_reference text not null,
        mark text not null,
        tier text not null,
        reasons text[] not null,
        recipients integer not null,
        deadline timestamptz,
        ends text[] not null default '{}',
        at timestamptz not null default now(),
        taken_by text,
        taken_at timestamptz,
        decided_by text,
        decided_at timestamptz,
        act text,
        members text[] not null default '{}',
        reason text,
        closed_at timestamptz,
        unique (stream, log_offset, cause)
    """,
    "suspensions": """
        member text primary key,
        kind text not null check (kind in ('suspended', 'left')),
        since timestamptz not null default now(),
        decided_by text not null,
        reason text not null
    """,
    # Every step of a suspension is kept, also when it was lifted.
    "suspension_history": """
        number bigint generated always as identity primary key,
        member text not null,
        step text not null,
        at timestamptz not null default now(),
        decided_by text not null,
        reason text not null
    """,
    # While one is in force, nobody should write to the host: owner, reason, until when, and when somebody is reminded.
    "lea_holds": """
        number bigint generated always as identity primary key,
        report_id uuid not null,
        owner text not null,
        reason text not null,
        set_by text not null,
        set_at timestamptz not null default now(),
        expires_at timestamptz not null,
        remind_at timestamptz not null,
        reminded_at timestamptz,
        released_by text,
        released_at timestamptz
    """,
}

_OTHERS = (
    "create index queue_open on queue (at) where closed_at is null",
    "create index queue_by_report on queue (report_id)",
    "create index lea_holds_by_report on lea_holds (report_id)",
    "grant select on queue, suspensions, lea_holds to triage, returns",
    "grant insert, update on queue to triage, returns",
    "grant update (reminded_at) on lea_holds to returns",
    """
    insert into queue (stream, log_offset, cause, report_id, revision, submitter, submitter_reference, mark, tier,
                       reasons, recipients, at)
    select stream, log_offset, 'triage', report_id, revision, submitter, submitter_reference, mark, tier,
           reasons, recipients, at
    from unrouted where outcome = 3 or recipients > 0
    """,
)


def upgrade() -> None:
    """What waited before is in the queue from now on."""
    for name, columns in _TABLES.items():
        op.execute(f"create table {name} ({columns})")
    for statement in _OTHERS:
        op.execute(statement)


def downgrade() -> None:
    """Remove it."""
    for name in reversed(_TABLES):
        op.execute(f"drop table {name}")
