"""What nothing takes back: one person alone cannot, and what two have signed is done, exactly that."""

from pathlib import Path

import click
import msgspec
import pytest
from msgspec.structs import replace

from schemas.failures import Refused
from tests.builders.promotions import Chancery, a_chancery
from tocsin.cli.auditing.twopeople import Desk
from tocsin.policy.store.petitions import VALID_MS, read_petition, write_petition

ACT = "dlq drop"
NOW_MS = 1_764_000_000_000


@pytest.fixture
def chancery(tmp_path: Path) -> Chancery:
    (tmp_path / "policy").mkdir()
    return a_chancery(tmp_path)


def a_desk(chancery: Chancery, signer: str = "", *, act: str = ACT, now_ms: int = NOW_MS, alone: bool = True) -> Desk:
    pen = chancery.pen(signer) if signer else None
    file = chancery.folder / "petition.json" if signer else None
    return Desk(act=act, trust=chancery.trust(), alone=alone, pen=pen, file=file, now_ms=now_ms)


def code_of(act: object) -> str:
    with pytest.raises(Refused) as refused:
        act()  # type: ignore[operator]  # the act of the test
    return refused.value.code


def test_where_people_are_named_nobody_does_it_alone(chancery: Chancery) -> None:
    assert code_of(lambda: a_desk(chancery).asks(names=True)) == "petition.needed"
    assert code_of(lambda: a_desk(chancery, alone=False).asks(names=True)) == "petition.needed"


@pytest.mark.parametrize("people", [(), ("anna",)])
def test_where_fewer_than_two_are_named_one_name_is_enough_on_a_local_stack_alone(
    chancery: Chancery, people: tuple[str, ...]
) -> None:
    few = replace(chancery.trust(), signer={name: chancery.trust().signer[name] for name in people})
    assert not replace(a_desk(chancery), trust=few).asks(names=True)
    for trust in (few, None):
        elsewhere = replace(a_desk(chancery, alone=False), trust=trust)
        assert code_of(lambda desk=elsewhere: desk.asks(names=True)) == "petition.no_people"


def test_two_people_grant_exactly_what_was_asked_for(chancery: Chancery) -> None:
    desk = a_desk(chancery, "anna")
    assert desk.asks(names=True)
    desk.ask(["t/0/7", "t/0/9"], "noise")
    assert (chancery.folder / "petition.json").stat().st_mode & 0o777 == 0o600
    assert a_desk(chancery, "ben").granted() == (("t/0/7", "t/0/9"), "anna and ben", "noise")


def test_the_same_person_a_stranger_and_another_act_grant_nothing(chancery: Chancery) -> None:
    a_desk(chancery, "anna").ask(["t/0/7"], "noise")
    assert code_of(a_desk(chancery, "anna").granted) == "promotion.same_signer"
    stranger = replace(a_desk(chancery, "ben"), pen=replace(chancery.pen("ben"), signer="carl"))
    assert code_of(stranger.granted) == "promotion.unknown_signer"
    assert code_of(a_desk(chancery, "ben", act="keys revoke").granted) == "petition.not_granted"


@pytest.mark.parametrize(("field", "value"), [("subjects", ("t/0/8",)), ("reason", "other"), ("asked_ms", NOW_MS - 1)])
def test_what_was_changed_after_the_first_signature_is_not_granted(
    chancery: Chancery, field: str, value: object
) -> None:
    a_desk(chancery, "anna").ask(["t/0/7"], "noise")
    file = chancery.folder / "petition.json"
    forged = msgspec.structs.replace(read_petition(file), **{field: value})
    file.unlink()
    write_petition(file, forged)
    assert code_of(a_desk(chancery, "ben").granted) == "petition.not_granted"


@pytest.mark.parametrize(("late_ms", "holds"), [(VALID_MS, True), (VALID_MS + 1, False), (-1, False)])
def test_it_is_good_for_a_week(chancery: Chancery, late_ms: int, holds: bool) -> None:
    a_desk(chancery, "anna").ask(["t/0/7"], "noise")
    desk = a_desk(chancery, "ben", now_ms=NOW_MS + late_ms)
    if holds:
        assert desk.granted()
    else:
        assert code_of(desk.granted) == "petition.old"


def test_a_petition_has_a_reason_and_is_never_written_over(chancery: Chancery) -> None:
    with pytest.raises(click.UsageError):
        a_desk(chancery, "anna").ask(["t/0/7"], "")
    a_desk(chancery, "anna").ask(["t/0/7"], "noise")
    assert code_of(lambda: a_desk(chancery, "ben").ask(["t/0/8"], "noise")) == "petition.exists"
