"""What an erased report of several recipients leaves is one case: its id is drawn once, not for each of them (0020)."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_COLUMNS = (
    "case_id, month, submitter, recipient, jurisdiction, tier, mark, countries, labels, completeness, is_complete, "
    "links, items, removed_seconds, delivered_seconds, taken_up_seconds, is_answered"
)

_DRAWN_ONCE = f"""
    create or replace function keep_measures() returns trigger
    language plpgsql security definer set search_path = public, pg_temp as $$
    declare
        drawn uuid := gen_random_uuid();
    begin
        insert into kept_measures ({_COLUMNS})
        select drawn, {_COLUMNS.removeprefix("case_id, ")} from measured m where m.case_id = new.report_id;
        update decisions set labels = '' where report_id = new.report_id;
        return new;
    end $$
"""  # noqa: S608 -- put together from our own text

# As it was: a subquery that a nested loop asks again for each row.
_DRAWN_AGAIN = f"""
    create or replace function keep_measures() returns trigger
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
    """What was kept before stays as it is: nothing says which of its rows were of one report."""
    op.execute(_DRAWN_ONCE)


def downgrade() -> None:
    """Draw it for each recipient again."""
    op.execute(_DRAWN_AGAIN)
