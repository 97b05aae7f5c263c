"""The doctor reads a policy store as a worker would, and whole."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from schemas.records.identifiers import MemberId
from tests.builders.policy import a_folder, the_sample
from tests.builders.promotions import Chancery, a_chancery, another_bundle
from tests.builders.reports import NOON_MS
from tocsin.policy.bundle import SAMPLE
from tocsin.stack.doctor import findings
from tocsin.stack.doctor.findings import Finding, Level
from tocsin.stack.doctor.rules import of_memory, of_rules, of_submitters

MEMBERS = ("nl-hotline", "fr-hotline", "us-hotline")
LATER_MS = 3_600_000
SIGNS, SEALS = "signs = true", "seals = true"
"""As the sample has it of plat-a, the first."""


@pytest.fixture
def chancery(tmp_path: Path) -> Chancery:
    """Three bundles after the first, each promoted by two people; the last is still ahead at the instant 3500."""
    made = a_chancery(tmp_path)
    for number, name in enumerate(MEMBERS, start=1):
        made.promoted(another_bundle(tmp_path / name, name), number * 1000 + (number == 3) * 1000, -LATER_MS)
    return made


def examined(chancery: Chancery) -> list[Finding]:
    return list(of_rules(chancery.store.folder, chancery.trust_file, 3500))


def test_a_whole_store_says_what_is_in_force(chancery: Chancery) -> None:
    (found,) = examined(chancery)
    in_force = chancery.store.chain(chancery.trust())[2].digest
    says = f"bundle {in_force[:16]} is in force; 4 verified, 1 of them for later"
    assert (found.level, found.says) == (Level.OK, says)


def test_a_past_bundle_that_somebody_wrote_in_fails(chancery: Chancery) -> None:
    past = chancery.store.chain(chancery.trust())[1].digest
    with (chancery.store.folder / "bundles" / past / "bases.toml").open("a") as file:
        file.write("# by a stranger\n")
    (found,) = examined(chancery)
    assert (found.level, past[:16] in found.says) == (Level.FAIL, True)


def test_a_promotion_that_was_taken_out_fails(chancery: Chancery) -> None:
    past = chancery.store.chain(chancery.trust())[1]
    (chancery.store.folder / "promotions" / f"{past.name}.json").unlink()
    (found,) = examined(chancery)
    assert (found.level, bool(found.next_command)) == (Level.FAIL, True)


def test_a_proposal_waits_for_its_second_signature(chancery: Chancery, tmp_path: Path) -> None:
    proposal = chancery.at(0).propose(another_bundle(tmp_path / "more"), LATER_MS, chancery.pen("anna"))
    _, found = examined(chancery)
    assert (found.level, found.next_command) == (Level.WARN, f"tocsin policy sign {proposal.digest[:16]}")


def test_a_store_that_nobody_is_trusted_to_sign_fails(chancery: Chancery) -> None:
    (found,) = of_rules(chancery.store.folder, None, 0)
    assert (found.level, "policy_trust" in found.says) == (Level.FAIL, True)


def test_a_plain_folder_is_one_bundle_and_has_to_load(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    assert [found.level for found in of_rules(folder, None, 0)] == [Level.OK]
    (folder / "routing.toml").write_text("nonsense = 1", "utf-8")
    assert [found.level for found in of_rules(folder, None, 0)] == [Level.FAIL]


def test_a_last_promotion_that_workers_have_seen_and_the_store_has_no_more_fails(chancery: Chancery) -> None:
    remembered = chancery.policies().promoted(0)
    assert list(of_memory(chancery.store.folder, chancery.trust_file, remembered)) == []
    last = chancery.store.chain(chancery.trust())[-1]
    (chancery.store.folder / "promotions" / f"{last.name}.json").unlink()
    assert [one.level for one in examined(chancery)] == [Level.OK], "the files alone do not show it"
    (found,) = of_memory(chancery.store.folder, chancery.trust_file, remembered)
    assert (found.level, last.name in found.says) == (Level.FAIL, True)


def of_part(part: str, folder: Path) -> list[Finding]:
    return [one for one in of_submitters(folder, None, NOON_MS) if one.part == part]


@pytest.mark.parametrize(
    ("part", "agreed", "whole"),
    [
        ("signing", SIGNS, "members submit, and each has to sign"),
        ("sealing", SEALS, "members submit what may name a person, and each has to seal it"),
    ],
)
def test_who_submits_without_an_agreement_is_named_and_who_does_not_take_part_is_not(
    part: str, agreed: str, whole: str, tmp_path: Path
) -> None:
    (found,) = of_part(part, SAMPLE)
    assert (found.level, found.says.endswith(whole)) == (Level.OK, True)
    for instead in (agreed.replace("true", "false"), ""):
        (found,) = of_part(part, a_folder(tmp_path / f"open{len(instead)}", ("members.toml", agreed, instead)))
        assert (found.level, found.next_command) == (Level.WARN, "tocsin member check plat-a")
        assert found.says.startswith("plat-a submits and has not agreed to")
    away = agreed.replace("true", 'false\nstanding = "suspended"')
    (found,) = of_part(part, a_folder(tmp_path / "away", ("members.toml", agreed, away)))
    assert found.level is Level.OK


def test_what_is_given_up_by_not_sealing_is_said_and_a_canary_names_nobody() -> None:
    plat_a, canary = (the_sample().members[MemberId(name)] for name in ("plat-a", "canary"))
    (found,) = findings.of_sealing([replace(plat_a, seals=False), canary])
    assert found.says.endswith("who runs broker or database reads whom its reports name")
    assert not canary.seals
    (found,) = findings.of_sealing([canary])
    assert found.level is Level.OK


def test_rules_that_cannot_be_read_say_nothing_of_submitters(tmp_path: Path) -> None:
    assert list(of_submitters(tmp_path, None, NOON_MS)) == []
