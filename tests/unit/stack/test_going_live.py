"""A member goes live with its keys in the directory and a way to reach it: what is missing is named with what helps."""

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.records.identifiers import MemberId
from tests.builders.policy import TODAY, the_sample
from tocsin.runtime.keys.files import Use
from tocsin.stack.going_live import Condition, Facts, conditions
from tocsin.stack.provision import Plan

REACHED = "can be reached beside the exchange"


def conditions_of(member: str, live: dict[Use, int] | None = None, **changed: Any) -> list[Condition]:
    bundle = the_sample()
    facts: dict[str, Any] = {
        "member": replace(bundle.members[MemberId(member)], **changed),
        "barred": False,
        "plan": Plan(),
        "certificate": "ab",
        "certificate_days": 90,
        "key_elsewhere": True,
        "live_keys": live,
        "last_submitted": None,
        "last_delivered": None,
    }
    return list(conditions(Facts(**facts), bundle, TODAY))


def keys_of(member: str, live: dict[Use, int] | None) -> list[Condition]:
    return [one for one in conditions_of(member, live) if "in the directory" in one.name]


@pytest.mark.parametrize("use", Use)
def test_a_missing_key_is_named_with_what_the_member_and_the_exchange_do(use: Use) -> None:
    live = {other: 1 for other in Use if other is not use}
    (missing,) = [one for one in keys_of("nl-hotline", live) if not one.holds]
    assert (missing.name.startswith(use), missing.found) == (True, "none")
    assert f"tocsin keys new --as nl-hotline --use {use}" in missing.fix
    assert f"tocsin keys admit nl-hotline.{use}.note" in missing.fix


def test_who_only_submits_needs_no_sealing_key_and_a_home_without_directory_asks_for_none() -> None:
    assert [one.name for one in keys_of("plat-a", {Use.SIGN: 1})] == ["signing key in the directory"]
    assert keys_of("plat-a", None) == []


def test_who_submits_and_has_not_agreed_to_sign_does_not_go_live() -> None:
    name = "signs what it submits"
    (agreed,) = [one for one in conditions_of("plat-a") if one.name == name]
    assert (agreed.holds, agreed.found) == (True, "agreed to")
    (unsigned,) = [one for one in conditions_of("plat-a", signs=False) if one.name == name]
    assert (unsigned.holds, "whoever can write to its topic is believed" in unsigned.found) == (False, True)
    assert unsigned.fix.startswith("set signs = true in members.toml")
    assert [one for one in conditions_of("nl-police", signs=False) if one.name == name] == []


def test_who_submits_and_has_not_agreed_to_seal_does_not_go_live() -> None:
    name = "seals what names a person"
    (agreed,) = [one for one in conditions_of("plat-a") if one.name == name]
    assert (agreed.holds, agreed.found) == (True, "agreed to")
    (open_,) = [one for one in conditions_of("plat-a", seals=False) if one.name == name]
    assert (open_.holds, "broker or database reads its personal parts" in open_.found) == (False, True)
    assert open_.fix.startswith("set seals = true in members.toml")
    others = conditions_of("nl-police", seals=False) + conditions_of("canary", seals=False)
    assert [one for one in others if one.name == name] == [], "who submits nothing, or nobody's name"


@pytest.mark.parametrize("member", ["plat-a", "nl-hotline"])
def test_whoever_takes_part_names_a_way_to_reach_it_beside_the_exchange(member: str) -> None:
    (named,) = [one for one in conditions_of(member) if one.name == REACHED]
    assert named.holds
    (missing,) = [one for one in conditions_of(member, out_of_band="") if one.name == REACHED]
    assert (missing.holds, missing.found) == (False, "out of band missing")
    assert missing.fix.startswith("set out_of_band in members.toml")


def test_the_operators_own_canary_is_not_asked_how_it_is_reached() -> None:
    assert [one for one in conditions_of("canary", out_of_band="") if one.name == REACHED] == []


def test_a_desk_on_duty_is_asked_of_those_alone_to_whom_urgent_referrals_go() -> None:
    (missing,) = [one for one in conditions_of("nl-hotline", duty_contact="") if one.name == "on duty"]
    assert (missing.holds, missing.fix) == (False, "set duty_contact in members.toml")
    assert [one for one in conditions_of("plat-a") if one.name == "on duty"] == []
