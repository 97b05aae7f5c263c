"""What a command may change in a policy folder: the whole bundle loads afterwards, or nothing has changed."""

from datetime import date
from pathlib import Path

import pytest

from schemas.failures import Broken, Refused
from schemas.records.identifiers import MemberId
from tests.builders.policy import a_folder
from tocsin.policy.bundle import SAMPLE, load
from tocsin.policy.editing import Value, adding, changed, ending

MEMBER = MemberId("be-hotline")
ENTRY: dict[str, Value] = {
    "name": 'Simulated "Hotline" BE',
    "country": "BE",
    "jurisdiction": "be",
    "sector": "hotline",
    "receives": True,
    "valid_from": date(2026, 11, 1),
    "agreement.known_content": "count",
}


def test_a_new_member_is_written_at_the_end_and_everything_else_stays_as_it_was(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    before = (folder / "members.toml").read_text("utf-8")
    bundle = changed(folder, adding(MEMBER, ENTRY, None))
    assert (folder / "members.toml").read_text("utf-8").startswith(before.rstrip("\n"))
    found = load(folder).members[MEMBER]
    assert found == bundle.members[MEMBER]
    assert (found.name, found.agreement.known_content) == ('Simulated "Hotline" BE', "count")


def test_an_edit_after_which_the_bundle_would_not_load_changes_nothing(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    before = (folder / "members.toml").read_bytes()
    with pytest.raises(Broken) as refused:
        changed(folder, adding(MEMBER, {**ENTRY, "submits": True}, None))
    assert refused.value.code == "policy.submitter_without_profile"
    assert (folder / "members.toml").read_bytes() == before


def test_the_last_day_takes_the_place_of_an_earlier_one_and_touches_no_other_member(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    for day in (date(2027, 1, 1), date(2026, 12, 1)):
        changed(folder, ending(MemberId("de-hotline-a"), day))
    members = load(folder).members
    ends = {name: member.valid_to for name, member in members.items() if member.valid_to is not None}
    assert ends == {"de-hotline-a": date(2026, 12, 1)}
    assert members[MemberId("de-hotline-a")].stand_in == "de-hotline-b"


def test_the_sample_is_nobodys_to_edit() -> None:
    with pytest.raises(Refused) as refused:
        changed(SAMPLE, adding(MEMBER, ENTRY, None))
    assert refused.value.code == "member.shipped_policy"
