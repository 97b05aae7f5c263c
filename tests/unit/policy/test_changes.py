"""What differs between two bundles, in words; and that a bundle can be read part by part."""

from datetime import date
from pathlib import Path

from msgspec.structs import replace

from schemas.records.identifiers import MemberId
from tests.builders.policy import a_bundle, a_folder, a_legal_row, the_sample, with_agreement, with_law, with_member
from tocsin.policy.bundle import Bundle, load
from tocsin.policy.changes import changes, parts
from tocsin.policy.jurisdictions import Criminalised


def sentences(before: Bundle, after: Bundle) -> list[str]:
    return [change.sentence() for change in changes(before, after)]


def test_nothing_differs_from_itself() -> None:
    assert changes(the_sample(), the_sample()) == ()


def test_a_member_that_changes_joins_or_leaves_is_named() -> None:
    other = with_member("nl-hotline", duty_contact="+31 20 000 0000")
    assert sentences(the_sample(), other)[0].startswith("members: nl-hotline duty_contact: ")
    members = {name: member for name, member in the_sample().members.items() if name != "ngo-b"}
    without = a_bundle(members=members)
    assert sentences(the_sample(), without) == ["members: ngo-b removed"]
    assert sentences(without, the_sample())[0].startswith("members: ngo-b added (valid_from ")


def test_a_row_of_law_is_named_by_its_day_and_column() -> None:
    day = date(2026, 3, 1)
    before = with_law("nl", a_legal_row(valid_from=day, non_realistic=Criminalised.UNKNOWN))
    after = with_law("nl", a_legal_row(valid_from=day, non_realistic=Criminalised.YES))
    assert sentences(before, after) == ["jurisdictions: nl legal 2026-03-01.non_realistic: unknown -> yes"]


def test_a_narrower_agreement_says_which_fields_it_takes_away() -> None:
    found = changes(the_sample(), with_agreement(allow=("report_id",)))
    assert {change.part for change in found} == {"agreements"}
    assert all(change.what.endswith("-> report_id") for change in found)


def test_a_weight_is_told_with_both_values() -> None:
    rules = the_sample().priority
    first = replace(rules.factor[0], weight=rules.factor[0].weight + 1)
    after = a_bundle(priority=replace(rules, factor=(first, *rules.factor[1:])))
    (told,) = sentences(the_sample(), after)
    assert told == f"factors: {first.when} weight: {first.weight - 1} -> {first.weight}"


def test_a_comment_is_a_change_too_because_it_is_signed(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    with (folder / "bases.toml").open("a") as file:
        file.write("# said\n")
    (change,) = changes(the_sample(), load(folder))
    assert (change.part, change.name) == ("files", "bases.toml")


def test_every_entry_of_a_bundle_can_be_read_and_none_hides_another() -> None:
    told = parts(the_sample())
    assert len(told["members"]) == len(the_sample().members)
    assert told["members"][MemberId("nl-hotline")]["country"] == "NL"
    assert len(told["labels"]) == len(the_sample().labels.mapping)
    assert len(told["agreements"]) == len(the_sample().sharing.agreement)
