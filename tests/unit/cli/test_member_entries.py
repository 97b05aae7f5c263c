"""What `tocsin member add` can say of a new member, and that members.toml says the same afterwards."""

from datetime import date
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from schemas.records.identifiers import MemberId
from tests.builders.policy import a_folder
from tocsin.cli.member import command
from tocsin.cli.policing.entries import described, entry_of
from tocsin.policy.bundle import SAMPLE, load
from tocsin.policy.duty import on_duty
from tocsin.policy.editing import adding, changed
from tocsin.policy.members import Member

PLAIN: dict[str, Any] = {
    "name": "Simulated Hotline BE",
    "country": "BE",
    "jurisdiction": "",
    "sector": "hotline",
    "profile": None,
    "receives": True,
    "not_owner": False,
    "known_content": "deliver",
}


def said_of(*words: str) -> dict[str, Any]:
    """What these words of a command say."""
    said: dict[str, Any] = {}

    def listen(**options: Any) -> None:
        said.update(options)

    click.command(described(listen)).main(list(words), standalone_mode=False)
    return said


def added(folder: Path, *words: str) -> Member:
    """The member that the loaded bundle has, of what these words of a command say."""
    entry = entry_of(PLAIN | said_of(*words), date(2026, 11, 25))
    return changed(a_folder(folder), adding(MemberId("be-hotline"), entry, None)).members[MemberId("be-hotline")]


def test_everything_that_is_said_of_a_member_is_what_the_policy_then_holds(tmp_path: Path) -> None:
    hours = ("--duty-hours", "mon-fri 08:00-18:00", "--duty-hours", "sat 10:00-14:00", "--time-zone", "Europe/Brussels")
    away = ("--holiday", "2026-12-25", "--holiday", "2027-01-01", "--last-day", "2027-12-31")
    reached = ("--duty-contact", "desk", "--out-of-band", "+32 2 555 01 99", "--stand-in", "nl-hotline")
    found = added(tmp_path, *hours, *away, *reached, "--mandate", "orphan", "--organisation", "be-rights")
    assert (found.duty_hours, found.time_zone) == (("mon-fri 08:00-18:00", "sat 10:00-14:00"), "Europe/Brussels")
    assert found.holidays == (date(2026, 12, 25), date(2027, 1, 1))
    assert (found.duty_contact, found.out_of_band, found.stand_in) == ("desk", "+32 2 555 01 99", "nl-hotline")
    assert (found.mandate, found.organisation) == (("orphan",), "be-rights")
    assert [found.takes_part(day) for day in (date(2027, 12, 31), date(2028, 1, 1))] == [True, False]


def test_what_is_not_said_is_as_the_policy_takes_it(tmp_path: Path) -> None:
    found = added(tmp_path)
    assert (found.duty_hours, found.holidays, found.mandate, found.valid_to) == ((), (), (), None)
    assert (found.valid_from, found.time_zone) == (date(2026, 11, 25), "UTC")
    assert on_duty(found, 0), "without duty hours somebody is always there"


@pytest.mark.parametrize(("profile", "agrees"), [(None, False), (Path("signed.toml"), True)])
def test_whoever_submits_agrees_to_sign_and_to_seal(profile: Path | None, agrees: bool) -> None:
    entry = entry_of(PLAIN | said_of() | {"profile": profile}, date(2026, 11, 25))
    assert (entry["submits"], entry.get("signs", False), entry.get("seals", False)) == (agrees,) * 3


def refused(*words: str) -> Result:
    here = str(Path(__file__))
    needed = ("--request", here, "--fingerprint", "AB", "--name", "X", "--country", "BE", "--sector", "hotline")
    return CliRunner().invoke(command, ["add", "be-hotline", *needed, *words])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--duty-hours", "8-18"), "mon-fri 08:00-18:00"),
        (("--time-zone", "Brussels"), "Europe/Amsterdam"),
        (("--holiday", "25.12.2026"), "%Y-%m-%d"),
        (("--mandate", "orphans"), "orphan"),
        (("--last-day", "never"), "%Y-%m-%d"),
    ],
)
def test_what_cannot_be_meant_is_told_with_what_is_expected(words: tuple[str, str], told: str) -> None:
    found = refused(*words)
    assert found.exit_code == 2
    assert told in found.output


def test_the_help_teaches_by_an_example() -> None:
    told = CliRunner().invoke(command, ["add", "--help"]).output
    assert "tocsin member add be-hotline" in told
    assert '--duty-hours "mon-fri 08:00-18:00"' in told


def test_the_sample_shows_members_with_hours_zone_holidays_and_a_way_beside_the_exchange() -> None:
    shown = [one for one in load(SAMPLE).members.values() if one.duty_hours]
    assert {one.time_zone for one in shown} >= {"Europe/Amsterdam", "Europe/Berlin"}
    for member in shown:
        assert member.holidays, member.id
        assert member.duty_contact, member.id
        assert member.out_of_band, member.id
        assert member.takes_part(member.holidays[0]), member.id
