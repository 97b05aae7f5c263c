"""The measure of urgent recall is honest: nothing that is decided from says what is true, and it can fail."""

from random import Random

from msgspec.structs import replace

from processors.steps.prioritise.signals import Facts
from producers.generator.generating import Order, generate
from producers.generator.parameters import Parameters
from schemas.records.identifiers import MemberId
from tests.evaluation.generator_truth import NOW_MS, Figures, Ranked, figures, ranked

ORDER = Order(count=3_000, members=(MemberId("plat-a"),), prefix="t", now_ms=NOW_MS)


def test_no_report_says_what_is_true_of_it() -> None:
    """The keys of the truth that a report has as well are what its submitter saw, noise included."""
    for one in generate(ORDER, Parameters(), 3):
        assert not one.content.keys() & {"case", "kind", "urgent", "known", "bad", "truth"}
        assert "truth" not in str(one.content)


def test_the_rules_are_given_facts_and_no_truth() -> None:
    assert not set(Facts.__struct_fields__) & {"truth", "urgent"}


def test_a_false_alarm_is_written_as_a_true_one() -> None:
    made = list(generate(ORDER, Parameters(urgent=0.1, over_escalated=0.1), 3))
    codes = {
        is_urgent: {
            one.content["escalation"]["reason_code"] for one in made if _escalated(one.content, one.truth, is_urgent)
        }
        for is_urgent in (True, False)
    }
    assert codes[True] == codes[False] != set()


def _escalated(content: dict[str, object], truth: dict[str, object], is_urgent: bool) -> bool:
    return "escalation" in content and truth["urgent"] is is_urgent


def test_recall_falls_where_the_truth_is_another() -> None:
    world = ranked(4_000, 5)
    assert sum(world.urgent) >= 3
    shuffled = list(world.urgent)
    Random(1).shuffle(shuffled)  # noqa: S311  # the same shuffle every time
    assert Ranked(urgent=tuple(shuffled)).found() < world.found()


def test_a_target_that_is_missed_is_said() -> None:
    held = Figures(reports=1_000, urgent=20, found=19, duplicates=300, seen=300, rightly_seen=300)
    assert held.holds()
    assert not replace(held, found=18).holds()
    assert not replace(held, seen=301).holds(), "one that is new is called seen"
    assert not replace(held, duplicates=301).holds(), "one that was seen is called new"


def test_one_world_holds_the_target() -> None:
    assert figures(4_000, (5,)).holds()
