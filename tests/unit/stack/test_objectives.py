"""The file of promises says one thing to whoever reads it, or is refused."""

import pytest

from schemas.failures import Broken
from tocsin.stack.objectives import FILE, FOLDER, whole

GOOD = FILE.read_text("utf-8")
BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
)
"""Ten lines that stand for ten thousand million values."""


def refused(text: str) -> str:
    with pytest.raises(Broken) as broken:
        whole(text.encode())
    assert broken.value.code == "promises.unreadable"
    return str(broken.value)


def test_it_is_the_file_that_the_issue_names_and_prometheus_does_not_take_it_for_rules() -> None:
    assert FILE.name == "slo.yaml"
    assert "slo.yaml" not in {file.name for file in FOLDER.glob("*.yml")}
    assert {one.tier for one in whole(GOOD.encode()).objectives} == {"URGENT", "HIGH", "NORMAL", "LOW"}


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("records: 0", "records: 0\n  kept: 1", "unknown field `kept`"),
        ("records: 0", "", "Expected `object`, got `null`"),
        ("rounds: 3", "rounds: 3\n  rounds: 4", "a key twice"),
        ("rounds: 3", "rounds: three", "Expected `int`, got `str` - at `$.canary.rounds`"),
        ("rounds: 3", "rounds: '3'", "Expected `int`, got `str`"),
        ("rounds: 3", "rounds: 3.5", "Expected `int`, got `float`"),
        ("tier: URGENT", "tier: NO", "Expected `str`, got `bool`"),
        ("tier: URGENT", "tier: &urgent URGENT\n    step: *urgent", "an alias"),
        ("records: 0", "records: !!python/name:os.system", "could not determine a constructor"),
        ("canary:", "? [1, 2]\n: 3\ncanary:", "unhashable"),
    ],
)
def test_what_it_cannot_mean_is_refused_and_named(was: str, becomes: str, said: str) -> None:
    assert was in GOOD
    assert said in refused(GOOD.replace(was, becomes, 1))


@pytest.mark.parametrize("text", ["", "[]", "objectives", "\x00", "a: b: c", "---\na: 1\n---\nb: 1", "[" * 100_000])
def test_what_is_no_such_file_at_all_is_refused(text: str) -> None:
    refused(text)


@pytest.mark.timeout(5)
def test_a_few_lines_that_stand_for_millions_of_values_are_refused_at_once() -> None:
    assert "an alias" in refused(f"{GOOD}\n{BOMB}")


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(Broken):
        whole(b"\xff\xfe\x00")
