"""What a command says of a new member, and how members.toml writes it."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

import click

from tocsin.policy.duty import hours_of, is_zone
from tocsin.policy.editing import Value
from tocsin.policy.words import MANDATES

_DAY: Final = click.DateTime(["%Y-%m-%d"])


def _hours(_: click.Context, __: click.Parameter, found: tuple[str, ...]) -> tuple[str, ...]:
    for text in found:
        if hours_of(text) is None:
            raise click.BadParameter(
                f"expected days and hours in order, as 'mon-fri 08:00-18:00' or 'sat 10:00-24:00', found {text!r}"
            )
    return found


def _zone(_: click.Context, __: click.Parameter, found: str) -> str:
    if not is_zone(found):
        raise click.BadParameter(f"expected a name of the time zone database, as Europe/Amsterdam, found {found!r}")
    return found


_OPTIONS: Final = (
    click.option("--duty-contact", default="", help="Whom to reach about an urgent referral, within duty hours."),
    click.option("--out-of-band", default="", help="How to reach somebody without this exchange, at any hour."),
    click.option("--stand-in", default="", help="A member that takes its place."),
    click.option("--duty-hours", multiple=True, callback=_hours, help="As 'mon-fri 08:00-18:00'; none: at any time."),
    click.option("--time-zone", default="UTC", callback=_zone, show_default=True, help="Of duty hours and holidays."),
    click.option("--holiday", "holidays", multiple=True, type=_DAY, help="A day on which nobody is there."),
    click.option("--mandate", multiple=True, type=click.Choice(sorted(MANDATES)), help="orphan: what has no hotline."),
    click.option("--organisation", default="", help="Whose it is, where one organisation runs several members."),
    click.option("--from", "valid_from", type=_DAY, help="Its first day; default: today."),
    click.option("--last-day", type=_DAY, help="The last day on which it takes part; default: none."),
)
_AS_SAID: Final = ("duty_contact", "out_of_band", "stand_in", "duty_hours", "time_zone", "mandate", "organisation")


def described(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options for who is there when, for whom it works and how long."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def entry_of(said: Mapping[str, Any], today: date) -> dict[str, Value]:
    """What is written of a new member; what says nothing is left out."""
    entry: dict[str, Value] = {
        "name": said["name"],
        "country": said["country"].upper(),
        "jurisdiction": said["jurisdiction"] or said["country"].lower(),
        "sector": str(said["sector"]),
        "submits": said["profile"] is not None,
        "receives": said["receives"],
        "owner": not said["not_owner"],
        "valid_from": said["valid_from"].date() if said["valid_from"] else today,
        "agreement.known_content": said["known_content"],
    }
    entry |= {key: said[key] for key in _AS_SAID if said[key]}
    if entry["submits"]:
        # whoever agrees to submit agrees to both; for a member that cannot, one is taken out by hand
        entry |= {"signs": True, "seals": True}
    if said["holidays"]:
        entry["holidays"] = tuple(day.date() for day in said["holidays"])
    if said["last_day"]:
        entry["valid_to"] = said["last_day"].date() + timedelta(days=1)
    return entry
