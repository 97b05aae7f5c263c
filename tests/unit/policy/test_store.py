"""A store of bundles: two people promote ahead of time, every load verifies, and each instant has its bundle."""

from pathlib import Path

import msgspec
import pytest

from schemas.failures import Broken, Refused
from tests.builders.promotions import Chancery, a_chancery, another_bundle, trust_text
from tocsin.policy.bundle import SAMPLE, load
from tocsin.policy.policies import LOOK_SECONDS, OnePolicy, StoredPolicies, policies, topics_of
from tocsin.policy.store.promotions import Promotion, Signature
from tocsin.policy.store.trust import new_key

NOW_MS = 1_795_000_000_000
LATER_MS = NOW_MS + 3_600_000


@pytest.fixture
def chancery(tmp_path: Path) -> Chancery:
    return a_chancery(tmp_path)


def test_each_instant_has_the_bundle_that_was_in_force_then(chancery: Chancery, tmp_path: Path) -> None:
    first = load(SAMPLE).digest
    made = chancery.promoted(another_bundle(tmp_path / "new"), LATER_MS, NOW_MS)
    rules = chancery.policies()
    assert [rules.at(at).digest for at in (0, NOW_MS, LATER_MS - 1)] == [first] * 3
    assert rules.at(LATER_MS).digest == rules.at(LATER_MS + 10**9).digest == made.digest != first


def test_a_bundle_that_is_promoted_back_is_in_force_twice_and_every_past_one_loads(
    chancery: Chancery, tmp_path: Path
) -> None:
    made = chancery.promoted(another_bundle(tmp_path / "new"), LATER_MS, NOW_MS)
    back = chancery.promoted(SAMPLE, LATER_MS + 1, NOW_MS)
    rules = chancery.policies()
    assert rules.at(LATER_MS).digest == made.digest
    assert rules.at(LATER_MS + 1).digest == back.digest == load(SAMPLE).digest
    assert rules.of(made.digest) is not None
    assert rules.of("0" * 64) is None


def test_one_signature_changes_nothing(chancery: Chancery, tmp_path: Path) -> None:
    proposal = chancery.at(NOW_MS).propose(another_bundle(tmp_path / "new"), LATER_MS, chancery.pen("anna"))
    assert chancery.policies().at(LATER_MS).digest != proposal.digest
    assert [one.digest for one in chancery.store.proposals()] == [proposal.digest]


def test_the_same_person_does_not_sign_twice_nor_with_anothers_key(chancery: Chancery, tmp_path: Path) -> None:
    proposal = chancery.at(NOW_MS).propose(another_bundle(tmp_path / "new"), LATER_MS, chancery.pen("anna"))
    with pytest.raises(Refused) as twice:
        chancery.at(NOW_MS).sign(proposal.digest, chancery.pen("anna"))
    as_ben = msgspec.structs.replace(chancery.pen("anna"), signer="ben")
    with pytest.raises(Refused) as another:
        chancery.at(NOW_MS).sign(proposal.digest, as_ben)
    assert (twice.value.code, another.value.code) == ("promotion.same_signer", "promotion.unknown_signer")


@pytest.mark.parametrize("takes_effect_ms", [NOW_MS - 1, NOW_MS, NOW_MS + 59_999])
def test_an_instant_that_is_past_or_too_near_is_refused(
    takes_effect_ms: int, chancery: Chancery, tmp_path: Path
) -> None:
    with pytest.raises(Refused) as caught:
        chancery.at(NOW_MS).propose(another_bundle(tmp_path / "new"), takes_effect_ms, chancery.pen("anna"))
    assert caught.value.code == "promotion.too_near"


def test_a_second_signature_that_comes_too_late_is_refused(chancery: Chancery, tmp_path: Path) -> None:
    proposal = chancery.at(NOW_MS).propose(another_bundle(tmp_path / "new"), LATER_MS, chancery.pen("anna"))
    with pytest.raises(Refused) as caught:
        chancery.at(LATER_MS - 1).sign(proposal.digest, chancery.pen("ben"))
    assert caught.value.code == "promotion.too_near"


def test_what_was_proposed_before_another_promotion_is_proposed_anew(chancery: Chancery, tmp_path: Path) -> None:
    waiting = chancery.at(NOW_MS).propose(another_bundle(tmp_path / "a"), LATER_MS + 9, chancery.pen("anna"))
    chancery.promoted(another_bundle(tmp_path / "b", "ngo-b"), LATER_MS, NOW_MS)
    with pytest.raises(Refused) as caught:
        chancery.at(NOW_MS).sign(waiting.digest, chancery.pen("ben"))
    assert caught.value.code == "promotion.overtaken"
    again = chancery.promoted(tmp_path / "a" / "policy", LATER_MS + 9, NOW_MS)
    assert chancery.policies().at(LATER_MS + 9).digest == again.digest


