"""Keys end on the real stack: whoever loses by it is warned before, and what an ended key signs is marked or waits."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from schemas.records.identifiers import MemberId, report_id_of
from schemas.topics import OPS, TRIAGE
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.waiting import until
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.changing import DAY_MS, VALID_DAYS
from tocsin.runtime.keys.directory import Directory, PublicKey
from tocsin.runtime.keys.files import KeyFolder, Use, new_key
from tocsin.runtime.keys.publishing import Keeper

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("keys_end_here")]
MEMBER, RECIPIENT = MemberId("fr-hotline"), MemberId("nl-hotline")


@pytest.fixture
def stack(busy_stack: Any, tmp_path: Path) -> Iterator[Any]:
    with a_crew(busy_stack.home, tmp_path / "logs") as crew:
        for lane in ("normal", "escalated"):
            crew.start(lane, ("triage", "--lane", lane))
        yield busy_stack


def tocsin(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return commands.tocsin(home, *words)


def a_home_whose_key_is_old(stack: Any, folder: Path, days: int) -> Path:
    """The member's own, with one signing key, which was admitted so long ago, and a journal of its own."""
    (folder / "config").mkdir(parents=True)
    key, then_ms = new_key(Use.SIGN), time.time_ns() // 1_000_000 - days * DAY_MS
    public = key.public_key().public_bytes_raw()
    stack.keys.keeper.change(lambda found: changing.admitted(found, MEMBER, Use.SIGN, public, then_ms))
    KeyFolder(folder / "keys").add(Use.SIGN, key)
    (folder / "state").mkdir(mode=0o700)
    settings = stack.config(MEMBER).read_text("utf-8")
    for theirs, own in (
        (stack.keys.folder(MEMBER), folder / "keys"),
        (stack.home / "state" / MEMBER, folder / "state"),
    ):
        assert f'"{theirs}"' in settings
        settings = settings.replace(f'"{theirs}"', f'"{own}"')
    (folder / "config" / f"{MEMBER}.toml").write_text(settings, "utf-8")
    return folder


def a_file(folder: Path, urgent: str, other: str) -> Path:
    """Of two reports that concern the Netherlands."""
    common = {"detected_at": "2026-11-03T10:00:00+01:00", "incident_types": ["grooming"], "declared_country": "NL"}
    reason = {"reason_code": "live_now", "escalation_reason": {"text": "It is going on.", "language": "en"}}
    rows = ({"submitter_reference": urgent, "escalation": reason}, {"submitter_reference": other})
    path = folder / "reports.jsonl"
    path.write_text("".join(json.dumps(common | row) + "\n" for row in rows), "utf-8")
    return path


def published(home: Path, urgent: str, other: str) -> str:
    """What `tocsin publish` said on the standard error."""
    done = tocsin(home, "publish", str(a_file(home, urgent, other)), "--as", MEMBER)
    assert (done.returncode, done.stdout) == (0, "2 taken (1 urgent), 2 sent.\n"), done.stderr
    return done.stderr


def told(home: Path, reference: str) -> dict[str, Any] | None:
    """What the submitter reads of one report, once it was triaged."""
    shown = tocsin(home, "sent", "--as", MEMBER, "--reference", reference, "--json").stdout.splitlines()
    (account,) = map(json.loads, shown)
    return account if account["stage"] not in {"waiting", "published"} else None


def flags(home: Path, report: str) -> list[list[str]]:
    """Of each referral of the report that the recipient has."""
    shown = tocsin(home, "subscribe", RECIPIENT, "--json").stdout.splitlines()
    return [referral["flags"] for referral in map(json.loads, shown) if referral["report_id"] == report]


