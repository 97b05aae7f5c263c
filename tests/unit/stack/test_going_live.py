"""A member goes live with its keys in the directory: what is missing is named with the command that helps."""

from typing import Any

import pytest

from schemas.records.identifiers import MemberId
from tests.builders.policy import TODAY, the_sample
from tocsin.runtime.keys.files import Use
from tocsin.stack.going_live import Condition, Facts, conditions
from tocsin.stack.provision import Plan


def keys_of(member: str, live: dict[Use, int] | None) -> list[Condition]:
    bundle = the_sample()
    facts: dict[str, Any] = {
        "member": bundle.members[MemberId(member)],
        "barred": False,
        "plan": Plan(),
        "certificate": "ab",
        "certificate_days": 90,
        "key_elsewhere": True,
        "live_keys": live,
        "last_submitted": None,
        "last_delivered": None,
    }
    return [one for one in conditions(Facts(**facts), bundle, TODAY) if "in the directory" in one.name]


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