def test_a_bundle_that_is_wrong_is_not_kept(chancery: Chancery, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    with pytest.raises(Broken):
        chancery.at(NOW_MS).propose(wrong, LATER_MS, chancery.pen("anna"))
    assert chancery.store.digests() == (load(SAMPLE).digest,)


def the_promotion(chancery: Chancery) -> tuple[Path, Promotion]:
    (file,) = (chancery.folder / "policy" / "promotions").glob("*.json")
    return file, msgspec.json.decode(file.read_bytes(), type=Promotion)


def rewritten(file: Path, promotion: Promotion) -> None:
    file.unlink()
    (file.parent / f"{promotion.name}.json").write_bytes(msgspec.json.encode(promotion))


@pytest.mark.parametrize(
    "change",
    [
        {"takes_effect_ms": NOW_MS + 1},
        {"after": "another"},
        {"signatures": ()},
        {"signatures": (Signature(signer="anna", signature="AAAA"), Signature(signer="ben", signature="not base64"))},
    ],
)
def test_a_store_that_somebody_wrote_in_is_refused(
    change: dict[str, object], chancery: Chancery, tmp_path: Path
) -> None:
    chancery.promoted(another_bundle(tmp_path / "new"), LATER_MS, NOW_MS)
    file, promotion = the_promotion(chancery)
    rewritten(file, msgspec.structs.replace(promotion, **change))
    with pytest.raises(Broken) as caught:
        chancery.policies()
    assert caught.value.code == "promotion.tampered"


def test_a_signature_of_one_whom_nobody_trusts_any_more_does_not_count(chancery: Chancery, tmp_path: Path) -> None:
    chancery.promoted(another_bundle(tmp_path / "new"), LATER_MS, NOW_MS)
    keys = {"anna": chancery.trust().signer["anna"].public_key, "carla": new_key(tmp_path / "carla.pem")}
    chancery.trust_file.write_text(trust_text(chancery.trust().first, keys), "utf-8")
    with pytest.raises(Broken) as caught:
        chancery.policies()
    assert caught.value.code == "promotion.tampered"


def test_a_bundle_with_a_byte_changed_is_refused(chancery: Chancery, tmp_path: Path) -> None:
    made = chancery.promoted(another_bundle(tmp_path / "new"), LATER_MS, NOW_MS)
    with (chancery.folder / "policy" / "bundles" / made.digest / "bases.toml").open("a") as file:
        file.write("# one more line\n")
    with pytest.raises(Broken) as caught:
        chancery.policies()
    assert caught.value.code == "promotion.damaged"


def test_two_names_with_one_key_are_no_two_people(chancery: Chancery) -> None:
    key = chancery.trust().signer["anna"].public_key
    chancery.trust_file.write_text(trust_text(chancery.trust().first, {"anna": key, "ben": key}), "utf-8")
    with pytest.raises(Broken, match="one key for anna and ben"):
        chancery.trust()


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_running_worker_learns_of_a_promotion_and_halts_where_one_vanishes(
    chancery: Chancery, tmp_path: Path
) -> None:
    clock = Clock()
    rules = StoredPolicies(chancery.store, chancery.trust(), clock)
    made = chancery.promoted(another_bundle(tmp_path / "new"), LATER_MS, NOW_MS)
    assert rules.at(LATER_MS).digest != made.digest, "it looks once a second"
    clock.seconds += LOOK_SECONDS
    assert rules.at(LATER_MS).digest == made.digest
    the_promotion(chancery)[0].unlink()
    clock.seconds += LOOK_SECONDS
    with pytest.raises(Broken) as caught:
        rules.at(LATER_MS)
    assert caught.value.code == "promotion.vanished"


def test_members_of_a_promoted_bundle_have_topics_before_its_instant(chancery: Chancery, tmp_path: Path) -> None:
    new = another_bundle(tmp_path / "new")
    members = (new / "members.toml").read_text("utf-8").replace("[de-hotline-c]", "[de-hotline-d]")
    (new / "members.toml").write_text(members, "utf-8")
    (new / "profiles" / "de-hotline-c.toml").rename(new / "profiles" / "de-hotline-d.toml")
    chancery.promoted(new, LATER_MS, NOW_MS)
    rules = chancery.policies()
    before, after = topics_of(rules.from_now_on(NOW_MS)), topics_of(rules.from_now_on(LATER_MS))
    assert {"de-hotline-c", "de-hotline-d"} <= {one.member_id for one in before}
    assert "de-hotline-c" not in {one.member_id for one in after}


def test_a_plain_folder_is_one_bundle_for_all_time_and_a_store_needs_somebody_to_trust(chancery: Chancery) -> None:
    assert isinstance(policies(SAMPLE), OnePolicy)
    with pytest.raises(Broken) as caught:
        policies(chancery.folder / "policy")
    assert caught.value.code == "promotion.no_trust"
    assert policies(chancery.folder / "policy", chancery.trust_file).at(NOW_MS).digest == load(SAMPLE).digest


def test_the_last_promotion_is_missed_also_where_it_was_taken_while_all_processes_were_down(
    chancery: Chancery, tmp_path: Path
) -> None:
    chancery.promoted(another_bundle(tmp_path / "new"), LATER_MS, NOW_MS)
    remembered = chancery.policies().promoted(NOW_MS)
    chancery.policies().require(remembered)
    file = the_promotion(chancery)[0]
    kept = file.read_bytes()
    file.unlink()
    with pytest.raises(Broken) as caught:
        chancery.policies().require(remembered)
    assert (caught.value.code, file.stem in str(caught.value)) == ("promotion.gone", True)
    ((name, said),) = remembered.items()
    assert (name, msgspec.json.decode(said)) == (file.stem, msgspec.json.decode(kept)), "it can be restored from there"


def test_promotions_of_another_store_and_words_that_nobody_signed_are_not_missed(
    chancery: Chancery, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = a_chancery(tmp_path / "other")
    other.promoted(another_bundle(tmp_path / "new"), LATER_MS, NOW_MS)
    chancery.policies().require({**other.policies().promoted(NOW_MS), "x": b"no promotion", "y": b"{}"})
    OnePolicy(load(SAMPLE)).require(other.policies().promoted(NOW_MS))
