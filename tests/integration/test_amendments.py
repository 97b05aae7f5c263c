"""What the ledger knows of items since they came in: the last word counts, and what is refused counts nowhere."""

from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection

from schemas.item_state import Act, ActKind
from schemas.records.identifiers import ContentId, CountryCode, MemberId, ReportId
from schemas.records.ruling import Amendment, RulingCause
from schemas.records.values import Instant
from tocsin.runtime import settings
from tocsin.runtime.database import database_of
from tocsin.runtime.ledger.amendments import amendments_before, amendments_of, causes_of
from tocsin.runtime.ledger.items import ActDone, ItemMade, acts_noted, item_queries, items_locked, states_in
from tocsin.runtime.pipeline import send

pytestmark = pytest.mark.stack
ONE, TWO = ContentId("item-1"), ContentId("item-2")
_NUMBERS = count(1)
AT = Instant(epoch_ms=1_795_000_000_123)


class Items:
    """A report with two items in France, of which a hotline has assessed both as national."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.report = ReportId(str(uuid4()))
        at: Any = {"hosting_country": "FR", "assigned_country": "FR", "classification": "national", "revision": 1}
        send(connection, item_queries([ItemMade(report_id=self.report, content_id=one, **at) for one in (ONE, TWO)]))

    def did(self, kind: ActKind, value: str, item: ContentId = ONE, refused: str = "", at_ms: int = AT.epoch_ms) -> str:
        return_id = f"amendments-{self.report}-{next(_NUMBERS)}"
        act = Act(kind=kind, value=value)
        about: Any = {"report_id": self.report, "content_id": item, "member": MemberId("fr-hotline")}
        made = ActDone(return_id=return_id, position=0, act=act, refused=refused, at_ms=at_ms, **about)
        send(self.connection, acts_noted([made]))
        return return_id

    def seen(self, country: str, at_ms: int | None, revision: int = 2) -> None:
        """A later revision says where its first item lies, and when its submitter looked."""
        there: Any = {"hosting_country": country, "assigned_country": country, "classification": "national"}
        made = ItemMade(report_id=self.report, content_id=ONE, revision=revision, looked_at_ms=at_ms, **there)
        send(self.connection, item_queries([made]))

    def moves(self, country: str) -> str:
        """Both steps, told at one time."""
        self.did(ActKind.REHOST, country)
        return self.did(ActKind.REASSIGN, country)

    def assigned(self) -> str:
        items, accepted, _ = (self.connection.execute(*query).all() for query in items_locked([self.report], []))
        return states_in(items, accepted)[self.report, ONE].assigned_country

    def known(self) -> tuple[Amendment, ...]:
        return amendments_of(self.connection, [self.report]).get(self.report, ())

    def cause(self, return_id: str) -> RulingCause | None:
        return causes_of(self.connection, [return_id]).get(return_id)


@pytest.fixture
def items(stack: Any) -> Iterator[Items]:
    database = database_of(settings.load(stack.config("ops")))
    with database.transaction() as connection:
        yield Items(connection)
    database.close()


def test_of_a_report_that_nobody_did_anything_to_nothing_is_known(items: Items) -> None:
    assert items.known() == ()


def test_the_last_word_on_each_item_counts_and_one_kind_of_word_does_not_undo_another(items: Items) -> None:
    items.did(ActKind.ASSESS, "baseline")
    items.did(ActKind.REASSIGN, "DE")
    items.did(ActKind.ASSESS, "not_illegal", TWO)
    items.did(ActKind.REASSIGN, "NL")
    items.did(ActKind.ASSESS, "doubtful", TWO)
    assert items.known() == (
        Amendment(content_id=ONE, hosting_country=CountryCode("NL"), moved_at=AT, classification="baseline"),
        Amendment(content_id=TWO, classification="doubtful"),
    )


def test_the_first_step_of_a_move_and_what_was_refused_change_nothing(items: Items) -> None:
    moved = items.did(ActKind.REHOST, "DE")
    refused = items.did(ActKind.REASSIGN, "DE", refused="item.host_first")
    assert items.known() == ()
    assert (items.cause(moved), items.cause(refused)) == (None, None)


def test_another_label_is_a_cause_and_the_same_one_again_is_none(items: Items) -> None:
    same = items.did(ActKind.ASSESS, "national")
    other = items.did(ActKind.ASSESS, "baseline")
    again = items.did(ActKind.ASSESS, "baseline")
    found = [items.cause(one) for one in (same, other, again)]
    assert found == [None, RulingCause.LABEL, None]
    assert found == [items.cause(one) for one in (same, other, again)], "a replay is answered the same"


def test_the_second_step_of_a_move_is_a_cause(items: Items) -> None:
    items.did(ActKind.REHOST, "DE")
    assert items.cause(items.did(ActKind.REASSIGN, "DE")) is RulingCause.MOVED


def test_what_was_known_before_an_answer_is_what_had_been_said_by_then(items: Items) -> None:
    first = items.did(ActKind.ASSESS, "national")
    items.did(ActKind.REASSIGN, "DE", refused="item.host_first")
    moved = items.did(ActKind.REASSIGN, "DE")
    last = items.did(ActKind.ASSESS, "baseline")
    national = Amendment(content_id=ONE, classification="national")
    assert amendments_before(items.connection, [first, moved, last]) == {
        moved: (national,),
        last: (Amendment(content_id=ONE, classification="national", hosting_country=CountryCode("DE"), moved_at=AT),),
    }


@pytest.mark.parametrize(("at_ms", "country"), [(None, "DE"), (AT.epoch_ms, "DE"), (AT.epoch_ms + 1, "FR")])
def test_a_submitter_that_has_looked_since_a_move_takes_the_assignment_with_it(
    at_ms: int | None, country: str, items: Items
) -> None:
    items.moves("DE")
    items.seen("FR", at_ms)
    assert items.assigned() == country
    assert items.known() == ((_there("DE"),) if country == "DE" else ())


def _there(country: str) -> Amendment:
    return Amendment(content_id=ONE, hosting_country=CountryCode(country), moved_at=AT)


def test_a_later_look_moves_nothing_once_somebody_has_acted(items: Items) -> None:
    items.moves("DE")
    items.did(ActKind.ACT, "reported_to_lea", refused="item.not_assigned")
    items.did(ActKind.ACT, "reported_to_lea")
    items.seen("FR", AT.epoch_ms + 1)
    assert items.assigned() == "DE"


def test_an_assessment_hinders_no_later_look_and_outlives_it(items: Items) -> None:
    items.moves("DE")
    items.did(ActKind.ASSESS, "baseline")
    items.seen("FR", AT.epoch_ms + 1)
    assert items.assigned() == "FR"
    assert items.known() == (Amendment(content_id=ONE, classification="baseline"),)


def test_an_older_revision_and_a_replay_of_a_later_look_change_nothing(items: Items) -> None:
    items.moves("DE")
    items.seen("FR", AT.epoch_ms + 2)
    items.seen("FR", AT.epoch_ms + 2)
    items.seen("NL", AT.epoch_ms + 1, revision=3)
    items.seen("NL", AT.epoch_ms + 3, revision=1)
    assert items.assigned() == "FR"


def test_what_moves_again_after_the_later_look_is_a_cause_again(items: Items) -> None:
    before = items.moves("DE")
    items.seen("FR", AT.epoch_ms + 1)
    items.did(ActKind.REHOST, "DE", at_ms=AT.epoch_ms + 2)
    again = items.did(ActKind.REASSIGN, "DE", at_ms=AT.epoch_ms + 2)
    assert items.assigned() == "DE"
    assert [items.cause(one) for one in (before, again)] == [RulingCause.MOVED, RulingCause.MOVED]
