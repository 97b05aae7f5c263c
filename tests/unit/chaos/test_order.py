"""The order in which an inbox took revisions, and in which a folder of a sink has them, as a run is judged by it."""

import os
from contextlib import closing
from pathlib import Path

from consumers.formats.referral_json import write
from consumers.letters import Letter
from schemas.records.referral import Referral
from tests.builders.deliveries import Counter
from tests.builders.referrals import a_referral
from tests.chaos.order import by_topic, handed_over, taken
from tests.chaos.verdict import out_of_order

FIRST, SECOND = a_referral("case-1"), a_referral("case-1", revision=2)
OTHER = a_referral("case-2")


def took(home: Path, *referrals: Referral) -> int:
    """Reports out of order in an inbox that takes these, one after the other."""
    with closing(Counter(folder=home / "state" / "nl-hotline")) as counter:
        counter.arrive(*referrals)
    return out_of_order(taken(home, by_topic))


def has_files(home: Path, *referrals: Referral) -> int:
    """The same of a folder in which their files are written, one after the other."""
    folder = home / "state" / "nl-hotline" / "delivered"
    folder.mkdir(parents=True)
    for written_ns, referral in enumerate(referrals, start=1):
        file = folder / f"{referral.referral_id}.json"
        file.write_bytes(write(Letter(key=referral.referral_id, referrals=(referral,))).body)
        os.utime(file, ns=(written_ns, written_ns))
    return out_of_order(handed_over(home))


def test_an_inbox_that_takes_the_first_revision_after_the_second_is_out_of_order(tmp_path: Path) -> None:
    assert took(tmp_path, SECOND, OTHER, FIRST) == 1


def test_an_inbox_that_takes_revisions_in_their_turn_is_not_and_what_comes_again_changes_nothing(
    tmp_path: Path,
) -> None:
    assert took(tmp_path, FIRST, OTHER, SECOND, FIRST) == 0


def test_a_folder_tells_by_when_its_files_were_written(tmp_path: Path) -> None:
    assert has_files(tmp_path / "kept", FIRST, OTHER, SECOND) == 0
    assert has_files(tmp_path / "overtaken", SECOND, OTHER, FIRST) == 1