def test_publish_warns_of_a_key_that_ends_soon_and_what_it_signs_is_not_marked(stack: Any, tmp_path: Path) -> None:
    home = a_home_whose_key_is_old(stack, tmp_path / "home", VALID_DAYS - 10)
    urgent, other = f"ends-{uuid4()}", f"ends-{uuid4()}"
    assert f"ends in 9 days. Exchange it: tocsin keys rotate --as {MEMBER}" in published(home, urgent, other)
    assert {until(partial(told, home, one))["stage"] for one in (urgent, other)} == {"triaged"}
    for reference in (urgent, other):
        (found,) = flags(stack.home, report_id_of(MEMBER, reference))
        assert "origin_unverified" not in found


def test_with_a_key_that_ended_what_is_urgent_goes_on_marked_and_the_rest_waits_for_a_person(
    stack: Any, tmp_path: Path
) -> None:
    home = a_home_whose_key_is_old(stack, tmp_path / "home", VALID_DAYS + 1)
    urgent, other = f"ended-{uuid4()}", f"ended-{uuid4()}"
    assert "has ended: what is not urgent waits until it is replaced" in published(home, urgent, other)
    assert until(partial(told, home, urgent))["stage"] == "triaged"
    (found,) = flags(stack.home, report_id_of(MEMBER, urgent))
    assert "origin_unverified" in found
    waits = until(partial(told, home, other))
    assert (waits["stage"], waits["told"][-1]["code"]) == ("waiting_person", "route.origin_expired")
    assert flags(stack.home, report_id_of(MEMBER, other)) == []
    assert other in tocsin(stack.home, "queue", "list", "--json").stdout
    chain = tocsin(stack.home, "receipts", report_id_of(MEMBER, urgent))
    assert (chain.returncode, f"submitted by {MEMBER}  revision 1  EXPIRED" in chain.stdout) == (3, True), chain.stdout


def a_home_with_keys_that_end(stack: Any, folder: Path) -> Path:
    """Settings of the exchange with a directory of its own, in which every sealing key ends in ten days."""
    shutil.copytree(stack.keys.keeper.folder, folder / "keeper")
    (folder / "config").mkdir()
    keeper, ends_ms = Keeper(folder / "keeper"), time.time_ns() // 1_000_000 + 10 * DAY_MS
    keeper.change(lambda found: replace(found, number=found.number + 1, keys=tuple(ending(found, ends_ms))))
    for principal in (MEMBER, RECIPIENT, OPS):
        settings = stack.config(principal).read_text("utf-8")
        assert f'"{stack.keys.keeper.file}"' in settings
        own = settings.replace(f'"{stack.keys.keeper.file}"', f'"{keeper.file}"')
        (folder / "config" / f"{principal}.toml").write_text(own, "utf-8")
    return folder


def ending(directory: Directory, ends_ms: int) -> Iterator[PublicKey]:
    for key in directory.keys:
        yield replace(key, valid_until_ms=min(key.valid_until_ms, ends_ms)) if key.use is Use.SEAL else key


def test_who_seals_who_is_sealed_to_and_the_operator_are_told_before_a_sealing_key_ends(
    busy_stack: Any, tmp_path: Path
) -> None:
    home = a_home_with_keys_that_end(busy_stack, tmp_path / "home")
    published_ = tocsin(home, "publish", str(a_file(tmp_path, f"u-{uuid4()}", f"n-{uuid4()}")), "--as", MEMBER)
    assert "The exchange's sealing key" in published_.stderr, published_.stderr
    delivered = tocsin(home, "deliver", RECIPIENT, "--once")
    for done, member in ((published_, MEMBER), (delivered, RECIPIENT)):
        (own,) = [line for line in done.stderr.splitlines() if line.startswith("Your sealing key")]
        assert "ends in 9 days" in own
        assert f"tocsin keys rotate --as {member} --use seal" in own
    found = json.loads(tocsin(home, "doctor", "--json").stdout)
    told_ = {one["next_command"]: one["level"] for one in found if one["part"] == "keys" and one["level"] != "ok"}
    for principal in (MEMBER, RECIPIENT, TRIAGE):
        assert told_[f"tocsin keys rotate --as {principal} --use seal"] == "warn"
