"""The memory of a bundle: asked once, bounded, and never another bundle's."""

from tests.builders.policy import a_bundle
from tocsin.policy.memory import Memory


def test_the_same_question_is_asked_once() -> None:
    memory, asked = Memory(), list[str]()
    answers = [memory.recall("key", lambda: asked.append("key") or 7) for _ in range(3)]  # type: ignore[func-returns-value]  # append gives None
    assert (answers, asked) == ([7, 7, 7], ["key"])


def test_an_answer_may_be_nothing() -> None:
    memory, asked = Memory(), list[int]()
    for _ in range(2):
        assert memory.recall("key", lambda: asked.append(1)) is None
    assert asked == [1]


def test_it_is_bounded() -> None:
    memory = Memory(most=2)
    for number in range(5):
        assert memory.recall(number, lambda number=number: number) == number  # type: ignore[misc]  # a default binds the number
    assert len(memory) <= 2


def test_a_changed_bundle_remembers_nothing_of_the_one_it_came_from() -> None:
    bundle = a_bundle()
    bundle.memory.recall("key", lambda: 1)
    assert a_bundle(digest="another").memory is not bundle.memory
