"""Which policy a process uses, and since when, as a scrape sees it: one series, replaced when another is in force."""

from msgspec.structs import replace

from processors.watching import PolicyWatch
from tests.builders.scrapes import faults_of
from tocsin.policy.bundle import SAMPLE, Bundle, load
from tocsin.policy.policies import OnePolicy
from tocsin.runtime.families import POLICY_PARTS
from tocsin.runtime.metrics import REGISTRY


class TwoPolicies(OnePolicy):
    """One until an instant, another from then on."""

    def __init__(self, before: Bundle, after: Bundle, from_ms: int) -> None:
        super().__init__(before)
        self._after, self._from_ms = after, from_ms

    def at(self, at_ms: int) -> Bundle:
        return self._after if at_ms >= self._from_ms else super().at(at_ms)


def told() -> list[dict[str, str]]:
    return [
        sample.labels for metric in REGISTRY.collect() if metric.name == "tocsin_policy" for sample in metric.samples
    ]


def since() -> float | None:
    return REGISTRY.get_sample_value("tocsin_policy_in_force_timestamp_seconds")


def test_a_promotion_that_takes_effect_replaces_what_is_told_of_the_policy() -> None:
    before = load(SAMPLE)
    after = replace(before, digest="f" * 64)
    watch = PolicyWatch(TwoPolicies(before, after, from_ms=9_000))
    watch(1_000)
    assert told() == [{"digest": before.digest[:12], **before.policy_version().parts}]
    watch(8_000)
    assert since() == 1
    watch(10_000)
    assert told() == [{"digest": "f" * 12, **before.policy_version().parts}]
    assert since() == 10
    assert not list(faults_of(metric for metric in REGISTRY.collect() if metric.name == "tocsin_policy"))


def test_the_parts_that_are_told_are_those_that_a_bundle_has() -> None:
    assert set(load(SAMPLE).policy_version().parts) == set(POLICY_PARTS)
