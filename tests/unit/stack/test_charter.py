"""A home keeps the bundle that it began with, and takes no other one without two signatures."""

from pathlib import Path

import pytest

from schemas.failures import Broken, Refused
from tests.builders.promotions import another_bundle
from tocsin.policy.bundle import SAMPLE, load
from tocsin.policy.policies import policies
from tocsin.stack.charter import kept_charter

NOW_MS = 1_795_000_000_000


def test_a_new_home_begins_with_the_bundle_it_is_given_and_keeps_it(tmp_path: Path) -> None:
    given = another_bundle(tmp_path / "given")
    charter = kept_charter(tmp_path, given, NOW_MS)
    assert policies(charter.policy, charter.trust).at(NOW_MS).digest == load(given).digest
    again = kept_charter(tmp_path, None, NOW_MS)
    assert (again.policy, again.trust, again.members) == (charter.policy, charter.trust, charter.members)


def test_without_a_bundle_it_begins_with_the_sample(tmp_path: Path) -> None:
    charter = kept_charter(tmp_path, None, NOW_MS)
    assert policies(charter.policy, charter.trust).at(NOW_MS).digest == load(SAMPLE).digest


def test_another_bundle_is_refused_and_the_same_one_is_not(tmp_path: Path) -> None:
    kept_charter(tmp_path, SAMPLE, NOW_MS)
    kept_charter(tmp_path, SAMPLE, NOW_MS)
    with pytest.raises(Refused) as caught:
        kept_charter(tmp_path, another_bundle(tmp_path / "other"), NOW_MS)
    assert caught.value.code == "promotion.promote_instead"


def test_the_home_of_another_cluster_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "ops.toml").write_text('[kafka]\nbootstrap = "production.example.test:9093"\n')
    with pytest.raises(Broken):
        kept_charter(tmp_path, None, NOW_MS)
    assert not (tmp_path / "policy").exists()
