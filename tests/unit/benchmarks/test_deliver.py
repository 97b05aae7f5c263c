"""What a delivery costs: its page follows from its figures, and the round that is measured delivers everything."""

from pathlib import Path

from msgspec.structs import replace

from benchmarks.deliver.page import page
from benchmarks.deliver.referrals import referrals
from benchmarks.deliver.results import PARTS, Cost, Costs
from benchmarks.deliver.run import Desks
from benchmarks.figures import read
from benchmarks.peers.venvs import ROOT
from consumers.provenance import Provenance, examined
from tests.builders.deliveries import CODEC
from tests.builders.proofs import DIRECTORY

PERFORMANCE = ROOT / "docs" / "performance"
COST = Cost(
    commit="abc1234",
    cores=2,
    load=0.5,
    deliveries=100,
    rounds=3,
    milliseconds={"inbox": 3.0, "courier": 2.0, "erasing": 0.5, "returns": 0.5},
)
CHEAPER = replace(COST, commit="def5678", milliseconds=dict.fromkeys(PARTS, 0.5))


def test_the_page_in_the_repository_follows_from_its_figures() -> None:
    assert (PERFORMANCE / "deliver.md").read_text("utf-8") == page(read(PERFORMANCE / "deliver.json", Costs)), (
        "run: make bench-deliver"
    )


def test_each_commit_is_a_row_and_the_newest_is_held_against_the_first() -> None:
    lines = page(Costs(measured=(COST, CHEAPER))).splitlines()
    assert "| abc1234 | 3.00 | 2.00 | 0.50 | 0.50 | 6.00 |" in lines
    assert "**def5678 needs 33 % of what abc1234 needed.**" in lines


def test_one_commit_alone_is_held_against_nothing() -> None:
    assert "needed.**" not in page(Costs(measured=(COST,)))


def test_the_page_says_which_part_bounds_it() -> None:
    assert "the inbox**, with 50 % of the CPU of abc1234; at most 167 deliveries a second" in page(
        Costs(measured=(COST,))
    )


def test_a_commit_that_is_measured_again_has_one_row() -> None:
    again = replace(COST, load=1.5)
    assert Costs(measured=(COST, CHEAPER)).beside(again).measured == (CHEAPER, again)


def test_what_is_measured_is_signed_and_all_of_it_is_delivered(tmp_path: Path) -> None:
    made = list(referrals(20))
    assert {examined(referral, DIRECTORY).provenance for referral in made} == {Provenance.VERIFIED}
    spent = Desks(tmp_path, [CODEC.dumps(referral) for referral in made]).milliseconds()
    assert set(spent) == set(PARTS)
    assert len(list((tmp_path / "delivered").glob("*.json"))) == 20
